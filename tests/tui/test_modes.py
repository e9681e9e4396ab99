"""Terminals with few colours, none, no glyphs, or no screens at all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.color import ColorSystem
from rich.segment import Segment

from benchmarks.pty_harness import terminal
from flowtui.deploy.events import Level, LogLine, Outcome, Progress, Stage
from flowtui.tui.terminal import abilities
from flowtui.tui.terminal.ascii_only import ascii_of
from flowtui.tui.terminal.canvas import Piece
from flowtui.tui.terminal.outlet import Outlet
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace

pytestmark = pytest.mark.slow


def segments(driver: Driver) -> list[Segment]:
    strips = driver.app.screen._compositor.render_strips()
    return [segment for strip in strips for segment in strip]


async def every_screen(driver: Driver, look: Callable[[], None]) -> None:
    """Walk through the screens; `look` is called on each."""
    look()
    for keys in (("1",), ("n",), ("escape", "question_mark"), ("escape", "exclamation_mark")):
        await driver.press_and_settle(*keys)
        look()
    await driver.press_and_settle("escape", "4")
    look()
    await driver.press_and_settle("escape", "ctrl+p")
    look()
    await driver.press_and_settle("escape", "2", "enter")
    look()
    await driver.press("enter")
    await driver.until(lambda: bool(driver.workspace.deploys))
    deploy = driver.workspace.deploys[0]
    deploy.start(Stage.BUILD)
    deploy.emit(LogLine(deploy="d", stage=Stage.BUILD, text="careful", level=Level.WARNING))
    deploy.emit(
        Progress(
            deploy="d", stage=Stage.BUILD, item="x", current=3, total=9, unit="steps", status="RUN"
        )
    )
    await driver.see("careful", "3 of 9")
    look()
    deploy.fail(Stage.BUILD)
    deploy.finish(Outcome.FAILED, exit_code=1, reason="it broke")
    await driver.see("it broke")
    look()


@pytest.mark.parametrize("size", [(80, 24), (160, 45)])
async def test_with_ascii_everything_on_every_screen_is_ascii(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setenv("FLOWTUI_ASCII", "1")
    async with running(workspace, size=size) as driver:

        def look() -> None:
            text = driver.screen_text()
            assert {character for character in text if not character.isascii()} == set(), text

        await every_screen(driver, look)


async def test_without_colour_there_is_none_and_the_cursor_is_reversed(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(workspace) as driver:

        def look() -> None:
            for segment in segments(driver):
                style = segment.style
                if style is not None:
                    assert style.color is None or style.color.is_default, segment
                    assert style.bgcolor is None or style.bgcolor.is_default, segment

        await driver.press_and_settle("j")
        cursor = [s for s in segments(driver) if s.style is not None and s.style.reverse]
        text = "".join(segment.text for segment in cursor)
        assert "report" in text and "etl" not in text
        await every_screen(driver, look)


@pytest.mark.parametrize("term", ["xterm", "linux", "screen", "xterm-16color"])
async def test_sixteen_colours_are_the_terminals_own(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    monkeypatch.delenv("COLORTERM", raising=False)
    monkeypatch.setenv("TERM", term)
    async with running(workspace) as driver:
        assert driver.app.native_ansi_color
        driver.app.canvas.resize(80, 24)
        strips = driver.app.screen._compositor.render_strips()
        driver.app.canvas.draw(Piece(y, 0, strip) for y, strip in enumerate(strips))
        frame = driver.app.canvas.frame()
        assert "38;2" not in frame and "48;2" not in frame and "38;5" not in frame


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TERM": "xterm"}, ColorSystem.STANDARD),
        ({"TERM": "linux"}, ColorSystem.STANDARD),
        ({"TERM": "screen-256color"}, ColorSystem.EIGHT_BIT),
        ({"TERM": "tmux-256color", "COLORTERM": "truecolor"}, ColorSystem.TRUECOLOR),
        ({"TERM": "xterm-kitty"}, ColorSystem.TRUECOLOR),
        ({}, ColorSystem.STANDARD),
    ],
)
def test_how_many_colours_a_terminal_has(environ: dict[str, str], expected: ColorSystem) -> None:
    assert abilities.colours(environ) is expected


def test_who_erases_with_the_background() -> None:
    assert abilities.erases_with_background({"TERM": "xterm"})
    assert abilities.erases_with_background({"TERM": "linux"})
    assert not abilities.erases_with_background({"TERM": "screen-256color"})
    assert abilities.erases_with_background({"TERM": "screen-256color", "TMUX": "/tmp/x"})


def test_boxes_and_marks_have_one_ascii_cell_each() -> None:
    marks = "".join(map(chr, range(0x2500, 0x25A0))) + "✓✗●◆…→“”"
    assert len(ascii_of(marks)) == len(marks)
    assert ascii_of(marks).isascii()
    assert ascii_of("日本 é") == "日本 é"


def test_what_a_locale_cannot_say_takes_its_cell_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "terminal"
    with file.open("wb") as stream:
        outlet = Outlet(stream.fileno(), "iso8859-1", lambda: None)
        outlet.write("é ✓ x")
        outlet.end(5)
    assert file.read_bytes() == "é ? x".encode("iso8859-1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "environment", "words"),
    [
        ("xterm", {"TERM": "xterm", "COLORTERM": ""}, "─"),
        ("linux", {"TERM": "linux", "COLORTERM": ""}, "+- 1 Projects"),
        ("screen", {"TERM": "screen-256color", "COLORTERM": ""}, "─"),
        ("ascii locale", {"LC_ALL": "POSIX", "LANG": "", "PYTHONCOERCECLOCALE": "0"}, "Projects"),
    ],
)
def test_in_terminals_of_many_kinds(
    tmp_path: Path, own_home: Path, name: str, environment: dict[str, str], words: str
) -> None:
    (tmp_path / "hello.py").write_text('from prefect import Flow\n\nflow = Flow("hello")\n')
    variables = {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "FLOWTUI_HOME": str(own_home / "flowtui"),
        "FLOWTUI_API_URL": "http://127.0.0.1:9",
        **environment,
    }
    command = (sys.executable, "-m", "flowtui", ".")
    with terminal(command, cwd=tmp_path, environment=variables, size=(80, 24)) as term:
        term.until_text("hello.py:3", "1 Projects", words)
        term.press("q")
        assert term.wait() == 0


@pytest.mark.slow
def test_a_dumb_terminal_is_refused_in_words(tmp_path: Path, own_home: Path) -> None:
    root = str(Path(__file__).parents[2])
    variables = {"PYTHONPATH": root, "TERM": "dumb", "FLOWTUI_HOME": str(own_home)}
    command = (sys.executable, "-m", "flowtui", ".")
    with terminal(command, cwd=tmp_path, environment=variables, size=(80, 24)) as term:
        assert term.wait() == 2
        term.until_quiet(0.2)
        assert "cannot show screens (TERM=dumb)" in term.text()
