"""Small frames show what Textual's own frames show: both fed to an emulated terminal."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from flowtui.tui.terminal.canvas import Canvas, Piece
from flowtui.tui.terminal.cells import cells, spelled

WIDTH, HEIGHT = 40, 6


class Emulator:
    def __init__(self, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.screen = pyte.Screen(width, height)
        self._stream = pyte.Stream(self.screen)
        self._stream.feed("\x1b[?7l")

    def feed(self, data: str) -> None:
        self._stream.feed(data)

    def look(self) -> list[list[tuple[object, ...]]]:
        return [
            [seen(self.screen.buffer[y][x]) for x in range(self.screen.columns)]
            for y in range(self.screen.lines)
        ]

    def row(self, y: int) -> str:
        return "".join(self.screen.buffer[y][x].data for x in range(self.screen.columns)).rstrip()


def seen(cell: pyte.screens.Char) -> tuple[object, ...]:
    """What of a cell a person can see: of a space, not its colour nor whether it is bold."""
    if cell.data != " " or cell.underscore or cell.strikethrough or cell.reverse:
        return tuple(cell)
    return " ", cell.bg


def own(x: int, y: int, strip: Strip) -> str:
    """As Textual writes it, one style after the other, without our way of doing it."""
    rendered = "".join(
        Strip.render_style(style, text, ColorSystem.TRUECOLOR) if style else text
        for text, style, _ in strip
    )
    return f"\x1b[{y + 1};{x + 1}H{rendered}"


STYLES = st.builds(
    Style,
    color=st.sampled_from([None, "red", "bright_blue", "#123456", "color(120)", "default"]),
    bgcolor=st.sampled_from([None, "blue", "#654321", "default"]),
    bold=st.booleans(),
    italic=st.sampled_from([None, True]),
    underline=st.sampled_from([None, True]),
    reverse=st.sampled_from([None, True]),
    strike=st.sampled_from([None, True]),
)
TEXTS = st.one_of(
    st.text("abc .", min_size=1, max_size=30),
    st.sampled_from([" " * 12, "─" * 9, "x" + " " * 20, "✓ done", "▸◆│", "日本語 text", "日", "é"]),
)
SEGMENTS = st.lists(
    st.builds(Segment, TEXTS, st.one_of(st.none(), STYLES), st.none()), min_size=1, max_size=4
)


@st.composite
def drawings(draw: st.DrawFn) -> tuple[int, int, Strip]:
    x, y = draw(st.integers(0, WIDTH - 1)), draw(st.integers(0, HEIGHT - 1))
    return x, y, Strip(draw(SEGMENTS)).crop(0, WIDTH - x)


FRAMES = st.lists(st.lists(drawings(), min_size=1, max_size=5), min_size=1, max_size=6)


def halves_kept(frames: list[list[tuple[int, int, Strip]]]) -> bool:
    """pyte leaves half a wide character when the other half is overwritten; terminals do not."""
    return not any(ord(c) > 0x2FFF for f in frames for *_, strip in f for c in strip.text)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(FRAMES, st.sampled_from([None, 1, 60]), st.booleans())
def test_any_frames_look_as_textuals_own(
    frames: list[list[tuple[int, int, Strip]]], most: int | None, erases: bool
) -> None:
    if not halves_kept(frames):
        frames = [[(0, y, strip) for _, y, strip in frame] for frame in frames]
        frames = [[(x, y, strip.extend_cell_length(WIDTH)) for x, y, strip in f] for f in frames]
    canvas = Canvas(erases_with_background=erases)
    canvas.resize(WIDTH, HEIGHT)
    theirs, ours = Emulator(), Emulator()
    for frame in frames:
        theirs.feed("".join(own(x, y, strip) for x, y, strip in frame))
        canvas.draw(Piece(y, x, strip) for x, y, strip in frame)
        ours.feed(canvas.frame(most))
    while not canvas.settled:
        ours.feed(canvas.frame(most))
    assert ours.look() == theirs.look()
    assert canvas.frame() == ""


def drawn(canvas: Canvas, *rows: str, style: Style | None = None) -> str:
    canvas.draw(Piece(y, 0, [Segment(row, style)]) for y, row in enumerate(rows))
    return canvas.frame()


def small() -> Canvas:
    canvas = Canvas()
    canvas.resize(20, 3)
    return canvas


def test_what_is_drawn_again_as_it_was_is_not_sent() -> None:
    canvas = small()
    assert drawn(canvas, "hello", "world")
    assert drawn(canvas, "hello", "world") == ""


def test_only_the_cells_that_differ_are_sent() -> None:
    canvas = small()
    drawn(canvas, "flow number one", "", "")
    assert drawn(canvas, "flow number two") == "\x1b[1;13H\x1b[mtwo\x1b[H"


def test_everything_is_sent_again_once_the_screen_is_not_known() -> None:
    canvas = small()
    drawn(canvas, "hello")
    canvas.forget()
    emulator = Emulator(20, 3)
    emulator.feed(canvas.frame())
    assert emulator.row(0) == "hello"


def test_blanks_at_the_end_are_erased_where_the_terminal_keeps_the_background() -> None:
    style = Style(bgcolor="blue", color="white")
    canvas = small()
    drawn(canvas, "x" * 20, style=style)
    assert "\x1b[19X" in drawn(canvas, "x" + " " * 19, style=style)
    without = Canvas(erases_with_background=False)
    without.resize(20, 3)
    drawn(without, "x" * 20, style=style)
    assert " " * 19 in drawn(without, "x" + " " * 19, style=style)


def test_a_frame_may_be_sent_in_parts_the_newest_rows_first() -> None:
    canvas = small()
    emulator = Emulator(20, 3)
    emulator.feed(canvas.frame())
    canvas.draw(Piece(y, 0, [Segment("log line", None)]) for y in range(3))
    emulator.feed(canvas.frame(most=1))
    assert not canvas.settled
    canvas.draw([Piece(2, 0, [Segment("a key   ", None)])])
    emulator.feed(canvas.frame(most=1))
    assert [emulator.row(y) for y in range(3)] == ["log line", "", "a key"]
    emulator.feed(canvas.frame())
    assert [emulator.row(y) for y in range(3)] == ["log line", "log line", "a key"]


def test_resizing_starts_anew() -> None:
    canvas = small()
    drawn(canvas, "hello")
    canvas.resize(10, 2)
    assert drawn(canvas, "hello")
    canvas.draw([Piece(5, 0, [Segment("outside", None)]), Piece(0, 30, [Segment("too", None)])])
    assert canvas.frame() == ""


@pytest.mark.parametrize("sequence", ["\x1b[2J", "\x1b]52;c;eA==\x07", "\x9b2J", "a\rb", "\u202e"])
def test_control_characters_take_no_cell_and_reach_no_terminal(sequence: str) -> None:
    row = cells(f"a{sequence}b")
    assert not set(spelled(row)) & set("\x1b\x9b\x07\r\u202e")
    canvas = small()
    frame = drawn(canvas, f"a{sequence}b")
    assert "]52" in frame or "\x07" not in frame
    assert "\x9b" not in frame and "\x1b[2J" not in frame and "\u202e" not in frame


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("plain", 5),
        ("日本", 4),
        ("e\u0301", 1),
        ("👨‍👩‍👧", 2),
        ("❤️", 2),
        ("a\u00a0b", 3),
        ("\ue0b0", 1),
        ("\U000f0001", 1),
        ("", 0),
    ],
)
def test_text_and_cells(text: str, columns: int) -> None:
    row = cells(text)
    assert len(row) == columns
    assert spelled(row) == text.replace("\u00a0", " ")
