"""The one typed event stream of a deploy.

TUI panes, terminal output, JSON lines and the history are readers of the same stream. Text from
outside (build output, flow names, registry answers) is made safe by `tidied` where it enters.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias, cast

from flowtui.models import JsonObject, Problem, version_in_words
from flowtui.text import clean_block, redact


class Stage(StrEnum):
    SERIALIZE = "serialize"
    BUILD = "build"
    HEALTH_CHECK = "health check"
    PUSH = "push"
    REGISTER = "register"


class Outcome(StrEnum):
    DONE = "done"
    SKIPPED = "skipped"
    """Nothing to do in this stage; the event says why."""
    UNCHANGED = "unchanged"
    """The whole deploy had nothing to do."""
    FAILED = "failed"
    CANCELLED = "cancelled"


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployStarted:
    kind: ClassVar[str] = "deploy_started"
    deploy: str
    """Id of the deploy, the same in all of its events."""
    at: float = field(default_factory=time.time)
    """Seconds since the epoch."""
    flow: str
    target: str
    project: str
    api_url: str
    resumes: str = ""
    """Id of the earlier deploy that this one goes on from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What the deploy is going to do. Comes once the flow is loaded, within the serialize stage."""

    kind: ClassVar[str] = "planned"
    deploy: str
    at: float = field(default_factory=time.time)
    flow: str
    """The flow's real name, also where it is dynamic in the source."""
    project: str
    storage: str
    lane: str
    reasons: tuple[str, ...]
    content_hash: str
    image: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """Every setting that was decided, as text; values that may be secret only as a hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted:
    kind: ClassVar[str] = "stage_started"
    deploy: str
    at: float = field(default_factory=time.time)
    stage: Stage
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    kind: ClassVar[str] = "log"
    deploy: str
    at: float = field(default_factory=time.time)
    stage: Stage
    text: str
    """One line, without a newline; the only control sequences in it are colours (SGR)."""
    level: Level = Level.INFO


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Latest value wins: a reader may drop all but the last one for an `item`."""

    kind: ClassVar[str] = "progress"
    deploy: str
    at: float = field(default_factory=time.time)
    stage: Stage
    item: str
    """What progresses: `step`, a layer id, …"""
    current: int
    total: int | None
    unit: str
    """`steps`, `bytes`, …"""
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFinished:
    kind: ClassVar[str] = "stage_finished"
    deploy: str
    at: float = field(default_factory=time.time)
    stage: Stage
    outcome: Outcome
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemFound:
    kind: ClassVar[str] = "problem"
    deploy: str
    at: float = field(default_factory=time.time)
    stage: Stage | None
    what: str
    where: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployFinished:
    kind: ClassVar[str] = "deploy_finished"
    deploy: str
    at: float = field(default_factory=time.time)
    flow: str
    outcome: Outcome
    seconds: float
    exit_code: int
    reason: str = ""
    version: int | None = None
    """None where no version was made, and where the control plane does not number."""
    label: str = ""
    """What a deployment calls its version."""
    version_id: str | None = None
    image: str | None = None
    digest: str | None = None

    @property
    def version_words(self) -> str:
        """`version 3`, `version 4f2a9c1+ab12cd3`, `the deployment`; empty where none was made."""
        unnamed = "the deployment" if self.version_id else ""
        return version_in_words(self.version, self.label) or unnamed


StageEvent: TypeAlias = StageStarted | LogLine | Progress | StageFinished | ProblemFound
Event: TypeAlias = DeployStarted | Planned | StageEvent | DeployFinished

_KINDS: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in (
        DeployStarted,
        Planned,
        StageStarted,
        LogLine,
        Progress,
        StageFinished,
        ProblemFound,
        DeployFinished,
    )
}


def to_json(event: Event) -> JsonObject:
    """The event as a JSON object, for `--json` and the history; key `event` is its kind."""
    # No field holds another data class: copies as `asdict` makes them would be for nothing.
    return {"event": event.kind, **{f.name: getattr(event, f.name) for f in fields(event)}}


def from_json(data: JsonObject) -> Event:
    """The inverse of `to_json`. Raises KeyError or TypeError for what is not an event."""
    values = cast("dict[str, Any]", dict(data))
    cls = _KINDS[values.pop("event")]
    if values.get("stage") is not None:
        values["stage"] = Stage(values["stage"])
    if "outcome" in values:
        values["outcome"] = Outcome(values["outcome"])
    if "level" in values:
        values["level"] = Level(values["level"])
    if "reasons" in values:
        values["reasons"] = tuple(values["reasons"])
    known = {f.name for f in fields(cls)}
    return cls(**{key: value for key, value in values.items() if key in known})


def tidied(event: Event) -> Event:
    """The event with outside text made safe: control sequences stripped, secrets masked.

    Colours stay in log lines. Whatever emits events sends them through here, so no reader has to.
    """
    if isinstance(event, LogLine):  # they come in floods
        deploy = _tidy(event.deploy, keep_colour=False)
        text = _tidy(event.text, keep_colour=True)
        return LogLine(deploy=deploy, at=event.at, stage=event.stage, text=text, level=event.level)
    changes = {
        field.name: _tidy(value, keep_colour=False)
        for field in fields(event)
        if (value := getattr(event, field.name)) is not None
    }
    return replace(event, **changes)


def _tidy(value: Any, *, keep_colour: bool) -> Any:
    if type(value) is str:
        return redact(clean_block(value, keep_colour=keep_colour))
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, Any]", value)
        return {key: _tidy(each, keep_colour=keep_colour) for key, each in pairs.items()}
    if isinstance(value, tuple):
        return tuple(
            _tidy(each, keep_colour=keep_colour) for each in cast("tuple[Any, ...]", value)
        )
    return value


def log_line(deploy: str, stage: Stage, text: str, level: Level = Level.INFO) -> Event:
    """One line of outside text as an event, made safe."""
    safe = _tidy(text, keep_colour=True)
    return LogLine(deploy=deploy, stage=stage, text=safe, level=level)


def problem_found(deploy: str, stage: Stage | None, problem: Problem) -> Event:
    """A problem as an event, made safe."""
    return tidied(
        ProblemFound(
            deploy=deploy, stage=stage, what=problem.what, where=problem.where, fix=problem.fix
        )
    )
