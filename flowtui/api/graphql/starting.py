"""Starting and cancelling runs: once, whatever becomes of the answer."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from flowtui.api.graphql import runs
from flowtui.api.graphql.connection import Connection
from flowtui.api.graphql.dialect import Naming, camel, is_unknown_input
from flowtui.api.graphql.transport import RefusalError
from flowtui.api.reading import text, utc
from flowtui.errors import ControlPlaneError, FlowtuiError
from flowtui.json_shapes import mapping
from flowtui.models import Ability, Json
from flowtui.run_models import FlowRun, RunRequest

_KEY = "idempotency_key"
_LATER_INPUTS = {
    "flow_run_name": "name a run",
    "labels": "give a single run labels of its own",
    "run_config": "give a single run a run config of its own",
    "context": "give a run a context",
}
"""What not every API takes, and what that means it cannot do."""
_FINISHED_WORDS = re.compile(r"archived", re.IGNORECASE)
_MISSING = re.compile(r"required parameter", re.IGNORECASE)


async def start_run(api: Connection, request: RunRequest) -> FlowRun:
    """Start a run and return it as the control plane has it.

    The same request is sent again when its answer is lost: by its idempotency key the control
    plane makes no second run of it. An API that knows no such key is asked once.
    """
    await api.require(Ability.START_RUNS)
    values = _input(request)
    # An API that takes no labels gives a run none, which is then what was asked.
    optional = (_KEY,) if values.get("labels") else (_KEY, "labels")
    payload = "flow_run { id }" if api.naming is Naming.CAMEL else "id"
    try:
        answer = await api.mutate(
            "create_flow_run", values, payload, optional=optional, safe_with=_KEY
        )
    except RefusalError as refusal:
        raise _explained(api, refusal, values) from None
    except ControlPlaneError as error:
        # It may have arrived all the same, and a new request would have a new key.
        raise type(error)(
            error.problem.what,
            where=error.problem.where,
            fix="before starting it again, look whether it was started: flowtui runs",
        ) from None
    row = answer if api.naming is Naming.SNAKE else mapping(answer.get("flow_run"))
    (run_id,) = api.understood([row], lambda row: str(row["id"]))
    return await _started(api, run_id)


def _input(request: RunRequest) -> dict[str, Json]:
    values: dict[str, Json] = {
        "flow_id": request.version_id,
        "parameters": request.parameters,
        _KEY: request.idempotency_key or uuid.uuid4().hex,
    }
    if request.name:
        values["flow_run_name"] = request.name
    if request.start is not None:
        values["scheduled_start_time"] = utc(request.start)
    if request.labels is not None:
        values["labels"] = list(request.labels)
    if request.run_config is not None:
        values["run_config"] = request.run_config
    if request.context is not None:
        values["context"] = request.context
    return values


async def _started(api: Connection, run_id: str) -> FlowRun:
    try:
        run = await runs.flow_run(api, run_id)
    except FlowtuiError as error:
        raise ControlPlaneError(
            f"the run was started, but it cannot be looked at: {error.problem.what}",
            where=f"{api.api_url}: run {run_id}",
            fix=f"look again: flowtui runs show {run_id}",
        ) from error
    if run is None:
        raise ControlPlaneError(
            "the run was started, but the control plane does not find it",
            where=f"{api.api_url}: run {run_id}",
            fix="somebody may have deleted it: flowtui runs shows all",
        )
    return run


def _explained(
    api: Connection, refusal: RefusalError, values: Mapping[str, Any]
) -> ControlPlaneError:
    """What a refused start means, with what to do about it."""
    for key, action in _LATER_INPUTS.items():
        name = camel(key) if api.naming is Naming.CAMEL else key
        if key in values and is_unknown_input(refusal, name):
            return ControlPlaneError(
                f"this API cannot {action}", where=api.api_url, fix="start the run without it"
            )
    said = "; ".join(dict.fromkeys(each.message for each in refusal.complaints))
    if any(_MISSING.search(each.message) for each in refusal.complaints):
        return ControlPlaneError(
            f"the run was not started: {said}",
            where=api.api_url,
            fix="give each of them a value: -p NAME=VALUE",
        )
    if any(_FINISHED_WORDS.search(each.message) for each in refusal.complaints):
        return ControlPlaneError(
            f"the run was not started: {said}",
            where=api.api_url,
            fix="run the version that is in use, or deploy the flow again",
        )
    return refusal


async def cancel_run(api: Connection, run_id: str) -> str:
    """See `ControlPlane.cancel_run`."""
    await api.require(Ability.CANCEL_RUNS)
    answer = await api.mutate("cancel_flow_run", {"flow_run_id": run_id}, "state", safe=True)
    return text(answer, "state")
