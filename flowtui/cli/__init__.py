"""The command line: every action of the app, with `--json` and documented exit codes.

stdout is data only; everything else goes to stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import click

from flowtui import __version__
from flowtui.cli.options import workspace_options
from flowtui.cli.output import Output
from flowtui.errors import ExitCode, FlowtuiError, UsageError, our_fault

_EPILOG = """\b
Exit codes: 0 done, 1 failed deploy or run, 2 usage, 3 credentials, 4 control plane unreachable or
refusing, 5 engine or registry unreachable or refusing, 6 followed run cancelled,
10 plan: a deploy would change something, 130 cancelled.
\b
Environment: FLOWTUI_PROFILE, FLOWTUI_API_URL, FLOWTUI_API_KEY, FLOWTUI_API_KEY_FILE,
FLOWTUI_HOME, and Docker's own (DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, …)."""


class _Commands(click.Group):
    """`flowtui PATH` is `flowtui open PATH`; commands are imported when they are used."""

    _lazy: ClassVar[dict[str, str]] = {
        "open": "flowtui.cli:open_",
        "web": "flowtui.cli.web:web",
        "demo": "flowtui.cli.demo:demo",
        "server": "flowtui.cli.server:server",
        "login": "flowtui.cli.login:login",
        "logout": "flowtui.cli.login:logout",
        "whoami": "flowtui.cli.login:whoami",
        "profiles": "flowtui.cli.profiles:profiles",
        "workspaces": "flowtui.cli.workspaces:workspaces",
        "projects": "flowtui.cli.projects:projects",
        "pools": "flowtui.cli.pools:pools",
        "flows": "flowtui.cli.flows:flows",
        "versions": "flowtui.cli.versions:versions",
        "schedules": "flowtui.cli.schedules:schedules",
        "run": "flowtui.cli.run:run",
        "runs": "flowtui.cli.runs:runs",
        "logs": "flowtui.cli.logs:logs",
        "agent": "flowtui.cli.agent:agent",
        "executor": "flowtui.cli.executor:executor",
        "plan": "flowtui.cli.plan:plan",
        "diff": "flowtui.cli.diff:diff",
        "deploy": "flowtui.cli.deploy:deploy",
        "watch": "flowtui.cli.watch:watch",
        "config": "flowtui.cli.config:config",
        "history": "flowtui.cli.history:history",
        "doctor": "flowtui.cli.doctor:doctor",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._lazy:
            return None
        from importlib import import_module

        module, _, attribute = self._lazy[cmd_name].partition(":")
        return getattr(import_module(module), attribute)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        first = args[0]
        if first not in self._lazy and (Path(first).exists() or "/" in first or first == "."):
            return "open", self.get_command(ctx, "open"), args
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    epilog=_EPILOG,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "-V", "--version", prog_name="flowtui")
@click.option("--read-only", is_flag=True, help="The app changes nothing: no deploys, no deletes.")
@workspace_options
@click.pass_context
def commands(ctx: click.Context, profile: str | None, api_url: str | None, read_only: bool) -> None:
    """The terminal control room for Prefect: from a flow file to a registered version that runs.

    `flowtui [PATH]` opens the app on a project folder.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(open_, path=Path(), profile=profile, api_url=api_url, read_only=read_only)


@click.command("open")
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--read-only", is_flag=True, help="Change nothing: no deploys, no deletes.")
@workspace_options
def open_(path: Path, profile: str | None, api_url: str | None, read_only: bool) -> None:
    """Open the app on a project folder."""
    if not path.is_dir():
        raise UsageError(f"“{path}” is not a folder", fix="give the folder that holds your flows")
    served = "web_driver" in os.environ.get("TEXTUAL_DRIVER", "")
    if not served and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "the app needs a terminal",
            fix="without one, use the commands: flowtui flows, flowtui deploy, … (--help)",
        )
    from flowtui.tui.app import run as run_app

    sys.exit(run_app(path, profile=profile, api_url=api_url, read_only=read_only))


def _refuse_nowhere() -> None:
    try:
        Path.cwd()
    except OSError as error:
        raise UsageError(
            "the folder that this terminal is in does not exist any more",
            where=os.environ.get("PWD", ""),
            fix="go to another one with cd",
        ) from error


def run(arguments: Sequence[str]) -> int:
    """Run one command line; every error becomes one clear message and its exit code."""
    try:
        _refuse_nowhere()
        result = commands.main(list(arguments), prog_name="flowtui", standalone_mode=False)
        return result if isinstance(result, int) else ExitCode.OK
    except FlowtuiError as error:
        Output.for_arguments(arguments).error(error)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("cancelled", err=True)
        return ExitCode.CANCELLED
    except BrokenPipeError:
        # The reader of our output went away (`flowtui history | head`): nothing left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except Exception as error:
        if os.environ.get("FLOWTUI_DEBUG"):
            raise
        Output.for_arguments(arguments).error(our_fault(error))
        return ExitCode.FAILED
