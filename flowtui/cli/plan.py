"""`flowtui plan`: what a deploy would do and change, before anything is done."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import click

from flowtui.cli.deploy_options import deploy_options, overrides_of
from flowtui.cli.deployment_options import new_pool, new_pool_options
from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.cli.planning import How, plan_all
from flowtui.cli.targets import root_of, wanted
from flowtui.workspace import Workspace


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET…]")
@click.option("--all", "all_", is_flag=True, help="All flows of the project folder.")
@deploy_options
@new_pool_options
@click.option("--force", is_flag=True, help="As a deploy with --force would do it.")
@click.option("--no-push", is_flag=True, help="As a deploy with --no-push would do it.")
@click.option("-v", "--verbose", is_flag=True, help="Each setting with its origin, and the build.")
@workspace_options
@json_option
def plan(
    targets: tuple[str, ...],
    all_: bool,
    force: bool,
    no_push: bool,
    verbose: bool,
    profile: str | None,
    api_url: str | None,
    as_json: bool,
    **values: Any,
) -> None:
    """What a deploy of each TARGET would do, and field by field what it would change.

    Loads the flows, builds and registers nothing. TARGET is a path (all flows in it), PATH:NAME, or
    the name of a flow. Exit code 0: nothing would change; 10: something would.
    """
    pool = new_pool(values)
    overrides = overrides_of(values)
    output = Output(as_json=as_json)
    how = How(force=force, push=not no_push, new_pool=pool)

    async def work() -> int:
        workspace = await Workspace.open(root_of(targets), profile=profile, api_url=api_url)
        found = wanted(targets, await asyncio.to_thread(workspace.discover), everything=all_)
        try:
            await workspace.connect()
            return await plan_all(workspace, found, overrides, output, how, everything=verbose)
        finally:
            await workspace.close()

    sys.exit(asyncio.run(work()))
