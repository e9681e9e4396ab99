"""Prefect Cloud: a key, then one of the workspaces that it may see, which becomes a profile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowtui.credentials import Secret, TokenKind
from flowtui.errors import CredentialsError, FlowtuiError
from flowtui.models import Problem, Profile
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler

if TYPE_CHECKING:
    from flowtui.api.rest.cloud import CloudWorkspace
    from flowtui.tui.app import FlowtuiApp
    from flowtui.tui.screens.dialogs import Choice


class PrefectCloud:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.CloudKeyWanted: self._ask_key,
            msg.CloudWorkspacesFound: self._choose,
            msg.CloudWorkspaceChosen: self._chosen,
        }

    def start(self) -> None:
        """With the key that is kept; asked for where there is none, or none that is taken."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            try:
                found = await workspace.cloud_workspaces()
            except CredentialsError:
                app.post_message(msg.CloudKeyWanted(workspace.cloud))
            except FlowtuiError as error:
                app.post_message(msg.ChangeRefused(error.problem))
            else:
                app.post_message(msg.CloudWorkspacesFound(workspace.cloud, found))

        app.begin(job, group="login", description="asking Prefect Cloud for workspaces")

    def _ask_key(self, message: msg.CloudKeyWanted) -> None:
        from flowtui.tui.screens.dialogs import TokenDialog

        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        def typed(secret: Secret | None) -> None:
            if secret is not None:
                app.begin(
                    lambda: self._check(message.cloud, secret),
                    group="login",
                    description="checking the API key",
                )

        app.push_screen(TokenDialog(message.cloud, TokenKind.API_KEY), typed)

    async def _check(self, cloud: str, secret: Secret) -> None:
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return
        try:
            found = await workspace.cloud_workspaces(secret)
        except FlowtuiError as error:
            app.post_message(msg.ChangeRefused(error.problem))
            app.say("The key was not kept.", severity="warning")
            return
        app.post_message(msg.CloudWorkspacesFound(cloud, found, secret))

    def _choose(self, message: msg.CloudWorkspacesFound) -> None:
        from flowtui.tui.screens.dialogs import ChoiceDialog

        app, found = self._app, message.workspaces
        if not found:
            nothing = Problem(
                "this key may see no workspace of Prefect Cloud",
                where=message.cloud,
                fix="make one in Cloud's UI, or ask to be made a member of one",
            )
            app.post_message(msg.ChangeRefused(nothing))
            return

        def answered(chosen: str | None) -> None:
            if chosen is None:
                if message.secret is not None:
                    app.say("The key was not kept.", severity="warning")
                return
            self._profile_for(found[int(chosen)], message)

        app.push_screen(
            ChoiceDialog(
                "Which workspace of Prefect Cloud?",
                "It gets a profile of its own.",
                tuple(self._choice(place, each, message) for place, each in enumerate(found)),
            ),
            answered,
        )

    def _choice(
        self, place: int, each: CloudWorkspace, message: msg.CloudWorkspacesFound
    ) -> Choice:
        from flowtui.tui.screens.dialogs import Choice

        session = self._app.session
        address = each.api_url(message.cloud)
        in_use = session.profile is not None and session.profile.api_url == address
        words = [each.name, each.description, "in use" if in_use else ""]
        return Choice(str(place), each.handle, " · ".join(word for word in words if word))

    def _profile_for(self, chosen: CloudWorkspace, message: msg.CloudWorkspacesFound) -> None:
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return
        ca_file = workspace.profile.ca_file if workspace.in_cloud else None

        async def job() -> None:
            from flowtui.api.rest.cloud import profile_of

            profile = await asyncio.to_thread(profile_of, chosen, message.cloud, ca_file)
            app.post_message(msg.CloudWorkspaceChosen(profile, message.secret))

        app.begin(job, group="login", description=f"choosing {chosen.handle}")

    def _chosen(self, message: msg.CloudWorkspaceChosen) -> None:
        """A key that is kept already goes along with the address; another is kept first."""
        profile: Profile = message.profile
        if message.secret is None:
            self._app.connecting.save_profile(profile, use=True)
        else:
            self._app.logging_in.keep(message.secret, profile)
