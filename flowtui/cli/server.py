"""`flowtui server`: the embedded control plane, or the project's own Prefect server."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flowtui.addresses import is_loopback
from flowtui.cli.options import json_option
from flowtui.cli.output import Output
from flowtui.errors import EngineError, UsageError

if TYPE_CHECKING:
    from flowtui.server.main import Containers, Ready
    from flowtui.server.services.settings import ServiceSettings

_PREFECTS_OPTIONS = ("prefect3", "host", "port", "database", "as_json")
_MOST_SECONDS = 7 * 86_400
_MOST_DAYS = 36_500

_ASKED_SECONDS = 8.0
_UNASKED_SECONDS = 3.0
"""For the engine's answer: one that hangs must not keep the server from starting."""


@click.command()
@click.option(
    "--prefect3",
    is_flag=True,
    help="Run the `prefect server` of this folder's project instead (Prefect 2 or 3), its database "
    "in flowtui's data folder. Takes --host, --port and --database.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(min=0, max=65535),
    help="0 picks a free one. Default: 4200; with --prefect3 as last time, or 4200, or a free one.",
)
@click.option(
    "--database",
    metavar="FILE|URL",
    envvar="FLOWTUI_SERVER_DATABASE",
    help="SQLite file or PostgreSQL URL (FLOWTUI_SERVER_DATABASE keeps a password out of `ps`). "
    "Default: a file in flowtui's data folder.",
)
@click.option(
    "--token-file",
    "given_token_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with the token clients must send (FLOWTUI_SERVER_TOKEN also works).",
)
@click.option(
    "--containers/--no-containers",
    default=None,
    help="Also listen where containers of the Docker engine reach this machine; they need the "
    "token. Default: where an engine on this machine has a bridge network.",
)
@click.option(
    "--silent-after",
    type=click.IntRange(min=1, max=_MOST_SECONDS),
    metavar="SECONDS",
    envvar="FLOWTUI_SERVER_SILENT_AFTER",
    help="Without a heartbeat for this long, the process of a run counts as gone. Default: 600; "
    "processes send one each 30 seconds.",
)
@click.option(
    "--check-every",
    type=click.IntRange(min=1, max=_MOST_SECONDS),
    metavar="SECONDS",
    envvar="FLOWTUI_SERVER_CHECK_EVERY",
    help="How often to look for such runs. Default: 120.",
)
@click.option(
    "--resurrections",
    type=click.IntRange(min=0),
    metavar="TIMES",
    envvar="FLOWTUI_SERVER_RESURRECTIONS",
    help="How often such a run is handed out again before it counts as failed. Default: 10.",
)
@click.option(
    "--schedule-every",
    type=click.IntRange(min=1, max=_MOST_SECONDS),
    metavar="SECONDS",
    envvar="FLOWTUI_SERVER_SCHEDULE_EVERY",
    help="How often to look for schedules that need more runs planned. Default: 30.",
)
@click.option(
    "--keep-runs",
    type=click.IntRange(min=1, max=_MOST_DAYS),
    metavar="DAYS",
    envvar="FLOWTUI_SERVER_KEEP_RUNS",
    help="Delete runs, with their logs and states, this long after their end. Default: never.",
)
@click.option(
    "--keep-logs",
    type=click.IntRange(min=1, max=_MOST_DAYS),
    metavar="DAYS",
    envvar="FLOWTUI_SERVER_KEEP_LOGS",
    help="Delete the log lines of runs this long after their end. Default: with the runs.",
)
@json_option
@click.pass_context
def server(
    ctx: click.Context,
    prefect3: bool,
    host: str,
    port: int | None,
    database: str | None,
    given_token_file: Path | None,
    containers: bool | None,
    silent_after: int | None,
    check_every: int | None,
    resurrections: int | None,
    schedule_every: int | None,
    keep_runs: int | None,
    keep_logs: int | None,
    as_json: bool,
) -> int | None:
    """Run the embedded server: a Prefect GraphQL API for clients and agents 0.6.1 to 1.4.1.

    On loopback no token is needed. On any other address one is required: yours, or one that is
    made on first use and kept in flowtui's data folder.

    With --prefect3 it runs the project's own Prefect server, starts it again when it dies, and
    keeps its address as the profile `prefect3`.
    """
    if prefect3:
        from flowtui.cli.prefect_server import serve_prefect

        _refuse_with_prefect3(ctx)
        if not _is_typed(ctx, "database"):
            database = None  # the variable is the embedded server's
        folder, output = Path(), Output(as_json=as_json)
        return serve_prefect(folder, host=host, port=port, database=database, output=output)

    from flowtui.server.main import DEFAULT_PORT, ServerSettings, default_database, serve
    from flowtui.server.tokens import configured_token, generated_token, read_token, token_file

    output = Output(as_json=as_json)
    token = read_token(given_token_file) if given_token_file is not None else configured_token()
    if token is None and not is_loopback(f"//[{host}]" if ":" in host else f"//{host}"):
        token = generated_token()
        output.note(f"clients need the token in {token_file()}")

    def ready(served: Ready) -> None:
        if as_json:
            found = {"event": "ready", "url": served.url, "pid": os.getpid()}
            output.data({**found, "containers": served.containers_url})
            return
        output.note(f"flowtui server is ready: {served.url}")
        if served.containers_url:
            output.note(f"containers reach it: {served.containers_url}{_with_token(token)}")
        if served.containers_problem is not None:
            output.note(f"containers do not reach it: {served.containers_problem.what}")
        output.note("stop it with Ctrl-C")

    target = database if database and "://" in database else Path(database) if database else None
    settings = ServerSettings(
        host=host,
        port=DEFAULT_PORT if port is None else port,
        database=target or default_database(),
        token=token,
        containers=_containers(token, wanted=containers),
        services=_services(
            silent_after=_seconds(silent_after),
            check_every=_seconds(check_every),
            resurrections=resurrections,
            schedule_every=_seconds(schedule_every),
            keep_runs=_days(keep_runs),
            keep_logs=_days(keep_logs),
        ),
    )
    serve(settings, on_ready=ready)
    return None


