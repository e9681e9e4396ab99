"""From what a Prefect server said at its end to the cause and the fix. Seen with 2.20 to 3.9."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from flowtui.errors import FlowtuiError
from flowtui.prefect_server.launch import PrefectServerLaunch

_LONGEST = 300
"""Characters of what it said that are shown."""


@dataclass(frozen=True, slots=True)
class _Cause:
    pattern: re.Pattern[str]
    what: str
    fix: str
    """With `{python}` and `{home}`."""
    lasting: bool = True
    """Another start would end in the same way."""


_CAUSES = tuple(
    _Cause(re.compile(pattern, re.IGNORECASE), what, fix, lasting)
    for pattern, what, fix, lasting in (
        (
            # A plain install of Prefect 3.8.8 takes a FastAPI that it does not work with.
            r"unexpected keyword argument '(min|max)_items'|(No module named|cannot import name)"
            r".*\b(fastapi|starlette)\b",
            "this Prefect does not work with the FastAPI that is installed beside it",
            "{python} -m pip install 'fastapi<0.151'",
            True,
        ),
        (
            r"Can't locate revision identified by",
            "its database was made by a newer Prefect than the project's",
            "upgrade the project's Prefect ({python} -m pip install --upgrade prefect), or give "
            "this one a database of its own: flowtui server --prefect3 --database FILE",
            True,
        ),
        (
            r"is already in use|address already in use",
            "its port is in use",
            "stop what listens there, or choose another with --port (0 picks a free one)",
            True,
        ),
        (
            r"database disk image is malformed|file is not a database",
            "its database is damaged",
            "move the files prefect.db* out of {home}; the next start makes a new one",
            True,
        ),
        (
            r"No space left on device|database or disk is full",
            "the disk is full",
            "make room in {home}",
            False,
        ),
        (
            r"No module named '?prefect\b",
            "Prefect is not installed in the project's Python",
            "{python} -m pip install 'prefect>=3,<4'",
            True,
        ),
    )
)


@dataclass(frozen=True, slots=True)
class ServerDeath:
    """Why a server ended that nobody had asked to."""

    error: FlowtuiError
    lasting: bool
    """Starting it again is no use before something was done."""


def why_it_ended(
    launch: PrefectServerLaunch, status: int, lines: Sequence[str], log: str
) -> ServerDeath:
    """The cause by its last `lines`; `log` is the path of the file with all of them."""
    text = "\n".join(lines)
    python, home = launch.interpreter.executable, launch.home
    for cause in _CAUSES:
        if cause.pattern.search(text):
            fix = cause.fix.format(python=python, home=home)
            where = f"Prefect {launch.prefect_version} ({launch.interpreter.origin})"
            return ServerDeath(FlowtuiError(cause.what, where=where, fix=fix), cause.lasting)
    how = f"exit status {status}"
    if status < 0:
        how = f"signal {signal.Signals(-status).name}"
    said = _last_words(lines)
    what = f"Prefect's server ended ({how}){': ' + said if said else ''}"
    return ServerDeath(FlowtuiError(what, where=log, fix="its log says more"), lasting=False)


def _last_words(lines: Sequence[str]) -> str:
    """Its last line of its own: of a traceback that is the exception."""
    for line in reversed(lines):
        text = line.strip()
        if text and text not in ("An exception occurred.", "Aborted."):
            return text[:_LONGEST]
    return ""
