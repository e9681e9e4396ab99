"""A deployment's payload: what `ControlPlane.register` takes and `serialized_flow` returns.

It is the body of Prefect 3's POST /deployments/, with the flow's name in place of its id, and
without what flowtui adds (the tag of the project) and what the server adds (its labels).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowtui.api.rest import dialect, project_tags
from flowtui.json_shapes import items, mapping
from flowtui.models import Json, JsonObject

_PLAIN = (
    "name",
    "entrypoint",
    "path",
    "pull_steps",
    "work_pool_name",
    "work_queue_name",
    "job_variables",
    "parameters",
    "parameter_openapi_schema",
    "enforce_parameter_schema",
    "description",
    "version",
    "paused",
    "concurrency_limit",
)
_KEPT_BY_EARLY_RELEASES = ("manifest_path", "storage_document_id", "infrastructure_document_id")
_SERVERS_LABELS = "prefect."


def of_row(row: Mapping[str, Any], flow_name: str) -> dict[str, Json]:
    """Of a row that `dialect.deployment` has been over."""
    labels = mapping(row.get("labels")).items()
    return {
        "flow_name": flow_name,
        **{key: row.get(key) for key in _PLAIN},
        "tags": project_tags.without(tags_of(row)),
        "labels": {key: value for key, value in labels if not key.startswith(_SERVERS_LABELS)},
        "schedules": [dialect.schedule(each) for each in row["schedules"]],
    }


def whole(row: Mapping[str, Any], fields: JsonObject) -> dict[str, Json]:
    """The body that puts a deployment anew with these fields changed and all else as it is.

    `tags` in it are all tags: those that name a project too.
    """
    kept = of_row(row, "")
    del kept["flow_name"]
    linked = {key: row[key] for key in _KEPT_BY_EARLY_RELEASES if row.get(key)}
    body = {**kept, **linked, "tags": tags_of(row), **fields, "flow_id": str(row["flow_id"])}
    return {key: value for key, value in body.items() if value is not None}


def tags_of(row: Mapping[str, Any]) -> list[str]:
    return [str(tag) for tag in items(row.get("tags"))]
