"""A deploy that looks at everything: what `flowtui deploy` does where no earlier answer holds."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from flowtui.cli.deploying import Asked, Deploying
from flowtui.cli.output import Output
from flowtui.cli.targets import Targets, root_of, wanted
from flowtui.errors import ExitCode, FlowtuiError
from flowtui.models import DeployTable, FlowKind
from flowtui.run_models import NewWorkPool
from flowtui.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The command line."""

    targets: tuple[str, ...]
    everything: bool
    profile: str | None
    api_url: str | None
    overrides: DeployTable
    force: bool
    push: bool
    create_project: bool
    resume: bool
    new_pool: NewWorkPool | None
    dry_run: bool
    verbose: bool
    key: str | None
    """Of the question that it asks (`deploy.unchanged`); None: the answer is not to be kept."""
    began_ns: int
    """Before anything was looked at, in nanoseconds since the epoch."""


def deploy_targets(wanted: Wanted, output: Output) -> int:
    """Deploy them; gives the exit code. Raises FlowtuiError for what no flow is to blame for."""
    return asyncio.run(_deploy(wanted, output))


async def _deploy(asked_for: Wanted, output: Output) -> int:
    workspace = await Workspace.open(
        root_of(asked_for.targets), profile=asked_for.profile, api_url=asked_for.api_url
    )
    discovery = await asyncio.to_thread(workspace.discover)
    found = wanted(asked_for.targets, discovery, everything=asked_for.everything)
    try:
        if asked_for.dry_run:
            return await _dry_run(workspace, found, asked_for, output)
        await workspace.connect()
        asked = Asked(
            asked_for.overrides,
            force=asked_for.force,
            push=asked_for.push,
            create_project=asked_for.create_project,
            resume=asked_for.resume,
            new_pool=asked_for.new_pool,
        )
        deploying = Deploying(workspace, asked, output, verbose=asked_for.verbose)
        code = await deploying.all(found)
        if code is ExitCode.OK and asked_for.key is not None:
            await _remember(workspace, found, deploying, asked_for.key, asked_for.began_ns)
        return code
    finally:
        await workspace.close()


async def _remember(
    workspace: Workspace, found: Targets, deploying: Deploying, key: str, began_ns: int
) -> None:
    """So that the same command line is answered at once while nothing changes."""
    from flowtui.deploy.unchanged.remembering import Done, remember

    of_deployments = all(flow.kind is FlowKind.FLOW_FUNCTION for flow in found.flows)
    if not of_deployments or workspace.secret is not None or workspace.profile.ca_file:
        return
    done = Done(
        workspace.root, workspace.config, workspace.api_base, began_ns, tuple(deploying.told)
    )
    # The deploy is done, whatever stands in the way of remembering it.
    with suppress(FlowtuiError, OSError):
        await remember(key, done)


async def _dry_run(workspace: Workspace, found: Targets, asked_for: Wanted, output: Output) -> int:
    from flowtui.cli.planning import How, plan_all

    how = How(force=asked_for.force, push=asked_for.push, new_pool=asked_for.new_pool)
    try:
        await workspace.connect()
    except FlowtuiError as error:
        # A plan needs no control plane; what it cannot know without one is said in its reasons.
        output.note(f"planning without the control plane: {error.problem.what}")
    code = await plan_all(workspace, found, asked_for.overrides, output, how, everything=True)
    return ExitCode.OK if code is ExitCode.CHANGES else code
