"""What the form of a run asks for besides parameters: labels, a run config."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from flowtui.json_shapes import items, mapping
from flowtui.models import Json, JsonObject
from flowtui.runs.values import JsonBreak, Reading, Typed, parsed

RUN_CONFIGS = ("UniversalRun", "LocalRun", "DockerRun", "KubernetesRun", "ECSRun", "VertexRun")


def own_labels(serialized: JsonObject | None) -> tuple[str, ...] | None:
    """Those of a registered flow, None where they are not told: of its run config, else of its
    execution environment."""
    if serialized is None:
        return None
    run_config = mapping(serialized.get("run_config"))
    environment = mapping(serialized.get("environment"))
    labels = items(run_config.get("labels")) or items(environment.get("labels"))
    return tuple(str(label) for label in labels)


def read_labels(field: Typed) -> Reading:
    """Labels between commas or spaces; nothing is the flow's own, null is none at all."""
    if field.null:
        return Reading("none at all", ())
    labels = tuple(dict.fromkeys(re.split(r"[,\s]+", field.text.strip(", \t\n"))))
    if labels == ("",):
        return Reading("the flow's own", given=False)
    return Reading(f"only {', '.join(labels)}", labels)


def read_run_config(field: Typed) -> Reading:
    if field.null or not field.text.strip():
        return Reading("the flow's own", given=False)
    try:
        value = parsed(field.text)
    except JsonBreak as broken:
        return Reading(problem=broken.words)
    if not isinstance(value, Mapping):
        return Reading(problem='a run config is an object: {"type": "DockerRun", …}')
    kind = value.get("type")
    if kind not in RUN_CONFIGS:
        return Reading(problem=f'its "type" is one of {", ".join(RUN_CONFIGS)}')
    return Reading(f"a {kind} of its own", value)


def read_tags(field: Typed) -> Reading:
    """Tags between commas; they come beside those of the deployment."""
    tags = tuple(dict.fromkeys(tag for part in field.text.split(",") if (tag := part.strip())))
    if not tags:
        return Reading("the deployment's own", given=False)
    return Reading(f"also {', '.join(tags)}", tags)


def read_job_variables(field: Typed) -> Reading:
    if field.null or not field.text.strip():
        return Reading("the deployment's own", given=False)
    try:
        value = parsed(field.text)
    except JsonBreak as broken:
        return Reading(problem=broken.words)
    if not isinstance(value, Mapping):
        return Reading(problem='job variables are an object: {"env": {…}}')
    return Reading(f"instead of the deployment's: {', '.join(value) or 'nothing'}", value)


def labels_of(value: Json) -> tuple[str, ...] | None:
    if value is None or isinstance(value, str) or not isinstance(value, Sequence):
        return None
    return tuple(str(label) for label in value)
