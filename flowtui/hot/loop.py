"""Carries out what `decide` says: looks at the disk, deploys, cancels, connects again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Protocol

from flowtui.deploy.events import DeployFinished, Event, Outcome, ProblemFound, Stage, StageStarted
from flowtui.errors import ControlPlaneError, ExitCode, FlowtuiError, our_fault
from flowtui.hot import state as hot
from flowtui.hot.decide import (
    Connect,
    Deploy,
    Hold,
    LookAtDisk,
    Supersede,
    Why,
    next_steps,
)
from flowtui.hot.events import (
    Deployed,
    Failed,
    Held,
    HotEvent,
    Saved,
    Started,
    Superseded,
    Watching,
)
from flowtui.hot.locks import HotLocks
from flowtui.hot.looking import look_at
from flowtui.hot.state import HotFlow, HotState, Look, Save
from flowtui.models import LocalFlow, Problem
from flowtui.workspace import Workspace

_LOCK_AGAIN = 5.0
"""Seconds between two looks whether another flowtui still has a flow."""
_TOLD = frozenset({Why.ELSEWHERE, Why.BROKEN, Why.REGISTERING, Why.NOT_CONNECTED, Why.TURN})
"""Holds worth an event: what another event says, or what is over in a moment, is not."""


class DeployOne(Protocol):
    """How a flow is deployed: `Workspace.deploy`, or through the app's list of deploys."""

    async def __call__(self, flow: LocalFlow, emit: Callable[[Event], None]) -> DeployFinished: ...


