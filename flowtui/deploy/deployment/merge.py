"""What a deploy changes of a registered deployment: the one place that decides it, and purely.

Three states are compared, field by field and inside the composite ones piece by piece: what was
applied last (`base`), what the project says now (`wanted`), what the server has (`current`). Only
what the project changed since is sent; what somebody changed elsewhere stays as it is.

`parameters` and `job_variables` are compared by key, `tags` as sets, `schedules` one by one by
their slugs. Where it is not known what was applied last (the deployment was made elsewhere), the
project is asked only what it says itself: a default of flowtui's replaces nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowtui.deploy.change import Aspect, Change, Changes, Sign
from flowtui.deploy.deployment.merge_schedules import merge_schedules
from flowtui.deploy.deployment.payload import CODE_VARIABLES, IMAGE
from flowtui.json_shapes import items, mapping
from flowtui.models import Json, JsonObject

ASPECTS: Mapping[str, Aspect] = {
    "entrypoint": Aspect.ENTRYPOINT,
    "path": Aspect.ENTRYPOINT,
    "pull_steps": Aspect.ENTRYPOINT,
    "parameter_openapi_schema": Aspect.PARAMETERS,
    "parameters": Aspect.PARAMETERS,
    "enforce_parameter_schema": Aspect.PARAMETERS,
    "job_variables": Aspect.JOB_VARIABLES,
    "work_pool_name": Aspect.WORK_POOL,
    "work_queue_name": Aspect.WORK_POOL,
    "schedules": Aspect.SCHEDULE,
    "paused": Aspect.SCHEDULE,
    "tags": Aspect.TAGS,
    "description": Aspect.DESCRIPTION,
    "concurrency_limit": Aspect.OTHER,
    "concurrency_options": Aspect.OTHER,
    "version": Aspect.OTHER,
}
"""Every field that can be changed of a registered deployment."""
CODE = ("entrypoint", "path", "pull_steps", "parameter_openapi_schema", "version")
"""What says which code runs: together from one deploy, never some of it from another."""
_DEFAULTS: Mapping[str, Json] = {
    "paused": False,
    "enforce_parameter_schema": True,
    "description": "",
    "work_queue_name": "default",
    "path": "",
}
"""What the server fills in for a field that is not said."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What is to be sent, and how that reads for a person."""

    fields: JsonObject = field(default_factory=dict[str, "Json"])
    changes: Changes = field(default_factory=Changes)


def merge(
    base: JsonObject | None,
    wanted: JsonObject,
    current: JsonObject,
    *,
    said: Collection[str] = (),
    same_code: bool = True,
) -> Merged:
    """All three are payloads, see `ControlPlane.register`; `base` is None where it is not known.

    `said` are paths of what the project says itself (`description`, `parameters.day`): all that
    counts without a base. Without `same_code` what is registered was deployed from elsewhere since,
    and the code is replaced whatever became of it.
    """
    work = _Merge(
        base, wanted, current, frozenset(said), replaces_code=base is None or not same_code
    )
    for name in ASPECTS:
        work.field(name)
    # The API takes a pool without a queue for its default queue.
    if "work_pool_name" in work.fields:
        work.fields["work_queue_name"] = _valued(wanted, "work_queue_name")
    elif "work_queue_name" in work.fields:
        work.fields["work_pool_name"] = current.get("work_pool_name")
    return Merged(work.fields, Changes(tuple(work.found), same=work.same()))


