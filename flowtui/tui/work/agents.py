"""Agents: those that this app runs, and what the control plane tells of all of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from textual.worker import Worker

from flowtui.agents.events import AgentEvent, AgentGaveUp, AgentReady, AgentStopped
from flowtui.agents.kinds import AgentKind
from flowtui.agents.session import flow_processes, worker_processes
from flowtui.agents.spec import AgentSpec
from flowtui.agents.takers import takers
from flowtui.agents.waiting import PREFETCH
from flowtui.errors import FlowtuiError
from flowtui.models import Ability
from flowtui.quantities import counted
from flowtui.run_models import FlowRun
from flowtui.tui import clock
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part
from flowtui.tui.view_models.agents import UNDER_WAY, WAITING_STATES, OwnAgent, RunQueue
from flowtui.workspace import Workspace

if TYPE_CHECKING:
    from flowtui.agents.outlook import Outlook
    from flowtui.tui.app import FlowtuiApp

_EVERY = 5.0
"""Seconds between two looks, while somebody looks."""
_MOST_WAITING, _MOST_LATER, _MOST_RUNNING = 200, 20, 200
"""Runs that are read: due ones, the next ones after them, those under way."""
_COUNT_LIMIT = 3.0
"""Seconds that finding out what an agent has under way may take."""
_LAST_SECONDS = 5.0
"""To end agents that did not stop when they were asked."""


class Process(Protocol):
    """`agents.supervision.AgentProcess`."""

    def stop(self, *, at_once: bool = False) -> None: ...

    async def run(self) -> object: ...


Tell = Callable[[AgentEvent], None]
Make = Callable[[Workspace, AgentSpec, Tell], Process]
"""`agents.preparing.agent_process`."""
Foresee = Callable[[Workspace, AgentSpec], Awaitable["Outlook"]]
"""`agents.outlook.outlook`."""


class Agents:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app
        self._processes: dict[str, Process] = {}
        """By key, until they have ended."""
        self._workers: dict[str, Worker[None]] = {}
        self._looking = False
        self._started = 0
        self.make: Make | None = None
        """What a test puts in the place of a real agent."""
        self.foresee: Foresee | None = None

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.AgentTold: self._told,
            msg.AgentsListed: self._listed,
            msg.AgentsFailed: self._failed,
            msg.AgentRunsCounted: self._runs_counted,
        }

    # ------------------------------------------------------------------------------ what there is

    def look(self) -> None:
        """Read agents and runs now, and go on until `leave`."""
        app, workspace = self._app, self._app.session.workspace
        self._looking = True
        if workspace is None or Ability.TELL_AGENTS not in app.session.abilities:
            return

        async def job() -> None:
            while True:
                try:
                    app.post_message(msg.AgentsListed(await _queue(workspace)))
                except FlowtuiError as error:
                    app.post_message(msg.AgentsFailed(error.problem))
                await asyncio.sleep(_EVERY)

        app.begin(job, group="agents", description="looking at the agents", counts=False)

    def leave(self) -> None:
        """Nobody looks any more."""
        self._looking = False
        self._app.cancel_group("agents")

    def _listed(self, message: msg.AgentsListed) -> None:
        book = self._app.session.agents
        if message.queue != book.queue or book.problem is not None:
            book.queue, book.problem = message.queue, None
            self._app.changed(Part.AGENTS)

    def _failed(self, message: msg.AgentsFailed) -> None:
        book = self._app.session.agents
        if message.problem != book.problem:
            book.problem = message.problem
            self._app.changed(Part.AGENTS)

    # -------------------------------------------------------------------------------- starting one

    async def outlook(self, spec: AgentSpec) -> Outlook | None:
        """What this agent would run in and work for; nothing is started."""
        from flowtui.agents.outlook import outlook

        workspace = self._app.session.workspace
        return await (self.foresee or outlook)(workspace, spec) if workspace is not None else None

    def wanted_name(self, kind: AgentKind) -> str:
        """The folder's name and the kind; with a number where there is such an agent."""
        workspace = self._app.session.workspace
        folder = workspace.root.name if workspace is not None else ""
        words = re.sub(r"[^\w.-]+", "-", folder).strip("-.") or "flowtui"
        return self._app.session.agents.free_name(f"{words}-{kind}")

    def start(self, spec: AgentSpec) -> None:
        from flowtui.agents.preparing import agent_process

        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return
        self._started += 1
        key = f"agent-{self._started}"
        own = OwnAgent(key, spec, workspace.profile.api_url, clock.seconds())

        def tell(event: AgentEvent) -> None:
            app.post_message(msg.AgentTold(key, event))

        process = (self.make or agent_process)(workspace, spec, tell)

        async def job() -> None:
            try:
                await process.run()
            finally:
                self._processes.pop(key, None)

        app.session.agents.own[key] = own
        self._processes[key] = process
        app.changed(Part.AGENTS)
        self._workers[key] = app.begin(
            job, group=f"agent:{key}", description=f"the agent {own.name}", counts=False
        )

    def start_again(self, own: OwnAgent) -> None:
        """One that ended, in the place of what is left of it."""
        self.forget(own)
        self.start(own.spec)

    def forget(self, own: OwnAgent) -> None:
        """Take one that has ended off the list."""
        if own.ended and self._app.session.agents.own.pop(own.key, None) is not None:
            self._workers.pop(own.key, None)
            self._app.changed(Part.AGENTS)

    def _told(self, message: msg.AgentTold) -> None:
        app, event = self._app, message.event
        own = app.session.agents.own.get(message.key)
        if own is None or not own.apply(event):
            return
        app.changed(Part.AGENTS)
        if isinstance(event, AgentGaveUp):
            app.say_problem(own.problem or app.session.agents.problems()[-1])
        if isinstance(event, AgentStopped) and event.flow_runs_left:
            runs = counted(event.flow_runs_left, "run")
            app.say(f"The agent {own.name} has stopped; {runs} of it go on by themselves.")
        if isinstance(event, AgentReady | AgentStopped | AgentGaveUp) and self._looking:
            self.look()

    # ------------------------------------------------------------------------------------ stopping

    def stop(self, own: OwnAgent) -> None:
        """Stop one; asks first when it has runs under way. A second time does not wait for it."""
        process = self._processes.get(own.key)
        if process is None:
            return
        # A worker that is asked once harms no run; asked twice it ends those that it has.
        if own.pid is None or own.asked_twice is not own.spec.is_worker:
            self._stop(own)
            return
        self._count((own,), leaving=False)

    def _stop(self, own: OwnAgent) -> None:
        process = self._processes.get(own.key)
        if process is not None:
            process.stop(at_once=own.asked_twice)
        own.asked_to_stop()
        self._app.changed(Part.AGENTS)

    def look_before_leaving(self) -> None:
        """Find out what our agents have under way; `app.confirm_leaving` hears of it."""
        self._count(self._app.session.agents.alive, leaving=True)

    def _count(self, agents: Collection[OwnAgent], *, leaving: bool) -> None:
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return
        counts = {AgentKind.LOCAL: flow_processes, AgentKind.PROCESS: worker_processes}
        pids = [
            (counts[own.spec.kind], own.pid)
            for own in agents
            if own.spec.kind in counts and own.pid is not None
        ]

        async def job() -> None:
            processes = [len(await asyncio.to_thread(count, pid)) for count, pid in pids]
            count: int | None = sum(processes)
            try:
                async with asyncio.timeout(_COUNT_LIMIT):
                    queue = await _queue(workspace)
                    count = _counted(agents, queue, sum(processes))
            except (TimeoutError, FlowtuiError):
                count = count or None
            keys = tuple(own.key for own in agents)
            app.post_message(msg.AgentRunsCounted(keys, count, leaving))

        app.begin(job, group="agent-runs", description="looking at what the agents run")

    def _runs_counted(self, message: msg.AgentRunsCounted) -> None:
        app = self._app
        if message.leaving:
            app.confirm_leaving(message.count)
            return
        for key in message.keys:
            own = app.session.agents.own.get(key)
            if own is not None and message.count == 0:
                self._stop(own)
            elif own is not None:
                self._confirm_stop(own, message.count)

    def _confirm_stop(self, own: OwnAgent, count: int | None) -> None:
        from flowtui.tui.screens.dialogs import ConfirmDialog

        def answered(yes: bool | None) -> None:
            if yes:
                self._stop(own)

        if own.spec.is_worker:
            self._confirm_end(own, count, answered)
            return
        if count is None:
            what = "The control plane does not tell whether it has runs under way. Such runs"
        else:
            what = f"It has {counted(count, 'run')} under way. {'It' if count == 1 else 'They'}"
        text = (
            f"{what} would go on to the end by {'itself' if count == 1 else 'themselves'}; new "
            "runs are not picked up any more."
        )
        title = f"Stop the agent “{own.name}”?"
        self._app.push_screen(ConfirmDialog(title, text, yes="Stop it", no="Keep it"), answered)

    def _confirm_end(
        self, own: OwnAgent, count: int | None, answered: Callable[[bool | None], None]
    ) -> None:
        from flowtui.tui.screens.dialogs import ConfirmDialog

        runs = counted(count, "run") if count is not None else "the runs that it has"
        text = (
            f"It waits for the end of {runs}. Their processes are asked to end now, and their "
            "state becomes Crashed; containers go on by themselves."
        )
        title = f"End the worker “{own.name}” at once?"
        self._app.push_screen(ConfirmDialog(title, text, yes="End it", no="Wait"), answered)

    def ask_all_to_stop(self) -> None:
        """The app is leaving: `end` waits for them."""
        self.leave()
        for process in self._processes.values():
            process.stop()

    async def end(self, patience: float) -> None:
        """Returns when none of our agents is left: after `patience` seconds they are ended."""
        workers = [worker for worker in self._workers.values() if not worker.is_finished]
        if not workers:
            return
        waiting = asyncio.gather(*(worker.wait() for worker in workers), return_exceptions=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), patience)
        for process in self._processes.values():
            process.stop(at_once=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(waiting, _LAST_SECONDS)


def _counted(agents: Collection[OwnAgent], queue: RunQueue, processes: int) -> int | None:
    """Runs of these agents, None where the control plane does not tell whose runs are whose."""
    ids = {agent.id for agent in queue.agents if any(own.is_agent(agent) for own in agents)}
    if queue.under_way and not any(run.agent_id for run in queue.under_way):
        return processes or None
    return max(sum(run.agent_id in ids for run in queue.under_way), processes)


async def _queue(workspace: Workspace) -> RunQueue:
    plane = workspace.control_plane
    soon = clock.now() + PREFETCH
    known = await takers(plane, workspace.abilities)
    due: tuple[FlowRun, ...] = await plane.flow_runs(
        states=WAITING_STATES, planned_until=soon, limit=_MOST_WAITING
    )
    later = await plane.flow_runs(states=WAITING_STATES, planned_after=soon, limit=_MOST_LATER)
    under_way = await plane.flow_runs(
        states=UNDER_WAY, planned_until=soon + timedelta(days=1), limit=_MOST_RUNNING
    )
    return RunQueue(known.agents, (*due, *later), under_way, len(due) == _MOST_WAITING, known.pools)