class HotLoop:
    """Redeploys the hot flows of one workspace until `run` is cancelled."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        owner: str,
        tell: Callable[[HotEvent], None],
        deploy: DeployOne,
        connect: Callable[[], Awaitable[object]] | None = None,
        at_once: int = 1,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Coroutine[Any, Any, object]] = asyncio.sleep,
    ) -> None:
        """`owner` is what another flowtui is told that wants the same flow.

        `connect` reaches the control plane again, or raises FlowtuiError.
        """
        self.state = HotState(at_once=at_once)
        self._workspace = workspace
        self._tell = tell
        self._deploy = deploy
        self._connect = connect or self._reach
        self._clock = clock
        self._pause = pause
        self._locks = HotLocks(workspace.root, owner)
        self._claimed: tuple[str, ...] = ()
        self._claim_at: float | None = None
        """When to look again whether another flowtui still has a flow."""
        self._changed = asyncio.Event()
        self._work: set[asyncio.Task[None]] = set()
        self._deploys: dict[str, asyncio.Task[None]] = {}
        self._holds: dict[str, Hold] = {}

    def mark(self, targets: tuple[str, ...]) -> None:
        """Exactly these flows are hot from now on."""
        self.state = hot.marked(self.state, targets)
        self._changed.set()

    def saved(self, paths: frozenset[str]) -> None:
        """Files of the folder were written or deleted; paths are relative to its root."""
        self.state = hot.saved(self.state, paths, self._clock())
        self._changed.set()

    def connection_changed(self) -> None:
        """The workspace was connected by its owner, or disconnected."""
        if self._workspace.connected:
            self.state = hot.connection_made(self.state)
        self._changed.set()

    async def follow(self, changes: AsyncIterator[frozenset[str]]) -> None:
        """Take saves from a watcher, until it ends."""
        async for paths in changes:
            self.saved(paths)

    async def run(self) -> None:
        """Until cancelled; then the deploys are cancelled too, and have cleaned up when it ends."""
        try:
            while True:
                self._changed.clear()
                await self._claim()
                self._notice_connection()
                decision = next_steps(self.state, self._clock())
                for step in decision.steps:
                    self._act(step)
                self._say_holds(dict(decision.holds))
                if not decision.steps:
                    await self._rest(decision.wake)
        finally:
            await self._end()

    async def _rest(self, wake: float | None) -> None:
        """Until something happens, or it is time to look again."""
        if self._claim_at is not None:
            wake = self._claim_at if wake is None else min(wake, self._claim_at)
        waiting: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._changed.wait())]
        if wake is not None:
            waiting.append(asyncio.ensure_future(self._pause(max(wake - self._clock(), 0.0))))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()

    async def _end(self) -> None:
        tasks = {*self._deploys.values(), *self._work}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._locks.release()

    # ------------------------------------------------------------------------------------ locks

    async def _claim(self) -> None:
        """Make the hot flows ours, or learn who has them."""
        now, targets = self._clock(), tuple(self.state.flows)
        due = self._claim_at is not None and self._claim_at <= now
        if targets == self._claimed and not due:
            return

        def take() -> dict[str, str]:
            self._locks.keep_only(targets)
            return {target: self._locks.take(target) for target in targets}

        try:
            found = await asyncio.to_thread(take)
        except OSError as error:
            found = dict.fromkeys(targets, f"no lock can be taken: {error}")
        for target, by in found.items():
            self.state = hot.taken(self.state, target, by)
        self._claimed = targets
        self._claim_at = now + _LOCK_AGAIN if any(found.values()) else None

    # ------------------------------------------------------------------------------------ steps

    def _act(self, step: LookAtDisk | Deploy | Supersede | Connect) -> None:
        match step:
            case LookAtDisk(paths):
                self.state = hot.look_begun(self.state, self._clock())
                self._begin(self._look(paths))
            case Deploy(target, flow, save):
                self.state = hot.deploy_begun(self.state, target)
                self._deploys[target] = asyncio.create_task(self._one(target, flow, save))
            case Supersede(target):
                self.state = hot.superseded(self.state, target)
                self._tell(Superseded(target=target, flow=self._name(target)))
                self._deploys[target].cancel()
            case Connect():
                self.state = hot.connecting(self.state)
                self._begin(self._connect_again())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _look(self, paths: frozenset[str]) -> None:
        targets = tuple(self.state.flows)
        try:
            looks = await asyncio.to_thread(look_at, self._workspace, targets)
        except Exception as error:  # noqa: BLE001  (a fault of ours must not lose a save)
            why = our_fault(error).problem.what
            looks = {target: Look(None, broken=why) for target in targets}
        before = self.state.flows
        self.state = hot.look_ended(self.state, looks)
        if any(before[target].look is None for target in looks if target in before):
            self._tell(Watching(targets=tuple(self.state.flows)))
        for target, flow in self.state.flows.items():
            self._say_saved(before.get(target), flow, paths)
        self._changed.set()

    async def _one(self, target: str, flow: LocalFlow, save: Save) -> None:
        """One deploy, from its save to what came of it."""
        problem: Problem | None = None
        began = self._clock()

        def emit(event: Event) -> None:
            nonlocal problem
            if isinstance(event, StageStarted) and event.stage is Stage.REGISTER:
                self.state = hot.registering(self.state, target)
            if isinstance(event, ProblemFound) and problem is None:
                problem = Problem(event.what, event.where, event.fix)

        self._tell(Started(target=target, flow=flow.display_name))
        outcome, reason, lost = Outcome.FAILED, "", False
        try:
            result = await self._deploy(flow, emit)
            outcome, reason = result.outcome, result.reason
            if outcome is Outcome.FAILED and result.exit_code == ExitCode.CONTROL_PLANE:
                lost = await self._is_lost()
            self._say_ended(target, flow, result, problem, began - save.at, lost=lost)
        except asyncio.CancelledError:
            outcome = Outcome.CANCELLED
            raise
        except Exception as error:  # noqa: BLE001  (the others stay hot whatever happens to one)
            found = (error if isinstance(error, FlowtuiError) else our_fault(error)).problem
            reason = found.what
            self._say_failed(target, flow, found, self._clock() - save.at)
        finally:
            self._deploys.pop(target, None)
            self.state = hot.deploy_ended(self.state, target, outcome, reason=reason, lost=lost)
            self._changed.set()

    async def _is_lost(self) -> bool:
        """Whether the control plane went away, or just refuses this deploy."""
        try:
            await self._workspace.control_plane.identify()
        except ControlPlaneError as error:
            why = error.problem.what
            self.state = hot.connection_lost(self.state, why, self._clock())
            return True
        except FlowtuiError:
            return False
        return False

    async def _reach(self) -> None:
        if self._workspace.connected:
            await self._workspace.control_plane.identify()
        else:
            await self._workspace.connect()

    async def _connect_again(self) -> None:
        try:
            await self._connect()
        except FlowtuiError as error:
            self.state = hot.connection_lost(self.state, error.problem.what, self._clock())
        else:
            self.state = hot.connection_made(self.state)
        self._changed.set()

    def _notice_connection(self) -> None:
        """The workspace may have been connected, or disconnected, by its owner."""
        if not self._workspace.connected and not self.state.lost:
            self.state = hot.connection_lost(self.state, "no control plane yet", self._clock())

    # ---------------------------------------------------------------------------------- telling

    def _name(self, target: str) -> str:
        flow = self.state.flows.get(target)
        look = flow.look if flow is not None else None
        if look is not None and look.flow is not None:
            return look.flow.display_name
        return target.rpartition(":")[2]

    def _say_saved(self, before: HotFlow | None, flow: HotFlow, paths: frozenset[str]) -> None:
        if before is None or before.look is None or flow.look is None or flow.elsewhere:
            return
        mine = hot.touched(before, flow.look, paths)
        new = flow.waiting is not None and flow.waiting is not before.waiting
        if mine or new:
            self._tell(
                Saved(
                    target=flow.target,
                    flow=self._name(flow.target),
                    paths=tuple(sorted(mine)),
                    many=len(paths) > hot.MANY,
                    unchanged=not new and not flow.look.broken,
                )
            )

    def _say_holds(self, holds: dict[str, Hold]) -> None:
        for target, hold in holds.items():
            if hold.why in _TOLD and self._holds.get(target) != hold:
                self._tell(
                    Held(target=target, flow=self._name(target), why=hold.why, words=hold.words)
                )
        self._holds = holds

    def _say_ended(
        self,
        target: str,
        flow: LocalFlow,
        result: DeployFinished,
        problem: Problem | None,
        waited: float,
        *,
        lost: bool,
    ) -> None:
        seconds = waited + result.seconds
        match result.outcome:
            case Outcome.DONE | Outcome.UNCHANGED | Outcome.SKIPPED:
                self._tell(
                    Deployed(
                        target=target,
                        flow=result.flow,
                        version=result.version,
                        label=result.label,
                        seconds=seconds,
                        unchanged=result.outcome is not Outcome.DONE,
                    )
                )
            case Outcome.FAILED if not lost:
                found = problem or Problem(result.reason or "it failed")
                self._say_failed(target, flow, found, seconds)
            case Outcome.CANCELLED:
                words = f"{result.reason or 'cancelled'}; the next save deploys it"
                self._tell(Held(target=target, flow=result.flow, why=Why.FAILED, words=words))
            case _:
                pass  # its save waits until the control plane answers again

    def _say_failed(self, target: str, flow: LocalFlow, problem: Problem, seconds: float) -> None:
        self._tell(Failed(target=target, flow=flow.display_name, problem=problem, seconds=seconds))
