"""Options that every command with a control plane has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _or_before_the_command(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
    """`flowtui --profile NAME flows` is `flowtui flows --profile NAME`."""
    return value or ctx.find_root().params.get(param.name or "")


def workspace_options(command: _Command) -> _Command:
    """`--profile NAME` and `--api-url URL`, after the command or before it."""
    profile = click.option(
        "--profile",
        metavar="NAME",
        callback=_or_before_the_command,
        help="Profile to use (FLOWTUI_PROFILE).",
    )
    api_url = click.option(
        "--api-url",
        metavar="URL",
        callback=_or_before_the_command,
        help="Control plane address (FLOWTUI_API_URL).",
    )
    return profile(api_url(command))


def json_option(command: _Command) -> _Command:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print data as JSON.")(command)
