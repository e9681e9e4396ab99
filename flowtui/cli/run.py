"""`flowtui run`: start a run of a registered flow."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NoReturn, cast

import click

from flowtui.cli import parameters
from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.cli.registered import check_can_run, wanted_version
from flowtui.cli.start_run import start_run
from flowtui.cli.targets import root_of
from flowtui.errors import UsageError
from flowtui.models import Ability, JsonObject
from flowtui.run_models import RunRequest
from flowtui.runs.fields import read_run_config
from flowtui.runs.start import read_start
from flowtui.runs.values import Typed
from flowtui.workspace import Workspace


@click.command()
@click.argument("flow", metavar="FLOW")
@click.option("-p", "--param", "pairs", metavar="NAME=VALUE", multiple=True, help="A parameter.")
@click.option(
    "--param-text", "texts", metavar="NAME=TEXT", multiple=True, help="A parameter, as it stands."
)
@click.option("--params", "file", metavar="FILE", help="Parameters as a JSON object; - for stdin.")
@click.option("--params-json", "text", metavar="JSON", help="Parameters as a JSON object.")
@click.option("--label", "labels", metavar="LABEL", multiple=True, help="In place of the flow's.")
@click.option("--no-labels", is_flag=True, help="No labels, whatever the flow has.")
@click.option("--at", metavar="TIME", help="Start later: 14:30, 2026-12-24 08:00, or with a zone.")
@click.option("--in", "after", metavar="LENGTH", help="Start later: 10m, 2h, 1d.")
@click.option("--name", default="", metavar="RUN_NAME", help="Name of the run.")
@click.option("--run-config", metavar="JSON", help='In place of the flow\'s: {"type": …}.')
@click.option("--tag", "tags", metavar="TAG", multiple=True, help="Deployment: one more tag.")
@click.option(
    "--job-variable",
    "variables",
    metavar="NAME=VALUE",
    multiple=True,
    help="Deployment: in place of its own.",
)
@click.option("--project", help="The project it is in, if it is in several.")
@click.option("-f", "--follow", is_flag=True, help="Show states and log until the run is over.")
@workspace_options
@json_option
def run(
    flow: str,
    pairs: tuple[str, ...],
    texts: tuple[str, ...],
    file: str | None,
    text: str | None,
    labels: tuple[str, ...],
    no_labels: bool,
    at: str | None,
    after: str | None,
    name: str,
    run_config: str | None,
    tags: tuple[str, ...],
    variables: tuple[str, ...],
    project: str | None,
    follow: bool,
    profile: str | None,
    api_url: str | None,
    as_json: bool,
) -> NoReturn:
    """Start a run of a deployed flow; an agent or worker picks it up.

    FLOW is the flow's name, FLOW/DEPLOYMENT, a target on disk (FILE or FILE:NAME), or the id of a
    version or deployment.

    The VALUE of -p is JSON where it is some (5, true, null, [1, 2], {"a": 1}, "text"), else text.
    Text that looks like JSON: --param-text day=2026, or quoted: -p 'day="2026"'.
    Of a parameter that is an object, one key: -p config.port=80.

    \b
    With --follow the exit code says how the run ended:
    0 Success (Completed), 1 Failed (Crashed), 6 Cancelled, 130 stopped following (it goes on).
    """
    if labels and no_labels:
        raise UsageError("--label and --no-labels are both given", fix="leave one of them out")
    values = parameters.given(pairs, texts, file, text)
    job_variables = parameters.given(variables, (), None)
    start = _start(at, after, datetime.now(UTC))
    config = _run_config(run_config or "")

    async def request(workspace: Workspace) -> RunRequest:
        version = await wanted_version(workspace, flow, project)
        is_deployment = Ability.REGISTER_DEPLOYMENTS in workspace.abilities
        for given, option in ((tags, "--tag"), (job_variables, "--job-variable")):
            if given and not is_deployment:
                raise UsageError(f"{option} is for deployments of Prefect 2 and 3")
        return RunRequest(
            version.id,
            await check_can_run(workspace, version, values),
            name=name,
            start=start,
            labels=labels if labels or no_labels else None,
            run_config=config,
            tags=tags,
            job_variables=job_variables or None,
        )

    start_run(
        request,
        follow=follow,
        output=Output(as_json=as_json),
        profile=profile,
        api_url=api_url,
        path=root_of((flow,)),
    )


def _run_config(text: str) -> JsonObject | None:
    reading = read_run_config(Typed(text))
    if reading.problem:
        raise UsageError(
            f"--run-config: {reading.problem}",
            fix='for example {"type": "DockerRun", "image": "team/etl:1"}',
        )
    return cast("JsonObject", reading.value) if reading.given else None


def _start(at: str | None, after: str | None, now: datetime) -> datetime | None:
    if at is not None and after is not None:
        raise UsageError("--at and --in are both given", fix="leave one of them out")
    if at is None and after is None:
        return None
    with_zone = _with_zone(at) if at is not None else None
    if with_zone is not None:
        if with_zone <= now:
            raise UsageError(f"--at {at}: this time is over")
        return with_zone
    # `in` before it keeps a time of day from being taken for a length.
    start = read_start(at if at is not None else f"in {after}", now)
    if start.problem:
        option = f"--at {at}" if at is not None else f"--in {after}"
        raise UsageError(
            f"{option}: {start.problem}" if at is not None else f"{option}: not a length of time",
            fix="write a time as 14:30 or 2026-12-24 08:00, a length as 45s, 10m, 2h or 1d",
        )
    return start.moment


def _with_zone(text: str) -> datetime | None:
    """A moment that names its zone, None for everything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
