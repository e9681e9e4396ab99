"""The deployment as it would be registered: what `ControlPlane.register` takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from flowtui.deploy.deployment.version import Commit, version_info
from flowtui.deploy.plan import Setting
from flowtui.models import DeploymentOptions, JsonObject, LoadedFlow, Origin

SET_FOLDER = "prefect.deployments.steps.set_working_directory"
IMAGE = "job_variables.image"
PYTHONPATH = "job_variables.env.PYTHONPATH"
CODE_VARIABLES = frozenset({IMAGE, PYTHONPATH})
"""Job variables that flowtui sets, since they say where the code is."""

_FIELDS = {"work_pool": "work_pool_name", "work_queue": "work_queue_name"}
_SAID = frozenset({Origin.COMMAND_LINE, Origin.FLOW_TABLE, Origin.PROJECT_FILE, Origin.DECLARATION})
_BY_KEY = frozenset({"job_variables", "parameters"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Where a run finds the code."""

    entrypoint: str
    """`flows/etl.py:load`, or `package.module.load`."""
    pull_steps: Sequence[JsonObject]
    image: str | None = None
    """None where runs take no image."""
    pull_policy: str | None = None
    """For an image that is in no registry."""
    python_path: str | None = None
    """For runs without an image; in one it is set already."""


def payload_of(
    loaded: LoadedFlow,
    options: DeploymentOptions,
    code: Code,
    *,
    name: str,
    schedules: Sequence[JsonObject],
    version: str,
    commit: Commit | None,
    project: str,
) -> JsonObject:
    """All that is told of a new deployment, as plain JSON."""
    flow: Mapping[str, Any] = loaded.serialized
    payload: dict[str, Any] = {
        "flow_name": loaded.name,
        "name": name,
        "entrypoint": code.entrypoint,
        "path": None,
        "pull_steps": list(code.pull_steps),
        "work_pool_name": options.work_pool,
        "work_queue_name": options.work_queue,
        "job_variables": _job_variables(options, code),
        "parameters": dict(options.parameters or {}),
        "parameter_openapi_schema": flow.get("parameter_openapi_schema") or {},
        "enforce_parameter_schema": options.enforce_parameter_schema is not False,
        "description": options.description or flow.get("description") or "",
        "tags": list(dict.fromkeys(options.tags or ())),
        "labels": _labels(project, commit),
        "version": version,
        "version_info": version_info(version, commit),
        "schedules": list(schedules),
        "paused": options.paused is True,
        "concurrency_limit": options.concurrency_limit,
    }
    if options.concurrency_options:
        payload["concurrency_options"] = options.concurrency_options
    return cast("JsonObject", json.loads(json.dumps(payload)))


def with_image(payload: JsonObject, image: str) -> JsonObject:
    """The same with the image as its registry names it."""
    variables = cast("Mapping[str, Any]", payload["job_variables"])
    return {**payload, "job_variables": {**variables, "image": image}}


def said_paths(settings: Sequence[Setting]) -> frozenset[str]:
    """Paths in the payload of what the project or the command line says itself."""
    found: set[str] = set()
    for setting in settings:
        if setting.origin not in _SAID:
            continue
        name = _FIELDS.get(setting.name, setting.name)
        if setting.name in _BY_KEY:
            found |= {f"{name}.{key}" for key in cast("Mapping[str, Any]", setting.value)}
        else:
            found.add(name)
    return frozenset(found)


def _job_variables(options: DeploymentOptions, code: Code) -> dict[str, Any]:
    variables: dict[str, Any] = dict(options.job_variables or {})
    if code.image is not None:
        variables["image"] = code.image
    if code.pull_policy is not None:
        variables.setdefault("image_pull_policy", code.pull_policy)
    if code.python_path is not None:
        env = cast("Mapping[str, Any]", variables.get("env") or {})
        before = f"{env['PYTHONPATH']}:" if env.get("PYTHONPATH") else ""
        variables["env"] = {**env, "PYTHONPATH": f"{before}{code.python_path}"}
    return variables


def _labels(project: str, commit: Commit | None) -> dict[str, str]:
    """Prefect takes them only when a deployment is made."""
    labels = {"flowtui.project": project} if project else {}
    if commit is not None:
        labels |= {"flowtui.commit": commit.sha, "flowtui.branch": commit.branch}
    return labels
