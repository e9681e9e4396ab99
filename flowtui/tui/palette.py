"""The command palette: actions and whatever has a name, by that name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from flowtui.flow_rows import FlowRow
from flowtui.models import FlowVersion, Problem, Profile, Project, version_in_words
from flowtui.quantities import counted
from flowtui.run_models import FlowRun, WorkPool
from flowtui.tui.acting import app_of, heard_by, perform_soon
from flowtui.tui.actions import Scope, reasons
from flowtui.tui.looks.themes import DARK, LIGHT
from flowtui.tui.looks.words import plain
from flowtui.tui.view_models.registered import place_of

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp
    from flowtui.tui.screens.main import MainScreen

_FIRST = 50
"""Entries of one kind that are shown before anything is typed."""
MOST_HITS = 100
"""Entries of one kind that are found: who wants another one types more."""
MOST_LOOKED_AT = 2_000
"""Runs that are looked at for one key press, however many are known."""
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
        matcher, shown = self.matcher(query), 0
        for entry in self.entries():
            score = matcher.match(entry.text)
            if score > 0:
                yield Hit(score, Content(entry.text), entry.run, entry.text, _help(entry))
                shown += 1
                if shown == MOST_HITS:
                    return


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
            yield Entry(
                text, counted(project.flow_count, "flow"), partial(_show_in_tree, app, project)
            )


class WorkPoolProvider(EntryProvider):
    """Work pools of the control plane: choosing one puts the cursor on it."""

    def entries(self) -> Iterator[Entry]:
        app = app_of(self.app)
        for pool in app.session.work_pools or ():
            told = f"{plain(pool.type)}, {counted(pool.online, 'worker')} online"
            yield Entry(f"Work pool: {plain(pool.name)}", told, partial(_show_in_tree, app, pool))


class RunProvider(EntryProvider):
    """Runs that are known: choosing one shows it among the runs of its flow."""

    def entries(self) -> Iterator[Entry]:
        return islice(self._entries(), MOST_LOOKED_AT)

    def _entries(self) -> Iterator[Entry]:
        app = app_of(self.app)
        for row in app.session.rows or ():
            for run in _runs_of(app, row):
                text = f"Run: {plain(run.name)} of {plain(row.name)}"
                version = version_in_words(run.version, run.version_label)
                help_text = ", ".join(filter(None, (plain(run.state), plain(version))))
                yield Entry(text, help_text, partial(_show_detail, app, row.key, "runs", run))


class VersionProvider(EntryProvider):
    """Versions of the flow under the cursor: choosing one shows it among the others."""

    def entries(self) -> Iterator[Entry]:
        app = app_of(self.app)
        row = _row_in_front(app)
        if row is None or row.version is None:
            return
        current = row.version
        known = app.session.all_versions.get(place_of(current), (current,))
        for version in known:
            text = f"Version: {plain(row.name)} {plain(version.short)}"
            state = "archived" if version.archived else "in use" if version == current else ""
            image = plain(version.image or "")
            help_text = ", ".join(filter(None, (state, image)))
            yield Entry(text, help_text, partial(_show_detail, app, row.key, "versions", version))


class TabProvider(EntryProvider):
    """What can be shown of the flow under the cursor."""

    def entries(self) -> Iterator[Entry]:
        from flowtui.tui.widgets.detail import DetailPane

        app = app_of(self.app)
        row = _row_in_front(app)
        main = _main_screen(app)
        if row is None or main is None:
            return
        for tab in main.query_one(DetailPane).tabs:
            yield Entry(
                f"Show: {tab.title}",
                f"of {plain(row.name)}",
                partial(_show_detail, app, row.key, tab.id, None),
            )


class SettingProvider(EntryProvider):
    """Settings, as far as they were listed; before that, the way to all of them."""

    def entries(self) -> Iterator[Entry]:
        app = app_of(self.app)
        for setting in app.session.settings:
            text = f"Setting: {plain(setting.name)}"
            shown = plain(setting.shown) or "not set"
            yield Entry(text, f"{shown}, {setting.origin}", partial(self._show, setting.name))

    async def startup(self) -> None:
        app_of(self.app).configuring.list()

    def _show(self, name: str) -> None:
        from flowtui.tui.screens.settings import SettingsScreen

        self.app.push_screen(SettingsScreen(name))


def _show_in_tree(app: FlowtuiApp, thing: Project | WorkPool) -> None:
    from flowtui.tui.widgets.project_tree import ProjectTree

    screen = _back_to_main(app)
    tree = screen.query_one(ProjectTree)
    screen.set_focus(tree)
    tree.show(thing)


def _runs_of(app: FlowtuiApp, row: FlowRow) -> tuple[FlowRun, ...]:
    """Newest first: those that were read, else the last one."""
    if row.version is None:
        return ()
    place = place_of(row.version)
    read = app.session.runs.get(place)
    if read is not None and not isinstance(read, Problem):
        return read
    last = app.session.last_runs.get(place)
    return (last,) if last is not None else ()


def _main_screen(app: FlowtuiApp) -> MainScreen | None:
    from flowtui.tui.screens.main import MainScreen

    return next((each for each in app.screen_stack if isinstance(each, MainScreen)), None)


def _row_in_front(app: FlowtuiApp) -> FlowRow | None:
    from flowtui.tui.widgets.flows import FlowTable

    main = _main_screen(app)
    return main.query_one(FlowTable).row if main is not None else None


def _back_to_main(app: FlowtuiApp) -> MainScreen:
    from flowtui.tui.screens.main import MainScreen

    while not isinstance(app.screen, MainScreen) and len(app.screen_stack) > 1:
        app.pop_screen()
    assert isinstance(app.screen, MainScreen)
    return app.screen


def _show_detail(app: FlowtuiApp, key: str, tab: str, chosen: FlowRun | FlowVersion | None) -> None:
    """A tab of a flow, the cursor on what was chosen; a filter that hides the flow is cleared."""
    from flowtui.tui.widgets.detail import DetailPane
    from flowtui.tui.widgets.flows import FlowTable

    screen = _back_to_main(app)
    table = screen.query_one(FlowTable)
    if not table.move_to(key):
        table.perform_clear_filter()
    if not table.move_to(key) or table.row is None:
        app.say("This flow is gone from the folder.", severity="warning")
        return
    screen.perform_details()
    screen.query_one(DetailPane).choose(table.row, tab, chosen)
