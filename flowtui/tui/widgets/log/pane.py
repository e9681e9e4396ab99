"""A log in its frame: the view, the line below to type in, titles that say what is shown."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region

from flowtui.deploy.events import Level
from flowtui.quantities import counted
from flowtui.tui.acting import app_of
from flowtui.tui.logs.habits import remember
from flowtui.tui.logs.store import LineFilter, LogStore
from flowtui.tui.looks.words import plain, shortened
from flowtui.tui.widgets.log.prompt import Asked, LogPrompt
from flowtui.tui.widgets.log.taking import taken
from flowtui.tui.widgets.log.view import LogView
from flowtui.tui.widgets.log.window import View, Window

_TEXT_WIDTH = 24
"""Cells of a search or filter in the title."""
_LEVEL_WORDS = {
    Level.INFO: "info and up",
    Level.WARNING: "warnings and up",
    Level.ERROR: "errors only",
}


class LogPane(Vertical):
    def __init__(self, *stores: LogStore, run_log: bool = False) -> None:
        super().__init__(id="log-box")
        self._run_log = run_log
        self._stores = stores
        self._log_name = "Log"
        self._file = "flowtui"
        self._live = False
        self._before: View | None = None
        """How the log was looked at when the line was opened."""
        self._titles = ("", "")
        self._retitling = False

    def compose(self) -> ComposeResult:
        yield LogView(*self._stores, id="log", run_log=self._run_log)
        yield LogPrompt()

    @property
    def view(self) -> LogView:
        return self.query_one(LogView)

    @property
    def engaged(self) -> bool:
        """Whether somebody reads or types here: another log in its place would be in the way."""
        return self._prompt.asked is not None or not self.view.window.follow

    @property
    def _prompt(self) -> LogPrompt:
        return self.query_one(LogPrompt)

    def show(
        self, *stores: LogStore, name: str, file: str, live: bool, tags: tuple[str, ...] = ()
    ) -> None:
        """Show a log, or several merged. `name` is for the title, `file` names a saved one."""
        self._log_name, self._live = name, live
        self._file = re.sub(r"[^\w.-]+", "-", file).strip("-.") or "flowtui"
        if self._prompt.asked is not None and stores != self.view.window.stores:
            self._close()
        self.view.show(*stores, tags=tags)
        self._show_titles()

    def leave_one(self) -> bool:
        """Undo what was last put on the log; False when it is as it was opened."""
        if not self.view.window.leave_one():
            return False
        self.view.look_again()
        return True

    # ------------------------------------------------------------------------------------- titles

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> LogPane:
        if self._retitling:
            # A title sits in the frame: the log inside of it need not be sent again.
            width, height = self.outer_size
            offset = self.content_offset
            ends = (Region(0, 0, width, 1), Region(0, height - 1, width, 1))
            regions = tuple(end.translate((-offset.x, -offset.y)) for end in ends)
        super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        return self

    @on(LogView.Moved)
    def _show_titles(self) -> None:
        titles = (self._title(), self._subtitle())
        if titles == self._titles or not self.is_attached:
            return
        self._titles = titles
        self._retitling = True
        self.border_title = Content(titles[0])
        self.border_subtitle = Content(titles[1])
        self._retitling = False

    def _title(self) -> str:
        """What is shown: of which log, the filter, the search."""
        window = self.view.window
        parts = [f"Log: {plain(self._log_name)}"]
        wanted = window.wanted
        if wanted.text:
            words = f"{'without' if wanted.inverted else 'with'} {_quoted(wanted.text)}"
            parts.append(words)
        if wanted.level in _LEVEL_WORDS:
            parts.append(_LEVEL_WORDS[wanted.level])
        if window.match is not None:
            parts.append(_match_words(window))
        return "  ".join(parts)

    def _subtitle(self) -> str:
        """Where the reader is."""
        key = app_of(self).keymap.key
        view, window = self.view, self.view.window
        total = sum(store.total for store in window.stores)
        lines = counted(total, "line")
        if not window.wanted.anything:
            lines = f"{window.lines.end - window.lines.first} of {lines}"
        if view.count:
            return f"{view.count} …"
        if window.selecting:
            return f"{counted(len(window.selected), 'line')} selected, {key('log.copy')} copies"
        if window.paused:
            return f"paused, +{window.new_lines} new, {key('log.pause')} goes on"
        if window.follow:
            return f"{lines}, following" if self._live else lines
        new = window.new_lines
        return f"+{new} new, {key('log.follow')} follows" if new else lines

    # -------------------------------------------------------------------------------- what is typed

    @on(LogView.SearchWanted)
    def _search_wanted(self) -> None:
        window, habits = self.view.window, app_of(self).session.log_habits
        self._before = window.view()
        value = window.matches.text if window.matches is not None else ""
        self._prompt.ask(Asked.SEARCH, value, tuple(habits.searches))

    @on(LogView.FilterWanted)
    def _filter_wanted(self) -> None:
        window, habits = self.view.window, app_of(self).session.log_habits
        self._before = window.view()
        wanted = window.wanted
        value = f"!{wanted.text}" if wanted.inverted else wanted.text
        self._prompt.ask(Asked.FILTER, value, tuple(habits.filters))

    @on(LogView.SaveWanted)
    def _save_wanted(self) -> None:
        self._before = self.view.window.view()
        self._prompt.ask(Asked.FILE, f"{self._file}.log")

    @on(LogPrompt.Typed)
    def _typed(self, message: LogPrompt.Typed) -> None:
        """What is typed is shown at once; leaving the line takes it back."""
        window = self.view.window
        match message.asked:
            case Asked.SEARCH:
                if self._before is not None:
                    window.restore(self._before)
                    window.look()
                window.search(message.text)
            case Asked.FILTER:
                window.pick(_filter(message.text, window.wanted.level))
            case Asked.FILE:
                return
        self.view.look_again()

    @on(LogPrompt.Given)
    def _given(self, message: LogPrompt.Given) -> None:
        habits = app_of(self).session.log_habits
        window = self.view.window
        match message.asked:
            case Asked.SEARCH:
                remember(habits.searches, message.text)
                if (window.matches.text if window.matches is not None else "") != message.text:
                    window.search(message.text)
            case Asked.FILTER:
                remember(habits.filters, message.text)
                window.pick(_filter(message.text, window.wanted.level))
            case Asked.FILE:
                self._save(message.text)
        self._close()

    @on(LogPrompt.Left)
    def _left(self) -> None:
        if self._before is not None and self._prompt.asked is not Asked.FILE:
            self.view.window.restore(self._before)
        self._close()

    def _close(self) -> None:
        self._before = None
        self._prompt.close()
        self.view.focus()
        self.view.look_again()

    def _save(self, name: str) -> None:
        app, window = app_of(self), self.view.window
        if not name.strip():
            app.say("No name was given; nothing was saved.", severity="warning")
            return
        folder = app.session.workspace.root if app.session.workspace is not None else app.path
        file = folder / Path(name.strip()).expanduser()
        take = partial(
            taken,
            window.source,
            range(window.lines.first, window.end),
            times=self.view.times,
        )
        app.keeping.save(take, file)


def _filter(text: str, level: Level) -> LineFilter:
    """A leading `!` wants the lines without the text."""
    inverted = text.startswith("!")
    rest = text[1:] if inverted else text
    return LineFilter(rest, inverted and bool(rest), level)


def _quoted(text: str) -> str:
    return f"“{shortened(plain(text), _TEXT_WIDTH)}”"


def _match_words(window: Window) -> str:
    match = window.match
    text = _quoted(window.matches.text) if window.matches is not None else ""
    if match is None or not match[1]:
        return f"{text} not found"
    at, count = match
    if at is None:
        return f"{text} {counted(count, 'match', 'matches')}"
    return f"{text} match {at} of {count}"
