"""Reads the deployments that a prefect.yaml declares, with the lines they stand at."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from flowtui.models import BrokenFile, Json, JsonObject
from flowtui.source.literals import flat_schedule

SIZE_LIMIT = 1_000_000
"""Bytes."""
_MOST_VALUES = 200_000
"""In one file, each use of an anchor counted: a few lines can stand for billions."""
_ACTIONS = ("build", "push", "pull")
_LIST = (list,)
_MAPPING = (dict,)
_TEXT = (str,)
_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "name": (_TEXT, "text"),
    "version": ((str, int, float), "text"),
    "version_type": (_TEXT, "text"),
    "tags": ((list, str), "a list"),
    "description": (_TEXT, "text"),
    "schedule": (_MAPPING, "a mapping"),
    "schedules": ((list, str), "a list"),
    "paused": ((bool, str), "true or false"),
    "concurrency_limit": ((int, dict, str), "a number or a mapping"),
    "flow_name": (_TEXT, "text"),
    "entrypoint": (_TEXT, "text"),
    "parameters": (_MAPPING, "a mapping"),
    "enforce_parameter_schema": ((bool, str), "true or false"),
    "build": ((list, dict), "a list of steps"),
    "push": ((list, dict), "a list of steps"),
    "pull": ((list, dict), "a list of steps"),
    "work_pool": (_MAPPING, "a mapping"),
    "triggers": (_LIST, "a list"),
    "sla": (_LIST, "a list"),
}
"""The keys of a deployment (Prefect 3.9, `prefect.cli.deploy._models`) and what they hold; a
template in double braces may stand for a number or a truth value. Others are passed over, as
Prefect does."""
_SCHEDULE_KINDS = ("cron", "interval", "rrule")


@dataclass(frozen=True, slots=True)
class YamlDeployment:
    """One entry of `deployments:`, as written."""

    path: str
    """Of the prefect.yaml, relative to the project root."""
    line: int
    name: str
    entrypoint: str
    values: JsonObject = field(hash=False)
    """All its keys except the name, and `build`, `push` and `pull` of the whole file where it has
    none of its own. A `schedule` is in `schedules`. What is null is left out."""


@dataclass(frozen=True, slots=True)
class PrefectYaml:
    deployments: tuple[YamlDeployment, ...] = ()
    broken: tuple[BrokenFile, ...] = ()


class _WrongError(Exception):
    """What is wrong with one entry, and where."""

    def __init__(self, message: str, node: yaml.Node) -> None:
        super().__init__(message)
        self.node = node


def read_prefect_yaml(content: bytes, path: str) -> PrefectYaml:
    """The deployments of a prefect.yaml. Raises nothing: what cannot be read is told as broken.

    One entry that is wrong does not hide the others.
    """
    if len(content) > SIZE_LIMIT:
        return _whole(path, f"too large to read ({len(content) / 1e6:.0f} MB)")
    loader: Any = None
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(content)
        root = loader.get_single_node()
        if root is None or _is_null(root):
            return PrefectYaml()
        return _Reader(loader, path).read(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        what = ", ".join(part for part in (error.context, error.problem) if part)
        return _whole(path, what or "this is not YAML", line, column)
    except yaml.YAMLError as error:
        return _whole(path, str(error).splitlines()[0] if str(error) else "this is not YAML")
    except (RecursionError, ValueError) as error:
        nested = isinstance(error, RecursionError)
        return _whole(path, "too deeply nested to read" if nested else str(error))
    finally:
        if loader is not None:
            loader.dispose()


def _whole(path: str, message: str, line: int = 1, column: int = 1) -> PrefectYaml:
    return PrefectYaml(broken=(BrokenFile(path, line, column, message),))


class _Reader:
    def __init__(self, loader: Any, path: str) -> None:
        self._loader = loader
        self._path = path
        self._left = _MOST_VALUES

    def read(self, root: yaml.Node) -> PrefectYaml:
        if not isinstance(root, yaml.MappingNode):
            return _whole(self._path, "a prefect.yaml is a mapping with the key “deployments”")
        top = self._entries(root)
        broken: list[BrokenFile] = []
        actions: dict[str, Json] = {}
        for key in _ACTIONS:
            try:
                steps = self._steps(key, top[key]) if key in top else None
            except _WrongError as wrong:
                broken.append(self._broken(wrong, key))
                continue
            if steps is not None:
                actions[key] = steps
        listed = top.get("deployments")
        if listed is None or _is_null(listed):
            return PrefectYaml(broken=tuple(broken))
        if not isinstance(listed, yaml.SequenceNode):
            broken.append(self._broken(_WrongError("“deployments” must be a list", listed), ""))
            return PrefectYaml(broken=tuple(broken))
        found: list[YamlDeployment] = []
        for number, node in enumerate(cast("list[yaml.Node]", listed.value), start=1):
            try:
                deployment = self._deployment(node, actions)
            except _WrongError as wrong:
                broken.append(self._broken(wrong, self._name_of(node) or f"deployment {number}"))
                continue
            if deployment is not None:
                found.append(deployment)
        return PrefectYaml(tuple(found), tuple(broken))

    def _broken(self, wrong: _WrongError, subject: str) -> BrokenFile:
        mark = wrong.node.start_mark
        return BrokenFile(self._path, mark.line + 1, mark.column + 1, str(wrong), subject)

    def _deployment(self, node: yaml.Node, actions: JsonObject) -> YamlDeployment | None:
        """None for an entry that nobody has filled in, as `prefect init` writes it."""
        if _is_null(node):
            return None
        if not isinstance(node, yaml.MappingNode):
            raise _WrongError("a deployment is a mapping", node)
        entries = self._entries(node)
        values: dict[str, Json] = {}
        for key, inner in entries.items():
            if key in _TYPES and not _is_null(inner):
                values[key] = self._checked(key, inner)
        name, entrypoint = values.pop("name", ""), values.get("entrypoint", "")
        if not name and not entrypoint:
            if not any(
                value for key, value in values.items() if key not in (*_ACTIONS, "work_pool")
            ):
                return None
            raise _WrongError("it has neither a name nor an entrypoint", node)
        if not entrypoint:
            raise _WrongError("it has no entrypoint, such as flows/etl.py:etl", node)
        if not name:
            raise _WrongError("it has no name: give it one, unique among those of its flow", node)
        self._take_schedule(values, entries)
        own_actions = {key for key in _ACTIONS if key in entries}
        inherited = {key: steps for key, steps in actions.items() if key not in own_actions}
        line = node.start_mark.line + 1
        return YamlDeployment(self._path, line, str(name), str(entrypoint), {**inherited, **values})

    def _checked(self, key: str, node: yaml.Node) -> Json:
        if key in _ACTIONS:
            return self._steps(key, node)
        value = self._plain(node)
        allowed, words = _TYPES[key]
        if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
            raise _WrongError(f"“{key}” must be {words}", node)
        if isinstance(value, str) and str in allowed and len(allowed) > 1 and key != "version":
            is_template = "{{" in value
            if not is_template and key != "tags":
                raise _WrongError(f"“{key}” must be {words}", node)
        if key == "version":
            return str(value)
        if key == "work_pool":
            self._check_work_pool(cast("Mapping[str, Json]", value), node)
        return value

    def _check_work_pool(self, pool: Mapping[str, Json], node: yaml.Node) -> None:
        for key in ("name", "work_queue_name"):
            if not isinstance(pool.get(key), str | None):
                raise _WrongError(f"“work_pool.{key}” must be text", node)
        if not isinstance(pool.get("job_variables"), Mapping | None):
            raise _WrongError("“work_pool.job_variables” must be a mapping", node)

    def _steps(self, key: str, node: yaml.Node) -> Json:
        """A list of steps; one alone may stand without the list."""
        value = self._plain(node)
        steps: Sequence[Json]
        if isinstance(value, Mapping):
            steps = [value] if value else []
        elif isinstance(value, list):
            steps = value
        elif value is None:
            return None
        else:
            raise _WrongError(f"“{key}” must be a list of steps", node)
        if not all(isinstance(step, Mapping) for step in steps):
            raise _WrongError(f"each step of “{key}” must be a mapping", node)
        return steps

    def _take_schedule(self, values: dict[str, Json], entries: Mapping[str, yaml.Node]) -> None:
        one, several = values.pop("schedule", None), values.get("schedules")
        if one and several is not None:
            raise _WrongError("“schedule” and “schedules” are both given", entries["schedule"])
        if one:
            values["schedules"] = several = [one]
        if not isinstance(several, list):
            return
        node = entries["schedule"] if one else entries["schedules"]
        values["schedules"] = [_schedule(each, node) for each in several if each]

    def _name_of(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.MappingNode):
            return ""
        for key, value in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            if key.value == "name" and isinstance(value, yaml.ScalarNode) and not _is_null(value):
                return str(value.value)
        return ""

    def _entries(self, node: yaml.MappingNode) -> dict[str, yaml.Node]:
        """By key, with what `<<` takes in; keys given twice count once, the last one."""
        self._loader.flatten_mapping(node)
        pairs = cast("list[tuple[yaml.Node, yaml.Node]]", node.value)
        return {str(key.value): value for key, value in pairs}

    def _plain(self, node: yaml.Node) -> Json:
        """As JSON has it: dates as text. Raises _WrongError for what JSON has no word for."""
        self._left -= 1
        if self._left < 0:
            raise _WrongError("its anchors stand for too many values", node)
        if isinstance(node, yaml.MappingNode):
            return {key: self._plain(value) for key, value in self._entries(node).items()}
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(value) for value in cast("list[yaml.Node]", node.value)]
        try:
            value: Any = self._loader.construct_object(node, deep=True)
        except yaml.MarkedYAMLError as error:
            raise _WrongError(error.problem or "it cannot be read", node) from None
        if isinstance(value, datetime.date):
            return value.isoformat()
        if isinstance(value, float) and not math.isfinite(value):
            raise _WrongError(f"{value} is no number that can be sent", node)
        if value is None or isinstance(value, str | bool | int | float):
            return value
        raise _WrongError(f"a value of type {type(value).__name__} cannot be sent", node)


def _schedule(value: Json, node: yaml.Node) -> Json:
    if not isinstance(value, Mapping):
        raise _WrongError("each schedule must be a mapping", node)
    schedule = cast("Mapping[str, Json]", flat_schedule(value))
    kinds = [kind for kind in _SCHEDULE_KINDS if schedule.get(kind) is not None]
    if len(kinds) != 1:
        raise _WrongError("each schedule has one of cron, interval and rrule", node)
    return {key: each for key, each in schedule.items() if each is not None}


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
