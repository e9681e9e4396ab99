"""Health check of a `@flow`: loaded by its entrypoint as a run does, in its image or its folder."""

from __future__ import annotations

import asyncio
import json
import secrets
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import ceil
from typing import TYPE_CHECKING, Any

from flowtui.deploy.stages.context import StageContext
from flowtui.deploy.stages.healthcheck.answer import answered, too_slow
from flowtui.deploy.stages.healthcheck.checks import HealthReport
from flowtui.deploy.stages.healthcheck.container import run_in_container
from flowtui.deploy.stages.healthcheck.entrypoint_checks import checks_of, read_told
from flowtui.deploy.stages.healthcheck.looks_together import Look, look_together
from flowtui.deploy.stages.healthcheck.place import Ending, Place
from flowtui.deploy.stages.healthcheck.process import run_in_process
from flowtui.deploy.stages.healthcheck.verdict import judged
from flowtui.models import Interpreter, JsonObject, LoadedFlow
from flowtui.source.apart import apart
from flowtui.warm.forking import start_warm

if TYPE_CHECKING:
    from flowtui.deploy.docker.engine import Engine

_SECONDS = 120.0
_GRACE = 5.0
"""Seconds for the engine beside the probe, which ends itself at the time limit."""
_MEMORY = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class EntrypointExpectation:
    """What the probe must find: the flow as it will be registered."""

    flow_name: str
    entrypoint: str
    folder: str
    """Where a run works: in the image, or on this machine."""
    schema: JsonObject
    """Of its parameters."""
    python_minor: str
    prefect_version: str
    python_path: tuple[str, ...] = ()
    local_modules: tuple[str, ...] = ()
    """Dotted names of the project's modules that the flow imports."""

    @classmethod
    def of(
        cls,
        loaded: LoadedFlow,
        *,
        entrypoint: str,
        folder: str,
        python_path: tuple[str, ...] = (),
    ) -> EntrypointExpectation:
        serialized: Mapping[str, Any] = loaded.serialized
        return cls(
            flow_name=loaded.name,
            entrypoint=entrypoint,
            folder=folder,
            schema=serialized.get("parameter_openapi_schema") or {},
            python_minor=loaded.interpreter.python_minor,
            prefect_version=loaded.interpreter.prefect_version or "",
            python_path=python_path,
            local_modules=tuple(module.name for module in loaded.modules),
        )


async def check_entrypoint_in_image(
    ctx: StageContext,
    engine: Engine,
    image_id: str,
    expectation: EntrypointExpectation,
    *,
    time_limit: float = _SECONDS,
    memory: int = _MEMORY,
    seen: Look | None = None,
) -> HealthReport:
    """Run the probe in a hardened container of this image; the container is always removed.

    No container where the flow was `seen` with others, and is fine. Raises DeployError with the
    diagnosis when a run would fail, EngineError when the engine does.
    """
    place = Place("in the image", in_image=True, seconds=time_limit, memory=memory, verb="imported")
    if seen is not None:
        report = _report(seen.answer, expectation, place)
        if report.failed is None:
            seen.log(ctx)
            return judged(ctx, report)
        ctx.log("it does not pass beside the others: it is looked at alone")
    marker = secrets.token_hex(16)
    try:
        async with asyncio.timeout(time_limit + _GRACE):
            ending = await run_in_container(
                ctx,
                engine,
                image_id,
                _arguments(marker, expectation, time_limit),
                marker=marker,
                memory=memory,
                environment=apart("/tmp/prefect"),
            )
    except TimeoutError:
        raise too_slow(place) from None
    return _judged(ctx, ending, marker, expectation, place)


async def look_at_all_in_image(
    ctx: StageContext,
    engine: Engine,
    image_id: str,
    expectation: EntrypointExpectation,
    entrypoints: Sequence[str],
    *,
    time_limit: float = _SECONDS,
    memory: int = _MEMORY,
) -> dict[str, Look]:
    """Run the probe once for all flows in this image; `expectation` is of one of them.

    Raises EngineError and DeployError as `look_together` does.
    """
    return await look_together(
        ctx,
        engine,
        image_id,
        entrypoints,
        _request(expectation, time_limit),
        probe=_probe_source(),
        time_limit=time_limit,
        memory=memory,
    )


async def check_entrypoint_locally(
    ctx: StageContext,
    interpreter: Interpreter,
    expectation: EntrypointExpectation,
    *,
    time_limit: float = _SECONDS,
) -> HealthReport:
    """Run the probe in a fresh process of `interpreter`, with nothing of this session's.

    `time_limit` is in seconds. Raises DeployError with the diagnosis when a run would fail.
    """
    words = f"in {expectation.folder}"
    place = Place(words, in_image=False, seconds=time_limit, memory=0, verb="imported")
    marker = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="flowtui-prefect-", ignore_cleanup_errors=True) as home:
        try:
            ending = await run_in_process(
                ctx,
                interpreter.executable,
                _arguments(marker, expectation, time_limit),
                time_limit=time_limit + _GRACE,
                environment=apart(home),
                start=start_warm,
            )
        except TimeoutError:
            raise too_slow(place) from None
    return _judged(ctx, ending, marker, expectation, place)


@cache
def _probe_source() -> str:
    return files(__package__ or "").joinpath("entrypoint_probe.py").read_text(encoding="utf-8")


def _arguments(marker: str, expectation: EntrypointExpectation, seconds: float) -> list[str]:
    request = {**_request(expectation, seconds), "entrypoint": expectation.entrypoint}
    return ["-c", _probe_source(), marker, json.dumps(request)]


def _request(expectation: EntrypointExpectation, seconds: float) -> dict[str, Any]:
    """What the probe is told, whatever the entrypoint."""
    return {
        "folder": expectation.folder,
        "python_minor": expectation.python_minor,
        "python_path": list(expectation.python_path),
        "seconds": max(1, ceil(seconds)),
    }


def _judged(
    ctx: StageContext,
    ending: Ending,
    marker: str,
    expectation: EntrypointExpectation,
    place: Place,
) -> HealthReport:
    answer = answered(ending, marker, place, pickled_by=expectation.python_minor)
    return judged(ctx, _report(answer, expectation, place))


def _report(
    answer: Mapping[str, Any], expectation: EntrypointExpectation, place: Place
) -> HealthReport:
    return HealthReport(tuple(checks_of(read_told(answer), expectation, place)))
