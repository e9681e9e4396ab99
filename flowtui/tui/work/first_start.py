"""The way from nothing to a control plane, offered once: until a profile or a server was used."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowtui.errors import FlowtuiError
from flowtui.models import Origin, Profile
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler

if TYPE_CHECKING:
    from flowtui.prefect_settings import PrefectSettings
    from flowtui.tui.app import FlowtuiApp
    from flowtui.workspace import Workspace


class FirstStart:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app
        self._offered = False
        self._prefect: tuple[PrefectSettings, ...] = ()
        self._names_project = False
        self._logs_in = False
        self._starts = False
        """A profile for Prefect's own server was made, and the server is to be started."""

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.NeverStartedBefore: self._offer,
            msg.FirstProjectWanted: self._name_project,
            msg.PrefectServerPlaced: self._prefects_placed,
        }

    # ----------------------------------------------------------------------- what the others tell

    def failed(self, *, token_needed: bool) -> None:
        """Nothing answers, or what answers wants a token."""
        app, profile = self._app, self._app.session.profile
        if token_needed and self._logs_in:
            self._logs_in = False
            app.logging_in.start()
            return
        if self._starts:
            self._starts = False
            app.serving.start()
            return
        chosen = profile is None or profile.origin is not Origin.DEFAULT
        if chosen or token_needed or self._offered or app.read_only:
            return
        self._offered = True

        async def job() -> None:
            found = await asyncio.to_thread(_look)
            if found is not None:
                app.post_message(found)

        app.begin(job, group="first-start", description="looking for earlier settings")

    def connected(self) -> None:
        app, workspace = self._app, self._app.session.workspace
        self._logs_in = self._starts = False
        if not self._names_project or workspace is None:
            return
        self._names_project = False

        async def job() -> None:
            if not await workspace.control_plane.projects():
                app.post_message(msg.FirstProjectWanted())

        app.begin(job, group="first-start", description="looking for projects")

    # ---------------------------------------------------------------------------------- the sheet

    def _offer(self, message: msg.NeverStartedBefore) -> None:
        from flowtui.tui.screens.first_start import FirstStartScreen
        from flowtui.tui.screens.main import MainScreen

        app = self._app
        self._prefect = message.prefect
        if isinstance(app.screen, MainScreen) and not app.session.connected:
            app.push_screen(FirstStartScreen(message.prefect), self._go)

    def _go(self, way: str | None) -> None:
        from flowtui.tui.screens.first_start import CLOUD, EMBEDDED, PREFECTS, REAL

        if way == EMBEDDED:
            self._names_project = True
            self._app.serving.start()
        elif way == PREFECTS:
            self._place_prefects()
        elif way == REAL:
            self._add_profile()
        elif way == CLOUD:
            self._app.cloud.start()
        elif way is not None:
            self._app.importing.use(self._prefect[int(way)])

    def _place_prefects(self) -> None:
        """Find out which Prefect the project has, and an address for its server."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            try:
                profile = await _profile_of_prefects(workspace)
            except FlowtuiError as error:
                app.post_message(msg.ServerFailed(error.problem))
                return
            app.post_message(msg.PrefectServerPlaced(profile))

        app.begin(job, group="server", description="asking the project's Python for its Prefect")

    def _prefects_placed(self, message: msg.PrefectServerPlaced) -> None:
        self._starts = True
        self._app.connecting.save_profile(message.profile, use=True)

    def _add_profile(self) -> None:
        from flowtui.tui.screens.profile_dialog import ProfileDialog

        app = self._app

        def answered(profile: Profile | None) -> None:
            if profile is not None:
                self._logs_in = True
                app.connecting.save_profile(profile, use=True)

        taken = tuple(profile.name for profile in app.session.profiles)
        app.push_screen(ProfileDialog(taken, app.connecting.probe), answered)

    def _name_project(self, _: msg.FirstProjectWanted) -> None:
        from flowtui.tui.screens.dialogs import NameDialog

        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return
        wanted = workspace.config.table.project or workspace.root.name

        def answered(name: str | None) -> None:
            if name is not None:
                app.projects.create(name)

        key = app.keymap.key("flows.deploy")
        app.push_screen(
            NameDialog(
                "The server runs. The first project?",
                f"Flows are registered in projects. Then {key} on a flow deploys it.",
                yes="Create it",
                value=wanted,
            ),
            answered,
        )


async def _profile_of_prefects(workspace: Workspace) -> Profile:
    """The address where the server of the project's Prefect runs, or can run.

    Raises FlowtuiError when that Prefect has none.
    """
    from flowtui import paths
    from flowtui.prefect_server.launch import profile_name, usable_version
    from flowtui.prefect_server.ports import usual_port
    from flowtui.prefect_server.running import running
    from flowtui.source.interpreter import find_interpreter

    python = await find_interpreter(workspace.root, workspace.config.python)
    name = profile_name(usable_version(python))
    there = await asyncio.to_thread(running, paths.prefect_server_dir(name))
    if there is not None and there.api_url:
        return Profile(name, there.api_url, Origin.USER_FILE)
    port = await asyncio.to_thread(usual_port, name, "127.0.0.1")
    return Profile(name, f"http://127.0.0.1:{port}/api", Origin.USER_FILE)


def _look() -> msg.NeverStartedBefore | None:
    """None when flowtui was used before. Blocking."""
    from flowtui import paths, prefect_settings
    from flowtui.config import EMBEDDED_PROFILE, load_user

    user = load_user()
    used = user.active is not None or set(user.profiles) != {EMBEDDED_PROFILE}
    if used or paths.server_database().exists():
        return None
    return msg.NeverStartedBefore(prefect_settings.find().settings)
