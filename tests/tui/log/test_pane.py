"""The log pane by keys alone."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from flowtui.deploy.events import Level, Progress, Stage
from flowtui.tui.widgets.log.view import LogView
from tests.tui.log.driving import LogDriver, building
from tests.tui.memory import MemoryWorkspace
from tests.tui.sequences import SEQUENCES

pytestmark = pytest.mark.slow


def fill(log: LogDriver, count: int) -> None:
    for number in range(count):
        log.emit(f"line {number:03}")


async def test_a_search_marks_its_matches_and_n_goes_from_one_to_the_next(
    workspace: MemoryWorkspace,
) -> None:
    async with building(workspace) as log:
        fill(log, 100)
        await log.see("line 099")
        await log.press("slash")
        await log.type("line 05")
        await log.see("“line 05” match 1 of 10", "line 050")
        await log.press("enter", "n", "n")
        await log.see("“line 05” match 3 of 10")
        await log.press("N")
        await log.see("“line 05” match 2 of 10", "▸ line 051")
        view = log.view
        row = log.seen().index("line 051")
        styles = {s.text: s.style for s in view.render_line(row) if s.style is not None}
        assert styles["line 05"].bgcolor != styles["1"].bgcolor
        await log.press("escape")
        await log.see_gone("match")


async def test_a_search_is_seen_while_it_is_typed_and_taken_back_by_escape(
    workspace: MemoryWorkspace,
) -> None:
    async with building(workspace) as log:
        fill(log, 100)
        await log.see("line 099", "following")
        await log.press("slash")
        await log.type("line 01")
        await log.see("match 1 of 10", "▸ line 010")
        await log.press("escape")
        await log.see("line 099", "100 lines, following")
        await log.press("slash")
        await log.type("no such thing")
        await log.see("“no such thing” not found")
        await log.press("enter", "escape")


async def test_the_last_search_is_recalled(workspace: MemoryWorkspace) -> None:
    async with building(workspace) as log:
        fill(log, 30)
        await log.see("line 029")
        await log.press("n")
        assert "nothing was searched yet" in log.said()
        for text in ("first", "line 00"):
            await log.press("slash")
            await log.type(text)
            await log.press("enter", "escape")
        await log.press("n")
        await log.see("“line 00” match 1 of 10")
        await log.press("escape", "slash", "up", "up")
        await log.see("/ first")
        await log.press("down")
        await log.see("/ line 00")
        await log.press("enter")
        await log.see("“line 00” match")


async def test_a_filter_can_be_inverted_and_searched_within(workspace: MemoryWorkspace) -> None:
    async with building(workspace) as log:
        for number in range(50):
            log.emit(f"{'fetch' if number % 5 else 'build'} {number:02}")
        await log.see("fetch 49")
        await log.press("ampersand")
        await log.type("build")
        await log.see("10 of 50 lines", "build 45")
        assert "fetch" not in log.text()
        await log.press("enter", "slash")
        await log.type("4")
        await log.press("enter")
        await log.see("with “build”", "match 1 of 2", "▸ build 40")
        log.emit("build 99")
        log.emit("fetch 99")
        await log.see("+1 new")
        await log.press("escape", "ampersand")
        for _ in "build":
            await log.press("backspace")
        await log.type("!fetch")
        await log.press("enter", "f")
        await log.see("without “fetch”", "11 of 52 lines", "build 99")
        await log.press("escape")
        await log.see("fetch 99", "52 lines, following")


async def test_what_passes_no_filter_says_so(workspace: MemoryWorkspace) -> None:
    async with building(workspace) as log:
        await log.see("no output")
        log.emit("a line")
        await log.see("a line")
        await log.press("ampersand")
        await log.type("zzz")
        await log.see("no line of this log passes")
        await log.press("escape")
        await log.see("a line")


async def test_the_level_that_is_shown_goes_round(workspace: MemoryWorkspace) -> None:
    async with building(workspace) as log:
        for level in Level:
            log.emit(f"a {level} line", level)
        await log.see("a debug line")
        await log.press("m")
        await log.see("info and up", "3 of 4 lines")
        await log.press("m")
        await log.see("warnings and up", "2 of 4 lines", "! a warning line", "✗ a error line")
        await log.press("m")
        await log.see("errors only", "1 of 4 lines")
        await log.press("m")
        await log.see("a debug line", "4 lines, following")


async def test_the_first_error_is_one_key_away(workspace: MemoryWorkspace) -> None:
    async with building(workspace) as log:
        await log.press("E")
        assert "there are no lines yet" in log.said()
        fill(log, 50)
        await log.press("E")
        assert "There is no error" in log.said()
        log.emit("it broke", Level.ERROR)
        fill(log, 50)
        log.emit("it broke again", Level.ERROR)
        await log.see("it broke again")
        await log.press("E")
        await log.see("▸ it broke")
        assert "it broke again" not in log.text()


async def test_wrapped_lines_follow_the_width_and_the_page_stays_on_its_line(
    workspace: MemoryWorkspace,
) -> None:
    async with building(workspace) as log:
        for number in range(40):
            log.emit(f"{number:02} " + "x" * 100 + " end")
        await log.see("39 xxx")
        await log.press("w")
        await log.see("x end")
        assert "39 xxx" in log.text()
        await log.press("g", "j", "j", "j")
        top = log.seen()[0]
        assert top.endswith("end")
        await log.driver.pilot.resize_terminal(120, 30)
        await log.until(lambda: log.seen()[0].startswith("01 "))
        assert "x end" in log.seen()[0]
        await log.driver.pilot.resize_terminal(60, 20)
        await log.until(lambda: len(log.seen()[0]) < 60)
        assert log.seen()[0].startswith("01 ")
        await log.press("w")
        await log.see_gone("x end")
        assert log.seen()[0].startswith("01 ")


async def test_the_place_to_the_right_stays_while_it_follows(workspace: MemoryWorkspace) -> None:
    async with building(workspace) as log:
        log.emit("a" * 90 + "the far end of it")
        await log.see("aaaa")
        await log.press("greater_than_sign", "greater_than_sign")
        await log.see("the far end of it")
        for number in range(30):
            log.emit(f"{number:02}" + "b" * 70 + "more")
        await log.see("bbmore", "following")
        assert "29bb" not in log.text()
        await log.press("less_than_sign", "less_than_sign")
        await log.see("29bb")


async def test_a_pause_freezes_the_page(workspace: MemoryWorkspace) -> None:
    async with building(workspace) as log:
        log.emit("before")
        await log.see("before")
        await log.press("space")
        await log.see("paused, +0 new")
        fill(log, 7)
        await log.see("paused, +7 new, Space goes on")
        assert "line 006" not in log.text()
        await log.press("space")
        await log.see("line 006", "following")


async def test_times_and_tags_tell_the_lines_of_all_stages_apart(
    workspace: MemoryWorkspace,
) -> None:
    async with building(workspace) as log:
        log.emit("from the build")
        log.run.done(Stage.BUILD)
        log.run.start(Stage.PUSH)
        log.emit("from the push", stage=Stage.PUSH)
        log.emit("late from the build")
        await log.press("0")
        await log.see("Log: all stages", "build       from the build", "push        from the push")
        assert [row.split(maxsplit=1)[1] for row in log.seen()] == [
            "from the build",
            "from the push",
            "late from the build",
        ]
        await log.press("T")
        time = log.driver.app.session.deploys.running[0].logs[Stage.PUSH].time(0)
        await log.see(f"{datetime.fromtimestamp(time):%H:%M:%S} push")
        await log.press("T", "4")
        await log.see("Log: push", "from the push")
        assert "from the build" not in log.text()


async def test_the_log_alone_has_line_numbers_and_counts(workspace: MemoryWorkspace) -> None:
    async with building(workspace) as log:
        fill(log, 200)
        await log.see("line 199")
        await log.press("z")
        await log.see_gone("1 serialize")
        assert "connected" not in log.text()
        await log.see("200   line 199")
        await log.press("2", "0", "G")
        await log.see(" 20 ▸ line 019")
        await log.press("g", "5", "j")
        await log.until(lambda: log.view.window.top.position == 5)
        assert "Log: build" in log.text()
        await log.press("1", "0", "k")
        await log.until(lambda: log.view.window.top.position == 0)
        await log.press("0")
        await log.see("Log: all stages")
        await log.press("z")
        await log.see("1 serialize", "connected")
        await log.press("1")
        await log.see("Log: serialize")


async def test_escape_leaves_the_expanded_log_before_the_screen(
    workspace: MemoryWorkspace,
) -> None:
    async with building(workspace) as log:
        fill(log, 5)
        await log.see("line 004")
        await log.press("z")
        await log.see_gone("1 serialize")
        await log.press("v", "escape", "escape")
        await log.see("1 serialize")
        await log.press("escape")
        await log.see("Flows")


async def test_lines_are_selected_and_copied(workspace: MemoryWorkspace, copies: list[str]) -> None:
    async with building(workspace) as log:
        fill(log, 50)
        log.emit("\x1b[31mred\x1b[0m\tand more")
        await log.see("red")
        await log.press("v", "k", "k")
        await log.see("3 lines selected, y copies")
        await log.press("y")
        await log.until(lambda: len(copies) == 1)
        assert copies == ["line 048\nline 049\nred\tand more"]
        await log.until(lambda: "3 lines" in log.said())
        await log.press("y")
        await log.until(lambda: len(copies) == 2)
        assert copies[1] == "line 048"
        await log.press("f", "g", "y")
        await log.until(lambda: len(copies) == 3)
        assert copies[2] == "line 000"


async def test_a_megabyte_in_one_line_is_copied_whole(
    workspace: MemoryWorkspace, copies: list[str]
) -> None:
    async with building(workspace) as log:
        log.emit("x" * 999_000)
        await log.see("xxxx")
        await log.press("w")
        await log.see("…")
        await log.press("y")
        await log.until(lambda: len(copies) == 1)
        assert copies[0] == "x" * 999_000


async def test_what_is_shown_is_saved_and_nothing_is_overwritten_silently(
    workspace: MemoryWorkspace, tmp_path: Path
) -> None:
    async with building(workspace) as log:
        for number in range(30):
            log.emit(f"{'odd' if number % 2 else 'even'} {number}")
        await log.see("odd 29")
        await log.press("ampersand")
        await log.type("odd")
        await log.press("enter", "s")
        await log.see("save to etl-build.log")
        await log.press("enter")
        file = tmp_path / "etl-build.log"
        await log.until(lambda: f"Saved 15 lines to {file}" in log.said())
        assert file.read_text() == "".join(f"odd {number}\n" for number in range(1, 30, 2))
        file.write_text("mine")
        await log.press("s", "enter")
        await log.see("The file is there already", "Leave it", "Replace it")
        await log.press("enter")
        assert file.read_text() == "mine"
        await log.press("s", "enter")
        await log.see("Replace it")
        await log.press("down", "enter")
        await log.until(lambda: file.read_text().startswith("odd 1\n"))


async def test_a_file_that_cannot_be_written_is_a_problem(workspace: MemoryWorkspace) -> None:
    async with building(workspace) as log:
        fill(log, 1)
        await log.see("line 000")
        await log.press("s", "home")
        await log.type("no/such/folder/")
        await log.press("enter")
        await log.until(lambda: "could not be written" in log.said())


async def test_a_selection_while_lines_fall_out_stays_in_order(
    workspace: MemoryWorkspace, copies: list[str]
) -> None:
    async with building(workspace) as log:
        store = log.view.window.stores[0]
        store._limit = 100
        fill(log, 100)
        await log.see("line 099")
        await log.press("g", "v", "j", "j")
        await log.see("3 lines selected")
        for number in range(100, 150):
            log.emit(f"line {number:03}")
        await log.see("1 line selected", "line 050")
        await log.press("y")
        await log.until(lambda: len(copies) == 1)
        assert copies == ["line 050"]


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 45)])
async def test_wide_combining_and_tabbed_text_keeps_the_columns(
    workspace: MemoryWorkspace, size: tuple[int, int]
) -> None:
    async with building(workspace, size=size) as log:
        for text in ("日本語" * 40, "e\u0301" * 200, "a\tb\tc" * 30, "👩‍💻" * 60, "[bold]no[/]"):
            log.emit(text)
        await log.see("[bold]no[/]")
        for keys in ((), ("greater_than_sign",), ("w",)):
            await log.press(*keys)
            view = log.view
            for y in range(view.size.height):
                assert view.render_line(y).cell_length == view.size.width
        await log.press("g")
        await log.see("日本語")


async def test_hostile_text_is_text(workspace: MemoryWorkspace) -> None:
    async with building(workspace) as log:
        for sequence in SEQUENCES.values():
            log.emit(f"pwn{sequence}ed")
        log.emit("[@click=app.quit]x[/] [/a]")
        await log.see("[@click=app.quit]x[/] [/a]")
        await log.press("slash")
        await log.type("[/a]")
        await log.press("enter")
        await log.see("“[/a]” match 1 of 1")
        await log.press("ampersand")
        await log.type("[/a]")
        await log.press("enter")
        await log.see("with “[/a]”")
        for strip in log.driver.app.screen._compositor.render_strips():
            for segment in strip:
                assert not [c for c in segment.text if ord(c) < 32 or 0x7F <= ord(c) < 0xA0]
                meta = segment.style.meta if segment.style is not None else {}
                assert "@click" not in meta


async def test_nothing_is_painted_while_the_reader_is_above_what_comes(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted: list[int] = []
    render_line = LogView.render_line

    def counted(view: LogView, y: int) -> object:
        painted.append(y)
        return render_line(view, y)

    async with building(workspace) as log:
        fill(log, 100)
        await log.see("line 099")
        await log.press("k", "k")
        await log.see("line 097")
        monkeypatch.setattr(LogView, "render_line", counted)
        log.emit("one more")
        await log.see("+1 new")
        assert painted == []


async def test_the_next_stage_does_not_come_between_while_somebody_types_or_reads(
    workspace: MemoryWorkspace,
) -> None:
    async with building(workspace) as log:
        fill(log, 40)
        await log.see("line 039")
        await log.press("slash")
        await log.type("line")
        log.run.done(Stage.BUILD)
        log.run.start(Stage.PUSH)
        log.emit("pushing", stage=Stage.PUSH)
        await log.see("4 push", "● running")
        await log.type(" 00")
        await log.see("/ line 00", "Log: build")
        await log.press("enter")
        await log.see("Log: build", "“line 00” match 1 of 10")
        await log.press("f")
        log.run.emit(
            Progress(
                deploy=log.run.id, stage=Stage.PUSH, item="x", current=1, total=2, unit="bytes"
            )
        )
        await log.see("Log: push", "pushing")


async def test_what_textual_copies_itself_goes_the_same_way(
    workspace: MemoryWorkspace, copies: list[str]
) -> None:
    async with building(workspace) as log:
        log.driver.app.copy_to_clipboard("from a field")
        await log.until(lambda: copies == ["from a field"])
        await log.until(lambda: "Copied 1 line." in log.said())
