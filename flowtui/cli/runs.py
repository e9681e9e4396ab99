"""`flowtui runs list|show|cancel|again|why`: what ran, what runs, and what is going to."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import click

from flowtui.agents.takers import reasons as reasons_of
from flowtui.agents.takers import takers
from flowtui.agents.waiting import Waiting
from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.cli.registered import check_can_run, wanted_run
from flowtui.cli.run_lines import SHORT_ID, moment, run_as_json, titled
from flowtui.cli.run_report import report, report_as_json
from flowtui.cli.session import connected, version_in_use
from flowtui.cli.start_run import start_run
from flowtui.errors import ExitCode, FlowtuiError, UsageError
from flowtui.models import Ability, version_in_words
from flowtui.run_models import FlowRun, RunRequest
from flowtui.runs.listing import RunQuery, Shown
from flowtui.runs.start import read_start
from flowtui.workspace import Workspace

_PLANNED_NOW = timedelta(minutes=1)
"""Clocks differ: a run that was planned for this moment by the server's is not one of later."""
_WORDS = tuple(
    str(each) for each in Shown if each is not Shown.PLANNED and RunQuery(each).states is not None
)
"""Those that are planned have an option of their own."""


class _Runs(click.Group):
    """`flowtui runs` and `flowtui runs FLOW` are `flowtui runs list …`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Runs)
def runs() -> None:
    """Flow runs: list, show, cancel, run again, and why one waits.

    `flowtui runs [FLOW]` lists: see `flowtui runs list --help`.
    """


@runs.command("list")
@click.argument("flow", required=False)
@click.option("--project", help="Only in this project.")
@click.option(
    "--state",
    "states",
    metavar="STATE",
    multiple=True,
    help=f"Only such runs: {', '.join(_WORDS)}, or a state of Prefect's, as TimedOut.",
)
@click.option("--since", metavar="TIME", help="Planned to start since: 2h, 3d, 2026-11-20 08:00.")
@click.option("--upcoming", is_flag=True, help="Those planned for later, the soonest first.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many."
)
@workspace_options
@json_option
def list_(
    flow: str | None,
    project: str | None,
    states: tuple[str, ...],
    since: str | None,
    upcoming: bool,
    limit: int,
    profile: str | None,
    api_url: str | None,
    as_json: bool,
) -> None:
    """Flow runs, the latest first; of one FLOW if it is named."""
    wanted = _states(states)
    now = datetime.now(UTC)
    earliest = _since(since, now) if since is not None else None

    async def work() -> tuple[FlowRun, ...]:
        async with connected(profile, api_url) as workspace:
            return await workspace.control_plane.flow_runs(
                project=project,
                name=flow,
                states=wanted,
                planned_after=now if upcoming else None,
                planned_until=None if upcoming else now + _PLANNED_NOW,
                limit=limit,
            )

    found = asyncio.run(work())
    if earliest is not None:
        found = tuple(run for run in found if run.scheduled is None or run.scheduled >= earliest)
    output = Output(as_json=as_json)
    if as_json:
        output.data([run_as_json(run) for run in found])
    elif not found:
        output.note(_nothing(filtered=bool(states or since or flow or project), upcoming=upcoming))
    else:
        _table(output, found)
        if len(found) == limit:
            output.note(f"there may be more than these {limit}: --limit")


def _states(words: Sequence[str]) -> frozenset[str] | None:
    """Prefect's states that these words stand for."""
    if not words:
        return None
    found: set[str] = set()
    for word in words:
        if word in _WORDS:
            found.update(RunQuery(Shown(word)).states or ())
        elif word[:1].isupper() and word.isalpha():
            found.add(word)
        else:
            raise UsageError(
                f"“{word}” is no state of runs",
                fix=f"one of {', '.join(_WORDS)}, or a state as Prefect writes it: TimedOut",
            )
    return frozenset(found)


