"""The two ways to check a flow: in its image, or on this machine."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from functools import cache
from importlib.resources import files
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from flowtui.deploy.events import Level
from flowtui.deploy.stages.context import StageContext
from flowtui.deploy.stages.healthcheck.answer import read_answer, too_slow
from flowtui.deploy.stages.healthcheck.checks import HealthReport, checks_of
from flowtui.deploy.stages.healthcheck.container import run_in_container
from flowtui.deploy.stages.healthcheck.expectation import Expectation
from flowtui.deploy.stages.healthcheck.place import Ending, Place
from flowtui.deploy.stages.healthcheck.process import run_in_process
from flowtui.deploy.stages.healthcheck.verdict import judged
from flowtui.models import Interpreter

if TYPE_CHECKING:
    from flowtui.deploy.docker.engine import Engine

_SECONDS = 120.0
_GRACE = 5.0
"""Seconds for the engine beside the probe, which ends itself at the time limit."""
_MEMORY = 2**30


async def check_image(
    ctx: StageContext,
    engine: Engine,
    image_id: str,
    expectation: Expectation,
    *,
    time_limit: float = _SECONDS,
    memory: int = _MEMORY,
) -> HealthReport:
    """Run the probe in a hardened container of this image; the container is always removed.

    No network, read-only, no capabilities, uid 65534, `memory` bytes, `time_limit` seconds. Raises
    DeployError with the diagnosis when the flow would not run, EngineError when the engine fails.
    """
    if expectation.ignore:
        return _skipped(ctx)
    place = Place("in the image", in_image=True, seconds=time_limit, memory=memory)
    marker = secrets.token_hex(16)
    arguments = _arguments(marker, expectation, time_limit)
    try:
        async with asyncio.timeout(time_limit + _GRACE):
            ending = await run_in_container(
                ctx, engine, image_id, arguments, marker=marker, memory=memory
            )
    except TimeoutError:
        raise too_slow(place) from None
    return _judged(ctx, ending, marker, expectation, place)


async def check_local(
    ctx: StageContext,
    interpreter: Interpreter,
    flow_path: Path,
    expectation: Expectation,
    *,
    time_limit: float = _SECONDS,
) -> HealthReport:
    """Run the probe in a fresh process of `interpreter`, outside the project folder.

    The process gets a clean environment and a session of its own, which is ended with it.
    `time_limit` is in seconds. Raises DeployError with the diagnosis when the flow would not run.
    """
    if expectation.ignore:
        return _skipped(ctx)
    place = Place("outside the project folder", in_image=False, seconds=time_limit, memory=0)
    marker = secrets.token_hex(16)
    expectation = replace(expectation, flow_path=str(flow_path))
    arguments = _arguments(marker, expectation, time_limit)
    try:
        ending = await run_in_process(
            ctx, interpreter.executable, arguments, time_limit=time_limit + _GRACE
        )
    except TimeoutError:
        raise too_slow(place) from None
    return _judged(ctx, ending, marker, expectation, place)


@cache
def _probe_source() -> str:
    return files(__package__ or "").joinpath("probe.py").read_text(encoding="utf-8")


def _arguments(marker: str, expectation: Expectation, seconds: float) -> list[str]:
    return [
        "-c",
        _probe_source(),
        marker,
        expectation.flow_path,
        expectation.python_minor,
        str(max(1, ceil(seconds))),
    ]


def _skipped(ctx: StageContext) -> HealthReport:
    ctx.log("not checked: ignore_healthchecks is set", Level.WARNING)
    return HealthReport()


def _judged(
    ctx: StageContext, ending: Ending, marker: str, expectation: Expectation, place: Place
) -> HealthReport:
    answer = read_answer(ending, marker, place, pickled_by=expectation.python_minor)
    return judged(ctx, HealthReport(tuple(checks_of(answer, expectation, place))))
