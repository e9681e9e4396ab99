"""`flowtui history`: every deploy made from here."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import click

from flowtui.cli.options import json_option
from flowtui.cli.output import Output
from flowtui.cli.progress import EventPrinter
from flowtui.errors import UsageError


@click.command()
@click.argument("deploy", required=False)
@click.option("--flow", metavar="NAME", help="Only deploys of this flow.")
@click.option("--limit", default=20, show_default=True, help="How many, newest first.")
@json_option
def history(deploy: str | None, flow: str | None, limit: int, as_json: bool) -> None:
    """Deploys, newest first; with an id (or its first characters) that deploy's events."""
    from flowtui.deploy.events import to_json
    from flowtui.deploy.history import History

    output = Output(as_json=as_json)
    past = History()
    if deploy is not None:
        matches = [r.id for r in past.recent(limit=100_000) if r.id.startswith(deploy)]
        if len(matches) != 1:
            raise UsageError(
                f"{'several deploys start' if matches else 'no deploy starts'} with “{deploy}”",
                fix="flowtui history lists them",
            )
        printer = EventPrinter(verbose=True)
        for event in past.events(matches[0]):
            if as_json:
                output.data(to_json(event))
            else:
                printer(event)
        return
    records = past.recent(limit=limit, flow=flow)
    if as_json:
        output.data([asdict(record) for record in records])
    elif not records:
        output.note("no deploys yet; make one: flowtui deploy PATH")
    else:
        output.table(
            ("ID", "WHEN", "FLOW", "PROJECT", "OUTCOME", "VERSION", "TOOK", "IMAGE"),
            (
                (
                    record.id[:8],
                    datetime.fromtimestamp(record.started).strftime("%Y-%m-%d %H:%M:%S"),
                    record.flow,
                    record.project,
                    record.outcome,
                    str(record.version or ""),
                    f"{record.seconds:.1f}s" if record.seconds is not None else "",
                    record.image or "",
                )
                for record in records
            ),
        )
