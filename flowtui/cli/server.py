"""`flowtui server`: the embedded control plane."""

from __future__ import annotations

import os
from pathlib import Path

import click

from flowtui.addresses import is_loopback
from flowtui.cli.options import json_option
from flowtui.cli.output import Output


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=4200, show_default=True, help="0 picks a free one.")
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
@json_option
def server(
    host: str, port: int, database: str | None, given_token_file: Path | None, as_json: bool
) -> None:
    """Run the embedded server: a Prefect GraphQL API for clients and agents 0.6.1 to 1.4.1.

    On loopback no token is needed. On any other address one is required: yours, or one that is
    made on first use and kept in flowtui's data folder.
    """
    from flowtui.server.main import ServerSettings, default_database, serve
    from flowtui.server.tokens import configured_token, generated_token, read_token, token_file

    output = Output(as_json=as_json)
    token = read_token(given_token_file) if given_token_file is not None else configured_token()
    if token is None and not is_loopback(f"//[{host}]" if ":" in host else f"//{host}"):
        token = generated_token()
        output.note(f"clients need the token in {token_file()}")

    def ready(url: str) -> None:
        if as_json:
            output.data({"event": "ready", "url": url, "pid": os.getpid()})
        else:
            output.note(f"flowtui server is ready: {url}\nstop it with Ctrl-C")

    target = database if database and "://" in database else Path(database) if database else None
    settings = ServerSettings(
        host=host,
        port=port,
        database=target or default_database(),
        token=token,
    )
    serve(settings, on_ready=ready)
