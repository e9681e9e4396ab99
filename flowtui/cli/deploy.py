"""`flowtui deploy`: from source to a registered version."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from flowtui.cli.deploy_options import deploy_options, overrides_of
from flowtui.cli.deployment_options import new_pool, new_pool_options
from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.errors import UsageError
from flowtui.models import DeployTable


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
    began_ns = time.time_ns()
    looks_properly = force or resume or dry_run or no_push or verbose or pool is not None
    key = None if looks_properly else _question()
    if key is not None:
        from flowtui.cli.unchanged import told_again

        if told_again(key, output):
            return

    # Not before: importing it takes as long as all of an unchanged deploy.
    from flowtui.cli.deploy_run import Wanted, deploy_targets

    wanted = Wanted(
        targets=targets,
        everything=all_,
        profile=profile,
        api_url=api_url,
        overrides=overrides,
        force=force,
        push=not no_push,
        create_project=create_project,
        resume=resume,
        new_pool=pool,
        dry_run=dry_run,
        verbose=verbose,
        key=key,
        began_ns=began_ns,
    )
    sys.exit(deploy_targets(wanted, output))


def _question() -> str:
    """What this command line asks, whatever it prints."""
    from flowtui.deploy.unchanged.answer import question

    asked = click.get_current_context().params
    return question({name: asked[name] for name in asked if name != "as_json"})
