"""What to do next, and why everything else waits: a function of the state and the time alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from flowtui.hot.state import CAP, REST, Burst, HotFlow, HotState, Save, is_in
from flowtui.models import LocalFlow


@dataclass(frozen=True, slots=True)
class LookAtDisk:
    """Find out what the hot flows are made of now, and which of these files concern them."""

    paths: frozenset[str]


@dataclass(frozen=True, slots=True)
class Deploy:
    target: str
    flow: LocalFlow
    save: Save


@dataclass(frozen=True, slots=True)
class Supersede:
    """Cancel the flow's deploy: a newer save takes its place."""

    target: str


@dataclass(frozen=True, slots=True)
class Connect:
    """Try to reach the control plane again."""


Step: TypeAlias = LookAtDisk | Deploy | Supersede | Connect


class Why(StrEnum):
    """Why a flow is not deployed now."""

    ELSEWHERE = "elsewhere"
    BROKEN = "broken"
    SAVING = "saving"
    SUPERSEDING = "superseding"
    REGISTERING = "registering"
    NOT_CONNECTED = "not connected"
    TURN = "turn"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Hold:
    why: Why
    words: str
    """For a person: what it waits for."""


@dataclass(frozen=True, slots=True)
class Decision:
    steps: tuple[Step, ...]
    holds: Mapping[str, Hold]
    """By target: only flows that something keeps from being up to date."""
    wake: float | None = None
    """When to ask again although nothing happened; None when only a happening changes anything."""


def next_steps(state: HotState, now: float) -> Decision:
    """Decide. Raises nothing, changes nothing; asking twice gives the same."""
    steps: list[Step] = []
    holds: dict[str, Hold] = {}
    wakes: list[float] = []
    if state.looking is None:
        due = _look_due(state.burst, unlooked=state.unlooked, now=now)
        if due is not None and due <= now:
            steps.append(LookAtDisk(state.burst.paths if state.burst else frozenset()))
        elif due is not None:
            wakes.append(due)
    free = state.at_once - len(state.running)
    for flow in sorted(state.flows.values(), key=_turn):
        step, hold = _for_one(state, flow, free, now)
        if hold is not None:
            holds[flow.target] = hold
            if hold.why is Why.NOT_CONNECTED and not (state.connecting or state.running):
                if state.retry_at <= now:
                    steps += [Connect()] if Connect() not in steps else []
                else:
                    wakes.append(state.retry_at)
            if hold.why is Why.SAVING and flow.waiting and now < flow.waiting.since + CAP:
                wakes.append(flow.waiting.since + CAP)
        if isinstance(step, Deploy):
            free -= 1
        if step is not None:
            steps.append(step)
    return Decision(tuple(steps), holds, min(wakes, default=None))


def _look_due(burst: Burst | None, *, unlooked: bool, now: float) -> float | None:
    if burst is not None:
        return min(burst.last + REST, burst.first + CAP)
    return now if unlooked else None


def _turn(flow: HotFlow) -> tuple[float, str]:
    """First saved, first deployed."""
    return (flow.waiting.since if flow.waiting is not None else 0.0, flow.target)


def _for_one(
    state: HotState, flow: HotFlow, free: int, now: float
) -> tuple[Step | None, Hold | None]:
    if flow.elsewhere:
        return None, Hold(Why.ELSEWHERE, flow.elsewhere)
    look = flow.look
    if look is None:
        waits = Hold(Why.SAVING, "its files are looked at first")
        return None, waits if flow.waiting is not None else None
    if look.broken:
        return None, Hold(Why.BROKEN, look.broken)
    if flow.waiting is None or look.flow is None:
        if flow.failed and flow.running is None:
            return None, Hold(Why.FAILED, f"{flow.failed}; the next save tries again")
        return None, None
    if now < flow.waiting.since + CAP and _is_being_saved(state, flow):
        return None, Hold(Why.SAVING, "its files are still being saved")
    running = flow.running
    if running is not None and running.superseded:
        return None, Hold(Why.SUPERSEDING, "the deploy of the save before is being cancelled")
    if running is not None and running.registering:
        return None, Hold(Why.REGISTERING, "the save before is being registered")
    if running is not None:
        hold = Hold(Why.SUPERSEDING, "the deploy of the save before is being cancelled")
        return Supersede(flow.target), hold
    if state.lost:
        return None, Hold(Why.NOT_CONNECTED, f"not connected: {state.lost}; trying again")
    if free <= 0:
        others = ", ".join(_name(state, target) for target in state.running)
        return None, Hold(Why.TURN, f"waits for its turn: {others} is deploying")
    return Deploy(flow.target, look.flow, flow.waiting), None


def _is_being_saved(state: HotState, flow: HotFlow) -> bool:
    needs = flow.look.needs if flow.look is not None else frozenset[str]()
    return any(
        burst is not None and any(is_in(path, needs) for path in burst.paths)
        for burst in (state.burst, state.looking)
    )


def _name(state: HotState, target: str) -> str:
    look = state.flows[target].look
    return look.flow.display_name if look is not None and look.flow is not None else target
