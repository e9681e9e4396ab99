"""`flowtui diff`: what a deploy would change of the registered version, without building."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

import click

from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.cli.targets import find_targets, root_of
from flowtui.deploy.change import Change, Changes, Sign
from flowtui.errors import FlowtuiError
from flowtui.models import LocalFlow, Problem
from flowtui.workspace import FlowRow, Workspace

_SIGNS = {Sign.ADDED: "+", Sign.CHANGED: "~", Sign.REMOVED: "-"}


@click.command()
@click.argument("targets", metavar="TARGET…", nargs=-1, required=True)
@click.option("--no-load", is_flag=True, help="Do not load the flow: compare its sources alone.")
@workspace_options
@json_option
def diff(
    targets: tuple[str, ...],
    no_load: bool,
    profile: str | None,
    api_url: str | None,
    as_json: bool,
) -> None:
    """What a deploy of each TARGET would change, and why. Builds and registers nothing.

    TARGET is a file, a folder, FILE:NAME, or the name of a flow.
    """
    output = Output(as_json=as_json)

    async def work() -> list[dict[str, Any]]:
        workspace = await Workspace.open(root_of(targets), profile=profile, api_url=api_url)
        try:
            await workspace.connect()
            discovery = await asyncio.to_thread(workspace.discover)
            flows = find_targets(targets, discovery).flows
            rows = await workspace.rows(discovery)
            by_target = {row.flow.target: row for row in rows if row.flow is not None}
            return [
                await _compare(workspace, flow, by_target[flow.target], output, load=not no_load)
                for flow in flows
            ]
        finally:
            await workspace.close()

    found = asyncio.run(work())
    if as_json:
        output.data(found)


async def _compare(
    workspace: Workspace, flow: LocalFlow, row: FlowRow, output: Output, *, load: bool
) -> dict[str, Any]:
    """Print what differs; the same as data."""
    plan, problem = None, None
    if load and row.version is not None:
        try:
            plan = await workspace.plan(flow)
        except FlowtuiError as error:
            problem = error.problem
    version = row.version
    known: dict[str, Any] = {
        "target": flow.target,
        "flow": flow.name,
        "project": version.project if version else row.project,
        "version": version.version if version else None,
    }
    if version is None:
        if not output.as_json:
            output.line(f"{flow.target}: no version is registered, a deploy makes the first one")
        return {**known, "registered": False, "changes": [], "unknown": [], "same": []}
    serialized = await workspace.control_plane.serialized_flow(version.id)
    changes = await asyncio.to_thread(
        workspace.changes, flow, version, serialized=serialized, plan=plan
    )
    if not output.as_json:
        _print(flow, row, changes, problem, output)
    return {
        **known,
        "registered": True,
        "changes": [asdict(change) for change in changes.found],
        "unknown": [asdict(each) for each in changes.unknown],
        "same": list(changes.same),
        "problem": asdict(problem) if problem is not None else None,
    }


def _print(
    flow: LocalFlow, row: FlowRow, changes: Changes, problem: Problem | None, output: Output
) -> None:
    version = row.version.version if row.version is not None else ""
    output.line(f"{flow.target}: compared with version {version} in {row.project}")
    if problem is not None:
        output.note(f"the flow could not be planned: {problem.what}; {problem.fix}")
    if not changes.found:
        output.line("  no difference was found")
    for change in changes.found:
        output.line(f"  {_SIGNS[change.sign]} {change.aspect}: {change.name}{_values(change)}")
        for line in change.lines:
            output.line(f"      {line}")
    for each in changes.unknown:
        output.line(f"  ? {each.aspect}: not compared, {each.why}")


def _values(change: Change) -> str:
    if change.before and change.after:
        return f" {change.before} becomes {change.after}"
    value = change.after or change.before
    return f" {value}" if value else ""
