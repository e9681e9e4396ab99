"""What a warm Python can run, and which warm Python is the right one for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PARENT = Path(__file__).with_name("parent.py")
_MARK = "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"
"""Set for every program that imports a Prefect 2 or 3 here, and for no other."""
_READ_AT_START = ("PYTHON", "PREFECT_", "PYDANTIC_", "OTEL_", "LD_", "LANG", "LC_", "SSL_CERT_")
_HARMLESS = frozenset({"PREFECT_HOME", "PYTHON_KEYRING_BACKEND"})
"""Differ from one program to the next without a difference to what has been imported."""


@dataclass(frozen=True, slots=True)
class Program:
    """A Python program and its command line."""

    executable: str
    source: str
    folder: str
    """First on `sys.path`."""
    argv: tuple[str, ...]

    @classmethod
    def of(cls, command: Sequence[str], env: Mapping[str, str]) -> Program | None:
        """`python [-B] [-u] SCRIPT`, or `python -c SOURCE ARGUMENTS`; None for all else."""
        if _MARK not in env:
            return None
        executable, *words = command
        while words and words[0] in ("-B", "-u"):
            del words[0]
        if not words:
            return None
        if words[0] == "-c" and len(words) > 1:
            return cls(executable, words[1], "", ("-c", *words[2:]))
        script = Path(words[0])
        if script.suffix != ".py":
            return None
        return cls(executable, _text(script), str(script.parent), tuple(words))


def read_at_start(env: Mapping[str, str]) -> dict[str, str]:
    """What Python and the packages around Prefect read once, when they start."""
    return {
        name: value
        for name, value in env.items()
        if (name.startswith(_READ_AT_START) or name == "TZ") and name not in _HARMLESS
    }


def identity(executable: str, env: Mapping[str, str]) -> str:
    """Programs with the same one are forked from the same Python."""
    said = (executable, sorted(read_at_start(env).items()), _text(PARENT))
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


@cache
def _text(script: Path) -> str:
    return script.read_text(encoding="utf-8")
