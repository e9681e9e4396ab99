"""The list of deploys: only the rows on the screen are ever made, so ten thousand cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar, TypeAlias

from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from flowtui.deploy.events import Outcome
from flowtui.deploy.history import INTERRUPTED
from flowtui.quantities import ago, duration, exact
from flowtui.tui import clock
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.looks.colours import colour_style
from flowtui.tui.looks.words import plain, shortened, shortened_left
from flowtui.tui.view_models.deploy_lines import Line, Row, local_day, rows_of
from flowtui.tui.view_models.deploys import Phase

_COLOURS = {
    str(Outcome.DONE): "success",
    str(Outcome.UNCHANGED): "success",
    str(Outcome.SKIPPED): "muted",
    str(Outcome.FAILED): "error",
    str(Outcome.CANCELLED): "warning",
    INTERRUPTED: "warning",
}
_GOOD = (str(Outcome.DONE), str(Outcome.UNCHANGED))
_STATE, _VERSION, _TOOK, _WHEN, _EXACT = 14, 5, 7, 10, 19
_GAP = "  "
_LEAST_FLOW = 8
_BAR, _ROOM_FOR_BAR = 12, 36
"""Cells of the progress bar, and of the flow's column from which there is room for it."""

LineAt: TypeAlias = Callable[[int], Line]


