"""The app on a deploy whose build log has 300 lines: `python -m tests.tui.log.app`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import flowtui.tui
from flowtui.deploy.events import DeployFinished, Event, Stage, log_line
from flowtui.models import DeployTable, Discovery, LocalFlow
from flowtui.tui.app import FlowtuiApp
from flowtui.tui.screens.deploy import DeployScreen
from flowtui.tui.view_models.deploys import Phase
from flowtui.workspace import Workspace
from tests.tui.memory import MemoryDeploy, MemoryWorkspace, flow

LINES = 300
_STYLES = Path(flowtui.tui.__file__).parent


class LoggingWorkspace(MemoryWorkspace):
    """Its deploys write a log and go on for ever."""

    async def deploy(
        self,
        flow: LocalFlow,
        emit: Callable[[Event], None],
        overrides: DeployTable | None = None,
        *,
        force: bool = False,
        push: bool = True,
        create_project: bool = False,
    ) -> DeployFinished:
        run = MemoryDeploy("id", flow, emit)
        run.start(Stage.BUILD)
        await self.write(run)
        await run.end.wait()
        raise AssertionError("it never ends by itself")

    async def write(self, run: MemoryDeploy) -> None:
        for number in range(LINES):
            run.emit(log_line(run.id, Stage.BUILD, f"line {number}"))


class LoggingApp(FlowtuiApp):
    """Opens the deploy of its only flow at once."""

    CSS_PATH = [str(_STYLES / name) for name in FlowtuiApp.CSS_PATH]  # noqa: RUF012

    def on_mount(self) -> None:
        super().on_mount()
        self.set_timer(0.01, self._deploy)

    def _deploy(self) -> None:
        session = self.session
        flows = [row.flow for row in session.rows or () if row.flow is not None]
        if not session.connected or not flows:
            self.set_timer(0.01, self._deploy)
            return
        record = next(iter(session.deploys), None) or self.deploying.plan(flows[0])
        if record.phase is not Phase.PLANNED:
            self.set_timer(0.01, self._deploy)
            return
        self.deploying.start(record)
        self.push_screen(DeployScreen(record.key))


def app_on(workspace: MemoryWorkspace) -> LoggingApp:
    workspace.server.add_project("My Project")
    workspace.found = Discovery(str(workspace.root), (flow("etl"),), (), 1)

    async def open_workspace(
        path: Path, *, profile: str | None = None, api_url: str | None = None
    ) -> Workspace:
        return workspace

    return LoggingApp(workspace.root, open_workspace=open_workspace)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(app_on(LoggingWorkspace(Path(folder))).run() or 0)


if __name__ == "__main__":
    main()
