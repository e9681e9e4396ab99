"""`flowtui server --prefect3`: the project's own Prefect server, as a managed child."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowtui.cli.output import Output, print_problem, style
from flowtui.errors import ExitCode
from flowtui.models import Problem
from flowtui.text import clean_block, redact

if TYPE_CHECKING:
    from flowtui.models import Interpreter
    from flowtui.prefect_server.events import ServerEnd, ServerEvent, ServerReady
    from flowtui.prefect_server.launch import PrefectServerLaunch
    from flowtui.prefect_server.supervision import PrefectServerProcess

_ASK_SECONDS = 5.0


def serve_prefect(
    folder: Path, *, host: str, port: int | None, database: str | None, output: Output
) -> int:
    """Run the server of the project in `folder` until it is stopped; gives the exit code.

    `port` None: where it listened before, or one that is free. Raises UsageError and FlowtuiError
    when it cannot be started.
    """
    return asyncio.run(_serve(folder, host, port, database, output))


async def _serve(
    folder: Path, host: str, port: int | None, database: str | None, output: Output
) -> int:
    from flowtui import config
    from flowtui.prefect_server.launch import server_launch, usable_version
    from flowtui.prefect_server.ports import port_for
    from flowtui.prefect_server.running import claimed
    from flowtui.source.interpreter import find_interpreter

    project = config.load_project(config.find_root(folder))
    interpreter: Interpreter = await find_interpreter(project.root, project.python)
    usable_version(interpreter)
    chosen = await asyncio.to_thread(port_for, interpreter, host, port)
    launch = server_launch(
        interpreter, host=host, port=chosen, database=database, environ=os.environ
    )
    with claimed(launch.home, launch.api_url):
        return _exit_code(await _run(launch, output))


async def _run(launch: PrefectServerLaunch, output: Output) -> ServerEnd:
    import httpx

    from flowtui.prefect_server.supervision import PrefectServerProcess

    async with httpx.AsyncClient(timeout=_ASK_SECONDS, trust_env=False) as client:

        async def answers() -> bool:
            try:
                return (await client.get(f"{launch.api_url}/health")).is_success
            except httpx.HTTPError:
                return False

        process = PrefectServerProcess(launch, answers, lambda event: _tell(output, launch, event))
        output.note(f"its log: {process.log_file}")
        _stop_with_signals(process, output)
        return await process.run()


def _stop_with_signals(process: PrefectServerProcess, output: Output) -> None:
    asked = False

    def asked_to_stop() -> None:
        nonlocal asked
        process.stop(at_once=asked)
        if not asked:
            output.note("stopping; Ctrl-C again does not wait")
        asked = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, asked_to_stop)


def _tell(output: Output, launch: PrefectServerLaunch, event: ServerEvent) -> None:
    """JSON lines on stdout, or on stderr what a person needs to know of it."""
    from flowtui.deploy.events import Level
    from flowtui.prefect_server import events

    match event:
        case events.ServerReady():
            _ready(output, launch, event)
        case _ if output.as_json:
            output.data(events.to_json(event))
        case events.ServerStarted():
            again = "" if event.attempt == 1 else f", start {event.attempt}"
            origin = launch.interpreter.origin
            what = f"starting the server of Prefect {event.prefect} ({origin})"
            output.note(f"{what}: process {event.pid}{again}")
        case events.ServerLine(level=Level.WARNING | Level.ERROR):
            _say(event.text, "red" if event.level is Level.ERROR else "yellow")
        case events.ServerLine():
            pass  # it is in the log
        case events.ServerDied():
            _say(f"{event.reason}; starting it again in {event.restart_in:.0f} s", "yellow")
        case events.ServerGaveUp():
            print_problem(Problem(event.what, event.where, event.fix))
        case events.ServerStopped():
            output.note("stopped")


def _ready(output: Output, launch: PrefectServerLaunch, event: ServerReady) -> None:
    from flowtui.prefect_server.events import to_json
    from flowtui.prefect_server.profile import keep_profile

    in_use = keep_profile(launch.profile, launch.api_url)
    if output.as_json:
        more = {"profile": launch.profile, "in_use": in_use, "folder": str(launch.home)}
        output.data({**to_json(event), **more})
        return
    _say(f"Prefect's server is ready: {event.url}", "green")
    output.note(f"its web pages: {event.url.removesuffix('/api')}")
    use = "in use now" if in_use else f"flowtui profiles use {launch.profile}"
    output.note(f"profile {launch.profile}: {use}")
    output.note("stop it with Ctrl-C")


def _say(text: str, colour: str) -> None:
    """A word on stderr; what comes from outside is made safe before it is coloured."""
    safe = redact(clean_block(text))
    click.echo(style(safe, fg=colour, stream=sys.stderr), err=True)


def _exit_code(end: ServerEnd) -> int:
    from flowtui.prefect_server.events import ServerGaveUp

    return end.exit_code if isinstance(end, ServerGaveUp) else ExitCode.OK
