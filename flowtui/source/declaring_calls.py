"""The calls `.deploy(…)`, `.serve(…)` and `.to_deployment(…)` in one syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from flowtui.models import Json, JsonObject
from flowtui.source.literals import NotLiteralError, flat_schedule, literal
from flowtui.source.names import Function, Names

_METHODS: Mapping[str, tuple[str, ...]] = {
    "deploy": ("name", "work_pool_name"),
    "adeploy": ("name", "work_pool_name"),
    "serve": ("name",),
    "aserve": ("name",),
    "to_deployment": ("name",),
    "ato_deployment": ("name",),
}
"""With the parameters that come without a keyword (Prefect 2.14 to 3.9)."""
_TOGETHER = frozenset({"deploy", "adeploy"})
"""Functions of Prefect's that take several `to_deployment(…)`."""
_SAME_NAME = frozenset(
    {
        "version",
        "tags",
        "description",
        "parameters",
        "concurrency_limit",
        "enforce_parameter_schema",
        "paused",
        "triggers",
        "image",
    }
)
_SCHEDULES = ("cron", "interval", "rrule", "schedule", "schedules")
_WORK_POOL = {
    "work_pool_name": "name",
    "work_queue_name": "work_queue_name",
    "job_variables": "job_variables",
}
_FOR_ALL = frozenset({"work_pool_name", "image"})
"""Of `deploy(…)`, for each deployment in it."""


@dataclass(frozen=True, slots=True)
class DeclaringCall:
    """One call that declares a deployment of the flow that `receiver` names."""

    path: str
    line: int
    method: str
    receiver: str
    """Dotted, as written; empty where an entrypoint says it."""
    entrypoint: str
    """Of `flow.from_source(entrypoint="…")`; empty without."""
    name: str | None
    """None: the flow's own name."""
    values: JsonObject = field(hash=False)
    """Under the names of prefect.yaml."""
    dynamic: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line} .{self.method}(…)"


_Functions = tuple[Function | ast.Lambda, ...]


def declaring_calls(
    calls: Sequence[tuple[ast.Call, _Functions]], names: Names, path: str
) -> tuple[DeclaringCall, ...]:
    """Those of these calls (each with the functions around it) that declare a deployment."""
    shared = _shared(calls, names)
    found = (_declaring(call, functions, names, path, shared) for call, functions in calls)
    return tuple(call for call in found if call is not None)


def _declaring(
    call: ast.Call,
    functions: _Functions,
    names: Names,
    path: str,
    shared: Mapping[int, Mapping[str, ast.expr]],
) -> DeclaringCall | None:
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in _METHODS:
        return None
    receiver, entrypoint = _receiver(call.func.value, names, functions)
    if not receiver and not entrypoint:
        return None
    method = call.func.attr
    given, unknown = _arguments(call, method, names)
    given = {**shared.get(id(call), {}), **given}
    values = _Values(names, functions, unknown)
    name = values.name(given.pop("name", None), required="serve" not in method)
    for key, node in given.items():
        values.take(key, node)
    return DeclaringCall(
        path,
        call.lineno,
        method,
        receiver,
        entrypoint,
        name,
        values.done(),
        tuple(dict.fromkeys(values.dynamic)),
    )


def _receiver(node: ast.expr, names: Names, functions: _Functions) -> tuple[str, str]:
    """(dotted name, entrypoint) of the flow that a method is called on."""
    match node:
        case ast.Call(func=ast.Attribute(attr="with_options", value=inner), keywords=keywords):
            renamed = any(keyword.arg in (None, "name") for keyword in keywords)
            return ("", "") if renamed else _receiver(inner, names, functions)
        case ast.Call(func=ast.Attribute(attr="from_source" | "afrom_source")):
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            entrypoint = names.text(given["entrypoint"], functions) if "entrypoint" in given else ""
            return "", entrypoint or ""
        case ast.Await(value=inner):
            return _receiver(inner, names, functions)
        case ast.Name() | ast.Attribute():
            return dotted(node), ""
        case _:
            return "", ""


