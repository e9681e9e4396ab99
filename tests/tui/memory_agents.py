"""Agents in memory: processes that do what the test tells them to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from flowtui.agents.events import (
    AgentDied,
    AgentEnd,
    AgentEvent,
    AgentGaveUp,
    AgentLine,
    AgentPreparing,
    AgentReady,
    AgentStarted,
    AgentStopped,
)
from flowtui.agents.outlook import Outlook
from flowtui.agents.spec import AgentSpec
from flowtui.deploy.events import Level
from flowtui.workspace import Workspace


class MemoryAgent:
    """What `agents.supervision.AgentProcess` is to the app."""

    def __init__(self, spec: AgentSpec, tell: Callable[[AgentEvent], None], pid: int) -> None:
        self.spec, self.tell, self.pid = spec, tell, pid
        self.stops: list[bool] = []
        """Each time it was asked to stop: whether at once."""
        self.obedient = True
        """It ends when it is asked to; otherwise only at once."""
        self._end: asyncio.Future[AgentEnd] = asyncio.get_running_loop().create_future()

    async def run(self) -> AgentEnd:
        end = await self._end
        self.tell(end)
        return end

    def stop(self, *, at_once: bool = False) -> None:
        self.stops.append(at_once)
        if self.obedient or at_once:
            self._ends(AgentStopped())

    def prepares(self, text: str) -> None:
        self.tell(AgentPreparing(text=text))

    def starts(self, attempt: int = 1) -> None:
        self.tell(
            AgentStarted(
                pid=self.pid,
                prefect="1.4.1",
                python="/project/.venv/bin/python",
                api_url="http://127.0.0.1:4999",
                attempt=attempt,
            )
        )

    def gets_ready(self) -> None:
        self.starts()
        self.tell(AgentReady(pid=self.pid))

    def says(self, text: str, level: Level = Level.INFO) -> None:
        self.tell(AgentLine(text=text, level=level))

    def dies(self, reason: str, *, restart_in: float, at: float) -> None:
        self.tell(AgentDied(status=1, reason=reason, restart_in=restart_in, at=at))

    def gives_up(self, what: str, fix: str = "") -> None:
        self._ends(AgentGaveUp(what=what, fix=fix))

    def _ends(self, end: AgentEnd) -> None:
        if not self._end.done():
            self._end.set_result(end)


class MemoryAgents:
    """Put in the place of real ones by `app.agents.make = …` and `app.agents.foresee = …`."""

    def __init__(self) -> None:
        self.made: list[MemoryAgent] = []
        self.outlook = Outlook("Prefect 1.4.1 of the project's .venv", "http://172.17.0.1:4999")
        self.foreseen: list[AgentSpec] = []

    def make(
        self, workspace: Workspace, spec: AgentSpec, tell: Callable[[AgentEvent], None]
    ) -> MemoryAgent:
        made = MemoryAgent(spec, tell, 4711 + len(self.made))
        self.made.append(made)
        return made

    async def foresee(self, workspace: Workspace, spec: AgentSpec) -> Outlook:
        self.foreseen.append(spec)
        return self.outlook
