"""Text to the clipboard by the best way there is here, and words that say which way it took.

A program on this desktop takes text and says so by its exit code, and so does the tmux we run in.
OSC 52 has no answer: what goes that way was sent, and nobody knows whether it arrived.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
import sys
from asyncio import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from flowtui import paths, private_files
from flowtui.errors import FlowtuiError
from flowtui.quantities import size
from flowtui.text import clean_block, redact

OSC52_LIMIT = 74_994
"""Bytes in base64: what more is, terminals drop without a word."""
SCREEN_LIMIT = 16_384
"""The same under GNU screen, which takes it apart and has to put it together again."""
_SCREEN_PIECE = 252
"""Bytes of one device control string that every GNU screen takes, without its four of frame."""
_PATIENCE = 2.0
"""Seconds until a program that takes text counts as stuck."""
_DEAF = ("linux", "dumb", "vt100", "vt220")
"""Terminals, by TERM, that have no clipboard."""


class Terminal(StrEnum):
    """What stands between us and the terminal's clipboard."""

    DIRECT = "the terminal"
    TMUX = "tmux"
    SCREEN = "GNU screen"
    DEAF = "nothing"


@dataclass(frozen=True, slots=True)
class Copied:
    """How it went, in words for a person."""

    words: str
    sure: bool
    """The text is known to be where the words say."""


def between(environ: Mapping[str, str]) -> Terminal:
    """What an OSC 52 has to go through. A tmux or screen beyond an SSH is known by TERM alone."""
    term = environ.get("TERM", "")
    if not term or term in _DEAF:
        return Terminal.DEAF
    if environ.get("TMUX") or term.startswith("tmux"):
        return Terminal.TMUX
    return Terminal.SCREEN if environ.get("STY") else Terminal.DIRECT


def native_tool(
    environ: Mapping[str, str], which: Callable[[str], str | None] = shutil.which
) -> tuple[str, ...] | None:
    """The command of this desktop that takes text on its standard input; None over SSH."""
    if environ.get("SSH_CONNECTION"):
        return None
    candidates: list[tuple[str, ...]] = []
    if environ.get("WAYLAND_DISPLAY"):
        candidates.append(("wl-copy",))
    if environ.get("DISPLAY"):
        candidates += [("xclip", "-selection", "clipboard"), ("xsel", "--clipboard", "--input")]
    if sys.platform == "darwin":
        candidates.append(("pbcopy",))
    return next((command for command in candidates if which(command[0])), None)


def osc52(text: str, terminal: Terminal) -> str | None:
    """Puts text into the terminal's clipboard; None when that cannot take it."""
    encoded = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    limit = SCREEN_LIMIT if terminal is Terminal.SCREEN else OSC52_LIMIT
    if len(encoded) > limit or terminal is Terminal.DEAF:
        return None
    sequence = f"\x1b]52;c;{encoded}\x07"
    match terminal:
        case Terminal.TMUX:
            # tmux takes the one with set-clipboard on, hands on the other with allow-passthrough.
            wrapped = sequence.replace("\x1b", "\x1b\x1b")
            return f"{sequence}\x1bPtmux;{wrapped}\x1b\\"
        case Terminal.SCREEN:
            return "".join(f"\x1bP{piece}\x1b\\" for piece in _pieces(sequence, _SCREEN_PIECE))
        case _:
            return sequence


def _pieces(text: str, length: int) -> Iterator[str]:
    for start in range(0, len(text), length):
        yield text[start : start + length]


def saved_copy() -> Path:
    """Where text goes that no clipboard takes: always the latest one."""
    return paths.cache_dir() / "copied.txt"


async def copy(
    text: str,
    what: str,
    *,
    environ: Mapping[str, str],
    write: Callable[[str], bool],
    which: Callable[[str], str | None] = shutil.which,
) -> Copied:
    """Bring text to the clipboard: by this desktop, by tmux, by OSC 52, else into a private file.

    `what` names it in the words: `3 lines`. `write` sends a sequence to the terminal and is False
    where there is none. Raises FlowtuiError when even the file cannot be written.
    """
    text = await asyncio.to_thread(lambda: redact(clean_block(text)))
    tool = await asyncio.to_thread(native_tool, environ, which)
    if tool is not None and await _taken(tool, text, environ):
        return Copied(f"Copied {what} with {tool[0]}.", sure=True)
    if environ.get("TMUX"):
        if await _taken(("tmux", "load-buffer", "-w", "-"), text, environ):
            return Copied(
                f"Copied {what} to tmux's buffer, and sent to the clipboard of its terminal.",
                sure=True,
            )
        if await _taken(("tmux", "load-buffer", "-"), text, environ):
            return Copied(f"Copied {what} to tmux's buffer.", sure=True)
    terminal = between(environ)
    sequence = osc52(text, terminal)
    if sequence is not None and write(sequence):
        through = "" if terminal is Terminal.DIRECT else f" through {terminal}"
        words = (
            f"Sent {what} to the terminal's clipboard by OSC 52{through}, which gives no answer."
        )
        return Copied(words, sure=False)
    too_much = sequence is None and terminal is not Terminal.DEAF
    reason = (
        f"{what[:1].upper()}{what[1:]} ({size(len(text.encode()))}) are too much for the "
        "terminal's clipboard"
        if too_much
        else "This terminal has no clipboard"
    )
    file = await asyncio.to_thread(_keep, text)
    return Copied(f"{reason}: saved to {file}", sure=True)


def _keep(text: str) -> Path:
    file = saved_copy()
    try:
        private_files.write(file, text)
    except OSError as error:
        raise FlowtuiError(
            f"the text could not be kept: {error.strerror or error}", where=str(file)
        ) from error
    return file


async def _taken(command: tuple[str, ...], text: str, environ: Mapping[str, str]) -> bool:
    """Whether the command took the text. What it leaves running holds the clipboard: let it."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(environ),
            start_new_session=True,
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(_PATIENCE):
            await process.communicate(text.encode("utf-8", "replace"))
    except TimeoutError:
        return False
    except OSError:
        await process.wait()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return process.returncode == 0