class _Merge:
    def __init__(
        self,
        base: JsonObject | None,
        wanted: JsonObject,
        current: JsonObject,
        said: frozenset[str],
        *,
        replaces_code: bool,
    ) -> None:
        self._base = base
        self._wanted = wanted
        self._current = current
        self._said = said
        self._replaces_code = replaces_code
        self.fields: dict[str, Json] = {}
        self.found: list[Change] = []

    def same(self) -> tuple[Aspect, ...]:
        differing = {change.aspect for change in self.found}
        return tuple(dict.fromkeys(a for a in ASPECTS.values() if a not in differing))

    def field(self, name: str) -> None:
        if name in ("parameters", "job_variables"):
            self._mapping(name)
        elif name == "tags":
            self._tags()
        elif name == "schedules":
            self._schedules()
        else:
            self._value(name)

    def _value(self, name: str) -> None:
        wanted, current = _valued(self._wanted, name), _valued(self._current, name)
        if same(wanted, current):
            return
        if self._wins(name, name):
            self.fields[name] = wanted
        elif self._base is None:
            return
        self._tell(name, name, current, wanted, kept=name not in self.fields)

    def _wins(self, name: str, path: str) -> bool:
        """Whether the project's value counts: it changed it, or says it where nobody knows."""
        if name in CODE and self._replaces_code:
            return True
        if self._base is None:
            return path in self._said
        return not same(_valued(self._wanted, name), _valued(self._base, name))

    def _mapping(self, name: str) -> None:
        wanted, current = mapping(self._wanted.get(name)), mapping(self._current.get(name))
        base = mapping(self._base.get(name)) if self._base is not None else None
        merged = self._merged_mapping(name, base, wanted, current)
        if not same(merged, current):
            self.fields[name] = merged

    def _merged_mapping(
        self,
        path: str,
        base: dict[str, Any] | None,
        wanted: dict[str, Any],
        current: dict[str, Any],
    ) -> dict[str, Json]:
        merged: dict[str, Json] = dict(current)
        known: dict[str, Any] = base or {}
        elsewhere = current if base is not None else {}
        for key in {**known, **wanted, **elsewhere}:
            inner = f"{path}.{key}"
            before: Any = current.get(key, _ABSENT)
            after: Any = wanted.get(key, _ABSENT)
            if _nested(path, before, after):
                inside = mapping(known.get(key)) if base is not None else None
                merged[key] = self._merged_mapping(inner, inside, after, before)
            elif same(before, after):
                continue
            elif self._wins_key(inner, base, key, after):
                merged.pop(key, None)
                if after is not _ABSENT:
                    merged[key] = after
                self._tell(path, inner, before, after, kept=False)
            elif base is not None:
                self._tell(path, inner, before, after, kept=True)
        return merged

    def _wins_key(self, path: str, base: dict[str, Any] | None, key: str, after: object) -> bool:
        if path in CODE_VARIABLES and self._replaces_code:
            return after is not _ABSENT
        if base is None:
            return path in self._said or any(path.startswith(f"{each}.") for each in self._said)
        return not same(after, base.get(key, _ABSENT))

    def _tags(self) -> None:
        wanted, current = _texts(self._wanted.get("tags")), _texts(self._current.get("tags"))
        base = _texts(self._base.get("tags")) if self._base is not None else None
        if base is None and "tags" not in self._said:
            return
        removed = [tag for tag in base or () if tag not in wanted and tag in current]
        added = [tag for tag in wanted if tag not in (base or ()) and tag not in current]
        if removed or added:
            self.fields["tags"] = [*(tag for tag in current if tag not in removed), *added]
        for tag in removed:
            self._tell("tags", "tags", tag, _ABSENT, kept=False)
        for tag in added:
            self._tell("tags", "tags", _ABSENT, tag, kept=False)
        for tag in base or ():
            if tag in wanted and tag not in current:
                self._tell("tags", "tags", _ABSENT, tag, kept=True)
        for tag in current:
            if base is not None and tag not in base and tag not in wanted:
                self._tell("tags", "tags", tag, _ABSENT, kept=True)

    def _schedules(self) -> None:
        if self._base is None and "schedules" not in self._said:
            return
        merged = merge_schedules(
            _objects(self._base.get("schedules")) if self._base is not None else None,
            _objects(self._wanted.get("schedules")),
            _objects(self._current.get("schedules")),
        )
        if merged.differs:
            self.fields["schedules"] = merged.schedules
        self.found.extend(merged.changes)

    def _tell(self, name: str, path: str, before: object, after: object, *, kept: bool) -> None:
        if name == "parameter_openapi_schema":
            self.found += _schema_changes(before, after, kept=kept)
            return
        top = name.partition(".")[0]
        aspect = Aspect.STORAGE if path == IMAGE else ASPECTS[top]
        shown = path.removeprefix(f"{top}.")
        if path == "tags":
            shown = str(after if before is _ABSENT else before)
        sign = Sign.ADDED if _empty(before) else Sign.REMOVED if _empty(after) else Sign.CHANGED
        secret = path.startswith("job_variables.env.") and path not in CODE_VARIABLES
        self.found.append(
            Change(
                aspect,
                sign,
                shown,
                _shown(before, secret=secret),
                _shown(after, secret=secret),
                field=path,
                kept=kept,
            )
        )