def _since(text: str, now: datetime) -> datetime:
    length = read_start(f"in {text}", now)
    if length.moment is not None:
        return now - (length.moment - now)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"--since {text}: neither a length of time nor a time",
            fix="write it as 45m, 2h or 3d, or as 2026-11-20 or 2026-11-20 08:00",
        ) from None


def _nothing(*, filtered: bool, upcoming: bool) -> str:
    if upcoming:
        return "no runs are planned for later"
    if filtered:
        return "no such runs; those planned for later: --upcoming"
    return "no runs yet; start one: flowtui run FLOW"


def _table(output: Output, found: Sequence[FlowRun]) -> None:
    now = datetime.now(UTC)
    output.table(
        (
            "STATE", "RUN", "FLOW", "PROJECT", "VERSION", "PLANNED", "STARTED", "TOOK", "ID",
            "MESSAGE",
        ),
        (
            (
                run.state,
                run.name,
                run.flow,
                run.project,
                str(run.version or run.version_label),
                moment(run.scheduled),
                moment(run.started),
                f"{seconds:.1f}s" if (seconds := run.seconds(now)) is not None else "",
                run.id[:SHORT_ID],
                run.message,
            )
            for run in found
        ),
    )  # fmt: skip


@runs.command()
@click.argument("run", metavar="RUN")
@workspace_options
@json_option
def show(run: str, profile: str | None, api_url: str | None, as_json: bool) -> None:
    """One run: parameters, states, task runs.

    Children of a mapped task are counts; with --json all of them are there.
    RUN is its id, 8 or more characters of its beginning, or its name.
    """

    async def work() -> None:
        async with connected(profile, api_url) as workspace:
            plane = workspace.control_plane
            found = await wanted_run(plane, run)
            if Ability.TELL_RUN_DETAILS in workspace.abilities:
                states, tasks = await asyncio.gather(
                    plane.run_states(found.id), plane.task_runs(found.id)
                )
            else:
                states, tasks = (), ()
            output = Output(as_json=as_json)
            if as_json:
                output.data(report_as_json(found, states, tasks))
            else:
                report(output, found, states, tasks, datetime.now(UTC))

    asyncio.run(work())


