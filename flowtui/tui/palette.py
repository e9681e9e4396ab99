"""The command palette: actions, flows and projects by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from flowtui.tui.acting import app_of, heard_by, perform_soon
from flowtui.tui.actions import Scope
from flowtui.tui.words import counted, plain


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
        for entry in self.entries():
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


class FlowProvider(EntryProvider):
    """Flows of the folder: choosing one shows what its deploy would do."""

    def entries(self) -> Iterator[Entry]:
        app = app_of(self.app)
        for row in app.session.rows or ():
            if row.flow is None:
                continue
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