class _Absent:
    """A key that is not there; None is a value."""


_ABSENT = _Absent()


def same(one: object, other: object) -> bool:
    """Equal as JSON: `1` is `1.0`, but `true` is no number."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        first, second = mapping(one), mapping(other)  # pyright: ignore[reportUnknownArgumentType]
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(one, list) and isinstance(other, list):
        left, right = items(one), items(other)  # pyright: ignore[reportUnknownArgumentType]
        return len(left) == len(right) and all(map(same, left, right))
    return one == other


def _nested(path: str, before: object, after: object) -> bool:
    """Environment variables and the like by key; the value of a parameter is one thing."""
    return path.startswith("job_variables") and isinstance(before, dict) and isinstance(after, dict)


def _valued(payload: JsonObject, name: str) -> Json:
    value = payload.get(name)
    if value is None or value == _DEFAULTS.get(name):
        return _DEFAULTS.get(name)
    return [] if name == "pull_steps" and not value else value


def _empty(value: object) -> bool:
    return value is None or value == "" or isinstance(value, _Absent)


def _shown(value: object, *, secret: bool) -> str:
    if _empty(value):
        return ""
    if secret:
        return "•••"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _schema_changes(before: object, after: object, *, kept: bool) -> list[Change]:
    """One for each parameter; one for all where the difference is not in a parameter."""
    old, new = mapping(before), mapping(after)
    parameters = (_parameters(old), _parameters(new))
    found: list[Change] = []
    for name in dict.fromkeys([*parameters[0], *parameters[1]]):
        was, now = parameters[0].get(name, ""), parameters[1].get(name, "")
        if was == now:
            continue
        sign = Sign.ADDED if not was else Sign.REMOVED if not now else Sign.CHANGED
        path = f"parameter_openapi_schema.{name}"
        found.append(Change(Aspect.PARAMETERS, sign, name, was, now, field=path, kept=kept))
    if not found:
        found.append(
            Change(
                Aspect.PARAMETERS,
                Sign.CHANGED if old and new else Sign.ADDED,
                "schema",
                "the schema of the parameters" if old else "",
                "its definitions differ" if old else "the schema of the parameters",
                field="parameter_openapi_schema",
                kept=kept,
            )
        )
    return found


def _parameters(schema: dict[str, Any]) -> dict[str, str]:
    """`integer, default 1`, by name."""
    required = items(schema.get("required"))
    found: dict[str, str] = {}
    for name, each in mapping(schema.get("properties")).items():
        told = mapping(each)
        kind = told.get("type") or ("one of several types" if "anyOf" in told else "any")
        words = [str(kind)]
        if "default" in told:
            words.append(f"default {json.dumps(told['default'], ensure_ascii=False)}")
        elif name in required:
            words.append("required")
        rest = {k: v for k, v in told.items() if k not in ("type", "default", "title", "position")}
        if rest:
            words.append(json.dumps(rest, ensure_ascii=False, sort_keys=True))
        found[name] = ", ".join(words)
    return found


def _texts(value: Json) -> list[str]:
    return [str(each) for each in items(value)]


def _objects(value: Json) -> list[JsonObject]:
    return [mapping(each) for each in items(value)]
