"""`flowtui versions roll-back`: go back to an earlier version, told before it is done."""

from __future__ import annotations

import asyncio
import sys

import click

from flowtui.cli.change_lines import changes_as_json, print_changes
from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.cli.progress import EventPrinter
from flowtui.cli.session import connected
from flowtui.deploy.change_text import will_change
from flowtui.deploy.deployment.earlier import deploy_id
from flowtui.deploy.events import Event, to_json
from flowtui.deploy.rolling_back import WayBack
from flowtui.errors import ExitCode, UsageError
from flowtui.models import Discovery, FlowVersion, LocalFlow


@click.command("roll-back")
@click.argument("version_id", metavar="ID")
@click.option("--exactly", is_flag=True, help="Undo what was changed elsewhere, too.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("-v", "--verbose", is_flag=True, help="Show every log line.")
@workspace_options
@json_option
def roll_back(
    version_id: str,
    exactly: bool,
    dry_run: bool,
    yes: bool,
    verbose: bool,
    profile: str | None,
    api_url: str | None,
    as_json: bool,
) -> None:
    """Go back to an earlier version. ID may be its first characters; of a deployment also those of
    the deploy that made it, or its version.

    Nothing is built: its image or its stored files must still be there. Of Prefect 1 it is
    registered again, as a new version; of Prefect 2 and 3 the deployment is changed to what was
    deployed then, and what was changed elsewhere since, schedules and pauses for example, stays. It
    is in the history like every deploy; rolling back to what was in use undoes it. With --dry-run
    the exit code is 10 where something would change.
    """
    output = Output(as_json=as_json)
    printer = EventPrinter(verbose=verbose)

    def emit(event: Event) -> None:
        if as_json:
            output.data(to_json(event))
        else:
            printer(event)

    async def work() -> int:
        async with connected(profile, api_url) as workspace:
            found = await workspace.versions(archived=True)
            version = only_version(found, version_id)
            way = await workspace.way_back(version, exactly=exactly)
            _tell(way, output)
            if dry_run:
                return ExitCode.CHANGES if will_change(way.changes) else ExitCode.OK
            if not yes:
                await asyncio.to_thread(_confirm, way)
            source = source_of(await asyncio.to_thread(workspace.discover), version)
            result = await workspace.roll_back(version, emit, source, exactly=exactly)
            return result.exit_code

    sys.exit(asyncio.run(work()))


def source_of(discovery: Discovery, version: FlowVersion) -> LocalFlow | None:
    """The flow on disk that this is a version of."""
    named = (flow for flow in discovery.flows if flow.name == version.name)
    return next((flow for flow in named if flow.deployment == version.deployment), None)


def only_version(found: tuple[FlowVersion, ...], word: str) -> FlowVersion:
    """The version of this id, or of its beginning. Raises UsageError for none and several."""
    exact = [each for each in found if each.id == word]
    matches = exact or [each for each in found if _is_called(each, word)]
    if len(matches) == 1:
        return matches[0]
    raise UsageError(
        f"{'several versions have' if matches else 'no version has'} an id that "
        f"starts with “{word}”",
        fix="flowtui versions list --archived shows them",
    )


def _is_called(version: FlowVersion, word: str) -> bool:
    deploy = deploy_id(version.id)
    if not deploy:
        return version.id.startswith(word)
    return deploy.startswith(word) or version.label == word or version.id.startswith(f"{word}@")


def _tell(way: WayBack, output: Output) -> None:
    if output.as_json:
        output.data(
            {
                "event": "roll_back",
                "flow": way.version.flow_name,
                "project": way.version.project,
                "version": way.version.version,
                "label": way.version.label,
                "in_use": way.in_use.version if way.in_use is not None else None,
                "in_use_label": way.in_use.label if way.in_use is not None else "",
                "exactly": way.exactly,
                "fields": dict(way.fields),
                **changes_as_json(way.changes),
            }
        )
        return
    now = way.in_use.words if way.in_use is not None else "nothing"
    output.line(f"{way.version.flow_name}: from {now} back to {way.version.words}", bold=True)
    if way.in_use is not None:
        print_changes(way.changes, output)


def _confirm(way: WayBack) -> None:
    if not sys.stdin.isatty():
        raise UsageError("rolling back needs a yes", fix="add --yes when no terminal can be asked")
    version = way.version
    place = f" in “{version.project}”" if version.project else ""
    question = f"Roll “{version.flow_name}”{place} back to {version.words}?"
    click.confirm(question, abort=True, err=True)
