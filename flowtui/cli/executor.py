"""`flowtui executor`: how the tasks of a flow's runs are executed."""

from __future__ import annotations

import asyncio

import click

from flowtui import executors
from flowtui.cli.options import json_option
from flowtui.cli.output import Output
from flowtui.cli.targets import find_targets, root_of
from flowtui.errors import UsageError
from flowtui.models import ExecutionOptions
from flowtui.workspace import Workspace


@click.command()
@click.argument("target")
@click.argument("name", required=False)
@click.option(
    "--arg", "words", multiple=True, metavar="KEY=VALUE", help="Argument; VALUE is JSON or text."
)
@click.option("--clear", is_flag=True, help="Take the flow's own setting away again.")
@json_option
def executor(
    target: str, name: str | None, words: tuple[str, ...], clear: bool, as_json: bool
) -> None:
    """Choose how the tasks of TARGET are run, and write it into the project file.

    NAME is local, local-dask, dask, or an executor's dotted path. Without NAME: what is set now,
    and where. `flowtui deploy --executor NAME` uses one once. The next deploy counts it.
    """
    if (words and name is None) or (clear and (words or name)):
        raise UsageError(
            "--arg goes with a NAME, --clear with nothing else",
            fix="flowtui executor TARGET dask --arg address=tcp://127.0.0.1:8786",
        )
    if name is not None and not executors.is_name(name):
        raise UsageError(
            f"{name} is no name of an executor",
            fix=f"{', '.join(executors.CLASSES)}, or a dotted path",
        )
    chosen = ExecutionOptions(name, executors.arguments(words, option="--arg")) if name else None
    asyncio.run(_work(target, chosen, Output(as_json=as_json), change=clear or name is not None))


async def _work(
    target: str, chosen: ExecutionOptions | None, output: Output, *, change: bool
) -> None:
    workspace = await Workspace.open(root_of((target,)))
    flows = find_targets((target,), await asyncio.to_thread(workspace.discover)).flows
    if not flows:
        raise UsageError(f"there is no flow “{target}”", fix="flowtui flows shows what is there")
    for flow in flows:
        if change:
            file = await asyncio.to_thread(workspace.choose_executor, flow, chosen)
            output.note(f"written to {file}" if chosen else f"taken out of {file}")
        execution, origin = workspace.executor_of(flow)
        if output.as_json:
            output.data(
                {
                    "target": flow.target,
                    "flow": flow.name,
                    "executor": execution.executor,
                    "executor_kwargs": execution.executor_kwargs,
                    "origin": str(origin) if origin is not None else None,
                }
            )
        else:
            said = f"{executors.in_words(execution)} ({origin})" if origin else "the flow's own"
            output.line(f"{flow.target}: {said}")
