"""One line above the keys while something is hot: the last save, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime

from textual.content import Content

from flowtui.hot.decide import Why
from flowtui.hot.events import Deployed, Failed, Held, Saved, Started, Superseded
from flowtui.models import version_in_words
from flowtui.quantities import duration
from flowtui.tui.acting import app_of
from flowtui.tui.looks.words import plain, shortened
from flowtui.tui.messages import Part
from flowtui.tui.view_models.deploys import DeployRecord
from flowtui.tui.view_models.hot import HotFlowView
from flowtui.tui.widgets.painted import Painted

_CLOCK = 1.0
"""Seconds between two looks at the running time."""
_NARROW = 100
"""Cells from which there is room for more than the last save and its outcome."""


class HotStrip(Painted):
    def __init__(self) -> None:
        super().__init__(id="hot-strip")
        self._versions: dict[str, str] = {}
        """The registered version of each flow in words, as last seen."""

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)
        self.set_interval(_CLOCK, self._tick)
        self._show()

    def on_resize(self) -> None:
        self._show()

    def _changed(self, part: Part) -> None:
        if part is Part.ROWS:
            self._note_versions()
        if part in (Part.HOT, Part.DEPLOYS, Part.ROWS):
            self._show()

    def _tick(self) -> None:
        if any(record.hot for record in app_of(self).session.deploys.running):
            self._show()

    def _show(self) -> None:
        app = app_of(self)
        hot = app.session.hot
        self.set_class(not hot.flows, "-hidden")
        running = {r.flow.target: r for r in app.session.deploys.running if r.hot}
        view = hot.telling(frozenset(running))
        if view is None:
            return
        width = (self.content_size.width or app.size.width - 2) or 78
        glyphs = app.glyphs
        head = Content.assemble((f"{glyphs.hot} hot ", "bold $accent"))
        if len(hot.flows) > 1:
            head = Content.assemble((f"{glyphs.hot} {len(hot.flows)} hot ", "bold $accent"))
        name = shortened(plain(view.name), 20 if width < _NARROW else 40)
        left = Content.assemble(head, " ", (name, "bold"), "  ")
        save = Content.assemble(self._save(view, width), "  ")
        what = self._what(view, running.get(view.target))
        room = max(width - left.cell_length, 10)
        # Why it waits is worth more than which file was saved.
        if view.saved is not None and save.cell_length + what.cell_length <= room:
            left = Content.assemble(left, save)
        self.paint(Content.assemble(left, what))

    def _save(self, view: HotFlowView, width: int) -> Content:
        saved = view.saved
        if saved is None:
            return Content("")
        when = datetime.fromtimestamp(saved.at, UTC).astimezone().strftime("%H:%M:%S")
        if saved.many:
            what = "many files"
        elif saved.paths:
            path = saved.paths[0] if width >= _NARROW else saved.paths[0].rpartition("/")[2]
            more = f" +{len(saved.paths) - 1}" if len(saved.paths) > 1 else ""
            what = f"{shortened(plain(path), 40 if width >= _NARROW else 18)}{more}"
        else:
            what = "saved"
        return Content.styled(f"{what} {when}", "$muted")

    def _what(self, view: HotFlowView, record: DeployRecord | None) -> Content:
        app = app_of(self)
        glyphs, now = app.glyphs, app.session.deploys.clock()
        if record is not None:
            stage = record.active_stage
            elapsed = record.elapsed(now)
            took = f" {int(elapsed)}s" if elapsed is not None else ""
            words = str(stage) if stage is not None else str(record.phase)
            return Content.styled(f"{glyphs.running} {words}{took}", "bold $accent")
        return Content.styled(*self._ended(view))

    def _ended(self, view: HotFlowView) -> tuple[str, str]:
        glyphs = app_of(self).glyphs
        match view.last:
            case Deployed() as done:
                number = plain(version_in_words(done.version, done.label)) or "registered"
                took = f"{number} in {duration(done.seconds)}"
                if done.unchanged:
                    took = f"{number} was made from exactly this"
                return f"{glyphs.done} {took}", "bold $success"
            case Failed() as failed:
                return f"{glyphs.failed} {self._stays(view)}{plain(failed.problem.what)}", "$error"
            case Held() as held:
                broken = held.why in (Why.BROKEN, Why.FAILED)
                stays = self._stays(view) if broken else ""
                mark = glyphs.failed if broken else glyphs.changed
                return f"{mark} {stays}{plain(held.words)}", "$error" if broken else "$warning"
            case Superseded():
                return f"{glyphs.changed} a newer save takes its place", "$warning"
            case Saved() as saved if saved.unchanged:
                return f"{glyphs.done} all of it is as it was", "$muted"
            case Saved() | Started():
                return f"{glyphs.running} about to be deployed", "$accent"
            case None:
                return "every save of it is deployed", "$muted"

    def _stays(self, view: HotFlowView) -> str:
        """What is registered all the same."""
        version = self._versions.get(view.target)
        return f"{version} stays: " if version is not None else ""

    def _note_versions(self) -> None:
        """A file that does not parse has no row of its flow any more: what it was is kept."""
        for row in app_of(self).session.rows or ():
            if row.flow is not None and row.version is not None:
                self._versions[row.flow.target] = plain(row.version.words)
