"""Options that every command with a control plane has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def workspace_options(command: _Command) -> _Command:
    """`--profile NAME` and `--api-url URL`."""
    profile = click.option("--profile", metavar="NAME", help="Profile to use (FLOWTUI_PROFILE).")
    api_url = click.option(
        "--api-url", metavar="URL", help="Control plane address (FLOWTUI_API_URL)."
    )
    return profile(api_url(command))


def json_option(command: _Command) -> _Command:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print data as JSON.")(command)
