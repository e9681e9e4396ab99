"""Deploys made together: bounded, in order, and none stops another."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from flowtui.deploy import together as together_module
from flowtui.deploy.at_once import at_once
from flowtui.deploy.docker.shared_image import Wanted
from flowtui.deploy.events import Event, Outcome, Stage, StageStarted
from flowtui.deploy.together import Once, SharedImage, Together
from flowtui.deploy.under_way import Made, UnderWay
from flowtui.errors import DeployError, EngineError
from flowtui.models import FlowKind, LocalFlow
from tests.deploy.test_shared_image import spec


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


def flows(count: int) -> list[LocalFlow]:
    return [LocalFlow("etl.py", 1, f"etl{n}", FlowKind.FLOW_FUNCTION) for n in range(count)]


async def test_a_stage_begins_when_there_is_a_place_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together_module, "cores", lambda: 1)
    monkeypatch.setattr(together_module, "_LOADS", 1)
    together, events = Together(flows(2)), list[Event]()
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


def wanted(name: str, **more: Any) -> Wanted:
    return replace(Wanted(spec(name, f"{name}.py"), "registry.example.com/team"), **more)


async def test_what_is_shared_is_decided_when_all_have_a_plan() -> None:
    together = Together(flows(4))
    together.planned("a", wanted("a"))
    together.planned("b", wanted("b"))
    image = asyncio.create_task(together.image_of("a"))
    together.planned("failed")
    await asyncio.sleep(0)
    assert not image.done()
    together.planned("odd", wanted("odd", registry_url=None))
    shared = await image
    assert shared is not None
    assert [each.spec.flow_name for each in shared.wanted] == ["a", "b"]
    assert await together.image_of("b") is shared
    assert await together.image_of("odd") is None
    together.planned("a")
    assert await together.image_of("a") is shared


def test_an_entrypoint_of_several_deployments_is_looked_at_once() -> None:
    entrypoints = ("a.py:etl", "b.py:etl", "", "a.py:etl")
    wants = tuple(wanted("a", entrypoint=each) for each in entrypoints)
    assert SharedImage(wants).entrypoints == ("a.py:etl", "b.py:etl")


async def test_one_that_goes_on_from_an_earlier_deploy_is_not_waited_for() -> None:
    together = Together(flows(2))
    together.planned("a", wanted("a"))
    together.one_less()
    assert await together.image_of("a") is None


async def test_what_several_need_is_made_once() -> None:
    once, made = Once[int](), list[str]()

    async def make(name: str) -> int:
        made.append(name)
        await asyncio.sleep(0)
        return 7

    results = await asyncio.gather(*(once.result(partial(make, name)) for name in "abc"))
    assert (results, made) == ([7, 7, 7], ["a"])


async def test_what_failed_for_one_failed_for_all_and_is_not_tried_again() -> None:
    once, tried = Once[int](), list[str]()

    async def fail(name: str) -> int:
        tried.append(name)
        raise EngineError("the disk is full", fix="docker system prune")

    results = await asyncio.gather(
        *(once.result(partial(fail, name)) for name in "ab"), return_exceptions=True
    )
    assert [type(each) for each in results] == [EngineError, EngineError]
    assert {str(each) for each in results} == {str(results[0])}
    assert tried == ["a"]


async def test_when_the_first_is_cancelled_the_next_one_makes_it() -> None:
    once, forever = Once[str](), asyncio.Event()

    async def hang() -> str:
        await forever.wait()
        return "never"

    async def make() -> str:
        return "made"

    first = asyncio.create_task(once.result(hang))
    await asyncio.sleep(0)
    second = asyncio.create_task(once.result(make))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "made"