def _refuse_with_prefect3(ctx: click.Context) -> None:
    """Options of the embedded server mean nothing to Prefect's. Raises UsageError."""
    for option in ctx.command.params:
        name = option.name or ""
        if name not in _PREFECTS_OPTIONS and _is_typed(ctx, name):
            raise UsageError(
                f"{option.opts[0]} is an option of the embedded server, not of Prefect's",
                fix="leave it out",
            )


def _is_typed(ctx: click.Context, name: str) -> bool:
    from click.core import ParameterSource

    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _services(**given: timedelta | int | None) -> ServiceSettings:
    """Those given, in place of the server's own."""
    from flowtui.server.services.settings import ServiceSettings

    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return replace(ServiceSettings(), **changes)


def _seconds(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(seconds=number)


def _days(number: int | None) -> timedelta | None:
    return None if number is None else timedelta(days=number)


def _with_token(token: str | None) -> str:
    from flowtui.server.tokens import token_file

    return ", with the token" if token is not None else f", with the token in {token_file()}"


def _containers(token: str | None, *, wanted: bool | None) -> Containers | None:
    """The way for containers of the engine that is in use; unasked, a way that costs nothing."""
    if wanted is False:
        return None
    from flowtui.deploy.docker.host_address import host_address
    from flowtui.server.main import Containers
    from flowtui.server.tokens import generated_token

    try:
        seconds = _ASKED_SECONDS if wanted else _UNASKED_SECONDS
        found = asyncio.run(host_address(seconds=seconds))
    except EngineError:
        if wanted:
            raise
        return None
    if found.open_to_network and not wanted:
        return None
    return Containers(found.name, found.listen, token or generated_token(), required=bool(wanted))
