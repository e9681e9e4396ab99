"""The app: it starts work, receives what happened as messages, and owns every change of state."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, Protocol, TypeAlias, cast

from rich.text import Text
from textual import on
from textual.app import App
from textual.binding import BindingType
from textual.command import Provider
from textual.screen import Screen
from textual.signal import Signal
from textual.worker import Worker, WorkerState

from flowtui.deploy.events import Event, LogLine, Outcome, Progress
from flowtui.errors import CredentialsError, FlowtuiError
from flowtui.models import FlowVersion, LocalFlow, Problem, Profile, Project
from flowtui.tui import crash, embedded
from flowtui.tui import messages as msg
from flowtui.tui.acting import Performs, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.busy import Busy, Ticket
from flowtui.tui.deploys import DeployRecord, Phase
from flowtui.tui.glyphs import glyphs_for_locale
from flowtui.tui.messages import Part
from flowtui.tui.palette import ActionProvider, FlowProvider, ProjectProvider
from flowtui.tui.screens.dialogs import ConfirmDialog
from flowtui.tui.screens.help import HelpScreen
from flowtui.tui.screens.main import MainScreen
from flowtui.tui.screens.viewer import ProblemsScreen
from flowtui.tui.session import Connection, Link, Session
from flowtui.tui.themes import DARK, LIGHT, OTHER_THEMES
from flowtui.tui.words import counted, plain_block
from flowtui.workspace import Workspace

Severity: TypeAlias = Literal["information", "warning", "error"]
Job: TypeAlias = Callable[[], Awaitable[None]]

_END_LIMIT = 10.0
"""Seconds that cancelled deploys get to clean up when the app ends."""


class OpenWorkspace(Protocol):
    """How the app gets its workspace: `Workspace.open`."""

    async def __call__(
        self, path: Path, *, profile: str | None = None, api_url: str | None = None
    ) -> Workspace: ...


class FlowtuiApp(Performs, App[int]):
    """The terminal control room."""

    TITLE = "flowtui"
    CSS_PATH = "app.tcss"
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.APP,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.APP)]
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {
        ActionProvider,
        FlowProvider,
        ProjectProvider,
    }
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-tight"),
        (72, "-normal"),
        (120, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-low"),
        (23, "-medium"),
        (36, "-tall"),
    ]
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        path: Path,
        *,
        profile: str | None = None,
        api_url: str | None = None,
        open_workspace: OpenWorkspace = Workspace.open,
    ) -> None:
        # Textual decides once, here, how NO_COLOR is done: without ansi it is shades of grey.
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        self.path = path
        self.session = Session()
        self.glyphs = glyphs_for_locale()
        self.busy = Busy(self._work_changed)
        self.server = embedded.EmbeddedServer()
        self.session_changed: Signal[Part] = Signal(self, "session_changed")
        self._wanted = (profile, api_url)
        self._open_workspace = open_workspace
        self._tickets: dict[str, Ticket] = {}
        self._deploy_workers: dict[str, Worker[None]] = {}
        self._discover_again = False
        self._discovering = False
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        if "TEXTUAL_THEME" not in os.environ:
            self.theme = "ansi-dark" if os.environ.get("NO_COLOR") else DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The names that only flowtui's own themes have, for every other theme."""
        return OTHER_THEMES

    def get_default_screen(self) -> MainScreen:
        return MainScreen()

    def on_mount(self) -> None:
        self.call_after_refresh(self._open)

    # ------------------------------------------------------------------------------------- work

    def begin(self, job: Job, *, group: str, description: str, counts: bool = True) -> Worker[None]:
        """Run a job as a worker, registered before it starts; it replaces the one of its group.

        What a job did it says by a message. An exception nobody expected is shown and logged.
        """
        ticket = self.busy.start(description) if counts else None
        earlier = self._tickets.pop(group, None)
        if ticket is not None:
            self._tickets[group] = ticket

        async def run() -> None:
            try:
                await job()
            except FlowtuiError as error:
                self.post_message(msg.ChangeRefused(error.problem))
            finally:
                if ticket is not None:
                    self.busy.finish(ticket)

        worker = self.run_worker(
            run, group=group, description=description, exclusive=True, exit_on_error=False
        )
        if earlier is not None:
            self.busy.finish(earlier)
        return worker

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        worker = cast("Worker[object]", event.worker)  # pyright: ignore[reportUnknownMemberType]
        error = worker.error
        if event.state is not WorkerState.ERROR or error is None:
            return
        file = crash.keep(f"while: {worker.description}\n{crash.report(error)}")
        kept = f"\nThe report is in {file}" if file is not None else ""
        self.say(
            f"{worker.description or 'work'} failed inside flowtui: {crash.headline(error)}{kept}",
            severity="error",
        )

    def _cancel_group(self, group: str) -> None:
        self.workers.cancel_group(self, group)  # pyright: ignore[reportUnknownMemberType]

    def _work_changed(self) -> None:
        if self.is_running:
            self.session_changed.publish(Part.WORK)

    def say(self, text: str, *, title: str = "", severity: Severity = "information") -> None:
        """A notification of any text: cleaned, never parsed as markup."""
        self.notify(plain_block(text), title=plain_block(title), severity=severity, markup=False)

    def say_problem(self, problem: Problem) -> None:
        lines = [problem.what]
        if problem.where:
            lines.append(f"where: {problem.where}")
        if problem.fix:
            lines.append(f"next: {problem.fix}")
        self.say("\n".join(lines), severity="error")

    # -------------------------------------------------------------------- opening and connecting

    def _open(self) -> None:
        profile, api_url = self._wanted

        async def job() -> None:
            try:
                workspace = await self._open_workspace(self.path, profile=profile, api_url=api_url)
            except FlowtuiError as error:
                self.post_message(msg.WorkspaceFailed(error.problem))
                return
            self.post_message(msg.WorkspaceOpened(workspace))

        self.begin(job, group="open", description="reading the settings")

    @on(msg.WorkspaceOpened)
    def _workspace_opened(self, message: msg.WorkspaceOpened) -> None:
        self.session.workspace = message.workspace
        self.read_profiles()
        self.connect()
        self.look_at_folder()
        self.begin(self._watch, group="watch", description="watching the folder", counts=False)

    @on(msg.WorkspaceFailed)
    def _workspace_failed(self, message: msg.WorkspaceFailed) -> None:
        self.session.connection = Connection(Link.FAILED, problem=message.problem)
        self.session.rows = ()
        self.session_changed.publish(Part.CONNECTION)
        self.session_changed.publish(Part.ROWS)

    def connect(self) -> None:
        """Reach the control plane of the profile in use, again if need be."""
        workspace = self.session.workspace
        if workspace is None:
            self._open()
            return

        async def job() -> None:
            try:
                identity = await workspace.connect()
            except FlowtuiError as error:
                self.post_message(
                    msg.ConnectionFailed(error.problem, isinstance(error, CredentialsError))
                )
                return
            self.post_message(msg.Connected(identity, workspace.token_source))

        self.session.connection = Connection(
            Link.CONNECTING, token_source=self.session.connection.token_source
        )
        self.session_changed.publish(Part.CONNECTION)
        self.begin(job, group="connect", description="connecting")

    @on(msg.Connected)
    def _connected(self, message: msg.Connected) -> None:
        self.session.connection = Connection(
            Link.CONNECTED, message.identity, message.token_source, since=datetime.now(UTC)
        )
        self.session_changed.publish(Part.CONNECTION)
        self.list_projects()
        self.refresh_rows()

    @on(msg.ConnectionFailed)
    def _connection_failed(self, message: msg.ConnectionFailed) -> None:
        workspace = self.session.workspace
        source = workspace.token_source if workspace is not None else "none"
        self.session.connection = Connection(
            Link.FAILED,
            token_source=source,
            problem=message.problem,
            credentials=message.credentials,
        )
        self.session.projects = None
        self.session.versions.clear()
        self.session_changed.publish(Part.CONNECTION)
        self.session_changed.publish(Part.PROJECTS)
        self.refresh_rows()

    def use_profile(self, profile: Profile) -> None:
        """Switch to another control plane, now and for the next start."""
        workspace = self.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            from flowtui.config import set_active

            with suppress(FlowtuiError):
                await asyncio.to_thread(set_active, profile.name)
            await workspace.close()
            self.post_message(msg.WorkspaceOpened(workspace.use(profile, workspace.credentials)))

        self.session.projects = None
        self.session.versions.clear()
        self.session_changed.publish(Part.PROJECTS)
        self.begin(job, group="open", description=f"switching to {profile.name}")

    def read_profiles(self) -> None:
        async def job() -> None:
            from flowtui.config import load_user

            try:
                user = await asyncio.to_thread(load_user)
            except FlowtuiError as error:
                self.post_message(msg.ProfilesRead((), error.problem))
                return
            self.post_message(msg.ProfilesRead(tuple(user.profiles.values())))

        self.begin(job, group="profiles", description="reading the profiles")

    @on(msg.ProfilesRead)
    def _profiles_read(self, message: msg.ProfilesRead) -> None:
        self.session.profiles = message.profiles
        self.session.profiles_problem = message.problem
        self.session_changed.publish(Part.PROFILES)

    # ---------------------------------------------------------------------- the embedded server

    def start_server(self) -> None:
        workspace = self.session.workspace
        if workspace is None:
            return

        async def answers() -> bool:
            try:
                await workspace.connect()
            except CredentialsError:
                return True
            except FlowtuiError:
                return False
            return True

        async def job() -> None:
            try:
                await self.server.start(workspace.profile.api_url, answers)
            except FlowtuiError as error:
                self.post_message(msg.ServerFailed(error.problem))
                return
            self.post_message(msg.ServerStarted())

        self.session.server_problem = None
        self.begin(job, group="server", description="starting the embedded server")

    @on(msg.ServerStarted)
    def _server_started(self, _: msg.ServerStarted) -> None:
        self.say(f"The embedded server runs. Its log: {embedded.log_file()}")
        self.begin(
            self._wait_for_server_end,
            group="server-end",
            description="the embedded server",
            counts=False,
        )
        self.connect()

    async def _wait_for_server_end(self) -> None:
        await self.server.ended()
        self.post_message(msg.ServerStopped())

    @on(msg.ServerStopped)
    def _server_stopped(self, _: msg.ServerStopped) -> None:
        self.connect()

    @on(msg.ServerFailed)
    def _server_failed(self, message: msg.ServerFailed) -> None:
        self.session.server_problem = message.problem
        self.session_changed.publish(Part.CONNECTION)
        self.say_problem(message.problem)

    def stop_server(self) -> None:
        async def job() -> None:
            await self.server.stop()

        self.begin(job, group="server", description="stopping the embedded server")

    # ------------------------------------------------------------------------- folder and flows

    def look_at_folder(self) -> None:
        """Discover again; while a walk is under way one more is queued, never two."""
        if self._discovering:
            self._discover_again = True
            return
        workspace = self.session.workspace
        if workspace is None:
            return
        self._discovering = True

        async def job() -> None:
            try:
                discovery = await asyncio.to_thread(workspace.discover)
            except FlowtuiError as error:
                self.post_message(msg.RowsFailed(error.problem))
                return
            finally:
                self._discovering = False
            self.post_message(msg.FlowsDiscovered(discovery))

        self.begin(job, group="discover", description="looking for flows")

    @on(msg.FlowsDiscovered)
    def _flows_discovered(self, message: msg.FlowsDiscovered) -> None:
        self.session.discovery = message.discovery
        self.refresh_rows()
        if self._discover_again:
            self._discover_again = False
            self.look_at_folder()

    def refresh_rows(self) -> None:
        """Compare what is on disk with what is registered."""
        workspace, discovery = self.session.workspace, self.session.discovery
        if workspace is None or discovery is None:
            return

        async def job() -> None:
            try:
                rows = await workspace.rows(discovery)
            except FlowtuiError as error:
                self.post_message(msg.RowsFailed(error.problem))
                return
            self.post_message(msg.RowsUpdated(rows))

        self.begin(job, group="rows", description="comparing flows with what is registered")

    @on(msg.RowsUpdated)
    def _rows_updated(self, message: msg.RowsUpdated) -> None:
        self.session.rows = message.rows
        self.session.rows_problem = None
        self.session_changed.publish(Part.ROWS)

    @on(msg.RowsFailed)
    def _rows_failed(self, message: msg.RowsFailed) -> None:
        self.session.rows_problem = message.problem
        self.session.rows = self.session.rows or ()
        self.session_changed.publish(Part.ROWS)

    async def _watch(self) -> None:
        workspace = self.session.workspace
        if workspace is None:
            return
        try:
            async for changed in workspace.watch():
                self.post_message(msg.FilesChanged(changed))
        except FlowtuiError as error:
            self.post_message(msg.WatchingFailed(error.problem))

    @on(msg.FilesChanged)
    def _files_changed(self, _: msg.FilesChanged) -> None:
        self.look_at_folder()

    @on(msg.WatchingFailed)
    def _watching_failed(self, message: msg.WatchingFailed) -> None:
        self.session.watch_problem = message.problem
        self.session_changed.publish(Part.ROWS)

    # --------------------------------------------------------------------------------- projects

    def list_projects(self) -> None:
        workspace = self.session.workspace
        if workspace is None or not self.session.connected:
            return

        async def job() -> None:
            try:
                projects = await workspace.control_plane.projects()
            except FlowtuiError as error:
                self.post_message(msg.ProjectsFailed(error.problem))
                return
            self.post_message(msg.ProjectsListed(projects))

        self.begin(job, group="projects", description="listing the projects")

    @on(msg.ProjectsListed)
    def _projects_listed(self, message: msg.ProjectsListed) -> None:
        self.session.projects = message.projects
        self.session.projects_problem = None
        self.session_changed.publish(Part.PROJECTS)
        for project in message.projects:
            if project.name in self.session.versions:
                self.list_versions(project)

    @on(msg.ProjectsFailed)
    def _projects_failed(self, message: msg.ProjectsFailed) -> None:
        self.session.projects_problem = message.problem
        self.session_changed.publish(Part.PROJECTS)

    def list_versions(self, project: Project) -> None:
        workspace = self.session.workspace
        if workspace is None or not self.session.connected:
            return

        async def job() -> None:
            try:
                versions = await workspace.control_plane.flow_versions(project=project.name)
            except FlowtuiError as error:
                self.post_message(msg.ProjectsFailed(error.problem))
                return
            self.post_message(msg.VersionsListed(project.name, versions))

        self.begin(
            job, group=f"versions:{project.id}", description=f"listing flows of {project.name}"
        )

    @on(msg.VersionsListed)
    def _versions_listed(self, message: msg.VersionsListed) -> None:
        self.session.versions[message.project] = message.versions
        self.session_changed.publish(Part.PROJECTS)

    def create_project(self, name: str, description: str = "") -> None:
        async def change(workspace: Workspace) -> None:
            await workspace.control_plane.create_project(name, description)

        self._change(change, f"Project “{name}” created.", f"creating {name}")

    def rename_project(self, project: Project, name: str) -> None:
        async def change(workspace: Workspace) -> None:
            await workspace.control_plane.rename_project(project, name)

        self._change(
            change, f"Project “{project.name}” is now “{name}”.", f"renaming {project.name}"
        )

    def delete_project(self, project: Project) -> None:
        async def change(workspace: Workspace) -> None:
            await workspace.control_plane.delete_project(project)

        self._change(change, f"Project “{project.name}” deleted.", f"deleting {project.name}")

    def archive_version(self, version: FlowVersion) -> None:
        async def change(workspace: Workspace) -> None:
            await workspace.control_plane.archive(version.id)

        what = f"version {version.version} of “{version.name}”"
        self._change(change, f"Archived {what}.", f"archiving {what}")

    def _change(
        self, change: Callable[[Workspace], Awaitable[None]], done: str, doing: str
    ) -> None:
        workspace = self.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            await change(workspace)
            self.post_message(msg.ControlPlaneChanged(done))

        self.begin(job, group=f"change:{doing}", description=doing)

    @on(msg.ControlPlaneChanged)
    def _control_plane_changed(self, message: msg.ControlPlaneChanged) -> None:
        self.say(message.what)
        self.list_projects()
        self.refresh_rows()

    @on(msg.ChangeRefused)
    def _change_refused(self, message: msg.ChangeRefused) -> None:
        self.say_problem(message.problem)

    # ---------------------------------------------------------------------------------- deploys

    def plan_deploy(self, flow: LocalFlow, *, force: bool = False) -> DeployRecord:
        """Open a deploy with its plan; nothing is built until `start_deploy`."""
        record = self.session.deploys.open(flow, force=force)
        self.make_plan(record)
        return record

    def make_plan(self, record: DeployRecord) -> None:
        workspace = self.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            try:
                plan = await workspace.plan(record.flow, force=record.force)
            except FlowtuiError as error:
                self.post_message(msg.PlanFailed(record.key, error.problem))
                return
            self.post_message(msg.PlanMade(record.key, plan))

        record.phase = Phase.PLANNING
        record.problems.clear()
        self.session_changed.publish(Part.DEPLOYS)
        self.begin(
            job,
            group=f"plan:{record.key}",
            description=f"planning {record.flow.display_name}",
        )

    @on(msg.PlanMade)
    def _plan_made(self, message: msg.PlanMade) -> None:
        record = self.session.deploys.get(message.key)
        if record is not None:
            record.plan, record.phase = message.plan, Phase.PLANNED
            self.session_changed.publish(Part.DEPLOYS)

    @on(msg.PlanFailed)
    def _plan_failed(self, message: msg.PlanFailed) -> None:
        record = self.session.deploys.get(message.key)
        if record is not None:
            record.phase = Phase.PLAN_FAILED
            record.problems.append(message.problem)
            self.session_changed.publish(Part.DEPLOYS)

    def leave_plan(self, record: DeployRecord) -> None:
        """A plan that was looked at and not carried out is forgotten."""
        self._cancel_group(f"plan:{record.key}")
        ticket = self._tickets.pop(f"plan:{record.key}", None)
        if ticket is not None:
            self.busy.finish(ticket)
        self.session.deploys.forget(record.key)

    def start_deploy(self, record: DeployRecord) -> None:
        workspace, plan = self.session.workspace, record.plan
        if workspace is None or plan is None:
            return
        receive = partial(self._receive, record)

        async def job() -> None:
            try:
                await workspace.deploy(
                    record.flow,
                    receive,
                    force=record.force,
                    create_project=not plan.project_exists,
                )
            except FlowtuiError as error:
                self.post_message(msg.DeployEnded(record.key, error.problem))
                return
            except asyncio.CancelledError:
                self.post_message(msg.DeployEnded(record.key))
                raise
            except Exception as error:
                what = f"flowtui itself failed: {crash.headline(error)}"
                self.post_message(msg.DeployEnded(record.key, Problem(what)))
                raise
            self.post_message(msg.DeployEnded(record.key))

        record.phase = Phase.RUNNING
        record.started = self.session.deploys.clock()
        self._deploy_workers[record.key] = self.begin(
            job,
            group=f"deploy:{record.key}",
            description=f"deploying {record.flow.display_name}",
        )
        self.session_changed.publish(Part.DEPLOYS)

    def _receive(self, record: DeployRecord, event: Event) -> None:
        if isinstance(event, LogLine):
            record.apply(event)
        else:
            self.post_message(msg.DeployEventReceived(record.key, event))

    @on(msg.DeployEventReceived)
    def _deploy_event_received(self, message: msg.DeployEventReceived) -> None:
        record = self.session.deploys.get(message.key)
        if record is None:
            return
        record.apply(message.event)
        flood = isinstance(message.event, Progress)
        self.session_changed.publish(Part.PROGRESS if flood else Part.DEPLOYS)

    @on(msg.DeployEnded)
    def _deploy_ended(self, message: msg.DeployEnded) -> None:
        self._deploy_workers.pop(message.key, None)
        record = self.session.deploys.get(message.key)
        if record is None:
            return
        record.end(message.problem, self.session.deploys.clock())
        self.session_changed.publish(Part.DEPLOYS)
        self._announce(record)
        self.list_projects()
        self.refresh_rows()

    def _announce(self, record: DeployRecord) -> None:
        """Say how a deploy ended, unless its own screen is in front and shows it."""
        if getattr(self.screen, "deploy_key", None) == record.key or record.result is None:
            return
        name, result = record.flow.display_name, record.result
        match result.outcome:
            case Outcome.DONE:
                self.say(f"{name}: version {result.version} is registered")
            case Outcome.UNCHANGED:
                self.say(f"{name}: nothing to do. {result.reason}")
            case Outcome.CANCELLED:
                self.say(f"{name}: cancelled, nothing was registered", severity="warning")
            case _:
                what = record.problems[0].what if record.problems else result.reason
                self.say(f"{name}: deploy failed. {what}", severity="error")

    def cancel_deploy(self, record: DeployRecord) -> None:
        worker = self._deploy_workers.get(record.key)
        if worker is None or not record.running:
            return
        record.phase = Phase.CANCELLING
        worker.cancel()
        self.session_changed.publish(Part.DEPLOYS)

    # ------------------------------------------------------------------------------- everywhere

    def facts(self) -> Facts:
        """What availability depends on, as far as the whole app knows it."""
        session = self.session
        profile = session.profile
        source = session.connection.token_source
        return Facts(
            connected=session.connected,
            connecting=session.connecting,
            server_answers=session.connected or session.connection.credentials,
            embedded_running=self.server.running,
            embedded_possible=profile is not None and embedded.possible(profile.api_url),
            has_token=source != "none",
            token_removable=source.startswith(("keyring", "file", "this session")),
            deploys=len(session.deploys.ran),
            deploys_running=len(session.deploys.running),
        )

    def perform_help(self) -> None:
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.heard(self.screen)))

    def perform_palette(self) -> None:
        self.action_command_palette()

    def perform_problems(self) -> None:
        if not isinstance(self.screen, ProblemsScreen):
            self.push_screen(ProblemsScreen())

    def perform_theme(self) -> None:
        self.theme = LIGHT.name if self.theme != LIGHT.name else DARK.name

    def perform_quit(self) -> None:
        running = self.session.deploys.running
        if not running:
            self.begin(self._end, group="end", description="closing")
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.begin(self._end, group="end", description="cancelling deploys and closing")

        names = ", ".join(record.flow.display_name for record in running)
        self.push_screen(
            ConfirmDialog(
                f"{counted(len(running), 'deploy')} still running",
                f"{names}\n\nLeaving cancels them; nothing of them is registered.",
                yes="Cancel them and leave",
                no="Stay",
            ),
            answered,
        )

    async def action_quit(self) -> None:
        self.perform_quit()

    def action_help_quit(self) -> None:
        self.say("Press q to leave flowtui.")

    async def _end(self) -> None:
        workers = list(self._deploy_workers.values())
        for worker in workers:
            worker.cancel()
        self._cancel_group("watch")
        self._cancel_group("server-end")
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_LIMIT):
                for worker in workers:
                    await _ended(worker)
        with suppress(TimeoutError, FlowtuiError):
            async with asyncio.timeout(_END_LIMIT):
                if self.session.workspace is not None:
                    await self.session.workspace.close()
        await self.server.stop()
        self.exit(0)

    def heard(self, screen: Screen[object]) -> list[object]:
        """The widgets of a screen that hear keys now, innermost first."""
        focused = screen.focused
        inner: list[object] = list(focused.ancestors_with_self) if focused is not None else [screen]
        return [*(node for node in inner if node is not self), self]

    def _fatal_error(self) -> None:
        """Textual's own report shows local variables, tokens among them; this one does not."""
        self.bell()
        error = self._exception
        if error is not None:
            text = crash.report(error)
            file = crash.keep(text)
            kept = f"The full report is in {file}" if file else "The report could not be kept"
            self._exit_renderables.append(Text(f"flowtui crashed: {crash.headline(error)}\n{kept}"))
        self._close_messages_no_wait()


async def _ended(worker: Worker[None]) -> None:
    from textual.worker import WorkerError

    with suppress(WorkerError):
        await worker.wait()


def run(path: Path, *, profile: str | None = None, api_url: str | None = None) -> int:
    """Open the app on a folder; returns the exit code. Mouse is off by default over SSH."""
    app = FlowtuiApp(path, profile=profile, api_url=api_url)
    app.run(mouse=not os.environ.get("SSH_CONNECTION"))
    if app.return_code:
        return app.return_code
    return app.return_value or 0
