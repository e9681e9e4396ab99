"""`flowtui diff`: what a deploy would change of the registered version, without building."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Any

import click

from flowtui.cli.change_lines import changes_as_json, print_changes
from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.cli.plan_report import Planned
from flowtui.cli.planning import plan_one
from flowtui.cli.targets import find_targets, root_of
from flowtui.deploy.at_once import at_once, cores
from flowtui.deploy.change import Changes
from flowtui.flow_rows import FlowRow
from flowtui.models import DeployTable, LocalFlow, Problem
from flowtui.workspace import Workspace


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
            compared = await at_once(
                flows,
                lambda flow: _compare(workspace, flow, by_target[flow.target], load=not no_load),
                limit=cores(),
                ready=None if as_json else lambda each: _print(each, output),
            )
            return [each.as_json for each in compared]
        finally:
            await workspace.close()

    found = asyncio.run(work())
    if as_json:
        output.data(found)


@dataclass(frozen=True, slots=True)
class _Compared:
    flow: LocalFlow
    row: FlowRow
    changes: Changes | None = None
    """None where nothing is registered."""
    problem: Problem | None = None
    """Why the flow could not be planned."""

    @property
    def as_json(self) -> dict[str, Any]:
        version = self.row.version
        return {
            "target": self.flow.target,
            "flow": self.flow.name,
            "project": version.project if version else self.row.project,
            "version": version.version if version else None,
            "label": version.label if version else None,
            "registered": version is not None,
            **changes_as_json(self.changes or Changes()),
            "problem": asdict(self.problem) if self.problem is not None else None,
        }


async def _compare(workspace: Workspace, flow: LocalFlow, row: FlowRow, *, load: bool) -> _Compared:
    version = row.version
    if version is None:
        return _Compared(flow, row)
    planned = await plan_one(workspace, flow, DeployTable()) if load else Planned(flow)
    plan = planned.plan
    problem = planned.error.problem if planned.error is not None else None
    if plan is not None and plan.changes is not None:
        return _Compared(flow, row, plan.changes)
    serialized = await workspace.control_plane.serialized_flow(version.id)
    changes = await asyncio.to_thread(
        workspace.changes, flow, version, serialized=serialized, plan=plan
    )
    return _Compared(flow, row, changes, problem)


def _print(compared: _Compared, output: Output) -> None:
    target, version = compared.flow.target, compared.row.version
    if version is None or compared.changes is None:
        output.line(f"{target}: no version is registered, a deploy makes the first one")
        return
    place = compared.row.project or "no project"
    output.line(f"{target}: compared with {version.words} in {place}", bold=True)
    if compared.problem is not None:
        problem = compared.problem
        output.note(f"the flow could not be planned: {problem.what}; {problem.fix}")
    print_changes(compared.changes, output)
