"""A list in front of the screen: lines with a cursor, headings between them, a filter below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from flowtui.tui.acting import Performs, app_of, bindings, heard_by
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.counting import DIGITS
from flowtui.tui.widgets.painted import Painted

_EDGES = 6
"""Cells beside a line: borders, padding, the scroll bar."""
_WIDEST = 110


@dataclass(frozen=True, slots=True)
class Line:
    """One line, or a heading that the cursor passes by."""

    content: Content
    value: object | None = None
    """What it stands for; None for a heading."""
    text: str = ""
    """What the filter looks at."""


def matching(lines: Sequence[Line], words: Sequence[str]) -> list[Line]:
    """The lines with all of these words, and the headings above such lines."""
    kept: list[Line] = []
    heading: Line | None = None
    for line in lines:
        if line.value is None:
            heading = line
        elif all(word in line.text.lower() for word in words):
            kept += [heading] if heading is not None else []
            kept.append(line)
            heading = None
    return kept


class SheetList(Performs, OptionList):
    """The lines of a sheet. What Enter does is the sheet's own."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.LISTING, Scope.SHEET, Scope.LIST)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*SCOPES), *DIGITS]

    def __init__(self) -> None:
        super().__init__(id="sheet-list", markup=False)
        self._shown_lines: list[Line] = []

    @property
    def line(self) -> Line | None:
        """The line under the cursor."""
        index = self.highlighted
        if index is None or not 0 <= index < len(self._shown_lines):
            return None
        return self._shown_lines[index]

    def fill(self, lines: Sequence[Line]) -> None:
        """Show these lines; the cursor stays on what it stood on, else on the first."""
        before = self.line
        self._shown_lines = list(lines)
        self.clear_options()
        self.add_options([Option(each.content, disabled=each.value is None) for each in lines])
        places = [n for n, each in enumerate(self._shown_lines) if each.value is not None]
        same = [
            n for n in places if before is not None and self._shown_lines[n].value == before.value
        ]
        self.highlighted = next(iter(same or places), None)
        if self.highlighted is not None and self.highlighted == next(iter(places), None):
            self.call_after_refresh(self.scroll_home, animate=False)

    def go_to_text(self, start: str) -> bool:
        """To the line whose text starts so; False where there is none."""
        found = (n for n, each in enumerate(self._shown_lines) if each.text.startswith(start))
        place = next(found, None)
        if place is not None:
            self.highlighted = place
        return place is not None

    @property
    def _sheet(self) -> Sheet:
        assert isinstance(self.screen, Sheet)
        return self.screen

    def facts(self) -> Facts:
        return self._sheet.facts()

    def _step(self, by: int) -> None:
        places = [n for n, each in enumerate(self._shown_lines) if each.value is not None]
        if not places:
            return
        here = self.highlighted
        place = places.index(here) + by if here in places else 0
        self.highlighted = places[min(max(place, 0), len(places) - 1)]
        if place <= 0:
            # The heading above the first line is shown too.
            self.scroll_home(animate=False)

    def perform_down(self) -> None:
        self._step(1)

    def perform_up(self) -> None:
        self._step(-1)

    def perform_top(self) -> None:
        self._step(-len(self._shown_lines))

    def perform_bottom(self) -> None:
        self._step(len(self._shown_lines))

    def perform_page_down(self) -> None:
        self._step(max(self.size.height - 2, 1))

    def perform_page_up(self) -> None:
        self._step(-max(self.size.height - 2, 1))

    def perform_filter(self) -> None:
        self._sheet.open_filter()

    def perform_leave(self) -> None:
        self._sheet.leave()

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._sheet.chosen()


