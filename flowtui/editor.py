"""The person's own editor, and how it is told to open a file at a line."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from flowtui.errors import UsageError

_FALLBACKS = ("sensible-editor", "nano", "vim", "vi")
"""What is tried where neither $VISUAL nor $EDITOR says anything."""

_Line = Callable[[str, int], tuple[str, ...]]


def _plus(file: str, line: int) -> tuple[str, ...]:
    return f"+{line}", file


def _colon(file: str, line: int) -> tuple[str, ...]:
    return (f"{file}:{line}",)


def _goto(file: str, line: int) -> tuple[str, ...]:
    # Without --wait it returns at once, and the file would be read before it is edited.
    return "--wait", "--goto", f"{file}:{line}"


def _plus_column(file: str, line: int) -> tuple[str, ...]:
    return f"+{line}:1", file


_LINES: Mapping[str, _Line] = {
    **dict.fromkeys(("vi", "vim", "nvim", "view", "ex", "gvim", "mvim"), _plus),
    **dict.fromkeys(("nano", "pico", "emacs", "emacsclient", "mg", "jed", "joe", "ne"), _plus),
    **dict.fromkeys(("gedit", "kak", "mcedit", "sensible-editor", "editor"), _plus),
    **dict.fromkeys(("hx", "helix", "subl", "sublime_text", "zed", "lapce"), _colon),
    **dict.fromkeys(("code", "code-insiders", "codium", "vscodium", "cursor"), _goto),
    "micro": _plus_column,
    "kate": lambda file, line: ("--line", str(line), file),
    "mate": lambda file, line: ("--line", str(line), file),
}
"""By the name of the program. Any other gets the file alone: a line it does not understand would
be taken for a second file."""


def editor_words(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The editor and its arguments, as $VISUAL or $EDITOR says.

    Raises UsageError when none is set and none of the usual ones is installed, and for one that
    cannot be read or is not there.
    """
    for variable in ("VISUAL", "EDITOR"):
        said = environ.get(variable, "").strip()
        if not said:
            continue
        try:
            words = tuple(shlex.split(said))
        except ValueError as error:
            raise UsageError(
                f"{variable} cannot be read: {error}", where=said, fix="correct its quotes"
            ) from error
        if words and shutil.which(words[0], path=environ.get("PATH")) is not None:
            return words
        fix = f"install it, or set {variable} to an editor that is there"
        raise UsageError(
            f"there is no editor “{words[0] if words else said}”", where=variable, fix=fix
        )
    for name in _FALLBACKS:
        if shutil.which(name, path=environ.get("PATH")) is not None:
            return (name,)
    raise UsageError("there is no editor", fix="set VISUAL or EDITOR, for example EDITOR=nano")


def editor_command(words: tuple[str, ...], file: Path, line: int | None = None) -> tuple[str, ...]:
    """The command line that opens a file, at the line where the editor is known to take one."""
    place = _LINES.get(Path(words[0]).name)
    if place is None or line is None:
        return *words, str(file)
    return *words, *place(str(file), max(line, 1))