class DeployList(Performs, ScrollView, can_focus=True):
    """Lines by number, the newest first; `line_at` makes one when it is drawn."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.DEPLOYS, Scope.LIST)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.DEPLOYS, Scope.LIST)]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"deploys--cursor"}

    class Wanted(Message):
        """Something is wanted of the deploy under the cursor, or of the list."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(self) -> None:
        super().__init__(id="deploys")
        self._keys: tuple[str, ...] = ()
        self._line_at: LineAt | None = None
        self._rows: tuple[Row, ...] = ()
        self._row_of: dict[int, int] = {}
        self._cursor = 0
        self.exact_times = False

    # ------------------------------------------------------------------------------- what is shown

    def show(
        self,
        keys: tuple[str, ...],
        starts: tuple[float | None, ...],
        found: Mapping[int, str],
        line_at: LineAt,
    ) -> None:
        """Deploys by key with their starts, the lines found in logs, and how to make a line.

        The cursor stays on its deploy where that is still in the list.
        """
        before = self.key
        rows = rows_of(starts, found, clock.now().astimezone().date(), local_day)
        self._line_at = line_at
        if (keys, rows) != (self._keys, self._rows):
            self._keys, self._rows = keys, rows
            self._row_of = {
                row.deploy: number
                for number, row in enumerate(rows)
                if row.deploy is not None and not row.found
            }
            self._cursor = keys.index(before) if before is not None and before in keys else 0
            self.virtual_size = Size(self._width, len(rows))
            self._keep_in_view()
            self.refresh_bindings()
        self.refresh()

    @property
    def key(self) -> str | None:
        """Of the deploy under the cursor."""
        return self._keys[self._cursor] if self._cursor < len(self._keys) else None

    @property
    def line(self) -> Line | None:
        """The deploy under the cursor."""
        if self._line_at is None or self._cursor >= len(self._keys):
            return None
        return self._line_at(self._cursor)

    def facts(self) -> Facts:
        app, key = app_of(self), self.key
        record = app.session.deploys.get(key) if key is not None else None
        line = self.line
        elsewhere = line is not None and line.running and line.key == line.id
        phase = Phase.ELSEWHERE if elsewhere else record.phase if record is not None else None
        return replace(
            app.facts(),
            deploys=len(self._keys),
            phase=phase,
            deploy_id=line.id if line is not None else None,
        )

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    def on_resize(self, _: Resize) -> None:
        self.virtual_size = Size(self._width, len(self._rows))
        self._keep_in_view()

    # ------------------------------------------------------------------------------------ drawing

    def head(self) -> str:
        """The names of the columns, above them."""
        flow = f"{'  State':<{_STATE}}{_GAP}{'Flow':<{self._flow_width}}"
        return f"{flow}{_GAP}{'Ver':>{_VERSION}}{_GAP}{'Took':>{_TOOK}}{_GAP}{'When':>{self._when}}"

    @property
    def _when(self) -> int:
        return _EXACT if self.exact_times else _WHEN

    @property
    def _flow_width(self) -> int:
        fixed = _STATE + _VERSION + _TOOK + self._when + 4 * len(_GAP)
        return max(self._width - fixed, 10)

    def render_line(self, y: int) -> Strip:
        number = self.scroll_offset.y + y
        width, base = self._width, self.rich_style
        if not 0 <= number < len(self._rows) or self._line_at is None:
            return Strip.blank(width, base)
        row = self._rows[number]
        if row.deploy is None:
            text = Text().append(row.heading, colour_style(self, "primary", bold=True))
        elif row.found:
            line = shortened(plain(row.found).strip(), width - _STATE - len(_GAP))
            text = Text(f"{'':<{_STATE}}{_GAP}").append(line, colour_style(self, "muted"))
        else:
            text = self._drawn(self._line_at(row.deploy))
            if row.deploy == self._cursor:
                base = self._cursor_style
                text.style = base
        text.truncate(width, pad=False)
        text.end = ""
        strip = Strip(text.render(app_of(self).console)).extend_cell_length(width)
        return strip.apply_style(base)

    @property
    def _cursor_style(self) -> Style:
        style = self.get_component_rich_style("deploys--cursor")
        return style if self.has_focus else Style(bold=True) + self.rich_style

    def _drawn(self, line: Line) -> Text:
        glyphs = app_of(self).glyphs
        if line.running:
            state = f"{glyphs.running} {line.state}"
            style = colour_style(self, "accent", bold=True)
        else:
            mark = glyphs.done if line.state in _GOOD else glyphs.failed
            state = f"{mark} {plain(line.state)}"
            style = colour_style(self, _COLOURS.get(line.state, "muted"))
        when = datetime.fromtimestamp(line.started, UTC) if line.started is not None else None
        moment = exact(when) if self.exact_times else ago(when, clock.now()).removesuffix(" ago")
        version = shortened(plain(line.version), _VERSION)
        if line.running and line.fraction is not None:
            version = f"{line.fraction:.0%}"
        took = duration(line.seconds) if line.seconds is not None else ""
        muted = colour_style(self, "muted")
        text = Text(no_wrap=True)
        text.append(f"{shortened(state, _STATE):<{_STATE}}", style=style)
        text.append(_GAP)
        text.append_text(self._flow_cell(line, muted))
        text.append(f"{_GAP}{version:>{_VERSION}}{_GAP}{took:>{_TOOK}}{_GAP}")
        text.append(f"{moment:>{self._when}}", style=muted)
        return text

    def _flow_cell(self, line: Line, muted: Style) -> Text:
        """Flow, project and folder, as far as there is room, exactly as wide as the column."""
        width = self._flow_width
        bar = self._bar(line, width)
        whole, width = width, width - len(bar)
        mark = f"{app_of(self).glyphs.hot} " if line.hot else ""
        text = Text(mark, style=colour_style(self, "accent"), end="")
        text = Text.assemble(text, shortened(plain(line.flow), width - len(mark)))
        folder = f"in {shortened_left(plain(line.folder), width // 2 - 5)}" if line.folder else ""
        room = width - text.cell_len - 3 - (len(folder) + 2 if folder else 0)
        if line.project and room >= 8:
            project = shortened(plain(line.project), room)
            text.append(f" {app_of(self).glyphs.arrow} {project}", style=muted)
        if folder:
            text.truncate(max(width - len(folder) - 2, _LEAST_FLOW), overflow="ellipsis")
            text.append(f"  {folder}", style=muted)
        text.truncate(width, pad=True)
        text.append(bar, style=colour_style(self, "accent"))
        text.truncate(whole, pad=True)
        return text

    def _bar(self, line: Line, width: int) -> str:
        """How far the running stage is, where there is room for it."""
        if not line.running or line.fraction is None or width < _ROOM_FOR_BAR:
            return ""
        glyphs, full = app_of(self).glyphs, round(line.fraction * _BAR)
        return f"  {glyphs.bar_full * full}{glyphs.bar_empty * (_BAR - full)}"

    # ------------------------------------------------------------------------------------- moving

    def _move(self, to: int) -> None:
        if not self._keys:
            return
        self._cursor = min(max(to, 0), len(self._keys) - 1)
        self._keep_in_view()
        self.refresh()
        self.refresh_bindings()

    def _keep_in_view(self) -> None:
        row = self._row_of.get(self._cursor)
        if row is None:
            return
        # A heading or a found line beside the cursor's row is shown with it.
        first = row - 1 if row > 0 and self._rows[row - 1].deploy is None else row
        last = row + 1 if row + 1 < len(self._rows) and self._rows[row + 1].found else row
        self.scroll_to_region(
            Region(0, first, max(self._width, 1), last - first + 1),
            animate=False,
            immediate=True,
            force=True,
            x_axis=False,
        )

    def perform_down(self) -> None:
        self._move(self._cursor + 1)

    def perform_up(self) -> None:
        self._move(self._cursor - 1)

    def perform_top(self) -> None:
        self._move(0)

    def perform_bottom(self) -> None:
        self._move(len(self._keys) - 1)

    def perform_page_down(self) -> None:
        self._move(self._cursor + max(self.size.height - 2, 1))

    def perform_page_up(self) -> None:
        self._move(self._cursor - max(self.size.height - 2, 1))

    def on_click(self, event: Click) -> None:
        number = event.y + self.scroll_offset.y
        if 0 <= number < len(self._rows):
            deploy = self._rows[number].deploy
            if deploy is not None:
                self._move(deploy)
                if event.chain == 2:
                    self.perform_open()

    # ------------------------------------------------------------------------------------ actions

    def perform_cancel(self) -> None:
        self.post_message(self.Wanted("cancel"))

    def perform_open(self) -> None:
        self.post_message(self.Wanted("open"))

    def perform_filter(self) -> None:
        self.post_message(self.Wanted("filter"))

    def perform_folders(self) -> None:
        self.post_message(self.Wanted("folders"))

    def perform_times(self) -> None:
        self.post_message(self.Wanted("times"))

    def perform_copy_id(self) -> None:
        self.post_message(self.Wanted("copy_id"))

    def perform_back(self) -> None:
        self.post_message(self.Wanted("back"))
