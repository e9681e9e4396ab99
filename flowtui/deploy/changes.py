"""What a deploy would change of a registered version, compared without building anything."""

from __future__ import annotations

import difflib
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from flowtui.deploy.change import Aspect, Change, Changes, Sign, Unknown
from flowtui.deploy.plan import Plan, Setting
from flowtui.json_shapes import mapping
from flowtui.models import Json, JsonObject

MOST_LINES = 120
"""Lines of difference kept of one file."""


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A file as it went into a version."""

    hash: str
    """sha256 of its content, hex."""
    content: bytes | None = None
    """None where it was too large to be kept."""


@dataclass(frozen=True, slots=True)
class Registered:
    """What is known of the version that is registered. None: it is not known."""

    sources: Mapping[str, StoredSource] | None = None
    settings: Mapping[str, str] | None = None
    """As `shown_settings` wrote them when it was deployed."""
    serialized: JsonObject | None = None
    storage: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Local:
    """What is known of the flow on disk."""

    sources: Mapping[str, bytes] | None = None
    plan: Plan | None = None
    """None before the flow was loaded."""


NOT_LOADED = "known once the flow is loaded: plan it"
_ELSEWHERE = "the registered version was not deployed from this machine"
_EARLIER = "the registered version was deployed before flowtui remembered this"
_NOT_TOLD = "the control plane does not give back what is registered"
DEPENDENCIES = frozenset({"python_dependencies", "prefect_version", "base_image"})
_SILENT = frozenset({"image_tag", "path", "directory", "flows", "__version__", "secrets"})
"""Parts of a storage that follow from the content, or say nothing about it."""
EXECUTION = frozenset({"executor", "executor_kwargs", "run_config"})
_OTHERWISE_TOLD = frozenset({"modules", "project"})


def compare(registered: Registered, local: Local) -> Changes:
    """All aspects, each either compared or said to be unknown and why."""
    found: list[Change] = []
    unknown: list[Unknown] = []
    compared: list[Aspect] = []

    def add(aspect: Aspect, changes: Sequence[Change] | str) -> None:
        if isinstance(changes, str):
            unknown.append(Unknown(aspect, changes))
            return
        compared.append(aspect)
        found.extend(changes)

    add(Aspect.SOURCES, _sources(registered, local))
    add(Aspect.DEPENDENCIES, _dependencies(registered, local))
    for aspect, read in SERIALIZED.items():
        if local.plan is None:
            add(aspect, NOT_LOADED)
        elif registered.serialized is None:
            add(aspect, _NOT_TOLD)
        else:
            before, after = read(registered.serialized), read(local.plan.loaded.serialized)
            add(aspect, named(aspect, before, after))
    add(Aspect.EXECUTION, _execution(registered, local))
    add(Aspect.STORAGE, _storage(registered, local))
    differing = {change.aspect for change in found}
    same = tuple(aspect for aspect in compared if aspect not in differing)
    return Changes(tuple(found), tuple(unknown), same)


def _sources(registered: Registered, local: Local) -> Sequence[Change] | str:
    if local.sources is None:
        return "the flow's file cannot be read"
    if registered.sources is None:
        return _ELSEWHERE
    if not registered.sources:
        return _EARLIER
    changes: list[Change] = []
    for path in sorted({*registered.sources, *local.sources}):
        before, after = registered.sources.get(path), local.sources.get(path)
        if before is not None and after is not None:
            if before.hash == content_hash(after):
                continue
            sign = Sign.CHANGED
        else:
            sign = Sign.ADDED if before is None else Sign.REMOVED
        changes.append(Change(Aspect.SOURCES, sign, path, lines=difference(before, after)))
    return changes


def difference(before: StoredSource | None, after: bytes | None) -> tuple[str, ...]:
    """The lines that differ, in file order; nothing where a text is not known."""
    if before is None or after is None or before.content is None:
        return ()
    old, new = (text.decode("utf-8", "replace").splitlines() for text in (before.content, after))
    lines = list(difflib.unified_diff(old, new, lineterm="", n=2))[2:]
    more = len(lines) - MOST_LINES
    return tuple(lines[:MOST_LINES]) + ((f"… {more} more lines",) if more > 0 else ())


def _dependencies(registered: Registered, local: Local) -> Sequence[Change] | str:
    if local.plan is None:
        return NOT_LOADED
    if registered.settings is None:
        return _ELSEWHERE
    if not registered.settings:
        return _EARLIER
    now = shown_settings(local.plan.settings)
    changes: list[Change] = []
    for name in sorted(DEPENDENCIES):
        before, after = registered.settings.get(name, ""), now.get(name, "")
        if name == "python_dependencies":
            changes += named(Aspect.DEPENDENCIES, requirements(before), requirements(after))
        elif before != after:
            changes += named(
                Aspect.DEPENDENCIES,
                {name: before} if before else {},
                {name: after} if after else {},
            )
    return changes


def requirements(text: str) -> dict[str, str]:
    """By name of the package."""
    found: dict[str, str] = {}
    for requirement in filter(None, text.split(", ")):
        name, separator, version = requirement.partition("==")
        found[name] = f"{separator}{version}"
    return found


def _execution(registered: Registered, local: Local) -> Sequence[Change] | str:
    if local.plan is None:
        return NOT_LOADED
    if registered.settings is None:
        return _ELSEWHERE
    if not registered.settings:
        return _EARLIER

    def counted(settings: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in settings.items() if name in EXECUTION}

    now = shown_settings(local.plan.settings)
    return named(Aspect.EXECUTION, counted(registered.settings), counted(now))


def _storage(registered: Registered, local: Local) -> Sequence[Change] | str:
    if local.plan is None:
        return NOT_LOADED
    changes: list[Change] = []
    if registered.storage is not None:
        attachment = local.plan.attachment
        after: JsonObject = attachment.storage if attachment is not None else {}
        before = plain_storage(registered.storage)
        known = {key: value for key, value in plain_storage(after).items() if key in before}
        changes += named(Aspect.STORAGE, before, known)
    if not registered.settings:
        return changes if registered.storage is not None else _ELSEWHERE
    now = shown_settings(local.plan.settings)
    told = DEPENDENCIES | EXECUTION | _OTHERWISE_TOLD
    left_out = told | {change.name for change in changes} | _SILENT

    def counted(settings: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in settings.items() if name not in left_out}

    return [*changes, *named(Aspect.STORAGE, counted(registered.settings), counted(now))]


def plain_storage(storage: JsonObject) -> dict[str, str]:
    return {
        key: str(value)
        for key, value in storage.items()
        if key not in _SILENT and isinstance(value, (str, int)) and not isinstance(value, bool)
    }


def parameters_of(serialized: JsonObject) -> dict[str, str]:
    return {
        str(each.get("name")): "required" if each.get("required") else f"= {each.get('default')!r}"
        for each in _objects(serialized.get("parameters"))
    }


def tasks_of(serialized: JsonObject) -> dict[str, str]:
    """By name and number, with the kind of the task: old Prefects make slugs anew at each load."""
    parameters = {str(each.get("name")) for each in _objects(serialized.get("parameters"))}
    seen: Counter[str] = Counter()
    found: dict[str, str] = {}
    for task in _objects(serialized.get("tasks")):
        name = str(task.get("name"))
        if name in parameters:
            continue
        seen[name] += 1
        key = name if seen[name] == 1 else f"{name} #{seen[name]}"
        found[key] = str(task.get("type") or "").rpartition(".")[2]
    return found


def schedule_of(serialized: JsonObject) -> dict[str, str]:
    schedule = serialized.get("schedule")
    if not isinstance(schedule, Mapping):
        return {}
    found: dict[str, str] = {}
    for number, clock in enumerate(_objects(schedule.get("clocks")), start=1):
        name = "clock" if number == 1 else f"clock {number}"
        said = [clock.get(key) for key in ("cron", "interval", "dates")]
        found[name] = ", ".join(_moment(each) for each in said if each is not None)
    return found or {"schedule": str(schedule.get("type") or "set")}


def _moment(value: Json) -> str:
    """Prefect writes intervals in microseconds."""
    return f"every {value / 1_000_000:g} s" if isinstance(value, (int, float)) else str(value)


def named(aspect: Aspect, before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    changes: list[Change] = []
    for name in [*before, *(name for name in after if name not in before)]:
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        sign = Sign.ADDED if old is None else Sign.REMOVED if new is None else Sign.CHANGED
        changes.append(Change(aspect, sign, name, old or "", new or ""))
    return changes


def shown_settings(settings: Sequence[Setting]) -> dict[str, str]:
    """Settings as text that is compared and shown; values that may be secret only as a hash."""
    return {
        setting.name: _shown(_public(setting), secret=setting.name in ("env_vars", "build_args"))
        for setting in settings
    }


def _public(setting: Setting) -> object:
    """Job variables without what stands in their environment."""
    variables = mapping(setting.value)
    if setting.name != "job_variables" or "env" not in variables:
        return setting.value
    return {**variables, "env": _shown(variables["env"], secret=True)}


def _shown(value: object, *, secret: bool) -> str:
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value)
        return ", ".join(
            f"{key}={_hashed(each) if secret else each}" for key, each in sorted(pairs.items())
        )
    if isinstance(value, (list, tuple)):
        return ", ".join(str(each) for each in cast("Sequence[Any]", value))
    return str(value)


def _hashed(value: object) -> str:
    return f"#{hashlib.sha256(str(value).encode()).hexdigest()[:8]}"


def content_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _objects(value: Json) -> list[JsonObject]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [cast("dict[str, Any]", item) for item in value if isinstance(item, Mapping)]


SERIALIZED = {
    Aspect.PARAMETERS: parameters_of,
    Aspect.TASKS: tasks_of,
    Aspect.SCHEDULE: schedule_of,
}
"""What a serialized flow tells."""
