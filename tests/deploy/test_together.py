"""Deploys made together: bounded, in order, and none stops another."""

from __future__ import annotations

import asyncio

import pytest

from flowtui.deploy import together as together_module
from flowtui.deploy.at_once import at_once
from flowtui.deploy.events import Event, Outcome, Stage, StageStarted
from flowtui.deploy.together import Together
from flowtui.deploy.under_way import Made, UnderWay
from flowtui.errors import DeployError


async def test_results_come_in_order_and_never_more_than_so_many_run() -> None:
    running = most = 0
    gates = [asyncio.Event() for _ in range(5)]
    told: list[int] = []

    async def work(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gates[number].wait()
        running -= 1
        return number

    task = asyncio.create_task(at_once(range(5), work, limit=2, ready=told.append))
    for number in (1, 0, 2, 3, 4):
        gates[number].set()
        await asyncio.sleep(0)
    assert await task == [0, 1, 2, 3, 4] == told
    assert most == 2


async def test_cancelled_it_waits_until_all_have_cleaned_up() -> None:
    cleaned: list[int] = []

    async def work(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(number)

    task = asyncio.create_task(at_once(range(3), work, limit=3))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(cleaned) == [0, 1, 2]


async def test_a_stage_begins_when_there_is_a_place_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together_module, "cores", lambda: 1)
    together, events = Together(), list[Event]()
    loaded = asyncio.Event()

    async def deploy(name: str) -> None:
        under_way = UnderWay(name, events.append, together.turn)

        async def stages() -> Made:
            async with under_way.stage(Stage.SERIALIZE):
                await loaded.wait()
                if name == "bad":
                    raise DeployError("it does not import")
            async with under_way.stage(Stage.REGISTER):
                return Made(Outcome.DONE)

        await under_way.carry_out(stages, target=name, project="p", api_url="u")

    tasks = [asyncio.create_task(deploy(name)) for name in ("bad", "good")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert [event.stage for event in events if isinstance(event, StageStarted)] == [Stage.SERIALIZE]
    loaded.set()
    await asyncio.gather(*tasks)
    outcomes = {e.flow: e.outcome for e in events if hasattr(e, "exit_code") and hasattr(e, "flow")}
    assert outcomes == {"bad": Outcome.FAILED, "good": Outcome.DONE}
