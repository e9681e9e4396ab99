"""The serialization of a flow, as Prefect 0.6.1 to 1.4.1 send it: unpacked, checked, read."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from flowtui.releases import release
from flowtui.server.operations.base import Refused
from flowtui.server.scalars import interval_text

MAX_BYTES = 64 * 1024 * 1024
"""Of an unpacked flow; a thousand tasks are about 1 MB."""
OLDEST_CORE = (0, 6, 1)
"""The open source Prefect Server's own cut-off."""

Document = Mapping[str, Any]


def mapping(value: object) -> Document | None:
    """The value if it is a JSON object."""
    return cast("Document", value) if isinstance(value, Mapping) else None


def strings(value: object) -> frozenset[str]:
    """What a JSON list holds, as texts: labels, tags."""
    return (
        frozenset(map(str, cast("list[object]", value))) if isinstance(value, list) else frozenset()
    )


def unpack(compressed: str) -> Document:
    """The flow in base64(gzip(json)), as `create_flow_from_compressed_string` takes it."""
    try:
        packed = base64.b64decode(compressed, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("serialized_flow is not base64 of a gzipped JSON document") from None
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        text = unpacker.decompress(packed, MAX_BYTES + 1)
    except zlib.error:
        raise Refused("serialized_flow is not base64 of a gzipped JSON document") from None
    if len(text) > MAX_BYTES:
        raise Refused(f"serialized_flow is larger than {MAX_BYTES // 1024**2} MiB when unpacked")
    if not unpacker.eof:
        raise Refused("serialized_flow is cut off: its gzip stream does not end")
    try:
        return checked(json.loads(text, parse_constant=_no_constant))
    except (ValueError, RecursionError):
        raise Refused("serialized_flow does not hold a JSON document") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def checked(flow: object) -> Document:
    """The same document if it can be a flow, else Refused with the first thing that is wrong."""
    document = mapping(flow)
    if document is None:
        raise Refused("serialized_flow must be an object")
    name = document.get("name")
    if not isinstance(name, str) or not name:
        raise Refused("serialized_flow has no name")
    version = document.get("__version__")
    if isinstance(version, str) and release(version) < OLDEST_CORE:
        raise Refused(
            f"flows must be registered with Prefect 0.6.1 or newer; this one is of {version}"
        )
    slugs = {slug_of(task) for task in objects(document, "tasks")}
    for edge in objects(document, "edges"):
        check_edge(edge, slugs)
    objects(document, "parameters")
    return document


def objects(document: Document, key: str) -> list[Document]:
    """The list of objects under a key; missing or null is an empty one."""
    value = document.get(key)
    if value is None:
        return []
    return check_objects(value, key)


def check_objects(value: object, what: str) -> list[Document]:
    if not isinstance(value, list) or not all(
        isinstance(item, Mapping) for item in cast("list[object]", value)
    ):
        raise Refused(f"{what} must be a list of objects")
    return cast("list[Document]", value)


def slug_of(task: Document) -> str:
    slug = task.get("slug")
    if not isinstance(slug, str) or not slug:
        raise Refused("a task has no slug")
    return slug


def ends_of(edge: Document) -> tuple[str, str]:
    """The slugs of an edge's upstream and downstream task."""
    ends: list[str] = []
    for end in ("upstream_task", "downstream_task"):
        task = mapping(edge.get(end))
        if task is None:
            raise Refused(f"an edge has no {end}")
        ends.append(slug_of(task))
    return ends[0], ends[1]


def check_edge(edge: Document, slugs: Iterable[str]) -> None:
    for slug in ends_of(edge):
        if slug not in slugs:
            raise Refused(f"an edge names the task {slug!r}, which the flow does not have")


def key_of(edge: Document) -> str | None:
    key = edge.get("key")
    return key if isinstance(key, str) else None


def has_clocks(schedule: object) -> bool:
    """A schedule without clocks never starts a run."""
    return bool((mapping(schedule) or {}).get("clocks"))


def text(document: Document, key: str) -> str | None:
    value = document.get(key)
    return value if isinstance(value, str) else None


def _whole(document: Document, key: str) -> int | None:
    value = document.get(key)
    return value if isinstance(value, int) and abs(value) < 2**31 else None


def _seconds(document: Document, key: str) -> str | None:
    value = document.get(key)
    return interval_text(value) if isinstance(value, int | float) else None


@dataclass(frozen=True)
class TaskColumns:
    """What the task table holds of a serialized task."""

    name: str
    type: str | None
    max_retries: int | None
    retry_delay: str | None
    timeout: str | None
    trigger: str | None
    cache_key: str | None
    tags: Any
    auto_generated: bool


def task_columns(task: Document) -> TaskColumns:
    trigger = mapping(task.get("trigger"))
    return TaskColumns(
        name=text(task, "name") or slug_of(task),
        type=text(task, "type"),
        max_retries=_whole(task, "max_retries"),
        retry_delay=_seconds(task, "retry_delay"),
        timeout=_seconds(task, "timeout"),
        trigger=text(trigger, "fn") if trigger else None,
        cache_key=text(task, "cache_key"),
        tags=task.get("tags") or [],
        auto_generated=bool(task.get("auto_generated")),
    )


@dataclass(frozen=True)
class Parameter:
    name: str
    required: bool
    default: Any


def parameters(flow_parameters: object) -> list[Parameter]:
    """The parameters of a flow's `parameters` column."""
    return [
        Parameter(str(item.get("name")), bool(item.get("required")), item.get("default"))
        for item in check_objects(flow_parameters or [], "parameters")
    ]


def clock_defaults_cover(schedule: object, names: Iterable[str]) -> bool:
    """True when every clock of the schedule gives a value to each of these parameters."""
    clocks = check_objects((mapping(schedule) or {}).get("clocks") or [], "schedule.clocks")
    wanted = set(names)
    return all(wanted <= set(mapping(clock.get("parameter_defaults")) or ()) for clock in clocks)