class SheetFilter(Input):
    """Esc shows all lines again, Enter and the arrows go back to them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "show all"),
        Binding("down,up", "submit", "to the lines"),
    ]

    class Left(Message):
        pass

    def __init__(self) -> None:
        super().__init__(placeholder="show only lines with this text", id="sheet-filter")

    def action_leave(self) -> None:
        self.post_message(self.Left())


class Sheet(Performs, ModalScreen[None]):
    """A list in front of the screen. What it shows is made when it is opened or asked again."""

    AUTO_FOCUS = "#sheet-list"
    BINDINGS: ClassVar[list[BindingType]] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="sheet"):
            yield SheetList()
            yield SheetFilter()
            yield Painted(id="sheet-detail")
            yield Painted(id="sheet-keys")

    def on_mount(self) -> None:
        self.fill()
        self._show_keys()

    def on_resize(self) -> None:
        self.call_after_refresh(self.fill)
        self.call_after_refresh(self._show_keys)

    # ------------------------------------------------------------------- what each sheet says

    def heading(self) -> Content:
        return Content("")

    def lines(self) -> Sequence[Line]:
        return ()

    def nothing(self) -> str:
        """What is said where there are no lines at all."""
        return "Nothing to show."

    def chosen(self) -> None:
        """Enter, or a click, on a line."""

    def detail(self) -> Content | None:
        """More about the line under the cursor, below the list; None for nothing ever."""
        return None

    # ---------------------------------------------------------------------------------- content

    @property
    def text_width(self) -> int:
        """Cells that a line of the text has."""
        return min(_WIDEST, app_of(self).size.width * 96 // 100) - _EDGES

    @property
    def value(self) -> object | None:
        """What the line under the cursor stands for."""
        line = self.query_one(SheetList).line
        return line.value if line is not None else None

    def facts(self) -> Facts:
        return app_of(self).facts()

    def fill(self) -> None:
        if not self.is_attached:
            return
        field = self.query_one(SheetFilter)
        words = field.value.lower().split()
        lines = self.lines()
        kept = matching(lines, words) if words else list(lines)
        if not kept:
            said = "No line has this text." if words else self.nothing()
            kept = [Line(Content.styled(said, "$muted"))]
        self.query_one(SheetList).fill(kept)
        self.query_one(".sheet").border_title = self.heading()
        self._show_detail()

    def _show_keys(self) -> None:
        """The keys of what is in front, for the scopes of this sheet alone."""
        keymap = app_of(self).keymap
        parts: list[tuple[str, str]] = []
        room = self.text_width
        heard = heard_by([self.query_one(SheetList), self], keymap)
        # What only this sheet can do comes first.
        heard.sort(key=lambda pair: pair[1].scope in SheetList.SCOPES)
        for owner, action in heard:
            if not action.bar:
                continue
            piece = f"{keymap.key(action.name)} {action.title}   "
            if len(piece) > room:
                break
            room -= len(piece)
            can = action.why_not(owner.facts()) is None
            parts.append((f"{keymap.key(action.name)} ", "bold $accent" if can else "$faint"))
            parts.append((f"{action.title}   ", "$muted" if can else "$faint"))
        pending = app_of(self).counting.pending
        if pending:
            parts.append((f"{pending}…", "bold"))
        self.query_one("#sheet-keys", Painted).paint(Content.assemble(*parts))

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        self._show_detail()
        self._show_keys()

    def _show_detail(self) -> None:
        detail, box = self.detail(), self.query_one("#sheet-detail", Painted)
        box.display = detail is not None
        if detail is not None:
            box.paint(detail)

    def counted(self) -> None:
        """Digits were typed."""
        self._show_keys()

    # ----------------------------------------------------------------------------------- filter

    def open_filter(self) -> None:
        field = self.query_one(SheetFilter)
        field.add_class("-open")
        self.set_focus(field)

    def leave(self) -> None:
        field = self.query_one(SheetFilter)
        if field.value:
            field.value = ""
            field.remove_class("-open")
            return
        self.dismiss(None)

    @on(Input.Changed)
    def _filter_changed(self) -> None:
        self.fill()

    @on(Input.Submitted)
    def _filter_submitted(self, event: Input.Submitted) -> None:
        if not event.value:
            event.input.remove_class("-open")
        self.set_focus(self.query_one(SheetList))

    @on(SheetFilter.Left)
    def _filter_left(self) -> None:
        field = self.query_one(SheetFilter)
        field.value = ""
        field.remove_class("-open")
        self.set_focus(self.query_one(SheetList))
