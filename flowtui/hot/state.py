"""What is known of the hot flows, and how what happens changes it. Pure: no clock, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from flowtui.deploy.events import Outcome
from flowtui.models import LocalFlow

REST = 0.2
"""Seconds without a save that end a burst of saves."""
CAP = 10.0
"""Seconds after which a burst that does not end is looked at anyway."""
MANY = 200
"""More files than this at once are not named one by one: a checkout, a formatter."""
_RETRY_FIRST, _RETRY_LONGEST = 2.0, 60.0
"""Seconds between two tries to reach the control plane; doubled each time."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is on disk of one hot flow."""

    flow: LocalFlow | None
    """None when it is not there, or its file does not parse."""
    needs: frozenset[str] = frozenset()
    """Files and folders that it is made from, relative to the root: its file, what that imports,
    settings."""
    content: str = ""
    """A hash of all of them."""
    broken: str = ""
    """Why it cannot be deployed as it is, in words; empty when it can."""


@dataclass(frozen=True, slots=True)
class Save:
    """The latest save of what a flow is made from."""

    at: float
    since: float
    """The first save after what is deployed; equals `at` for a single one."""
    paths: tuple[str, ...]
    """Those that concern the flow, sorted."""
    many: bool = False
    """They were so many that none is worth naming."""


@dataclass(frozen=True, slots=True)
class Running:
    """A deploy of a hot flow that has not ended."""

    content: str
    save: Save
    registering: bool = False
    """Too late to call it back."""
    superseded: bool = False
    """It is being cancelled: a newer save takes its place."""


@dataclass(frozen=True, slots=True)
class HotFlow:
    target: str
    look: Look | None = None
    """None until it was looked at for the first time."""
    waiting: Save | None = None
    """A save that was neither deployed nor found to change nothing."""
    running: Running | None = None
    settled: str = ""
    """The content for which nothing is left to do: deployed, or there when it became hot."""
    failed: str = ""
    """Why the last deploy made no version; the next save tries again."""
    elsewhere: str = ""
    """Who else redeploys it on save; empty when nobody does."""
    leaving: bool = False
    """It is not hot any more; only its running deploy keeps it here."""


@dataclass(frozen=True, slots=True)
class Burst:
    """Saves that follow each other closely."""

    paths: frozenset[str]
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class HotState:
    """All that the decision what to do next depends on, the time aside."""

    flows: Mapping[str, HotFlow] = field(default_factory=dict[str, HotFlow])
    """By target."""
    at_once: int = 1
    """Deploys that may run at the same time."""
    burst: Burst | None = None
    looking: Burst | None = None
    """The burst whose files are being looked at."""
    unlooked: bool = False
    """A flow became hot: it has to be looked at, although nothing was saved."""
    lost: str = ""
    """Why the control plane does not answer; empty when it does."""
    connecting: bool = False
    retry_at: float = 0.0
    retry_after: float = _RETRY_FIRST

    @property
    def running(self) -> tuple[str, ...]:
        return tuple(target for target, flow in self.flows.items() if flow.running is not None)


# ------------------------------------------------------------------------------ what is hot, saved


def marked(state: HotState, targets: tuple[str, ...]) -> HotState:
    """Exactly these flows are hot from now on; what is known of those that stay is kept."""
    flows = {
        target: replace(state.flows.get(target, HotFlow(target)), leaving=False)
        for target in targets
    }
    for target, flow in state.flows.items():
        if target not in flows and flow.running is not None:
            # Its deploy goes on, and nothing follows it.
            flows[target] = replace(flow, waiting=None, leaving=True)
    unlooked = any(flow.look is None for flow in flows.values())
    return replace(state, flows=flows, unlooked=unlooked)


def taken(state: HotState, target: str, by: str) -> HotState:
    """Somebody else redeploys this flow on save (`by`, in words), or nobody does any more ("")."""
    flow = state.flows.get(target)
    if flow is None or flow.elsewhere == by:
        return state
    # What the other one deployed meanwhile is not known here: the next look starts anew.
    changed = HotFlow(target, running=flow.running, elsewhere=by)
    return replace(_with(state, changed), unlooked=state.unlooked or not by)


def saved(state: HotState, paths: frozenset[str], now: float) -> HotState:
    """Files were written or deleted. Those that no hot flow can be made from do not count."""
    paths = frozenset(path for path in paths if _may_concern(path, state))
    if not paths:
        return state
    before = state.burst
    burst = (
        Burst(paths, now, now) if before is None else Burst(before.paths | paths, before.first, now)
    )
    return replace(state, burst=burst)


# ------------------------------------------------------------------------------------------- looks


def look_begun(state: HotState, now: float) -> HotState:
    return replace(
        state, looking=state.burst or Burst(frozenset(), now, now), burst=None, unlooked=False
    )


def look_ended(state: HotState, looks: Mapping[str, Look]) -> HotState:
    """What is on disk now. Flows that were touched wait for their deploy, if anything changed."""
    burst = state.looking
    if burst is None:
        return state
    flows = dict(state.flows)
    for target, look in looks.items():
        if target in flows:
            flows[target] = _looked_at(flows[target], look, burst)
    unlooked = any(flow.look is None and not flow.elsewhere for flow in flows.values())
    return replace(state, flows=flows, looking=None, unlooked=unlooked)


