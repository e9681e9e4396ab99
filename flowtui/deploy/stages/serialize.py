"""The first stage: the flow as its own Prefect sees it, and the pickle of that same object."""

from __future__ import annotations

from flowtui.config import ProjectConfig
from flowtui.deploy.stages.context import StageContext
from flowtui.models import (
    Attachment,
    ExecutionOptions,
    Interpreter,
    LoadedFlow,
    LocalFlow,
    PickledFlow,
)
from flowtui.source.interpreter import find_interpreter
from flowtui.source.loader import inspect, pickle_flow


async def load(
    config: ProjectConfig,
    flow: LocalFlow,
    execution: ExecutionOptions,
    ctx: StageContext | None = None,
) -> LoadedFlow:
    """Load the flow in the project's interpreter. Raises LoadError, DeployError and UsageError.

    `execution` is what settings say before the flow is loaded: its executor is tried.
    """
    interpreter = await find_interpreter(config.root, config.python)
    if ctx is not None:
        ctx.log(_in_words(interpreter))
    return await inspect(
        flow,
        config.root,
        interpreter,
        execution=execution,
        time_limit=config.load_timeout,
        on_line=ctx.log if ctx is not None else None,
    )


async def pickle(
    config: ProjectConfig,
    flow: LocalFlow,
    loaded: LoadedFlow,
    attachment: Attachment,
    ctx: StageContext,
) -> PickledFlow:
    """Load it again with what the plan decided attached, serialize, pickle. Raises LoadError.

    A fresh process again: the first load may have left traces in the flow's objects.
    """
    pickled = await pickle_flow(
        flow,
        config.root,
        loaded.interpreter,
        attachment,
        time_limit=config.load_timeout,
        on_line=ctx.log,
    )
    ctx.log(f"pickled “{pickled.loaded.name}”: {len(pickled.pickle):,} bytes")
    return pickled


def _in_words(interpreter: Interpreter) -> str:
    place = interpreter.executable
    why = interpreter.origin if place in interpreter.origin else f"{interpreter.origin}: {place}"
    return f"Python {interpreter.python_version}, Prefect {interpreter.prefect_version} ({why})"
