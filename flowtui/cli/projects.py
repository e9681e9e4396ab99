"""`flowtui projects list|create|rename|describe|delete|move`."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict

import click

from flowtui.cli.options import json_option, workspace_options
from flowtui.cli.output import Output
from flowtui.cli.session import connected, named_project, target_project, version_in_use
from flowtui.errors import UsageError
from flowtui.models import Ability, FlowVersion, Project

_NONE_YET = "no projects yet; create one: flowtui projects create NAME"
_NOTHING_DEPLOYED = "nothing is deployed yet; a deploy with --project NAME makes the project"


@click.group()
def projects() -> None:
    """Projects of the control plane: list, create, rename, describe, delete, move flows."""


@projects.command("list")
@workspace_options
@json_option
def list_(profile: str | None, api_url: str | None, as_json: bool) -> None:
    """All projects, by name."""

    async def work() -> tuple[tuple[Project, ...], bool]:
        async with connected(profile, api_url) as workspace:
            found = await workspace.control_plane.projects()
            return found, Ability.CREATE_PROJECTS in workspace.abilities

    found, can_create = asyncio.run(work())
    output = Output(as_json=as_json)
    if as_json:
        output.data([asdict(project) for project in found])
    elif not found:
        output.note(_NONE_YET if can_create else _NOTHING_DEPLOYED)
    else:
        output.table(
            ("NAME", "FLOWS", "DESCRIPTION"),
            ((p.name or "(none)", str(p.flow_count), p.description) for p in found),
        )


@projects.command()
@click.argument("name")
@click.option("--description", default="", help="What it is for.")
@workspace_options
@json_option
def create(
    name: str, description: str, profile: str | None, api_url: str | None, as_json: bool
) -> None:
    """Create a project."""

    async def work() -> Project:
        async with connected(profile, api_url) as workspace:
            return await workspace.control_plane.create_project(name, description)

    _report(asyncio.run(work()), "created", Output(as_json=as_json))


@projects.command()
@click.argument("name")
@click.argument("new_name")
@workspace_options
@json_option
def rename(
    name: str, new_name: str, profile: str | None, api_url: str | None, as_json: bool
) -> None:
    """Give a project another name."""

    async def work() -> Project:
        async with connected(profile, api_url) as workspace:
            project = await named_project(workspace.control_plane, name)
            return await workspace.control_plane.rename_project(project, new_name)

    _report(asyncio.run(work()), "renamed", Output(as_json=as_json))


@projects.command()
@click.argument("name")
@click.argument("description")
@workspace_options
@json_option
def describe(
    name: str, description: str, profile: str | None, api_url: str | None, as_json: bool
) -> None:
    """Say what a project is for; an empty DESCRIPTION takes it away."""

    async def work() -> Project:
        async with connected(profile, api_url) as workspace:
            project = await named_project(workspace.control_plane, name)
            return await workspace.control_plane.describe_project(project, description)

    _report(asyncio.run(work()), "described", Output(as_json=as_json))


@projects.command()
@click.argument("flow")
@click.argument("target", metavar="PROJECT")
@click.option("--from", "source", metavar="NAME", help="The project it is in, if it is in several.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@workspace_options
def move(
    flow: str, target: str, source: str | None, yes: bool, profile: str | None, api_url: str | None
) -> None:
    """Move a flow to another PROJECT.

    Its versions and runs go with it, unless the control plane cannot: then the version in use is
    registered anew there and archived where it was. Asks first in that case.

    With Prefect 2 and 3 FLOW is a deployment, FLOW/DEPLOYMENT, and a project is a tag of it: there
    as soon as something is moved into it. An empty PROJECT takes it out of the one it is in.
    """

    async def work() -> FlowVersion:
        async with connected(profile, api_url) as workspace:
            control_plane = workspace.control_plane
            version = await version_in_use(control_plane, flow, source)
            there = await target_project(workspace, target)
            here = await named_project(control_plane, version.project)
            whole = workspace.abilities & {Ability.MOVE_VERSIONS, Ability.CHANGE_IN_PLACE}
            if not whole and not yes:
                await asyncio.to_thread(_confirm_move, version, target)
            await control_plane.move_flow(version.flow_name, here, there)
            return version

    version = asyncio.run(work())
    left, place = (f"“{name}”" if name else "no project" for name in (version.project, target))
    Output().note(f"moved “{version.flow_name}” from {left} to {place}")


def _confirm_move(version: FlowVersion, target: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(
            "this control plane cannot move earlier versions: moving needs a yes",
            fix="add --yes to leave them and the runs behind",
        )
    click.confirm(
        f"Register {version.words} of “{version.flow_name}” in “{target}” and archive it in "
        f"“{version.project}”? Earlier versions and runs stay behind.",
        abort=True,
        err=True,
    )


@projects.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@workspace_options
@json_option
def delete(name: str, yes: bool, profile: str | None, api_url: str | None, as_json: bool) -> None:
    """Delete a project and all in it. Asks first; one with flows wants its name typed."""

    async def work() -> Project:
        async with connected(profile, api_url) as workspace:
            project = await named_project(workspace.control_plane, name)
            if not yes:
                await asyncio.to_thread(_confirm, project)
            await workspace.control_plane.delete_project(project)
            return project

    _report(asyncio.run(work()), "deleted", Output(as_json=as_json))


def _confirm(project: Project) -> None:
    if not sys.stdin.isatty():
        raise UsageError(
            f"deleting “{project.name}” needs a yes", fix="add --yes when no terminal can be asked"
        )
    if project.flow_count == 0:
        click.confirm(f"Delete the empty project “{project.name}”?", abort=True, err=True)
        return
    typed = click.prompt(
        f"“{project.name}” holds {project.flow_count} flows, which are deleted with it.\n"
        "Type the project's name to delete it",
        err=True,
    )
    if typed != project.name:
        raise UsageError("that is not the project's name; nothing was deleted")


def _report(project: Project, done: str, output: Output) -> None:
    if output.as_json:
        output.data(asdict(project))
    else:
        output.line(f"{done} project “{project.name}”")
