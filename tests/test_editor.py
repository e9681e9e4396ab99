"""Which editor, and how it is told the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.editor import editor_command, editor_words
from flowtui.errors import UsageError


@pytest.fixture
def programs(tmp_path: Path) -> str:
    for name in ("mine", "vi"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    return str(tmp_path)


def test_visual_beats_editor_beats_the_usual_ones(programs: str) -> None:
    assert editor_words({"PATH": programs}) == ("vi",)
    assert editor_words({"PATH": programs, "EDITOR": "mine -x"}) == ("mine", "-x")
    both = {"PATH": programs, "EDITOR": "vi", "VISUAL": "mine '-c set x'"}
    assert editor_words(both) == ("mine", "-c set x")
    assert editor_words({"PATH": programs, "EDITOR": "  "}) == ("vi",)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "there is no editor"),
        ({"EDITOR": "nowhere"}, "there is no editor “nowhere”"),
        ({"EDITOR": "vi 'x"}, "EDITOR cannot be read"),
    ],
)
def test_without_one_it_says_why(environ: dict[str, str], words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        editor_words({"PATH": str(tmp_path), **environ})


@pytest.mark.parametrize(
    ("editor", "command"),
    [
        ("vim", ("vim", "+7", "/a b.py")),
        ("/usr/bin/nvim", ("/usr/bin/nvim", "+7", "/a b.py")),
        ("nano", ("nano", "+7", "/a b.py")),
        ("emacs -nw", ("emacs", "-nw", "+7", "/a b.py")),
        ("code", ("code", "--wait", "--goto", "/a b.py:7")),
        ("hx", ("hx", "/a b.py:7")),
        ("micro", ("micro", "+7:1", "/a b.py")),
        ("kate", ("kate", "--line", "7", "/a b.py")),
        ("unheard-of", ("unheard-of", "/a b.py")),
    ],
)
def test_the_line_is_said_as_each_editor_takes_it(editor: str, command: tuple[str, ...]) -> None:
    words = tuple(editor.split())
    assert editor_command(words, Path("/a b.py"), 7) == command
    assert editor_command(words, Path("/a b.py")) == (*words, "/a b.py")
