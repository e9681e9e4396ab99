"""`flowtui history`: every deploy made from here."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.cli.progress import EventPrinter
from flowtui.cli.session import connected
from flowtui.errors import UsageError

if TYPE_CHECKING:
    from flowtui.deploy.history import History
    from flowtui.deploy.history_search import Hit

_OUTCOMES = ("done", "unchanged", "failed", "cancelled", "interrupted", "running")


class _ShowUnlessNamed(click.Group):
    """`flowtui history …` is `flowtui history show …`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ShowUnlessNamed)
def history() -> None:
    """Every deploy made from here: list, search, look at one again (show), go on (resume), prune.

    Without a command's name it is `show`: `flowtui history --search TEXT`, `flowtui history ID`.
    """


@history.command()
@click.argument("deploy", required=False)
@click.option("--flow", metavar="NAME", help="Only deploys of this flow.")
@click.option(
    "--search",
    "text",
    default="",
    metavar="TEXT",
    help="Only with this in flow, project, outcome, version, image, id, log lines or problems.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Only deploys made in this project folder.",
)
@click.option("--outcome", type=click.Choice(_OUTCOMES), help="Only deploys that ended like this.")
@click.option("--since", metavar="WHEN", help="Only since then: 12h, 90d, or a date.")
@click.option(
    "--limit", default=20, show_default=True, help="How many, newest first; 0 is all of them."
)
@json_option
def show(
    deploy: str | None,
    flow: str | None,
    text: str,
    folder: Path | None,
    outcome: str | None,
    since: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Deploys, newest first; with an id (or its first characters) that deploy's events."""
    from flowtui.config import find_root
    from flowtui.deploy.history import History
    from flowtui.deploy.history_search import HistoryQuery, moment, search

    output = Output(as_json=as_json)
    past = History()
    if deploy is not None:
        _show_events(past, _whole_id(past, deploy), output)
        return
    query = HistoryQuery(
        text=text,
        root=str(find_root(folder)) if folder is not None else None,
        flow=flow,
        outcome=outcome,
        since=moment(since) if since is not None else None,
    )
    hits = list(islice(search(past, query), limit or None))
    if as_json:
        output.data([{**asdict(hit.record), "line": hit.line} for hit in hits])
    elif hits:
        _show_table(hits, output)
    elif query == HistoryQuery():
        output.note("no deploys yet; make one: flowtui deploy PATH")
    else:
        output.note("no deploy is like this; flowtui history lists all of them")


def _whole_id(past: History, start: str) -> str:
    found = past.ids_starting_with(start)
    if len(found) != 1:
        raise UsageError(
            f"{'several deploys start' if found else 'no deploy starts'} with “{start}”",
            fix="flowtui history lists them",
        )
    return found[0]


def _show_events(past: History, deploy: str, output: Output) -> None:
    from flowtui.deploy.events import to_json

    printer = EventPrinter(verbose=True)
    for event in past.events(deploy):
        if output.as_json:
            output.data(to_json(event))
        else:
            printer(event)


def _show_table(hits: list[Hit], output: Output) -> None:
    header = ("ID", "WHEN", "FLOW", "PROJECT", "OUTCOME", "VERSION", "TOOK", "IMAGE")
    rows = [_row(hit) for hit in hits]
    if any(hit.line for hit in hits):
        output.table(
            (*header, "LINE"),
            [(*row, hit.line.strip()) for row, hit in zip(rows, hits, strict=True)],
        )
    else:
        output.table(header, rows)


def _row(hit: Hit) -> tuple[str, ...]:
    record = hit.record
    return (
        record.id,
        datetime.fromtimestamp(record.started).strftime("%Y-%m-%d %H:%M:%S"),
        record.flow,
        record.project,
        record.outcome,
        str(record.version or record.label),
        f"{record.seconds:.1f}s" if record.seconds is not None else "",
        record.image or "",
    )


@history.command()
@click.argument("deploy", metavar="ID")
@click.option("-v", "--verbose", is_flag=True, help="Show every log line.")
@workspace_options
@json_option
def resume(
    deploy: str, verbose: bool, profile: str | None, api_url: str | None, as_json: bool
) -> None:
    """Go on with a deploy that failed, was cancelled or interrupted, from the stage it ended in.

    From health check, push or register on, if sources, settings and image are the same as then;
    else it says what differs and deploys anew. ID may be its first characters.
    """
    from flowtui.deploy.events import DeployFinished, Event, to_json
    from flowtui.deploy.history import History

    output, past = Output(as_json=as_json), History()
    whole = _whole_id(past, deploy)
    record = past.find(whole)
    root = Path(record.root) if record is not None else Path()
    printer = EventPrinter(verbose=verbose)

    def emit(event: Event) -> None:
        if as_json:
            output.data(to_json(event))
        else:
            printer(event)

    async def work() -> DeployFinished:
        address = api_url or (record.api_url if record is not None and profile is None else None)
        async with connected(profile, address, root) as workspace:
            point = await asyncio.to_thread(workspace.resume_point, whole)
            return await workspace.resume(point, emit)

    sys.exit(asyncio.run(work()).exit_code)


@history.command()
@click.option(
    "--older-than", "older_than", required=True, metavar="WHEN", help="90d, 12w, or a date."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def prune(older_than: str, yes: bool, as_json: bool) -> None:
    """Delete old deploys and their logs from the history; asks first.

    The newest good deploy of each flow stays, however old: by it flowtui knows whether the flow
    has changed since. Nothing is deleted from a control plane or a registry.
    """
    from flowtui.deploy.history import History
    from flowtui.deploy.history_search import moment

    output, past, before = Output(as_json=as_json), History(), moment(older_than)
    count = past.forgettable(before)
    day = datetime.fromtimestamp(before).strftime("%Y-%m-%d %H:%M")
    if count and not yes:
        click.confirm(f"Delete {count} deploys from before {day}?", abort=True, err=True)
    gone = past.forget(before) if count else 0
    if as_json:
        output.data({"deleted": gone})
    else:
        output.note(f"{gone} deploys from before {day} deleted")