def dotted(node: ast.expr) -> str:
    """`pkg.mod.etl` as it is written; empty for anything else than names and dots."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _arguments(
    call: ast.Call, method: str, names: Names
) -> tuple[dict[str, ast.expr], tuple[str, ...]]:
    """By parameter; and the source of what is unpacked and could be any of them."""
    given: dict[str, ast.expr] = {}
    unknown: list[str] = []
    for position, node in enumerate(call.args):
        if isinstance(node, ast.Starred) or position >= len(_METHODS[method]):
            unknown.append("*")
            break
        given[_METHODS[method][position]] = node
    for keyword in call.keywords:
        if keyword.arg is not None:
            given[keyword.arg] = keyword.value
            continue
        entries = _entries(keyword.value, names)
        unknown += ["**"] if entries is None else []
        given |= entries or {}
    return given, tuple(unknown)


def _entries(node: ast.expr, names: Names) -> dict[str, ast.expr] | None:
    """Of a dictionary that is unpacked, where it is written out."""
    if isinstance(node, ast.Name):
        node = names.bound.get(node.id, node)
    if not isinstance(node, ast.Dict):
        return None
    entries: dict[str, ast.expr] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return None
        entries[key.value] = value
    return entries


def _shared(
    calls: Sequence[tuple[ast.Call, _Functions]], names: Names
) -> dict[int, Mapping[str, ast.expr]]:
    """By call (its id): what `deploy(first.to_deployment(…), …, image=…)` says for each in it."""
    found: dict[int, Mapping[str, ast.expr]] = {}
    for call, _ in calls:
        origin = names.origin(call.func) or ""
        if not origin.startswith("prefect.") or origin.rpartition(".")[2] not in _TOGETHER:
            continue
        keywords = {
            str(keyword.arg): keyword.value for keyword in call.keywords if keyword.arg in _FOR_ALL
        }
        found |= {id(inner): keywords for inner in _inner(call.args, names)}
    return found


def _inner(args: Sequence[ast.expr], names: Names) -> Iterator[ast.expr]:
    for node in args:
        if isinstance(node, ast.Starred):
            yield from _inner([node.value], names)
        elif isinstance(node, ast.List | ast.Tuple):
            yield from _inner(node.elts, names)
        elif isinstance(node, ast.Await):
            yield node.value
        else:
            yield names.bound.get(node.id, node) if isinstance(node, ast.Name) else node


class _Values:
    """The values of one declaration, under the names of prefect.yaml."""

    def __init__(self, names: Names, functions: _Functions, dynamic: tuple[str, ...]) -> None:
        self._names = names
        self._functions = functions
        self._values: dict[str, Json] = {}
        self._work_pool: dict[str, Json] = {}
        self.dynamic = list(dynamic)

    def name(self, node: ast.expr | None, *, required: bool) -> str | None:
        """Its source in angle brackets where only running tells it."""
        if node is None and not required:
            return None
        text = self._names.text(node, self._functions) if node is not None else None
        if text:
            return text
        self.dynamic.append("name")
        return f"<{ast.unparse(node) if node is not None else '**'}>"

    def take(self, key: str, node: ast.expr) -> None:
        target = "schedules" if key in _SCHEDULES else key
        if target not in _SAME_NAME and key not in _SCHEDULES and key not in _WORK_POOL:
            return
        try:
            value = self._image(node) if key == "image" else self._literal(node)
        except NotLiteralError:
            self.dynamic.append(f"work_pool.{_WORK_POOL[key]}" if key in _WORK_POOL else target)
            return
        if value is None:
            return
        if key in _WORK_POOL:
            self._work_pool[_WORK_POOL[key]] = value
        elif key in _SCHEDULES:
            self._schedules(key, value)
        else:
            self._values[key] = value

    def _schedules(self, key: str, value: Json) -> None:
        """`cron="…"`, or several in a list; `schedule=Cron(…)`, `schedules=[Cron(…), …]`."""
        entries = value if isinstance(value, list) else [value]
        if key in ("schedule", "schedules"):
            found = [flat_schedule(each) for each in entries if isinstance(each, Mapping)]
        else:
            found = [{key: each} for each in entries]
        before = self._values.get("schedules", [])
        assert isinstance(before, list)
        self._values["schedules"] = [*before, *found]

    def _image(self, node: ast.expr) -> Json:
        """`"name:tag"`, or `DockerImage(name=…, tag=…, dockerfile=…)` as a mapping."""
        origin = self._names.origin(node.func) if isinstance(node, ast.Call) else None
        if not isinstance(node, ast.Call) or not (origin or "").endswith(".DockerImage"):
            return self._literal(node)
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        given |= dict(zip(("name", "tag", "dockerfile"), node.args, strict=False))
        found = {
            key: self._literal(given[key]) for key in ("name", "tag", "dockerfile") if key in given
        }
        return {key: value for key, value in found.items() if value is not None}

    def _literal(self, node: ast.expr) -> Json:
        return literal(node, self._names, self._functions)

    def done(self) -> JsonObject:
        pool: JsonObject = {"work_pool": self._work_pool} if self._work_pool else {}
        return {**self._values, **pool}
