"""What happened to hot flows, for every reader: the app's strip, `flowtui watch`, JSON lines."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import ClassVar, TypeAlias

from flowtui.hot.decide import Why
from flowtui.models import JsonObject, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Watching:
    """These flows, and no others, are redeployed on save from now on."""

    kind: ClassVar[str] = "hot_watching"
    at: float = field(default_factory=time.time)
    """Seconds since the epoch."""
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    kind: ClassVar[str] = "hot_saved"
    at: float = field(default_factory=time.time)
    target: str
    flow: str
    paths: tuple[str, ...]
    """Of what the flow is made from."""
    many: bool = False
    """So many files changed at once that naming them says little."""
    unchanged: bool = False
    """All of it is as it was: nothing follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """It is not deployed now, and why."""

    kind: ClassVar[str] = "hot_held"
    at: float = field(default_factory=time.time)
    target: str
    flow: str
    why: Why
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    kind: ClassVar[str] = "hot_started"
    at: float = field(default_factory=time.time)
    target: str
    flow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """Its deploy is cancelled: a newer save takes its place."""

    kind: ClassVar[str] = "hot_superseded"
    at: float = field(default_factory=time.time)
    target: str
    flow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    kind: ClassVar[str] = "hot_deployed"
    at: float = field(default_factory=time.time)
    target: str
    flow: str
    version: int | None
    label: str = ""
    """What a deployment calls its version."""
    seconds: float
    """From the save to the registered version."""
    unchanged: bool = False
    """The registered version was made from exactly this input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """No version was made; the one before stays. The next save tries again."""

    kind: ClassVar[str] = "hot_failed"
    at: float = field(default_factory=time.time)
    target: str
    flow: str
    problem: Problem
    seconds: float


HotEvent: TypeAlias = Watching | Saved | Held | Started | Superseded | Deployed | Failed


def to_json(event: HotEvent) -> JsonObject:
    """The event as a JSON object; key `event` is its kind."""
    return {"event": event.kind, **asdict(event)}
