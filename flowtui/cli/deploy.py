"""`flowtui deploy`: from source to a registered version."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import click

from flowtui.cli.deploy_options import deploy_options, overrides_of
from flowtui.cli.deploying import Asked, Deploying
from flowtui.cli.deployment_options import new_pool, new_pool_options
from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.cli.planning import How, plan_all
from flowtui.cli.targets import Targets, root_of, wanted
from flowtui.errors import ExitCode, FlowtuiError, UsageError
from flowtui.models import DeployTable
from flowtui.workspace import Workspace


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET…]")
@click.option("--all", "all_", is_flag=True, help="All flows of the project folder.")
@click.option("--create-project", is_flag=True, help="Create the project if it does not exist.")
@deploy_options
@new_pool_options
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
@click.option("--no-push", is_flag=True, help="Keep the image in this engine only.")
@click.option("--resume", is_flag=True, help="Go on from the stage where the last deploy ended.")
@click.option("--force", is_flag=True, help="Make a new version even if nothing changed.")
@click.option("-v", "--verbose", is_flag=True, help="Show every log line.")
@workspace_options
@json_option
def deploy(
    targets: tuple[str, ...],
    all_: bool,
    create_project: bool,
    dry_run: bool,
    no_push: bool,
    force: bool,
    resume: bool,
    verbose: bool,
    profile: str | None,
    api_url: str | None,
    as_json: bool,
    **values: Any,
) -> None:
    """Take flows from source to a registered version that is proven to run.

    TARGET is a path (all flows in it), PATH:NAME, or the name of a flow. Several flows are deployed
    side by side; one that fails stops no other.
    """
    pool = new_pool(values)
    overrides = overrides_of(values)
    if resume and (force or dry_run or no_push or pool or overrides != DeployTable()):
        raise UsageError(
            "--resume goes on with the settings of the deploy that did not end well",
            fix="leave the other options out, or leave --resume out to deploy anew",
        )
    output = Output(as_json=as_json)

    async def work() -> int:
        workspace = await Workspace.open(root_of(targets), profile=profile, api_url=api_url)
        found = wanted(targets, await asyncio.to_thread(workspace.discover), everything=all_)
        try:
            if dry_run:
                how = How(force=force, push=not no_push, new_pool=pool)
                return await _dry_run(workspace, found, overrides, output, how)
            await workspace.connect()
            asked = Asked(
                overrides,
                force=force,
                push=not no_push,
                create_project=create_project,
                resume=resume,
                new_pool=pool,
            )
            return await Deploying(workspace, asked, output, verbose=verbose).all(found)
        finally:
            await workspace.close()

    sys.exit(asyncio.run(work()))


async def _dry_run(
    workspace: Workspace, found: Targets, overrides: DeployTable, output: Output, how: How
) -> int:
    try:
        await workspace.connect()
    except FlowtuiError as error:
        # A plan needs no control plane; what it cannot know without one is said in its reasons.
        output.note(f"planning without the control plane: {error.problem.what}")
    code = await plan_all(workspace, found, overrides, output, how, everything=True)
    return ExitCode.OK if code is ExitCode.CHANGES else code
