"""What differs between what is registered and what would be: the vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Aspect(StrEnum):
    """What can differ."""

    SOURCES = "sources"
    DEPENDENCIES = "dependencies"
    PARAMETERS = "parameters"
    TASKS = "tasks"
    SCHEDULE = "schedule"
    EXECUTION = "execution"
    STORAGE = "storage"
    ENTRYPOINT = "entrypoint"
    TAGS = "tags"
    WORK_POOL = "work pool"
    JOB_VARIABLES = "job variables"
    DESCRIPTION = "description"
    OTHER = "other settings"


class Sign(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Change:
    aspect: Aspect
    sign: Sign
    name: str
    """A file, a setting, a parameter, a requirement."""
    before: str = ""
    after: str = ""
    lines: tuple[str, ...] = ()
    """Of a file: a unified difference, where the text of before is known."""
    field: str = ""
    """Of a deployment: its field on the wire, with a path into it: `job_variables.image`."""
    kept: bool = False
    """It was changed elsewhere after the last deploy (`before` is how it is now), and a deploy
    leaves it so; `after` is what the project says."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """An aspect that could not be compared."""

    aspect: Aspect
    why: str


@dataclass(frozen=True, slots=True)
class Changes:
    found: tuple[Change, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    same: tuple[Aspect, ...] = ()
    """Aspects that were compared and do not differ."""

    def of(self, aspect: Aspect) -> tuple[Change, ...]:
        return tuple(change for change in self.found if change.aspect is aspect)
