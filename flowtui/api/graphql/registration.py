"""Registering a flow: all of it or nothing.

One mutation with the whole flow is atomic on the server, so it is used whenever it can be. Large
flows are registered as Prefect 0.15.7 and later do it: the flow without tasks and edges, then these
in batches. What a failed or cancelled registration left on the server is deleted.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from flowtui.api.causes import OutcomeUnknownError
from flowtui.api.graphql import versions
from flowtui.api.graphql.connection import Connection
from flowtui.errors import ControlPlaneError, FlowtuiError
from flowtui.models import FlowVersion, Json, JsonObject, Project

BATCH = 500
"""Tasks or edges in one request, as in Prefect 1.4.1."""

SPLIT_ABOVE = 2_500
"""Tasks and edges together; up to this the whole flow goes in one mutation, as 1.4.1's
`prefect register` does it for every size."""

_GRACE = 0.7
"""Seconds that a cancelled registration waits for the answer that is on its way."""

_SLOW = 4
"""Registering may take so many times the limit of other calls."""


def compress(serialized: JsonObject) -> str:
    """Base64 of gzipped JSON: what `create_flow_from_compressed_string` takes. Deterministic."""
    return base64.b64encode(gzip.compress(json.dumps(serialized).encode(), mtime=0)).decode()


async def register(
    api: Connection,
    project: Project,
    serialized: JsonObject,
    *,
    set_schedule_active: bool = True,
    idempotency_key: str | None = None,
) -> FlowVersion:
    """See `GraphQLControlPlane.register`."""
    await api.connected()
    name = str(serialized.get("name"))
    before = await versions.flow_versions(api, project=project.name, name=name)
    parts = _Parts.of(serialized)
    split = parts.count > SPLIT_ABOVE and api.first_known("register_tasks") is not None
    options: dict[str, Json] = {"set_schedule_active": set_schedule_active and not split}
    if idempotency_key is not None:
        options["idempotency_key"] = idempotency_key
    creating = asyncio.ensure_future(
        _create(api, project, parts.head if split else serialized, options)
    )
    try:
        version_id = await asyncio.shield(creating)
    except asyncio.CancelledError as cancelled:
        undoing = asyncio.ensure_future(_undo(api, creating, before, split=split))
        await _tell_within_grace(api, undoing, cancelled)
        raise
    except OutcomeUnknownError:
        version_id = await _look_for(api, project, serialized, before, split=split)
        if version_id is None:
            raise
    if split and version_id not in {each.id for each in before}:
        schedule = set_schedule_active and bool(serialized.get("schedule"))
        await _fill(api, version_id, parts, before, set_schedule_active=schedule)
    return await _read_back(api, version_id)


class _Parts:
    """A serialized flow, taken apart."""

    def __init__(self, head: JsonObject, tasks: Sequence[Json], edges: Sequence[Json]) -> None:
        self.head = head
        self.tasks = tasks
        self.edges = edges

    @classmethod
    def of(cls, serialized: JsonObject) -> _Parts:
        tasks = cast("Sequence[Json]", serialized.get("tasks") or ())
        edges = cast("Sequence[Json]", serialized.get("edges") or ())
        head = {key: value for key, value in serialized.items() if key not in ("tasks", "edges")}
        return cls(head, tasks, edges)

    @property
    def count(self) -> int:
        return len(self.tasks) + len(self.edges)


async def _create(
    api: Connection, project: Project, serialized: JsonObject, options: Mapping[str, Json]
) -> str:
    call = api.first_known("create_flow_from_compressed_string", "create_flow")
    if call is None:
        raise ControlPlaneError(
            "this API has no call for registering a flow",
            where=api.api_url,
            fix="check the address: Prefect 0.6 to 1.4 is supported",
        )
    whole = call == "create_flow"
    values: dict[str, Json] = {
        "project_id": project.id,
        "serialized_flow": serialized if whole else await asyncio.to_thread(compress, serialized),
        **options,
    }
    answer = await api.mutate(
        call,
        values,
        "id",
        optional=("idempotency_key",),
        core_version=_core_version(serialized),
        limit=api.timeout * _SLOW,
    )
    if not answer.get("id"):
        raise ControlPlaneError("the control plane gave no id for the flow", where=api.api_url)
    return str(answer["id"])


async def _read_back(api: Connection, version_id: str) -> FlowVersion:
    try:
        registered = await versions.version(api, version_id)
        reason = "the control plane does not show it"
    except FlowtuiError as error:
        registered = None
        reason = error.problem.what
    if registered is None:
        raise ControlPlaneError(
            f"the flow was registered as {version_id}, but its version is not known: {reason}",
            where=api.api_url,
            fix="look at the project before deploying again",
        )
    return registered


async def _fill(
    api: Connection,
    version_id: str,
    parts: _Parts,
    before: tuple[FlowVersion, ...],
    *,
    set_schedule_active: bool,
) -> None:
    """Send tasks and edges; without all of them the version is deleted again."""
    try:
        for start in range(0, len(parts.tasks), BATCH):
            batch = parts.tasks[start : start + BATCH]
            values: dict[str, Json] = {"flow_id": version_id, "serialized_tasks": batch}
            await api.succeed("register_tasks", values, safe=False)
        for start in range(0, len(parts.edges), BATCH):
            batch = parts.edges[start : start + BATCH]
            values = {"flow_id": version_id, "serialized_edges": batch}
            await api.succeed("register_edges", values, safe=False)
        if set_schedule_active:
            await api.succeed("set_schedule_active", {"flow_id": version_id})
    except asyncio.CancelledError as cancelled:
        undoing = asyncio.ensure_future(_remove_or_tell(api, version_id))
        await _tell_within_grace(api, undoing, cancelled)
        raise
    except FlowtuiError as error:
        raise await _taken_back(api, version_id, before, error) from None


async def _taken_back(
    api: Connection, version_id: str, before: tuple[FlowVersion, ...], cause: FlowtuiError
) -> FlowtuiError:
    """Delete the incomplete version and say what became of it."""
    try:
        await asyncio.shield(_remove(api, version_id))
    except FlowtuiError as error:
        return ControlPlaneError(
            f"{cause.problem.what}; an incomplete version is left: {error.problem.what}",
            where=f"{api.api_url}, flow {version_id}",
            fix="archive or delete this version, then deploy again",
        )
    earlier = f"; version {before[0].version} was archived by it, deploy again" if before else ""
    return ControlPlaneError(
        f"{cause.problem.what}; the incomplete version was deleted{earlier}",
        where=api.api_url,
        fix=cause.problem.fix or "deploy again",
    )


async def _remove(api: Connection, version_id: str) -> None:
    call = api.first_known("delete_flow", "archive_flow")
    if call is None:
        raise ControlPlaneError("this API can neither delete nor archive a flow")
    await api.succeed(call, {"flow_id": version_id})


async def _undo(
    api: Connection, creating: asyncio.Future[str], before: tuple[FlowVersion, ...], *, split: bool
) -> str:
    """Undo a registration that was cancelled while its answer was on the way.

    A complete version that already replaced an earlier one stays: the server has archived the
    earlier one, and deleting the new one would leave the flow without any.
    """
    try:
        version_id = await creating
    except OutcomeUnknownError as error:
        return error.problem.what
    except FlowtuiError:
        return ""
    if version_id in {each.id for each in before}:
        return ""
    if before and not split:
        return (
            f"the flow was registered as {version_id} before the cancellation reached the control "
            f"plane; it stays, because it has replaced version {before[0].version}"
        )
    return await _remove_or_tell(api, version_id)


async def _remove_or_tell(api: Connection, version_id: str) -> str:
    try:
        await _remove(api, version_id)
    except FlowtuiError as error:
        return f"the cancelled flow {version_id} is left at the control plane: {error.problem.what}"
    return ""


async def _tell_within_grace(
    api: Connection, undoing: asyncio.Task[str], cancelled: asyncio.CancelledError
) -> None:
    """Wait a moment for the clean-up; what it has to tell becomes a note of the cancellation."""
    api.finish_later(undoing)
    done, _ = await asyncio.wait({undoing}, timeout=_GRACE)
    told = undoing.result() if done else "the control plane has not answered yet"
    if told:
        cancelled.add_note(told)


async def _look_for(
    api: Connection,
    project: Project,
    serialized: JsonObject,
    before: tuple[FlowVersion, ...],
    *,
    split: bool,
) -> str | None:
    """The version that a request without an answer made after all, told by its storage."""
    known = {each.id for each in before}
    now = await versions.flow_versions(api, project=project.name, name=str(serialized.get("name")))
    return next(
        (
            each.id
            for each in now
            if each.id not in known and each.storage == serialized.get("storage")
        ),
        None,
    )


def _core_version(serialized: JsonObject) -> str | None:
    """What a client of the flow's own Prefect sends; 0.6 sends nothing."""
    version: Any = serialized.get("__version__")
    if not isinstance(version, str) or version.startswith("0.6.") or version.startswith("0.7.0"):
        return None
    return version