@runs.command()
@click.argument("words", metavar="RUN…", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@workspace_options
@json_option
def cancel(
    words: tuple[str, ...], yes: bool, profile: str | None, api_url: str | None, as_json: bool
) -> None:
    """Cancel runs.

    A running one winds up first; one that is over stays as it is. RUN is its id, 8 or more
    characters of its beginning, or its name.
    """
    output = Output(as_json=as_json)

    async def work() -> ExitCode:
        async with connected(profile, api_url) as workspace:
            found = [await wanted_run(workspace.control_plane, word) for word in words]
            chosen = list({run.id: run for run in found}.values())
            if not yes and any(not run.kind.is_over for run in chosen):
                await asyncio.to_thread(_confirm, chosen)
            return await _cancel(workspace, chosen, output)

    sys.exit(asyncio.run(work()))


async def _cancel(workspace: Workspace, chosen: Sequence[FlowRun], output: Output) -> ExitCode:
    """Each of them, whatever becomes of the others; the code of the last that failed."""
    code = ExitCode.OK
    results: list[dict[str, object]] = []
    for run in chosen:
        try:
            state = await workspace.control_plane.cancel_run(run.id)
        except FlowtuiError as error:
            code = error.exit_code
            Output().error(error)
            results.append({"id": run.id, "name": run.name, "error": error.problem.what})
            continue
        results.append({"id": run.id, "name": run.name, "state": state})
        output.note(f"run {titled(run)}: {_outcome(run, state)}")
    if output.as_json:
        output.data(results)
    return code


def _outcome(run: FlowRun, state: str) -> str:
    if run.kind.is_over:
        return f"was over already ({state})"
    if state != "Cancelling":
        return f"is {state}"
    if _knows_cancelling(run.core_version):
        return "is Cancelling; its process ends its tasks within a quarter of a minute"
    return (
        f"is Cancelling, but Prefect {run.core_version} does not look for that: its process may "
        "go on to the end of the flow"
    )


def _knows_cancelling(core_version: str) -> bool:
    """Flow processes look since Prefect 0.13; one of an unknown version is trusted."""
    numbers = core_version.split(".")[:2]
    if not all(number.isdigit() for number in numbers) or len(numbers) < 2:
        return True
    return tuple(int(number) for number in numbers) >= (0, 13)


def _confirm(chosen: Sequence[FlowRun]) -> None:
    if not sys.stdin.isatty():
        raise UsageError("cancelling needs a yes", fix="add --yes when no terminal can be asked")
    output = Output()
    for run in chosen:
        output.note(f"  {run.state:10}  {titled(run)}")
    many = f"these {len(chosen)} runs" if len(chosen) > 1 else "this run"
    click.confirm(f"Cancel {many}?", abort=True, err=True)


@runs.command()
@click.argument("run", metavar="RUN")
@click.option("--newest", is_flag=True, help="The version in use, not the one that ran.")
@click.option("-f", "--follow", is_flag=True, help="Show states and log until the run is over.")
@workspace_options
@json_option
def again(
    run: str, newest: bool, follow: bool, profile: str | None, api_url: str | None, as_json: bool
) -> NoReturn:
    """Run once more what RUN ran.

    The same version or deployment with the same parameters, labels, tags and run config. Exit
    codes with --follow are those of `flowtui run`.
    """

    async def request(workspace: Workspace) -> RunRequest:
        before = await wanted_run(workspace.control_plane, run)
        version_id = before.version_id
        if newest:
            version_id = await _newest(workspace, before)
        elif before.version_archived:
            words = version_in_words(before.version, before.version_label)
            raise UsageError(
                f"{words} of “{before.flow}” is archived: it cannot be run any more",
                fix=f"run the version in use with the same parameters: flowtui runs again "
                f"{before.id[:SHORT_ID]} --newest",
            )
        if not version_id:
            raise UsageError(
                "it is of no deployment any more, so it cannot be run again",
                where=f"run {titled(before)}",
                fix="deploy the flow, and run that: flowtui run FLOW",
            )
        return RunRequest(
            version_id,
            before.parameters,
            labels=before.labels,
            run_config=before.run_config,
            tags=before.tags,
        )

    start_run(
        request,
        follow=follow,
        output=Output(as_json=as_json),
        profile=profile,
        api_url=api_url,
    )


async def _newest(workspace: Workspace, before: FlowRun) -> str:
    """The version in use. Raises UsageError where the parameters do not fit it."""
    version = await version_in_use(workspace.control_plane, before.flow, before.project or None)
    await check_can_run(workspace, version, before.parameters)
    return version.id


@runs.command()
@click.argument("run", metavar="RUN")
@workspace_options
@json_option
def why(run: str, profile: str | None, api_url: str | None, as_json: bool) -> None:
    """Why a run does not start, and what to do about it."""

    async def work() -> tuple[FlowRun, tuple[Waiting, ...]]:
        async with connected(profile, api_url) as workspace:
            plane = workspace.control_plane
            found = await wanted_run(plane, run)
            known = await takers(plane, workspace.abilities)
            return found, reasons_of(found, known, datetime.now(UTC))

    found, reasons = asyncio.run(work())
    output = Output(as_json=as_json)
    if as_json:
        output.data({**run_as_json(found), "waiting": [asdict(each) for each in reasons]})
    elif not reasons:
        output.line(f"it does not wait: run {titled(found)} is {found.state}")
    else:
        output.line(f"run {titled(found)} is {found.state}")
        for reason in reasons:
            output.line(f"  {reason.what}")
            if reason.fix:
                output.line(f"  next: {reason.fix}")
