"""The app: what its parts have in common, and what every screen can do."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias, cast

from rich.color import ColorSystem
from rich.text import Text
from textual import on
from textual.binding import BindingType
from textual.command import Provider
from textual.screen import Screen
from textual.signal import Signal
from textual.theme import Theme
from textual.worker import Worker, WorkerState

from flowtui.errors import FlowtuiError, UsageError
from flowtui.models import Origin, Problem
from flowtui.preferences import Preferences
from flowtui.preferences import load as load_preferences
from flowtui.tui import crash, embedded
from flowtui.tui import messages as msg
from flowtui.tui.acting import Performs, bindings, heard_by
from flowtui.tui.actions import Facts, Keymap, Scope
from flowtui.tui.actions.keymap import QUIT
from flowtui.tui.asking import before_leaving
from flowtui.tui.busy import Busy, Ticket
from flowtui.tui.counting import DIGITS, Counting
from flowtui.tui.looks.glyphs import glyphs_for
from flowtui.tui.looks.themes import DARK, LIGHT, named_for
from flowtui.tui.looks.words import plain_block
from flowtui.tui.messages import Part
from flowtui.tui.palette import (
    ActionProvider,
    FlowProvider,
    ProfileProvider,
    ProjectProvider,
    RunProvider,
    SettingProvider,
    TabProvider,
    ThemeProvider,
    VersionProvider,
    WorkPoolProvider,
)
from flowtui.tui.screens.commands import CommandsScreen
from flowtui.tui.screens.help import HelpScreen
from flowtui.tui.screens.jump import JumpScreen, Spot, spots_of
from flowtui.tui.screens.main import MainScreen
from flowtui.tui.screens.problems import ProblemsScreen
from flowtui.tui.screens.sheet import Sheet
from flowtui.tui.session import Session
from flowtui.tui.terminal import abilities
from flowtui.tui.terminal.textual_inside import TerminalApp
from flowtui.tui.work.agents import Agents
from flowtui.tui.work.cloud import PrefectCloud
from flowtui.tui.work.configuring import Configuring
from flowtui.tui.work.connecting import Connecting, OpenWorkspace
from flowtui.tui.work.deploying import Deploying
from flowtui.tui.work.details import Details
from flowtui.tui.work.doctoring import Doctoring
from flowtui.tui.work.editing import Editing
from flowtui.tui.work.first_start import FirstStart
from flowtui.tui.work.flow_run import WatchedRun
from flowtui.tui.work.flow_runs import FlowRuns
from flowtui.tui.work.folder import Folder
from flowtui.tui.work.hot import Hot
from flowtui.tui.work.importing import Importing
from flowtui.tui.work.keeping import Keeping
from flowtui.tui.work.logging_in import LoggingIn
from flowtui.tui.work.past import Past
from flowtui.tui.work.pools import WorkPools
from flowtui.tui.work.projects import Projects
from flowtui.tui.work.reaching import Reaching
from flowtui.tui.work.registered import RegisteredFlows
from flowtui.tui.work.remembering import Remembering
from flowtui.tui.work.serving import Serving
from flowtui.workspace import Workspace

Severity: TypeAlias = Literal["information", "warning", "error"]
Job: TypeAlias = Callable[[], Awaitable[None]]

_THEME = "theme"
"""What the theme is remembered by."""
_ERROR_SECONDS = 8.0
"""An error has more to read than a confirmation."""
_HANG_UP_LIMIT = 5.0
"""Seconds for all of that when the terminal is gone or the machine goes down."""
_LOADED = 3.0
"""Seconds after the first frame when the rest has been imported too."""
_AGENTS_HANG_UP = 2.0
"""Of these, what agents get to stop by themselves."""
_AGENTS_LEAVE = 6.0
"""The same where nobody is in a hurry: they finish what they have begun."""
_END_LIMIT = 10.0
"""Seconds that cancelled deploys and agents get to clean up when the app ends."""


class FlowtuiApp(Performs, TerminalApp[int]):
    """The terminal control room."""

    TITLE = "flowtui"
    CSS_PATH = [  # noqa: RUF012
        f"styles/{name}.tcss"
        for name in (
            "base",
            "main",
            "connection",
            "deploy",
            "log",
            "doctor",
            "dialogs",
            "palette",
            "modes",
            "sheets",
            "runs",
            "agents",
        )
    ]
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.APP,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.APP), *DIGITS]
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {
        ActionProvider,
        FlowProvider,
        ProjectProvider,
        WorkPoolProvider,
        ProfileProvider,
        RunProvider,
        SettingProvider,
        TabProvider,
        ThemeProvider,
        VersionProvider,
    }
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-tight"),
        (72, "-normal"),
        (120, "-wide"),
        (150, "-broad"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-low"),
        (23, "-medium"),
        (36, "-tall"),
    ]
    ENABLE_COMMAND_PALETTE = True
    alone = False
    """The process ends with this app: what was loaded at its start need never be collected. Looking
    through all of it again and again would hold up a key for some 70 ms each time."""
    NOTIFICATION_TIMEOUT = 3.0

    def __init__(
        self,
        path: Path,
        *,
        profile: str | None = None,
        api_url: str | None = None,
        read_only: bool = False,
        preferences: Preferences | None = None,
        open_workspace: OpenWorkspace = Workspace.open,
    ) -> None:
        self.counting = Counting()
        chosen = preferences or load_preferences(os.environ, read_only=read_only)
        few = chosen.color != "auto" or abilities.colours() is ColorSystem.STANDARD
        glyphs = glyphs_for(chosen.ascii)
        # Textual decides once, here, how NO_COLOR is done: without ansi it is shades of grey.
        super().__init__(
            ansi_color=True if few else None,
            colours=ColorSystem.STANDARD if few else abilities.colours(),
            ascii_only=glyphs.ascii,
        )
        self.set_class(glyphs.ascii, "-ascii")
        if chosen.log_rate is not None:
            self.pace.prefer(chosen.log_rate)
        self.path = path
        self._started_in = Path.cwd()
        self.preferences, self.keymap = chosen, Keymap()
        self.read_only = chosen.read_only
        self.session = Session()
        self.glyphs = glyphs
        self.busy = Busy(self._work_changed)
        self.session_changed: Signal[Part] = Signal(self, "session_changed")
        self.connecting = Connecting(self, open_workspace, profile, api_url)
        self.configuring = Configuring(self, profile, api_url)
        self.editing = Editing(self)
        self.logging_in = LoggingIn(self)
        self.serving = Serving(self)
        self.importing = Importing(self)
        self.cloud = PrefectCloud(self)
        self.first_start = FirstStart(self)
        self.folder = Folder(self)
        self.details = Details(self)
        self.reaching = Reaching(self)
        self.remembering = Remembering(self)
        self.projects = Projects(self)
        self.pools = WorkPools(self)
        self.registered = RegisteredFlows(self)
        self.flow_runs = FlowRuns(self)
        self.flow_run = WatchedRun(self)
        self.deploying = Deploying(self)
        self.hot = Hot(self)
        self.past = Past(self)
        self.doctoring = Doctoring(self)
        self.keeping = Keeping(self)
        self.agents = Agents(self)
        self._handlers: dict[type[msg.Happened], msg.Handler] = {
            **self.connecting.handlers,
            **self.configuring.handlers,
            **self.serving.handlers,
            **self.importing.handlers,
            **self.cloud.handlers,
            **self.first_start.handlers,
            **self.folder.handlers,
            **self.details.handlers,
            **self.reaching.handlers,
            **self.remembering.handlers,
            **self.projects.handlers,
            **self.pools.handlers,
            **self.registered.handlers,
            **self.flow_runs.handlers,
            **self.flow_run.handlers,
            **self.deploying.handlers,
            **self.hot.handlers,
            **self.past.handlers,
            **self.doctoring.handlers,
            **self.keeping.handlers,
            **self.agents.handlers,
        }
        self._tickets: dict[str, Ticket] = {}
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        if "TEXTUAL_THEME" not in os.environ:
            wanted = chosen.theme if chosen.theme in self.available_themes else DARK.name
            self.theme = "ansi-dark" if few else wanted
        by_environment = any(
            each.name == "theme" and each.origin is Origin.ENVIRONMENT for each in chosen.origins
        )
        self._theme_said = few or by_environment or "TEXTUAL_THEME" in os.environ
        self.configuring.use(chosen)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The names that only flowtui's own themes have, for every other theme."""
        theme = self.current_theme
        if theme in (DARK, LIGHT):
            return {}
        return named_for(theme, theme.to_color_system().generate())

    def get_default_screen(self) -> MainScreen:
        return MainScreen()

    def on_mount(self) -> None:
        self.hear_signals(self._ended_from_outside)
        self.session_changed.subscribe(self, self._theme_wanted)
        self.theme_changed_signal.subscribe(self, self._theme_changed)
        self.call_after_refresh(self._first_frame_stands)

    def _first_frame_stands(self) -> None:
        # `__main__` keeps the collector out of the start; what that made stays to the end.
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        self.connecting.open()

    def on_ready(self) -> None:
        if self.alone:
            gc.freeze()
            self.set_timer(_LOADED, gc.freeze)

    # ----------------------------------------------------------------------------------- counts

    def count(self, digit: str) -> None:
        """One more digit of a count, where digits mean nothing else."""
        heard = heard_by(self.heard(self.screen), self.keymap)
        if any(key.isdecimal() for _, action in heard for key in self.keymap.keys(action.name)):
            return
        self.counting.add(digit)
        self._show_count()

    def take_count(self) -> int | None:
        """The count that was typed before this action, once."""
        counted_to = self.counting.take()
        if counted_to is not None:
            self._show_count()
        return counted_to

    def _show_count(self) -> None:
        if isinstance(self.screen, Sheet):
            self.screen.counted()
        else:
            self.screen.refresh_bindings()

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

    def cancel_group(self, group: str) -> None:
        """Whatever this group was doing is no longer wanted."""
        self.workers.cancel_group(self, group)  # pyright: ignore[reportUnknownMemberType]
        ticket = self._tickets.pop(group, None)
        if ticket is not None:
            self.busy.finish(ticket)

    def _work_changed(self) -> None:
        if self.is_running:
            self.session_changed.publish(Part.WORK)

    def say(self, text: str, *, title: str = "", severity: Severity = "information") -> None:
        """A notification of any text: cleaned, never parsed as markup."""
        self.notify(
            plain_block(text),
            title=plain_block(title),
            severity=severity,
            timeout=_ERROR_SECONDS if severity == "error" else None,
            markup=False,
        )

    def say_problem(self, problem: Problem) -> None:
        lines = [problem.what]
        if problem.where:
            lines.append(f"where: {problem.where}")
        if problem.fix:
            lines.append(f"next: {problem.fix}")
        self.say("\n".join(lines), severity="error")

    def write_to_terminal(self, sequence: str) -> bool:
        """Send a sequence between two frames; False where there is no terminal."""
        if self._driver is None:
            return False
        self._driver.write(sequence)
        return True

    def copy_to_clipboard(self, text: str) -> None:
        """What Textual's own widgets copy takes the same way, and says so too."""
        self._clipboard = text

        async def take() -> str:
            return text

        self.keeping.copy(take, len(text.splitlines()))

    def changed(self, *parts: Part) -> None:
        """Widgets that show these parts of the session look again."""
        for part in parts:
            self.session_changed.publish(part)

    @on(msg.Happened)
    def _happened(self, message: msg.Happened) -> None:
        self._handlers[type(message)](message)

    # ------------------------------------------------------------------------------- everywhere

    def facts(self) -> Facts:
        """What availability depends on, as far as the whole app knows it."""
        session = self.session
        profile = session.profile
        source = session.connection.token_source
        return Facts(
            keymap=self.keymap,
            folder=self._folder(),
            used_profile=profile,
            used_profile_saved=profile is not None
            and any(each.name == profile.name for each in session.profiles),
            read_only=self.read_only,
            in_browser=self.is_web,
            connected=session.connected,
            connecting=session.connecting,
            projects=len(session.projects or ()),
            abilities=session.abilities,
            server_answers=session.connected or session.connection.credentials,
            embedded_running=self.serving.running,
            embedded_possible=profile is not None and embedded.possible(profile.api_url),
            has_token=source != "none",
            token_removable=source.startswith(("keyring", "file", "this session")),
            deploys=len(session.deploys.ran),
            deploys_running=len(session.deploys.running),
        )

    @property
    def plan_wanted(self) -> bool:
        """Whether a deploy shows its plan first: the project's word, else the user's."""
        if self.read_only:
            return True
        workspace = self.session.workspace
        said = workspace.config.habits.show_plan if workspace is not None else None
        return self.preferences.show_plan if said is None else said

    def _folder(self) -> str:
        workspace = self.session.workspace
        root = os.path.relpath(workspace.root, self._started_in) if workspace is not None else "."
        return "" if root == "." else root

    def perform_help(self) -> None:
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.heard(self.screen)))

    def perform_commands(self) -> None:
        self.push_screen(CommandsScreen(self.heard(self.screen)))

    def perform_jump(self) -> None:
        def chosen(spot: Spot | None) -> None:
            if spot is not None:
                spot.go()

        self.push_screen(JumpScreen(spots_of(self.screen)), chosen)

    def perform_settings(self) -> None:
        from flowtui.tui.screens.settings import SettingsScreen

        self.push_screen(SettingsScreen())

    def perform_palette(self) -> None:
        self.action_command_palette()

    def perform_problems(self) -> None:
        if not isinstance(self.screen, ProblemsScreen):
            self.push_screen(ProblemsScreen())

    def perform_theme(self) -> None:
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    def _theme_wanted(self, part: Part) -> None:
        """The theme this folder was left with; what the environment says is stronger."""
        if part is not Part.REMEMBERED or self._theme_said:
            return
        left = self.remembering.get(_THEME)
        if left in self.available_themes and left != self.theme:
            self.theme = left

    def _theme_changed(self, theme: Theme) -> None:
        if not self._theme_said:
            self.remembering.put(_THEME, theme.name)

    def perform_redraw(self) -> None:
        self.redraw()

    def perform_suspend(self) -> None:
        self.action_suspend_process()

    def perform_quit(self) -> None:
        if self.session.agents.alive:
            self.agents.look_before_leaving()
        else:
            self.confirm_leaving(0)

    def confirm_leaving(self, agent_runs: int | None) -> None:
        """Leave; asks first where that cancels deploys, or ends agents that have so many runs
        (None: nobody knows how many)."""
        question = before_leaving(self, agent_runs)
        if question is None:
            self.begin(self._end, group="end", description="closing")
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.begin(self._end, group="end", description="stopping what runs and closing")

        self.push_screen(question, answered)

    async def action_quit(self) -> None:
        self.perform_quit()

    def action_help_quit(self) -> None:
        self.say(f"{self.keymap.key(QUIT)} leaves flowtui.")

    def _ended_from_outside(self, number: int) -> None:
        """The connection dropped, or somebody ends us: nobody can be asked, nothing waits long."""

        async def end() -> None:
            if self.session.workspace is not None:
                self.session.workspace.interrupted = True
            with suppress(TimeoutError):
                async with asyncio.timeout(_HANG_UP_LIMIT):
                    await self._clean_up(_AGENTS_HANG_UP)
            self.exit(return_code=128 + number)

        self.begin(end, group="end", description="closing")

    async def _end(self) -> None:
        await self._clean_up(_AGENTS_LEAVE)
        self.exit(0)

    async def _clean_up(self, patience: float) -> None:
        """`patience` is what agents have to stop by themselves, in seconds."""
        self.cancel_group("watch")
        self.cancel_group("hot")
        self.agents.ask_all_to_stop()
        await self.remembering.write()
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_LIMIT):
                await asyncio.gather(self.deploying.end_all(), self.agents.end(patience))
        with suppress(TimeoutError, FlowtuiError):
            async with asyncio.timeout(_END_LIMIT):
                if self.session.workspace is not None:
                    await self.session.workspace.close()
        await self.serving.end()

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


def run(
    path: Path,
    *,
    profile: str | None = None,
    api_url: str | None = None,
    read_only: bool = False,
) -> int:
    """Open the app on a folder; returns the exit code. Mouse is off by default over SSH."""
    if not abilities.can_show_screens() and not abilities.in_browser():
        raise UsageError(
            f"this terminal cannot show screens (TERM={os.environ.get('TERM', '')})",
            fix="use the commands: flowtui flows, flowtui deploy, … (--help), or set TERM",
        )
    preferences = load_preferences(os.environ, read_only=read_only)
    if preferences.color == "none":
        # Textual and every program that the app starts read it.
        os.environ["NO_COLOR"] = "1"
    app = FlowtuiApp(path, profile=profile, api_url=api_url, preferences=preferences)
    app.alone = True
    app.run(mouse=preferences.mouse_wanted(os.environ))
    if app.return_code:
        return app.return_code
    return app.return_value or 0