def touched(flow: HotFlow, look: Look, paths: frozenset[str]) -> frozenset[str]:
    """Those of the paths that this flow is made from, as it is or as it was."""
    needs = look.needs | (flow.look.needs if flow.look is not None else frozenset[str]())
    return frozenset(path for path in paths if is_in(path, needs))


def is_in(path: str, needs: frozenset[str]) -> bool:
    """Whether a path is one of these, or lies in a folder that is."""
    if path in needs:
        return True
    return any(str(folder) in needs for folder in PurePosixPath(path).parents)


def _may_concern(path: str, state: HotState) -> bool:
    """Any Python file may be, or hide, a module that a flow imports."""
    if path.endswith(".py"):
        return bool(state.flows)
    looks = (flow.look for flow in state.flows.values())
    return any(look is None or is_in(path, look.needs) for look in looks)


def _looked_at(flow: HotFlow, look: Look, burst: Burst) -> HotFlow:
    if flow.look is None:
        deployed = flow.settled
        # It just became hot: what is there now is where saves are counted from.
        flow = replace(flow, look=look, settled=look.content if not look.broken else "")
        running = flow.running
        if look.broken:
            return flow
        # Begun before somebody else took the flow: it would leave an older save deployed.
        if running is not None and running.content != look.content:
            return replace(flow, waiting=flow.waiting or running.save)
        if running is None and deployed not in ("", look.content):
            save = Save(burst.last, burst.first, ())
            return replace(flow, settled=deployed, waiting=flow.waiting or save)
        return flow
    if look.flow is None:
        # What it imports is not known while it is broken: what it was made from still counts.
        look = replace(look, needs=look.needs | flow.look.needs)
    mine = touched(flow, look, burst.paths)
    if not mine and look.content == flow.look.content:
        return replace(flow, look=look)
    if flow.leaving:
        return replace(flow, look=look)
    since = flow.waiting.since if flow.waiting is not None else burst.first
    save = Save(burst.last, since, tuple(sorted(mine)), many=len(burst.paths) > MANY)
    return _unless_nothing_changed(replace(flow, look=look, waiting=save, failed=""))


def _unless_nothing_changed(flow: HotFlow) -> HotFlow:
    """A save that leads to what is deployed, or is being deployed, is through."""
    if flow.look is None or flow.look.broken or flow.waiting is None:
        return flow
    running = flow.running
    done = (
        flow.look.content == flow.settled
        if running is None
        else flow.look.content == running.content and not running.superseded
    )
    return replace(flow, waiting=None) if done else flow


# ----------------------------------------------------------------------------------------- deploys


def deploy_begun(state: HotState, target: str) -> HotState:
    """Its waiting save is being deployed."""
    flow = state.flows[target]
    if flow.look is None or flow.waiting is None or flow.running is not None:
        raise ValueError(f"{target} has nothing to deploy")
    running = Running(flow.look.content, flow.waiting)
    return _with(state, replace(flow, running=running, waiting=None, failed=""))


def registering(state: HotState, target: str) -> HotState:
    flow = state.flows.get(target)
    if flow is None or flow.running is None:
        return state
    return _with(state, replace(flow, running=replace(flow.running, registering=True)))


def superseded(state: HotState, target: str) -> HotState:
    flow = state.flows[target]
    if flow.running is None:
        return state
    return _with(state, replace(flow, running=replace(flow.running, superseded=True)))


def deploy_ended(
    state: HotState, target: str, outcome: Outcome, *, reason: str = "", lost: bool = False
) -> HotState:
    """`lost`: it failed because the control plane went away, so its save waits again."""
    flow = state.flows.get(target)
    if flow is None or flow.running is None:
        return state
    running = flow.running
    flow = replace(flow, running=None)
    if flow.leaving:
        rest = {key: each for key, each in state.flows.items() if key != target}
        return replace(state, flows=rest)
    if outcome in (Outcome.DONE, Outcome.UNCHANGED):
        flow = replace(flow, settled=running.content, failed="")
    elif lost:
        flow = replace(flow, waiting=flow.waiting or running.save)
    elif not running.superseded:
        flow = replace(flow, settled="", failed=reason or str(outcome))
    return _with(state, _unless_nothing_changed(flow))


# -------------------------------------------------------------------------------------- connection


def connection_lost(state: HotState, why: str, now: float) -> HotState:
    """The control plane does not answer; the next try comes after a pause that grows."""
    after = min(state.retry_after * 2, _RETRY_LONGEST)
    return replace(
        state,
        lost=why,
        connecting=False,
        retry_at=now + state.retry_after,
        retry_after=after,
    )


def connecting(state: HotState) -> HotState:
    return replace(state, connecting=True)


def connection_made(state: HotState) -> HotState:
    return replace(state, lost="", connecting=False, retry_at=0.0, retry_after=_RETRY_FIRST)


def _with(state: HotState, flow: HotFlow) -> HotState:
    return replace(state, flows={**state.flows, flow.target: flow})
