"""The terminal as the environment describes it; the running app adds what it has measured."""

from __future__ import annotations

import locale
import os
from collections.abc import Mapping, Sequence

from flowtui.doctor.checks import Check, State

SMALLEST = (60, 20)
"""Columns and lines from which everything can be used."""


async def surroundings(environ: Mapping[str, str]) -> Sequence[Check]:
    return (_kind(environ), _size(), _encoding(environ), _way(environ))


def _kind(environ: Mapping[str, str]) -> Check:
    term = environ.get("TERM", "")
    colours = environ.get("COLORTERM") or ("256" if "256" in term else "16 or fewer")
    words = f"TERM={term or '(not set)'}, colours: {colours}"
    if environ.get("NO_COLOR"):
        words += ", NO_COLOR is set"
    if term in ("", "dumb", "unknown"):
        fix = "set TERM to what your terminal is, for example xterm-256color"
        return Check("terminal", State.WARNING, words, fix)
    return Check("terminal", State.OK, words)


def _size() -> Check:
    for stream in (1, 2, 0):
        try:
            columns, lines = os.get_terminal_size(stream)
        except OSError:
            continue
        words = f"{columns}x{lines}"
        if (columns, lines) != (0, 0) and (columns < SMALLEST[0] or lines < SMALLEST[1]):
            fix = f"make it at least {SMALLEST[0]}x{SMALLEST[1]}; 80x24 is comfortable"
            return Check("size", State.WARNING, words, fix)
        return Check("size", State.OK, words)
    return Check("size", State.UNKNOWN, "no terminal here")


def _encoding(environ: Mapping[str, str]) -> Check:
    encoding = locale.getpreferredencoding(False)
    if encoding.lower().replace("-", "") != "utf8":
        fix = "set LANG=C.UTF-8; until then marks are ASCII"
        return Check("text", State.WARNING, encoding, fix)
    forced = ", ASCII marks by FLOWTUI_ASCII" if environ.get("FLOWTUI_ASCII") == "1" else ""
    return Check("text", State.OK, f"{encoding}{forced}")


def _way(environ: Mapping[str, str]) -> Check:
    """What is between flowtui and the person's eyes."""
    parts = [
        name
        for variable, name in (
            ("SSH_CONNECTION", "ssh"),
            ("TMUX", "tmux"),
            ("STY", "screen"),
            ("TERM_PROGRAM", environ.get("TERM_PROGRAM", "")),
        )
        if environ.get(variable)
    ]
    return Check("reached by", State.OK, " and ".join(dict.fromkeys(parts)) or "directly")
