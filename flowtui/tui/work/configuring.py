"""[ui] and [keys] while the app runs: read again after an edit; every setting with its origin."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from flowtui.config import user_file
from flowtui.errors import FlowtuiError
from flowtui.preferences import Preferences
from flowtui.preferences import load as load_preferences
from flowtui.tui import messages as msg
from flowtui.tui.actions import keymap_of
from flowtui.tui.messages import Handler, Part

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp


class Configuring:
    def __init__(self, app: FlowtuiApp, profile: str | None, api_url: str | None) -> None:
        self._app = app
        self._profile, self._api_url = profile, api_url

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.PreferencesRead: self._preferences_read,
            msg.SettingsListed: self._listed,
        }

    def use(self, preferences: Preferences) -> None:
        """These count from now on; what of them is wrong becomes a problem."""
        app = self._app
        app.preferences = preferences
        app.keymap, key_problems = keymap_of(preferences.keys, file=str(user_file()))
        app.session.settings_problems = (*preferences.problems, *key_problems)
        app.set_keymap({name: ",".join(app.keymap.keys(name)) for name in app.keymap.changed})

    def read(self) -> None:
        """Look at the user's file again, and list the settings anew."""
        app, read_only = self._app, self._app.read_only

        async def job() -> None:
            found = await asyncio.to_thread(load_preferences, os.environ, read_only=read_only)
            app.post_message(msg.PreferencesRead(found))

        app.begin(job, group="preferences", description="reading your configuration")

    def _preferences_read(self, message: msg.PreferencesRead) -> None:
        app = self._app
        # Whoever started flowtui --read-only does not get out of it by a file.
        self.use(replace(message.preferences, read_only=app.read_only))
        app.changed(Part.SETTINGS)
        app.connecting.read_profiles()
        self.list()

    def list(self) -> None:
        """Every setting with its origin, for the settings screen."""
        app, preferences = self._app, self._app.preferences

        async def job() -> None:
            from flowtui.settings_list import listed

            workspace = app.session.workspace
            folder = workspace.root if workspace is not None else app.path
            try:
                rows = await asyncio.to_thread(
                    listed,
                    folder,
                    preferences,
                    os.environ,
                    profile=self._profile,
                    api_url=self._api_url,
                )
            except FlowtuiError as error:
                app.post_message(msg.SettingsListed((), error.problem))
                return
            app.post_message(msg.SettingsListed(rows))

        app.begin(job, group="settings", description="reading the settings")

    def _listed(self, message: msg.SettingsListed) -> None:
        session = self._app.session
        session.settings, session.settings_problem = message.rows, message.problem
        self._app.changed(Part.SETTINGS)
