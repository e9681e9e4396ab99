"""What an examination looks at and what it finds; and how many of them run at once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from flowtui.errors import FlowtuiError, our_fault
from flowtui.models import Problem
from flowtui.text import MASK, clean_block, redact


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """Works, but not as well as it could."""
    BAD = "bad"
    """Something will fail because of it."""
    UNKNOWN = "unknown"
    """Could not be found out here."""


class Group(StrEnum):
    """The headings of the report, in its order."""

    FLOWTUI = "flowtui"
    PROJECT = "project"
    CONTROL_PLANE = "control plane"
    DOCKER = "docker"
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    name: str
    state: State
    value: str
    fix: str = ""
    """What to do next; never empty for what is bad."""


Look = Callable[[], Awaitable[Sequence[Check]]]


@dataclass(frozen=True, slots=True)
class Examination:
    """One thing that is looked at; it may give several lines."""

    group: Group
    title: str
    """The name of its line while it is looked at, and where it gives no answer."""
    look: Look
    seconds: float = 10.0
    """Time limit."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one examination gave."""

    group: Group
    title: str
    checks: tuple[Check, ...]


class CannotTell(Exception):  # noqa: N818  (an answer, not a failure)
    """Raised by a look that has nothing to look at; the text says why."""


async def examine(examinations: Sequence[Examination]) -> AsyncGenerator[Finding]:
    """All of them at once; each finding when it is there. Nothing but CancelledError is raised."""
    tasks = [asyncio.create_task(finding(each)) for each in examinations]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()


async def finding(examination: Examination) -> Finding:
    """Whatever goes wrong is a line of the report."""
    title = examination.title
    try:
        async with asyncio.timeout(examination.seconds):
            checks = tuple(await examination.look())
    except TimeoutError:
        words = f"no answer within {examination.seconds:g} s"
        checks = (Check(title, State.UNKNOWN, words, "look again"),)
    except CannotTell as reason:
        checks = (Check(title, State.UNKNOWN, str(reason)),)
    except FlowtuiError as error:
        checks = (bad(title, error.problem),)
    except Exception as error:  # noqa: BLE001  (one broken look must not take the report with it)
        checks = (bad(title, our_fault(error).problem),)
    return Finding(examination.group, title, tuple(_tidied(check) for check in checks))


def bad(name: str, problem: Problem, state: State = State.BAD) -> Check:
    """A problem as a line of the report."""
    where = f" ({problem.where})" if problem.where else ""
    return Check(name, state, f"{problem.what}{where}", problem.fix or "see the documentation")


_USER_PART = re.compile(r"(?<=://)[^/\s@]*:[^/\s@]*(?=@)")
"""Name and password of an address."""


def _tidied(check: Check) -> Check:
    """Safe to show and to paste: cleaned, secrets masked, the home folder as `~`."""
    return replace(check, value=_shown(check.value), fix=_shown(check.fix))


def _shown(text: str) -> str:
    home = str(Path.home()).rstrip("/")
    shown = _USER_PART.sub(MASK, redact(clean_block(text)))
    return re.sub(rf"{re.escape(home)}(?=[/\s:,;)'\"]|$)", "~", shown) if home else shown
