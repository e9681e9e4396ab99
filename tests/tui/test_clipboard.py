"""The clipboard: which way text takes, and words that are true."""

from __future__ import annotations

import base64
import re
import stat
from pathlib import Path

import pytest

from flowtui.text import MASK, redact
from flowtui.tui.terminal import clipboard
from flowtui.tui.terminal.clipboard import Copied, Terminal, between, native_tool, osc52

XTERM = {"TERM": "xterm-256color"}


def nothing(_: str) -> str | None:
    return None


def everything(name: str) -> str | None:
    return f"/usr/bin/{name}"


class Wire:
    """What goes to the terminal."""

    def __init__(self, *, there: bool = True) -> None:
        self.there, self.written = there, ""

    def __call__(self, sequence: str) -> bool:
        self.written += sequence if self.there else ""
        return self.there


async def copied(text: str, environ: dict[str, str], wire: Wire, *, what: str = "1 line") -> Copied:
    return await clipboard.copy(text, what, environ=environ, write=wire, which=nothing)


def decoded(sequence: str) -> str:
    found = re.fullmatch(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", sequence)
    assert found is not None, repr(sequence)
    return base64.b64decode(found[1]).decode()


@pytest.mark.parametrize(
    ("environ", "terminal"),
    [
        (XTERM, Terminal.DIRECT),
        ({"TERM": "screen-256color", "TMUX": "/tmp/x,1,0"}, Terminal.TMUX),
        ({"TERM": "tmux-256color"}, Terminal.TMUX),
        ({"TERM": "screen", "STY": "1.pts"}, Terminal.SCREEN),
        ({"TERM": "screen"}, Terminal.DIRECT),
        ({"TERM": "linux"}, Terminal.DEAF),
        ({"TERM": "dumb"}, Terminal.DEAF),
        ({}, Terminal.DEAF),
    ],
)
def test_what_stands_between_is_known(environ: dict[str, str], terminal: Terminal) -> None:
    assert between(environ) is terminal


def test_a_tool_of_the_desktop_is_used_only_at_the_desktop() -> None:
    desktop = {"DISPLAY": ":0"}
    assert native_tool(desktop, everything) == ("xclip", "-selection", "clipboard")
    assert native_tool({"WAYLAND_DISPLAY": "wayland-0", **desktop}, everything) == ("wl-copy",)
    assert native_tool({}, everything) is None
    assert native_tool({**desktop, "SSH_CONNECTION": "1"}, everything) is None
    assert native_tool(desktop, nothing) is None
    assert native_tool(desktop, lambda name: name if name == "xsel" else None) == (
        "xsel",
        "--clipboard",
        "--input",
    )


async def test_through_nothing_the_sequence_is_plain_and_the_words_promise_nothing() -> None:
    wire = Wire()
    result = await copied("héllo\nworld", XTERM, wire, what="2 lines")
    assert decoded(wire.written) == "héllo\nworld"
    assert not result.sure
    assert result.words.startswith("Sent 2 lines to the terminal's clipboard by OSC 52")
    assert "opied" not in result.words


async def test_through_a_tmux_far_away_it_goes_both_ways() -> None:
    wire = Wire()
    result = await copied("text", {"TERM": "tmux-256color"}, wire)
    plain, wrapped = wire.written.split("\x1bPtmux;")
    assert decoded(plain) == "text"
    assert wrapped.endswith("\x1b\\")
    assert decoded(wrapped.removesuffix("\x1b\\").replace("\x1b\x1b", "\x1b")) == "text"
    assert "through tmux" in result.words


async def test_through_screen_it_is_cut_into_pieces_that_screen_takes() -> None:
    wire = Wire()
    text = "x" * 5000
    result = await copied(text, {"TERM": "screen", "STY": "1"}, wire)
    pieces = re.findall(r"\x1bP(.*?)\x1b\\", wire.written, re.DOTALL)
    assert all(len(piece) <= 252 for piece in pieces)
    assert decoded("".join(pieces)) == text
    assert "through GNU screen" in result.words


@pytest.mark.parametrize(
    ("environ", "length"),
    [(XTERM, 60_000), ({"TERM": "screen", "STY": "1"}, 15_000)],
)
async def test_what_is_too_large_goes_into_a_private_file_and_says_so(
    environ: dict[str, str], length: int
) -> None:
    wire = Wire()
    result = await copied("x" * length, environ, wire, what="400 lines")
    file = clipboard.saved_copy()
    assert wire.written == ""
    assert file.read_text() == "x" * length
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert result.words == (
        f"400 lines ({length / 1000:.1f} kB) are too much for the terminal's clipboard: "
        f"saved to {file}"
    )


def test_the_limit_is_that_of_the_encoded_text() -> None:
    fits = 74_994 // 4 * 3
    assert osc52("x" * fits, Terminal.DIRECT) is not None
    assert osc52("x" * (fits + 3), Terminal.DIRECT) is None


@pytest.mark.parametrize("term", ["linux", "dumb", ""])
async def test_a_terminal_without_a_clipboard_gets_no_sequence(term: str) -> None:
    wire = Wire()
    result = await copied("text", {"TERM": term}, wire)
    assert wire.written == ""
    saved = clipboard.saved_copy()
    assert result.words == f"This terminal has no clipboard: saved to {saved}"
    assert saved.read_text() == "text"


async def test_without_a_terminal_nothing_is_said_to_be_sent() -> None:
    result = await copied("text", XTERM, Wire(there=False))
    assert "saved to" in result.words


async def test_what_is_copied_is_cleaned_and_its_secrets_stay_masked() -> None:
    redact.add("very-secret-token")
    wire = Wire()
    await copied("\x1b[31mred\x1b[0m\ta very-secret-token\x1b]0;x\x07", XTERM, wire)
    assert decoded(wire.written) == f"red\ta {MASK}"


def tool(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o700)


async def test_a_tool_that_took_the_text_is_named(tmp_path: Path) -> None:
    tool(tmp_path, "xclip", f"cat > {tmp_path}/taken")
    environ = {**XTERM, "DISPLAY": ":0", "PATH": f"{tmp_path}:/usr/bin:/bin"}
    wire = Wire()
    result = await clipboard.copy(
        "text", "1 line", environ=environ, write=wire, which=lambda n: n if n == "xclip" else None
    )
    assert result == Copied("Copied 1 line with xclip.", sure=True)
    assert (tmp_path / "taken").read_text() == "text"
    assert wire.written == ""


async def test_a_tool_that_fails_is_not_believed(tmp_path: Path) -> None:
    tool(tmp_path, "xclip", "exit 1")
    environ = {**XTERM, "DISPLAY": ":0", "PATH": f"{tmp_path}:/usr/bin:/bin"}
    wire = Wire()
    result = await clipboard.copy(
        "text", "1 line", environ=environ, write=wire, which=lambda n: n if n == "xclip" else None
    )
    assert not result.sure
    assert decoded(wire.written) == "text"


async def test_a_tmux_that_is_gone_leaves_the_sequence() -> None:
    wire = Wire()
    environ = {"TERM": "tmux-256color", "TMUX": "/nowhere/tmux.sock,1,0", "PATH": "/usr/bin:/bin"}
    result = await copied("text", environ, wire)
    assert not result.sure
    assert "through tmux" in result.words
