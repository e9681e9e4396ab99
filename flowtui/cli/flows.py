"""`flowtui flows`: what is on disk and what is registered of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.errors import ControlPlaneError, CredentialsError, UsageError
from flowtui.flow_rows import FlowRow
from flowtui.models import Problem
from flowtui.workspace import Workspace


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--offline", is_flag=True, help="Do not ask the control plane.")
@workspace_options
@json_option
def flows(
    path: Path, offline: bool, profile: str | None, api_url: str | None, as_json: bool
) -> None:
    """Flows in a folder, without importing any of them, and their state."""
    if not path.is_dir():
        raise UsageError(f"“{path}” is not a folder", fix="give the folder that holds your flows")

    async def work() -> tuple[tuple[FlowRow, ...], Problem | None]:
        workspace = await Workspace.open(path, profile=profile, api_url=api_url)
        discovering = asyncio.create_task(asyncio.to_thread(workspace.discover))
        problem = None
        try:
            if not offline:
                try:
                    await workspace.connect()
                except (ControlPlaneError, CredentialsError) as error:
                    problem = error.problem
            return await workspace.rows(await discovering), problem
        finally:
            await workspace.close()

    rows, problem = asyncio.run(work())
    output = Output(as_json=as_json)
    if as_json:
        output.data([_as_json(row) for row in rows])
    elif not rows:
        output.note(f"no Prefect flows found in {path.resolve()}")
    else:
        output.table(
            ("STATE", "NAME", "WHERE", "PROJECT", "VERSION", "NOTE"),
            (
                (
                    str(row.state),
                    row.name,
                    row.location,
                    row.project or "",
                    row.version.number if row.version else "",
                    row.note,
                )
                for row in rows
            ),
        )
    if problem is not None:
        output.note(f"states are unknown: {problem.what}; {problem.fix}")


def _as_json(row: FlowRow) -> dict[str, Any]:
    place = row.flow or row.broken
    return {
        "state": str(row.state),
        "name": row.flow.name if row.flow else row.name if row.gone_from else None,
        "path": place.path if place else row.gone_from,
        "line": place.line if place else None,
        "kind": str(row.flow.kind) if row.flow else None,
        "deployment": row.flow.deployment if row.flow else None,
        "declared": row.flow.declared.where if row.flow and row.flow.declared else None,
        "target": row.flow.target if row.flow else None,
        "project": row.project,
        "version": row.version.version if row.version else None,
        "label": row.version.label if row.version else None,
        "work_pool": row.version.work_pool if row.version else None,
        "version_id": row.version.id if row.version else None,
        "note": row.note,
    }
