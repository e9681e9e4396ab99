"""Looks at the flows that share an image in one container of it, which imports Prefect once.

Each is loaded in a process of its own there, forked from one that has imported nothing but Prefect.
What passes has passed; what does not is looked at again, alone, by its own health check: so no flow
can fail for what another one did to their container.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flowtui.deploy.at_once import cores
from flowtui.deploy.stages.context import StageContext
from flowtui.deploy.stages.healthcheck.answer import answer_in
from flowtui.deploy.stages.healthcheck.container import run_in_container
from flowtui.deploy.stages.healthcheck.output import ProbeOutput
from flowtui.json_shapes import mapping
from flowtui.source.apart import apart

if TYPE_CHECKING:
    from flowtui.deploy.docker.engine import Engine

_MOST_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Look:
    """What came of one flow."""

    answer: Mapping[str, Any]
    """As the probe gives it for one."""
    output: str
    """What the flow's modules printed."""

    def log(self, ctx: StageContext) -> None:
        """As it would have been, had it been looked at alone."""
        said = ProbeOutput(ctx)
        said.take_stderr(self.output.encode())
        said.end()


async def look_together(
    ctx: StageContext,
    engine: Engine,
    image_id: str,
    entrypoints: Sequence[str],
    request: Mapping[str, Any],
    *,
    probe: str,
    time_limit: float,
    memory: int,
) -> dict[str, Look]:
    """By entrypoint, those that gave an answer. `request` is what is the same for all of them.

    `time_limit` (seconds) holds for each flow, and for all of them together; `memory` is in bytes,
    for each that is looked at at the same time. Raises EngineError when the engine does not answer,
    DeployError when the image has no Python.
    """
    at_once = min(cores(), _MOST_AT_ONCE, len(entrypoints))
    asked = {**request, "entrypoints": list(entrypoints), "at_once": at_once}
    marker = secrets.token_hex(16)
    try:
        async with asyncio.timeout(time_limit):
            ending = await run_in_container(
                ctx,
                engine,
                image_id,
                ["-c", probe, marker, json.dumps(asked)],
                marker=marker,
                memory=memory * at_once,
                environment=apart("/tmp/prefect"),
            )
    except TimeoutError:
        return {}
    told = answer_in(ending.stdout, marker) or {}
    looks = {name: mapping(each) for name, each in mapping(told.get("looks")).items()}
    return {
        name: Look(mapping(each.get("answer")), str(each.get("output") or ""))
        for name, each in looks.items()
        if each.get("answer")
    }
