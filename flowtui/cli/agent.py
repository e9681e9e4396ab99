"""`flowtui agent start|list|env`: Prefect's agents and workers."""

from __future__ import annotations

import asyncio
import re
import shlex
import signal
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output, print_problem, style
from flowtui.cli.session import connected
from flowtui.errors import ExitCode, UsageError
from flowtui.models import Ability, Problem
from flowtui.text import clean_block, redact

if TYPE_CHECKING:
    from flowtui.agents.events import AgentEnd, AgentEvent
    from flowtui.agents.spec import AgentSpec
    from flowtui.run_models import Agent
    from flowtui.workspace import Workspace

_KINDS = ("local", "docker", "process")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@click.group()
def agent() -> None:
    """Agents (Prefect 2 and 3: workers), which pick runs up and start them: start one, list all.

    `flowtui runs why RUN` says why none picks a run up.
    """


def _variables(
    _ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise click.BadParameter(f"{text!r} is not NAME=VALUE")
        found[name] = value
    return found


@agent.command()
@click.option(
    "--type",
    "kind",
    type=click.Choice(_KINDS),
    help="What it starts for a run: processes or containers. Default: what most flows here need. "
    "Agents are local or docker, workers process or docker.",
)
@click.option("--pool", "work_pool", default="", help="Worker: the work pool it takes runs from.")
@click.option("--create-pool", is_flag=True, help="Worker: make the pool if it is not there.")
@click.option(
    "--work-queue", "work_queues", multiple=True, help="Worker: just this queue; may be repeated."
)
@click.option("--limit", type=click.IntRange(min=1), help="Worker: how many runs it has at once.")
@click.option("--with-healthcheck", is_flag=True, help="Worker: serve Prefect's health check.")
@click.option("--label", "-l", "labels", multiple=True, help="Agent: a label; may be repeated.")
@click.option("--name", "-n", default="", help="Its name.")
@click.option(
    "--env",
    "-e",
    "variables",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_variables,
    help="A variable for the flows that it runs; may be repeated.",
)
@click.option("--no-hostname-label", is_flag=True, help="Local: no label but the given ones.")
@click.option("--show-flow-logs", "-f", is_flag=True, help="Also show what the flows log.")
@click.option("--no-pull", is_flag=True, help="Docker: use images as the engine has them.")
@click.option("--network", "networks", multiple=True, help="Docker: a network for the containers.")
@click.option("--volume", "volumes", multiple=True, help="Docker: as `docker run --volume`.")
@click.option(
    "--log-level",
    type=click.Choice(("DEBUG", "INFO", "WARNING", "ERROR"), case_sensitive=False),
    default="INFO",
    show_default=True,
    help="How much it says.",
)
@click.option("--managed", is_flag=True, help="Docker: run it in an environment of flowtui's own.")
@workspace_options
@json_option
def start(
    kind: str | None,
    work_pool: str,
    create_pool: bool,
    work_queues: tuple[str, ...],
    limit: int | None,
    with_healthcheck: bool,
    labels: tuple[str, ...],
    name: str,
    variables: dict[str, str],
    no_hostname_label: bool,
    show_flow_logs: bool,
    no_pull: bool,
    networks: tuple[str, ...],
    volumes: tuple[str, ...],
    log_level: str,
    managed: bool,
    profile: str | None,
    api_url: str | None,
    as_json: bool,
) -> int:
    """Run Prefect's own agent or worker for this project until Ctrl-C.

    An agent is that of the project's Prefect, with the settings of its version; where that Prefect
    has none (0.6.1), one in an environment of flowtui's own. It is started again when it dies.
    Ctrl-C lets it finish what it has begun, a second Ctrl-C does not wait. Flows that a local
    agent started run on to their end.

    Prefect 2 and 3 have workers: this is then a `prefect worker` of the project's Python, for the
    work pool that most flows here are deployed to. Ctrl-C lets it see its runs to their end, a
    second Ctrl-C ends them too.
    """
    from flowtui.agents.kinds import AgentKind
    from flowtui.agents.spec import AgentSpec

    docker_only = [
        option
        for option, given in (
            ("--no-pull", no_pull),
            ("--network", networks),
            ("--volume", volumes),
        )
        if given
    ]
    if kind == "local" and docker_only:
        raise UsageError(f"{docker_only[0]} is an option of Docker agents", fix="leave it out")
    wanted = AgentSpec(
        AgentKind(kind or AgentKind.DOCKER),
        name=name,
        labels=labels,
        env=variables,
        hostname_label=not no_hostname_label,
        show_flow_logs=show_flow_logs,
        log_level=log_level.upper(),
        pull=not no_pull,
        networks=networks,
        volumes=volumes,
        managed=managed,
        work_pool=work_pool,
        work_queues=work_queues,
        limit=limit,
        healthcheck=with_healthcheck,
    )
    output = Output(as_json=as_json)

    async def work() -> AgentEnd:
        async with connected(profile, api_url) as workspace:
            spec = wanted
            if Ability.TELL_WORK_POOLS in workspace.abilities:
                spec = await _for_a_pool(workspace, wanted, kind, create_pool, output)
            elif kind == AgentKind.PROCESS or work_pool or create_pool:
                raise UsageError(
                    "this control plane has agents, not workers and work pools",
                    where=workspace.profile.api_url,
                    fix="flowtui agent start --type local, or --type docker",
                )
            elif kind is None:
                spec = await _with_default_kind(workspace, wanted, output)
            return await _run(workspace, spec, output)

    return _exit_code(asyncio.run(work()))


async def _with_default_kind(workspace: Workspace, wanted: AgentSpec, output: Output) -> AgentSpec:
    from flowtui.agents.choosing import default_kind

    kind, why = await default_kind(workspace)
    output.note(f"a {kind} agent: {why}")
    return replace(wanted, kind=kind)


async def _for_a_pool(
    workspace: Workspace, wanted: AgentSpec, kind: str | None, create_pool: bool, output: Output
) -> AgentSpec:
    from flowtui.agents.kinds import AgentKind
    from flowtui.agents.work_pools import for_a_pool

    if kind == AgentKind.LOCAL or wanted.labels:
        raise UsageError(
            "this control plane has workers and work pools, not agents with labels",
            where=workspace.profile.api_url,
            fix="flowtui agent start --pool NAME, with --type process or --type docker",
        )
    asked = AgentKind(kind) if kind is not None else None
    spec, why = await for_a_pool(workspace, wanted, asked, create=create_pool)
    output.note(f"a {spec.kind} worker for the work pool {spec.work_pool}: {why}")
    return spec


async def _run(workspace: Workspace, spec: AgentSpec, output: Output) -> AgentEnd:
    from flowtui.agents.preparing import agent_process

    process = agent_process(workspace, spec, lambda event: _tell(output, event, spec.word))
    loop = asyncio.get_running_loop()
    asked = False

    def stop() -> None:
        nonlocal asked
        process.stop(at_once=asked)
        if not asked:
            again = "ends its runs too" if spec.is_worker else "does not wait for it"
            output.note(f"stopping; Ctrl-C again {again}")
        asked = True

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    return await process.run()


def _tell(output: Output, event: AgentEvent, word: str) -> None:
    """JSON lines on stdout, or what it writes itself on stderr, with a few words between."""
    from flowtui.agents import events

    if output.as_json:
        output.data(events.to_json(event))
        return
    match event:
        case events.AgentPreparing():
            output.note(event.text)
        case events.AgentStarted():
            again = "" if event.attempt == 1 else f", start {event.attempt}"
            what = f"{word} of Prefect {event.prefect} for {event.api_url}"
            output.note(f"{what} (process {event.pid}{again})")
        case events.AgentReady():
            _say("it asks for runs; Ctrl-C stops it", "green")
        case events.AgentLine():
            _say(event.text, {"warning": "yellow", "error": "red"}.get(event.level))
        case events.AgentDied():
            _say(f"{event.reason}; starting it again in {event.restart_in:.0f} s", "yellow")
        case events.AgentGaveUp():
            print_problem(Problem(event.what, event.where, event.fix))
        case events.AgentStopped(flow_runs_left=0):
            output.note("stopped")
        case events.AgentStopped(flow_runs_left=1):
            output.note("stopped; 1 flow run goes on by itself")
        case events.AgentStopped():
            output.note(f"stopped; {event.flow_runs_left} flow runs go on by themselves")


def _say(text: str, colour: str | None) -> None:
    """A word on stderr; what comes from outside is made safe before it is coloured."""
    safe = redact(clean_block(text))
    click.echo(style(safe, fg=colour, stream=sys.stderr) if colour else safe, err=True)


def _exit_code(end: AgentEnd) -> int:
    from flowtui.agents.events import AgentGaveUp

    return end.exit_code if isinstance(end, AgentGaveUp) else ExitCode.OK


@agent.command("list")
@workspace_options
@json_option
def list_(profile: str | None, api_url: str | None, as_json: bool) -> None:
    """All agents or workers that the control plane knows, the one seen last first."""
    from flowtui.agents.waiting import is_silent

    async def work() -> tuple[Agent, ...]:
        async with connected(profile, api_url) as workspace:
            return await workspace.control_plane.agents()

    found = asyncio.run(work())
    output = Output(as_json=as_json)
    now = datetime.now(UTC)
    if as_json:
        output.data([{**asdict(each), "silent": is_silent(each, now)} for each in found])
    elif not found:
        output.note("no agent has asked for runs yet: flowtui agent start")
    else:
        takes = "WORK POOL" if any(each.work_pool for each in found) else "LABELS"
        output.table(
            ("NAME", "TYPE", takes, "PREFECT", "LAST SEEN", ""),
            (
                (
                    each.name,
                    each.type,
                    each.work_pool or ", ".join(each.labels),
                    each.core_version,
                    _moment(each.last_seen),
                    _stand(each, now),
                )
                for each in found
            ),
        )


@agent.command()
@click.option("--type", "kind", type=click.Choice(_KINDS), default="local", show_default=True)
@click.option("--with-token", is_flag=True, help="Print the token too, not just where it goes.")
@workspace_options
def env(kind: str, with_token: bool, profile: str | None, api_url: str | None) -> None:
    """The variables that point the project's own Prefect at this control plane.

    For a shell: eval "$(flowtui agent env --with-token)". With --type docker the address is the
    one that containers reach.
    """
    from flowtui.agents.kinds import AgentKind
    from flowtui.agents.preparing import prefect_variables

    async def work() -> dict[str, str]:
        async with connected(profile, api_url) as workspace:
            return await prefect_variables(workspace, AgentKind(kind))

    output = Output()
    for name, text in asyncio.run(work()).items():
        line = f"export {name}={shlex.quote(text)}"
        if with_token:
            click.echo(line)  # not through the redactor: this is what was asked for
        else:
            output.line(line)


def _stand(agent: Agent, now: datetime) -> str:
    from flowtui.agents.waiting import is_silent

    if agent.online is not None:
        return "online" if agent.online else "offline"
    return "silent" if is_silent(agent, now) else "asks for runs"


def _moment(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment is not None else "never"
