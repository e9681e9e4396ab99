"""How far a deploy got, and what a later one needs to go on from there instead of starting anew."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from flowtui.deploy.events import Stage
from flowtui.deploy.plan import Plan
from flowtui.models import (
    DeploymentOptions,
    DeployTable,
    ExecutionOptions,
    JsonObject,
    StorageKind,
    StorageOptions,
)

_SCHEME = 1
_NO_OVERRIDES = DeployTable()
RESUMABLE = (Stage.HEALTH_CHECK, Stage.PUSH, Stage.REGISTER)
"""Stages that a later deploy can begin with; what comes before them makes what they work on."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the deploy was asked for beside the settings on disk: the same is asked for again."""

    overrides: DeployTable = _NO_OVERRIDES
    push: bool = True
    salt: str = ""
    create_project: bool = False


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Kept in the history as each stage finishes."""

    deploy: str
    asked: Asked
    content_hash: str
    """Of the plan: everything that goes into the version but the pickle."""
    parts: Mapping[str, str]
    """A hash of each part of the plan by its name for a person: to say what differs later."""
    serialized: JsonObject = field(repr=False)
    """That of the very pickle in the image or on disk."""
    done: tuple[Stage, ...]
    """The stages that need not run again."""
    image_id: str = ""
    """Docker storage: the image on the engine, `sha256:…`."""
    digest: str = ""
    """Of the pushed image."""
    folder: str = ""
    """Local storage: where it is stored."""
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    """Local storage: sha256 of each file in the folder."""

    def reached(self, stage: Stage, *, digest: str = "") -> Checkpoint:
        """The same with one more stage done."""
        return replace(self, done=(*self.done, stage), digest=digest or self.digest)

    @property
    def next_stage(self) -> Stage:
        """The first stage that has to run."""
        return next(stage for stage in RESUMABLE if stage not in self.done)


def parts_of(plan: Plan, root: Path) -> dict[str, str]:
    """What a plan is made of, by names for a person, each with a hash. Blocking."""
    loaded, interpreter = plan.loaded, plan.loaded.interpreter
    files = [root / plan.flow.path, *(Path(m.path) for m in loaded.modules if m.path)]
    parts = {_shown(file, root): _of_file(file) for file in files}
    parts |= {
        f"the setting {setting.name}": _hash(repr(setting.value)) for setting in plan.settings
    }
    parts |= {
        "Python": _hash(interpreter.python_minor),
        "Prefect": _hash(str(interpreter.prefect_version)),
        "cloudpickle": _hash(str(interpreter.cloudpickle_version)),
        "the project": _hash(plan.project),
    }
    return parts


def differences(checkpoint: Checkpoint, plan: Plan, root: Path) -> tuple[str, ...]:
    """Why the plan of now is not the one of then, in words; empty when it is. Blocking."""
    if checkpoint.content_hash == plan.content_hash:
        return ()
    before, now = checkpoint.parts, parts_of(plan, root)
    found = [f"{name} is new" for name in now if name not in before]
    found += [f"{name} is gone" for name in before if name not in now]
    found += [f"{name} changed" for name in now if before.get(name, now[name]) != now[name]]
    return tuple(found) or ("the base image, or a file that goes into the image, changed",)


def files_of(folder: Path) -> dict[str, str]:
    """sha256 of each file in a folder, by path in it; empty when it is gone. Blocking."""
    return {
        file.relative_to(folder).as_posix(): _of_file(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }


def to_json(checkpoint: Checkpoint) -> JsonObject:
    return {"scheme": _SCHEME, **asdict(checkpoint)}


def from_json(data: JsonObject) -> Checkpoint | None:
    """None for what another flowtui wrote and this one does not understand."""
    values = cast("dict[str, Any]", dict(data))
    if values.pop("scheme", None) != _SCHEME:
        return None
    try:
        values["asked"] = _asked(values["asked"])
        values["done"] = tuple(Stage(stage) for stage in values["done"])
        return Checkpoint(**values)
    except (KeyError, TypeError, ValueError):
        return None


def _asked(data: dict[str, Any]) -> Asked:
    table: dict[str, Any] = data["overrides"]
    storage: dict[str, Any] = {
        name: tuple(cast("list[str]", value)) if isinstance(value, list) else value
        for name, value in table["storage"].items()
    }
    if storage.get("type") is not None:
        storage["type"] = StorageKind(storage["type"])
    execution = ExecutionOptions(**table["execution"])
    deployment: dict[str, Any] = {
        name: tuple(cast("list[Any]", value)) if isinstance(value, list) else value
        for name, value in table.get("deployment", {}).items()
    }
    overrides = DeployTable(
        table["project"], StorageOptions(**storage), execution, DeploymentOptions(**deployment)
    )
    return replace(Asked(**data), overrides=overrides)


def _shown(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)


def _of_file(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        return f"unreadable: {error.errno}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
