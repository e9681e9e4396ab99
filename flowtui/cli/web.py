"""`flowtui web`: the app in a browser."""

from __future__ import annotations

import shlex
import socket
import sys
from pathlib import Path

import click

from flowtui.addresses import is_loopback
from flowtui.cli.options import workspace_options
from flowtui.cli.output import Output
from flowtui.errors import UsageError


@click.command()
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="0 picks a free one.")
@click.option(
    "--allow-remote",
    is_flag=True,
    help="Listen on an address that others reach. Token and screen then cross the network in the "
    "clear; better is an SSH tunnel.",
)
@click.option("--read-only", is_flag=True, help="Change nothing: no deploys, no deletes.")
@workspace_options
def web(
    path: Path,
    host: str,
    port: int,
    allow_remote: bool,
    read_only: bool,
    profile: str | None,
    api_url: str | None,
) -> None:
    """Open the app in a browser: each visit gets an app of its own.

    Only who has the printed link, with its token, is let in; each run has a new one.
    """
    if not path.is_dir():
        raise UsageError(f"“{path}” is not a folder", fix="give the folder that holds your flows")
    loopback = is_loopback(f"//[{host}]" if ":" in host else f"//{host}")
    if not loopback and not allow_remote:
        raise UsageError(
            f"{host} can be reached by others: whoever gets the link deploys with your rights, and "
            "nothing on the way is encrypted",
            fix=f"tunnel it (ssh -L {port}:127.0.0.1:{port} …), or add --allow-remote",
        )
    try:
        from flowtui.cli.web_server import GuardedServer
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the app in a browser needs what is not installed: {error.name}",
            fix="pip install 'flowtui[web]'",
        ) from error
    output = Output()
    command = [sys.executable, "-m", "flowtui", "open", str(path.resolve())]
    for option, value in (("--profile", profile), ("--api-url", api_url)):
        command += [option, value] if value else []
    command += ["--read-only"] if read_only else []
    with _listening(host, port) as listener:
        server = GuardedServer(
            shlex.join(command),
            listener=listener,
            host=host,
            title=f"flowtui {path.resolve().name}",
        )
        if not loopback:
            output.note("others can reach this address; token and screen are not encrypted")
        click.echo(server.link)
        output.note("open this link; stop with Ctrl-C")
        server.run()


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}:{port}: {error.strerror}", fix="choose another --port"
        ) from error
