"""What a deployment was before, as far as it was deployed from this machine.

Its control plane has one state of it. Every payload that was applied from here is an earlier
version, under the id `deployment id@deploy id`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from flowtui.deploy.applied import Applied
from flowtui.json_shapes import items, mapping
from flowtui.models import FlowVersion, JsonObject, Schedule

_MARK = "@"


def deployment_id(version_id: str) -> str:
    """Of an earlier version; any other id as it is."""
    return version_id.partition(_MARK)[0]


def deploy_id(version_id: str) -> str:
    """Of the deploy that made an earlier version; empty for every other."""
    return version_id.partition(_MARK)[2]


def earlier_versions(version: FlowVersion, applied: Sequence[Applied]) -> tuple[FlowVersion, ...]:
    """The earlier versions of a deployment, newest first, each payload once.

    What was applied last is the version itself, unless that was deployed from elsewhere since.
    """
    seen: list[JsonObject] = []
    if applied and str(applied[0].payload.get("version") or "") == version.label:
        seen.append(applied[0].payload)
    found: list[FlowVersion] = []
    for each in applied:
        if each.payload not in seen:
            seen.append(each.payload)
            found.append(_as_version(version, each))
    return tuple(found)


def _as_version(version: FlowVersion, applied: Applied) -> FlowVersion:
    payload = applied.payload
    image = mapping(payload.get("job_variables")).get("image")
    return replace(
        version,
        id=f"{version.id}{_MARK}{applied.deploy}",
        archived=True,
        created=datetime.fromtimestamp(applied.started, UTC),
        updated=None,
        storage={"type": "Docker", "image": str(image)} if image else {"type": "Local"},
        schedule=Schedule.NONE,
        schedule_problem="",
        label=str(payload.get("version") or ""),
        entrypoint=str(payload.get("entrypoint") or ""),
        tags=tuple(str(tag) for tag in items(payload.get("tags"))),
        description=str(payload.get("description") or ""),
        work_pool=str(payload.get("work_pool_name") or ""),
        work_queue=str(payload.get("work_queue_name") or ""),
        paused=bool(payload.get("paused")),
    )
