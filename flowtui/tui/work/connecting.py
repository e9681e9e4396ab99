"""The settings, the profile in use, and the control plane behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from flowtui.errors import CredentialsError, FlowtuiError
from flowtui.models import Profile
from flowtui.tui import clock
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part
from flowtui.tui.session import Connection, Link
from flowtui.workspace import Workspace

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp

_UNLOCK_TURN = 30.0
"""Seconds of one wait for the keyring; the next one follows at once."""


class OpenWorkspace(Protocol):
    """How the app gets its workspace: `Workspace.open`."""

    async def __call__(
        self, path: Path, *, profile: str | None = None, api_url: str | None = None
    ) -> Workspace: ...


class Connecting:
    def __init__(
        self,
        app: FlowtuiApp,
        open_workspace: OpenWorkspace,
        profile: str | None,
        api_url: str | None,
    ) -> None:
        self._app = app
        self._open_workspace = open_workspace
        self.wanted_profile, self.wanted_address = profile, api_url
        """What the command line asked for."""

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.WorkspaceOpened: self._opened,
            msg.WorkspaceFailed: self._failed,
            msg.Connected: self._connected,
            msg.ConnectionFailed: self._connection_failed,
            msg.KeyringAnswered: self._keyring_answered,
            msg.ProfilesRead: self._profiles_read,
        }

    def open(self) -> None:
        app = self._app

        async def job() -> None:
            try:
                workspace = await self._open_workspace(
                    app.path, profile=self.wanted_profile, api_url=self.wanted_address
                )
            except FlowtuiError as error:
                app.post_message(msg.WorkspaceFailed(error.problem))
                return
            app.post_message(msg.WorkspaceOpened(workspace))

        app.begin(job, group="open", description="reading the settings")

    def _opened(self, message: msg.WorkspaceOpened) -> None:
        app = self._app
        app.session.workspace = message.workspace
        app.remembering.read()
        self.read_profiles()
        self.connect()
        app.folder.look()
        app.folder.watch()

    def _failed(self, message: msg.WorkspaceFailed) -> None:
        session = self._app.session
        session.connection = Connection(Link.FAILED, problem=message.problem)
        session.rows = ()
        self._app.changed(Part.CONNECTION, Part.ROWS)

    def connect(self) -> None:
        """Reach the control plane of the profile in use, again if need be."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            self.open()
            return

        async def job() -> None:
            try:
                identity = await workspace.connect()
            except FlowtuiError as error:
                app.post_message(
                    msg.ConnectionFailed(
                        error.problem,
                        isinstance(error, CredentialsError),
                        await _keyring_waits(workspace),
                    )
                )
                return
            app.post_message(
                msg.Connected(
                    identity,
                    workspace.token_source,
                    workspace.credentials.notes,
                    await _keyring_waits(workspace),
                )
            )

        before = app.session.connection
        app.session.connection = Connection(Link.CONNECTING, token_source=before.token_source)
        app.changed(Part.CONNECTION)
        app.begin(job, group="connect", description="connecting")

    def _connected(self, message: msg.Connected) -> None:
        app = self._app
        app.session.connection = Connection(
            Link.CONNECTED,
            message.identity,
            message.token_source,
            since=clock.now(),
            notes=message.notes,
            keyring_waits=message.keyring_waits,
        )
        app.changed(Part.CONNECTION)
        self._wait_for_keyring(message.keyring_waits)
        app.projects.list()
        app.folder.refresh_rows()

    def _connection_failed(self, message: msg.ConnectionFailed) -> None:
        app = self._app
        workspace = app.session.workspace
        app.session.connection = Connection(
            Link.FAILED,
            token_source=workspace.token_source if workspace is not None else "none",
            problem=message.problem,
            credentials=message.credentials,
            keyring_waits=message.keyring_waits,
        )
        app.session.forget_what_the_server_said()
        app.changed(Part.CONNECTION, Part.PROJECTS)
        self._wait_for_keyring(message.keyring_waits)
        app.folder.refresh_rows()

    def _wait_for_keyring(self, waits: bool) -> None:
        """A person unlocks the keyring when they like; then the token in it is used."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None or not waits:
            return

        async def job() -> None:
            while not await workspace.credentials.wait_for_keyring(_UNLOCK_TURN):
                pass
            app.post_message(msg.KeyringAnswered())

        app.begin(job, group="keyring", description="waiting for the keyring", counts=False)

    def _keyring_answered(self, _: msg.KeyringAnswered) -> None:
        connection = self._app.session.connection
        self._app.session.connection = replace(connection, keyring_waits=False)
        self.connect()

    def use_profile(self, profile: Profile) -> None:
        """Switch to another control plane, now and for the next start."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            from flowtui.config import set_active

            with suppress(FlowtuiError):
                await asyncio.to_thread(set_active, profile.name)
            await workspace.close()
            app.post_message(msg.WorkspaceOpened(workspace.use(profile, workspace.credentials)))

        app.session.forget_what_the_server_said()
        app.changed(Part.PROJECTS)
        app.begin(job, group="open", description=f"switching to {profile.name}")

    # --------------------------------------------------------------------------------- profiles

    def read_profiles(self) -> None:
        app = self._app

        async def job() -> None:
            from flowtui.config import load_user

            try:
                user = await asyncio.to_thread(load_user)
            except FlowtuiError as error:
                app.post_message(msg.ProfilesRead((), error.problem))
                return
            app.post_message(msg.ProfilesRead(tuple(user.profiles.values())))

        app.begin(job, group="profiles", description="reading the profiles")

    def _profiles_read(self, message: msg.ProfilesRead) -> None:
        self._app.session.profiles = message.profiles
        self._app.session.profiles_problem = message.problem
        self._app.changed(Part.PROFILES)

    def save_profile(self, profile: Profile) -> None:
        app = self._app

        async def job() -> None:
            from flowtui.config import save_profile

            await asyncio.to_thread(save_profile, profile)
            app.say(f"Profile “{profile.name}” saved. Enter switches to it.")
            app.call_later(self.read_profiles)

        app.begin(job, group="profiles", description=f"saving {profile.name}")

    def remove_profile(self, profile: Profile) -> None:
        app = self._app

        async def job() -> None:
            from flowtui.config import remove_profile

            await asyncio.to_thread(remove_profile, profile.name)
            app.say(f"Profile “{profile.name}” removed.")
            app.call_later(self.read_profiles)

        app.begin(job, group="profiles", description=f"removing {profile.name}")


async def _keyring_waits(workspace: Workspace) -> bool:
    return not await workspace.credentials.wait_for_keyring(0)
