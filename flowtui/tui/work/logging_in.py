"""A token: typed, checked with the control plane, and only then kept, where the person says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from flowtui.addresses import is_loopback
from flowtui.credentials import Secret, Where, token
from flowtui.errors import CredentialsError, FlowtuiError
from flowtui.models import Profile
from flowtui.prefect_settings import TokenPlace
from flowtui.tui import messages as msg
from flowtui.tui.screens.dialogs import ConfirmDialog, StoreDialog, TokenDialog, WaitDialog
from flowtui.workspace import Workspace

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp

_UNLOCK_TURN = 30.0
"""Seconds of one wait for the keyring; the next one follows at once."""


class LoggingIn:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app

    def start(self) -> None:
        """Ask for a token. One that would travel unencrypted is asked about first."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return
        from flowtui.api.opening import token_kind

        address = workspace.profile.api_url

        def typed(secret: Secret | None) -> None:
            if secret is not None:
                app.begin(
                    lambda: self._check(workspace, secret),
                    group="login",
                    description="checking the token",
                )

        def agreed(yes: bool | None) -> None:
            if yes:
                app.push_screen(TokenDialog(address, token_kind(address)), typed)

        if is_loopback(address) or not address.startswith("http://"):
            agreed(True)
            return
        app.push_screen(
            ConfirmDialog(
                "Send a token without encryption?",
                f"{address} is plain http: whoever can listen on the way reads the token.",
                yes="Send it all the same",
                no="Do not log in",
            ),
            agreed,
        )

    def take_from(self, place: TokenPlace) -> None:
        """The token that Prefect itself keeps, as if it had been typed."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            from flowtui import prefect_settings

            secret = token(await asyncio.to_thread(prefect_settings.read_token, place))
            await self._check(workspace, secret)

        app.begin(job, group="login", description="checking the token")

    async def _check(self, workspace: Workspace, secret: Secret) -> None:
        """A token that the control plane refuses is kept nowhere."""
        from flowtui.api.rest.cloud import NoWorkspaceError

        app = self._app
        try:
            await workspace.check_token(secret)
        except NoWorkspaceError as error:
            app.post_message(msg.CloudWorkspacesFound(error.cloud, error.workspaces, secret))
            return
        except FlowtuiError as error:
            app.post_message(msg.ChangeRefused(error.problem))
            app.say("The token was not kept.", severity="warning")
            return
        await self._offer_places(workspace, secret)

    def keep(self, secret: Secret, profile: Profile) -> None:
        """Ask where a token that was checked is kept, then use its profile."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return
        other = workspace.use(profile, workspace.credentials)
        app.begin(
            lambda: self._offer_places(other, secret),
            group="login",
            description="looking for a keyring",
        )

    async def _offer_places(self, workspace: Workspace, secret: Secret) -> None:
        status = await workspace.credentials.keyring_status()
        self._ask_where(workspace, secret, status.name if status.safe else None, status.reason)

    def _ask_where(
        self, workspace: Workspace, secret: Secret, keyring: str | None, reason: str
    ) -> None:
        app = self._app

        def chosen(where: Where | None) -> None:
            if where is None:
                app.say("The token was not kept anywhere.", severity="warning")
                return
            app.begin(
                lambda: self._keep(workspace, secret, where),
                group="login",
                description="keeping the token",
            )

        app.push_screen(StoreDialog(keyring, reason), chosen)

    async def _keep(self, workspace: Workspace, secret: Secret, where: Where) -> None:
        app = self._app
        try:
            place = await workspace.credentials.store(workspace.profile.api_url, secret, where)
        except CredentialsError as error:
            if await workspace.credentials.wait_for_keyring(0):
                app.post_message(msg.ChangeRefused(error.problem))
                self._ask_where(workspace, secret, None, "it did not take the token")
            else:
                self._wait_for_unlock(workspace, secret)
            return
        app.say(f"The token is kept in {place}.")
        used = app.session.profile
        if used is not None and used.api_url != workspace.profile.api_url:
            app.call_later(app.connecting.save_profile, workspace.profile, use=True)
            return
        app.call_later(app.connecting.read_profiles)
        app.call_later(app.connecting.connect)

    def _wait_for_unlock(self, workspace: Workspace, secret: Secret) -> None:
        app = self._app
        dialog = WaitDialog(
            "The keyring is locked",
            "It waits for you to unlock it on the desktop; then the token is kept in it.",
            leave="keep it elsewhere",
        )

        async def wait() -> None:
            while not await workspace.credentials.wait_for_keyring(_UNLOCK_TURN):
                pass
            dialog.dismiss(True)

        def ended(unlocked: bool | None) -> None:
            app.cancel_group("unlock")
            if not unlocked:
                self._ask_where(workspace, secret, None, "the keyring is locked")
                return
            app.begin(
                lambda: self._keep(workspace, secret, Where.KEYRING),
                group="login",
                description="keeping the token",
            )

        app.push_screen(dialog, ended)
        app.begin(wait, group="unlock", description="waiting for the keyring", counts=False)

    def log_out(self) -> None:
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                app.begin(lambda: self._forget(workspace), group="login", description="logging out")

        app.push_screen(
            ConfirmDialog(
                f"Log out of {workspace.profile.api_url}?",
                f"The token in the {workspace.token_source} is deleted.",
                yes="Log out",
                no="Stay logged in",
            ),
            answered,
        )

    async def _forget(self, workspace: Workspace) -> None:
        app = self._app
        places = await workspace.credentials.forget(workspace.profile.api_url)
        notes = "".join(f"\n{note}" for note in workspace.credentials.notes)
        kept = " and ".join(places)
        app.say(f"Token deleted from {kept}.{notes}" if places else f"No token was stored.{notes}")
        app.call_later(app.connecting.read_profiles)
        app.call_later(app.connecting.connect)
