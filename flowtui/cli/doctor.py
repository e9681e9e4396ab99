"""`flowtui doctor`: what is there, what is missing, and what to do about it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.doctor.report import Report
from flowtui.errors import ExitCode


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--load", is_flag=True, help="Also load every flow; this runs the code in its file.")
@workspace_options
@json_option
def doctor(path: Path, load: bool, profile: str | None, api_url: str | None, as_json: bool) -> None:
    """Look at everything that flowtui needs, and say what to do where something is missing.

    The report holds no secrets and is made to be pasted into a bug report. Exit code 1 when
    something in it is bad, else 0.
    """
    report = asyncio.run(_examined(path, profile, api_url, load=load))
    output = Output(as_json=as_json)
    if as_json:
        output.data(report.data())
    else:
        output.line(report.text().rstrip("\n"))
    sys.exit(ExitCode.OK if report.data()["ok"] else ExitCode.FAILED)


async def _examined(path: Path, profile: str | None, api_url: str | None, *, load: bool) -> Report:
    from flowtui.doctor.checks import examine
    from flowtui.doctor.examinations import examinations
    from flowtui.doctor.subject import Subject

    subject = Subject(path, profile=profile, api_url=api_url)
    asked = examinations(subject, load=load)
    try:
        found = [finding async for finding in examine(asked)]
    finally:
        await subject.close()
    return Report.of(asked, found)
