"""What a deploy would do, and why, before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from flowtui.deploy.change import Changes
from flowtui.models import (
    Attachment,
    ExecutionOptions,
    FlowVersion,
    Json,
    JsonObject,
    LoadedFlow,
    LocalFlow,
    Origin,
    Problem,
    StorageKind,
    StorageOptions,
)


class Lane(StrEnum):
    """The way a deploy takes."""

    NOTHING = "nothing to do"
    """The registered version was made from exactly this input."""
    REGISTER = "register only"
    """An earlier version was made from exactly this input, and what it needs is still there."""
    UPDATE = "update only"
    """Nothing that runs has changed: fields of the registered deployment are changed in place."""
    IMAGE = "docker image"
    """Full Docker build, health check in the image, push, register."""
    LOCAL = "local storage"
    """Pickle on this machine's disk, health check in a fresh process, register."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One resolved value and where it came from."""

    name: str
    value: object
    origin: Origin
    detail: str = ""
    """For example the file and key, or what an inferred value was inferred from."""


@dataclass(frozen=True, slots=True)
class ContextSummary:
    """The build context as a person checks it: what would be sent to the engine."""

    files: tuple[tuple[str, int], ...]
    """(path in the context, bytes), sorted by path."""
    never_sent: tuple[str, ...] = ()
    """Files left out by flowtui's own never-send list."""

    @property
    def count(self) -> int:
        return len(self.files)

    @property
    def size(self) -> int:
        return sum(size for _, size in self.files)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything decided for one deploy. Made without building, pushing or registering."""

    flow: LocalFlow
    loaded: LoadedFlow
    project: str
    project_exists: bool | None
    """None when the control plane was not asked."""
    lane: Lane
    reasons: tuple[str, ...]
    """Why this lane, most important first, in words for a person."""
    settings: tuple[Setting, ...]
    options: StorageOptions
    execution: ExecutionOptions
    attachment: Attachment | None
    """Prefect 0.6 to 1.4 only."""
    content_hash: str
    storage: StorageKind
    image: str | None = None
    """`registry/name:tag` for Docker storage."""
    dockerfile: str | None = None
    context: ContextSummary | None = None
    current: FlowVersion | None = None
    """The version registered now, None if there is none."""
    earlier: FlowVersion | None = None
    """The archived version made from exactly this input (lane `register only`)."""
    problems: tuple[Problem, ...] = ()
    """Warnings known before the build; none of them stops it."""
    payload: JsonObject | None = None
    """Prefect 2 and 3 only: the deployment as it would be registered, where it is new; see
    `ControlPlane.register`. Of an image that is not built yet the digest is missing."""
    fields: JsonObject = field(default_factory=dict[str, "Json"])
    """Prefect 2 and 3 only: what would be changed of the registered deployment."""
    changes: Changes | None = None
    """Field by field what is registered against what would be; None where that is not known."""

    def setting(self, name: str) -> Setting | None:
        return next((setting for setting in self.settings if setting.name == name), None)


def as_mapping(settings: tuple[Setting, ...]) -> Mapping[str, object]:
    """The settings by name, for JSON output."""
    return {
        setting.name: {"value": setting.value, "origin": str(setting.origin)}
        for setting in settings
    }
