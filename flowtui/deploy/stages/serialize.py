"""The first stage: the flow as its own Prefect sees it, and the pickle of that same object."""

from __future__ import annotations

import asyncio

from flowtui.config import ProjectConfig
from flowtui.deploy.stages.context import StageContext
from flowtui.models import (
    Attachment,
    ExecutionOptions,
    FlowKind,
    Interpreter,
    LoadedFlow,
    LocalFlow,
    PickledFlow,
)
from flowtui.source.interpreter import find_interpreter
from flowtui.source.loader import inspect, pickle_flow
from flowtui.source.remembered import Place, place_of, recall, remember


async def load(
    config: ProjectConfig,
    flow: LocalFlow,
    execution: ExecutionOptions,
    ctx: StageContext | None = None,
    *,
    anew: bool = False,
) -> LoadedFlow:
    """Load the flow in the project's interpreter. Raises LoadError, DeployError and UsageError.

    `execution` is what settings say before the flow is loaded: its executor is tried. A `@flow`
    that was loaded from just these files before is not loaded again, unless `anew`.
    """
    place = await asyncio.to_thread(_place, config, flow)
    known = await asyncio.to_thread(recall, place) if place is not None and not anew else None
    if known is not None:
        if ctx is not None:
            ctx.log(_in_words(known.interpreter))
            ctx.log("loaded before from exactly these files: not loaded again")
        return known
    loaded = await _load(config, flow, execution, ctx)
    if place is not None:
        await asyncio.to_thread(remember, place, loaded)
    return loaded


def _place(config: ProjectConfig, flow: LocalFlow) -> Place | None:
    if flow.kind is not FlowKind.FLOW_FUNCTION:
        return None
    own = (table for _, table in config.tables_of(flow.name, flow.deployment))
    data = [path for table in (config.table, *own) for path in table.storage.files or ()]
    return place_of(config.root, config.python, flow, data=data)


async def _load(
    config: ProjectConfig,
    flow: LocalFlow,
    execution: ExecutionOptions,
    ctx: StageContext | None,
) -> LoadedFlow:
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
