"""The command palette: actions, flows and projects by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from flowtui.models import Profile
from flowtui.tui.acting import app_of, heard_by, perform_soon
from flowtui.tui.actions import Scope, reasons
from flowtui.tui.themes import DARK, LIGHT
from flowtui.tui.words import counted, plain

_FIRST = 50
"""Entries of one kind that are shown before anything is typed."""
OURS = (DARK.name, LIGHT.name)


@dataclass(frozen=True, slots=True)
class Entry:
    text: str
    help: str
    run: Callable[[], None]


class EntryProvider(Provider):
    """Entries with outside text in them: shown as plain text, never as markup."""

    def entries(self) -> Iterator[Entry]:
        return iter(())

    async def discover(self) -> Hits:
        for entry in islice(self.entries(), _FIRST):
            yield DiscoveryHit(Content(entry.text), entry.run, entry.text, _help(entry))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for entry in self.entries():
            score = matcher.match(entry.text)
            if score > 0:
                yield Hit(score, Content(entry.text), entry.run, entry.text, _help(entry))


def _help(entry: Entry) -> str | None:
    """Textual reads help as markup: what could be a tag is escaped."""
    return entry.help.replace("[", "\\[") if entry.help else None


class ActionProvider(EntryProvider):
    """Everything that a key can do in front of the palette, with the reason where it cannot."""

    def entries(self) -> Iterator[Entry]:
        app = app_of(self.app)
        for owner, action in heard_by(app.heard(self.screen), app.keymap):
            if action.scope in (Scope.LIST, Scope.LOG):
                continue
            reason = action.why_not(owner.facts())
            note = f"{action.help} (not now: {reason})" if reason else action.help
            text = (
                f"{str(action.scope).capitalize()}: {action.title}  {app.keymap.key(action.name)}"
            )
            yield Entry(text, note, partial(perform_soon, owner, action))


class ProfileProvider(EntryProvider):
    """Profiles: choosing one switches to its control plane."""

    def entries(self) -> Iterator[Entry]:
        app = app_of(self.app)
        used = app.session.profile
        for profile in app.session.profiles:
            if used is None or profile.name != used.name:
                text = f"Profile: {plain(profile.name)}"
                yield Entry(text, plain(profile.api_url), partial(self._use, profile))

    def _use(self, profile: Profile) -> None:
        app = app_of(self.app)
        reason = reasons.profile_usable(replace(app.facts(), profile=profile))
        if reason is not None:
            app.say(f"switch: {reason}", severity="warning")
            return
        app.connecting.use_profile(profile)


class ThemeProvider(EntryProvider):
    """flowtui's own themes first, then Textual's."""

    def entries(self) -> Iterator[Entry]:
        app = app_of(self.app)
        names = sorted(app.available_themes, key=lambda name: (name not in OURS, name))
        for name in names:
            if name != app.theme:
                yield Entry(f"Theme: {name}", "", partial(self._use, name))

    def _use(self, name: str) -> None:
        self.app.theme = name


class FlowProvider(EntryProvider):
    """Flows of the folder: choosing one shows what its deploy would do."""

    def entries(self) -> Iterator[Entry]:
        app = app_of(self.app)
        places = {target: place for place, target in enumerate(app.remembering.recent)}
        rows = [row for row in app.session.rows or () if row.flow is not None]
        # The flows opened last stand first.
        rows.sort(key=lambda row: places.get(row.key, len(places)))
        for row in rows:
            text = f"Deploy: {plain(row.name)}"
            yield Entry(text, f"{plain(row.location)}, {row.state}", partial(self._deploy, row.key))

    def _deploy(self, key: str) -> None:
        from flowtui.tui.screens.deploy import DeployScreen

        app = app_of(self.app)
        row = next((row for row in app.session.rows or () if row.key == key), None)
        if row is None or row.flow is None:
            app.say("This flow is gone from the folder.", severity="warning")
            return
        if not app.session.connected:
            app.say("deploy: not connected to a control plane", severity="warning")
            return
        record = app.session.deploys.latest_of(row.flow)
        if record is None or not record.running:
            record = app.deploying.plan(row.flow)
        app.push_screen(DeployScreen(record.key))


class ProjectProvider(EntryProvider):
    """Projects of the control plane: choosing one puts the cursor on it."""

    def entries(self) -> Iterator[Entry]:
        app = app_of(self.app)
        for project in app.session.projects or ():
            text = f"Project: {plain(project.name)}"
            yield Entry(text, counted(project.flow_count, "flow"), partial(self._show, project.id))

    def _show(self, project_id: str) -> None:
        from flowtui.tui.screens.main import MainScreen
        from flowtui.tui.widgets.project_tree import ProjectTree

        app = app_of(self.app)
        while not isinstance(app.screen, MainScreen) and len(app.screen_stack) > 1:
            app.pop_screen()
        tree = app.screen.query_one(ProjectTree)
        app.screen.set_focus(tree)
        tree.show_project(project_id)
