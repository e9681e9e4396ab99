"""The settings, the profile in use, and the control plane behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from flowtui.credentials import Source, Where
from flowtui.errors import CredentialsError, FlowtuiError
from flowtui.models import Profile
from flowtui.tui import clock
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part
from flowtui.tui.session import Connection, Link
from flowtui.workspace import Workspace

if TYPE_CHECKING:
    from flowtui.api.probe import Answer
    from flowtui.tui.app import FlowtuiApp

_UNLOCK_TURN = 30.0
"""Seconds of one wait for the keyring; the next one follows at once."""


_STORES = {Source.KEYRING: Where.KEYRING, Source.FILE: Where.FILE, Source.SESSION: Where.SESSION}


class TokenMove(StrEnum):
    """What becomes of a token when its profile gets another address."""

    LEAVE = "leave"
    MOVE = "move"
    DELETE = "delete"


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

    async def probe(self, api_url: str, ca_file: Path | None = None) -> Answer:
        """What answers at an address, asked without a token."""
        from flowtui.api.probe import probe

        return await probe(api_url, ca_file)

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
        app.reaching.look()

    def _failed(self, message: msg.WorkspaceFailed) -> None:
        session = self._app.session
        session.connection = Connection(Link.FAILED, problem=message.problem)
        session.rows = ()
        self._app.changed(Part.CONNECTION, Part.ROWS)

    def connect(self, *, quietly: bool = False) -> None:
        """Reach the control plane of the profile in use, again if need be.

        `quietly`, what is connected is shown as such until there is an answer.
        """
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
        if quietly and app.session.connected:
            app.begin(job, group="connect", description="connecting")
            return
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
        app.hot.connection_changed()
        self._wait_for_keyring(message.keyring_waits)
        app.first_start.connected()
        app.projects.list()
        app.pools.list()
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
        if not (message.credentials and app.importing.token_wanted()):
            app.first_start.failed(token_needed=message.credentials)
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
        self.connect(quietly=True)

    def use_profile(self, profile: Profile, *, remember: bool = True) -> None:
        """Switch to another control plane, now and, to `remember` it, for the next start."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            from flowtui.config import set_active

            if remember:
                with suppress(FlowtuiError):
                    await asyncio.to_thread(set_active, profile.name)
            await workspace.close()
            app.post_message(msg.WorkspaceOpened(workspace.use(profile, workspace.credentials)))

        app.session.forget_what_the_server_said()
        app.session.run_watches.clear()
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
            profiles, workspace = tuple(user.profiles.values()), app.session.workspace
            kept = {}
            if workspace is not None:
                addresses = [each.api_url for each in (*profiles, workspace.profile)]
                kept = await workspace.credentials.kept(addresses)
            app.post_message(msg.ProfilesRead(profiles, kept=kept))

        app.begin(job, group="profiles", description="reading the profiles")

    def _profiles_read(self, message: msg.ProfilesRead) -> None:
        self._app.session.profiles = message.profiles
        self._app.session.profiles_problem = message.problem
        self._app.session.kept_tokens = message.kept
        self._app.changed(Part.PROFILES)

    def save_profile(
        self,
        profile: Profile,
        before: Profile | None = None,
        *,
        token: TokenMove = TokenMove.LEAVE,
        use: bool = False,
    ) -> None:
        """Save a new profile, or the one that was `before`; `use` switches to it.

        `token` says what becomes of the one kept for the address before. The profile in use is
        used on as it is now.
        """
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return
        in_use = before is not None and workspace.profile.name == before.name

        async def job() -> None:
            await asyncio.to_thread(_save, profile, before)
            if before is not None:
                await _move_token(workspace, before.api_url, profile.api_url, token)
            app.say(f"Profile “{profile.name}” saved.")
            app.call_later(self.read_profiles)
            if use or in_use:
                app.call_later(self.use_profile, profile, remember=use)

        app.begin(job, group="profiles", description=f"saving {profile.name}")

    def remove_profile(self, profile: Profile) -> None:
        app = self._app

        async def job() -> None:
            from flowtui.config import remove_profile

            await asyncio.to_thread(remove_profile, profile.name)
            app.say(f"Profile “{profile.name}” removed.")
            app.call_later(self.read_profiles)

        app.begin(job, group="profiles", description=f"removing {profile.name}")


def _save(profile: Profile, before: Profile | None) -> None:
    from flowtui.config import replace_profile, save_profile

    if before is None:
        save_profile(profile)
    else:
        replace_profile(before.name, profile)


async def _move_token(workspace: Workspace, old: str, new: str, move: TokenMove) -> None:
    """Raises CredentialsError when the token cannot be kept for the new address."""
    if move is TokenMove.LEAVE or old == new:
        return
    credentials = workspace.credentials
    if move is TokenMove.MOVE:
        found = await credentials.find(old)
        where = _STORES.get(found.source) if found is not None else None
        if found is not None and where is not None:
            await credentials.store(new, found.secret, where)
    await credentials.forget(old)


async def _keyring_waits(workspace: Workspace) -> bool:
    return not await workspace.credentials.wait_for_keyring(0)
