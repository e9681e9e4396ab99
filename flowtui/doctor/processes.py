"""Servers and agents that this user runs on this machine, from /proc."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from flowtui.doctor.checks import CannotTell

_COMMANDS = {"flowtui": ("server", "watch"), "prefect": ("agent", "server")}


def running() -> tuple[str, ...]:
    """`flowtui server (process 123)`. Only the words of the command: arguments may be tokens."""
    folder = Path("/proc")
    if not (folder / "self" / "cmdline").exists():
        raise CannotTell("this system does not list its processes in /proc")
    found: list[str] = []
    for entry in folder.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if entry.stat().st_uid != os.geteuid():
                continue
            content = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        words = command_words(content.decode(errors="replace").split("\0"))
        if words:
            found.append(f"{words} (process {entry.name})")
    return tuple(sorted(found))


def command_words(arguments: Sequence[str]) -> str:
    """`prefect agent docker` from a command line of one; empty for every other."""
    for number, argument in enumerate(arguments[:4]):
        program = os.path.basename(argument)  # noqa: PTH119
        rest = arguments[number + 1 :]
        if program in _COMMANDS and rest and rest[0] in _COMMANDS[program]:
            kinds = [word for word in rest[1:3] if word in ("local", "docker", "kubernetes")]
            return " ".join([program, rest[0], *kinds[:1]])
    return ""
