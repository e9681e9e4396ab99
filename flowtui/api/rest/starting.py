"""Starting and cancelling flow runs: once, whatever becomes of the answer."""

from __future__ import annotations

import uuid

from flowtui.api.reading import utc
from flowtui.api.rest import deployments, runs
from flowtui.api.rest.connection import Connection
from flowtui.api.rest.refusals import RefusedError
from flowtui.errors import ControlPlaneError
from flowtui.json_shapes import mapping
from flowtui.models import Json
from flowtui.run_models import FlowRun, RunRequest
from flowtui.text import clean

_OVER = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


async def start_run(api: Connection, request: RunRequest) -> FlowRun:
    """Start a run of a deployment and return it as the control plane has it.

    The same request is sent again when its answer is lost: by its idempotency key the control
    plane makes no second run of it. Raises ControlPlaneError for parameters that do not fit.
    """
    _check(api, request)
    path = f"/deployments/{request.version_id}/create_flow_run"
    try:
        row = mapping(await api.post(path, _body(request), safe=True))
    except RefusedError as refusal:
        if refusal.status == 404:
            await deployments.existing(api, request.version_id)
        if refusal.status not in (409, 422):
            raise
        raise ControlPlaneError(
            f"the run was not started: {refusal.reason}",
            where=api.api_url,
            fix="look at what the flow takes, and correct the parameters or the job variables",
        ) from None
    except ControlPlaneError as error:
        # It may have arrived all the same, and a new request would have a new key.
        raise type(error)(
            error.problem.what,
            where=error.problem.where,
            fix="before starting it again, look whether it was started: flowtui runs",
        ) from None
    (started,) = await runs.runs_of(api, [row])
    return started


def _check(api: Connection, request: RunRequest) -> None:
    if "@" in request.version_id:
        raise ControlPlaneError(
            "this is what a deployment was before: it cannot be run",
            where=api.api_url,
            fix="roll back to it first, or run the deployment as it is",
        )
    for given, what in ((request.labels, "labels"), (request.run_config, "a run config")):
        if given:
            raise ControlPlaneError(
                f"runs of Prefect 2 and 3 do not have {what}",
                where=api.api_url,
                fix="start the run without it; job variables say where and how it runs",
            )


def _body(request: RunRequest) -> dict[str, Json]:
    body: dict[str, Json] = {
        "parameters": request.parameters,
        "idempotency_key": request.idempotency_key or uuid.uuid4().hex,
    }
    if request.name:
        body["name"] = request.name
    if request.start is not None:
        due: dict[str, Json] = {"scheduled_time": utc(request.start)}
        body["state"] = {"type": "SCHEDULED", "state_details": due}
    if request.tags:
        body["tags"] = list(request.tags)
    if request.job_variables:
        body["job_variables"] = request.job_variables
    if request.context:
        body["context"] = request.context
    return body


async def cancel_run(api: Connection, run_id: str) -> str:
    """See `ControlPlane.cancel_run`. What has no process yet the server itself makes Cancelled."""
    run = await runs.flow_run(api, run_id)
    if run is None:
        raise ControlPlaneError(
            "there is no such run", where=f"{api.api_url}: run {run_id}", fix="flowtui runs"
        )
    if run.state_type in _OVER:
        return run.state
    path = f"/flow_runs/{run.id}/set_state"
    answer = mapping(await api.post(path, {"state": {"type": "CANCELLING"}}, safe=True))
    state = mapping(answer.get("state"))
    if answer.get("status") == "ABORT" or not state:
        # It ended meanwhile, or goes there already.
        run = await runs.flow_run(api, run_id) or run
        return run.state
    return clean(str(state.get("name") or ""))
