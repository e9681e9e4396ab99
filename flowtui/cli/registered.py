"""From a word of the command line to the registered version, or the run, that is meant."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from flowtui.api.base import ControlPlane
from flowtui.cli import parameters
from flowtui.cli.session import version_in_use
from flowtui.cli.targets import find_targets
from flowtui.errors import UsageError
from flowtui.models import Ability, Discovery, FlowVersion, Json
from flowtui.run_models import FlowRun
from flowtui.text import clean_block
from flowtui.workspace import Workspace

_ID = re.compile(r"[0-9a-fA-F-]{8,36}")
_CANDIDATES = 10
"""Runs that are listed where a word means several."""


async def wanted_version(workspace: Workspace, word: str, project: str | None) -> FlowVersion:
    """The version that a flow's name, a target on disk or a version's id stands for.

    Raises UsageError where it is none, or not the only one.
    """
    plane = workspace.control_plane
    if await plane.flow_versions(project=project, name=word):
        return await version_in_use(plane, word, project)
    if _ID.fullmatch(word):
        versions = await plane.flow_versions(archived=True)
        found = [version for version in versions if version.id.startswith(word.lower())]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(
                f"{len(found)} versions have an id that begins with “{word}”",
                fix="give more of it: flowtui versions list --archived shows them",
            )
    discovery = await asyncio.to_thread(workspace.discover)
    here = any(flow.name == word for flow in discovery.flows)
    if here or await asyncio.to_thread(_is_on_disk, word):
        return await _of_target(workspace, word, discovery, project)
    return await version_in_use(plane, word, project)


def _is_on_disk(word: str) -> bool:
    path = word.rpartition(":")[0]
    return Path(word).exists() or bool(path and Path(path).exists())


async def _of_target(
    workspace: Workspace, word: str, discovery: Discovery, project: str | None
) -> FlowVersion:
    found = find_targets((word,), discovery).flows
    if len(found) != 1:
        names = ", ".join(f"“{flow.display_name}”" for flow in found)
        raise UsageError(
            f"there are {len(found)} flows in “{word}”" + (f": {names}" if names else ""),
            fix="name one: PATH:NAME",
        )
    if found[0].name is None:
        raise UsageError(
            f"the name of the flow in “{word}” is known only once it is loaded",
            fix="give the name it is registered under: flowtui versions list",
        )
    name = clean_block(found[0].name)
    in_use = await workspace.control_plane.flow_versions(project=project, name=name)
    if not in_use:
        raise UsageError(
            f"“{name}” is not deployed" + (f" in “{project}”" if project else ""),
            where=workspace.profile.api_url,
            fix=f"deploy it first: flowtui deploy {shlex.quote(word)}",
        )
    own = workspace.project_of(found[0])
    if project is None and any(version.project == own for version in in_use):
        project = own
    return await version_in_use(workspace.control_plane, name, project)


async def check_can_run(
    workspace: Workspace, version: FlowVersion, values: Mapping[str, Json]
) -> Mapping[str, Json]:
    """The parameters to send. Raises UsageError for what the control plane would refuse, before
    anything is sent."""
    if version.archived:
        raise UsageError(
            f"{version.words} of “{version.flow_name}” is archived: it cannot be run any more",
            fix="run the version in use by the flow's name, or deploy the flow again",
        )
    if Ability.TELL_PARAMETERS in workspace.abilities:
        declared = await workspace.control_plane.flow_parameters(version.id)
        values = parameters.nested(values, declared)
        parameters.check(values, declared, version.name)
        parameters.check_types(values, declared, version.name)
    return values


async def wanted_run(control_plane: ControlPlane, word: str) -> FlowRun:
    """The run with this id, this unique beginning of an id (8 characters) or this name.

    Raises UsageError with the candidates where it is not the only one.
    """
    found = await control_plane.find_runs(word, limit=_CANDIDATES + 1)
    if len(found) == 1:
        return found[0]
    if found:
        candidates = "\n".join(_candidate(run) for run in found[:_CANDIDATES])
        more = "\n  …" if len(found) > _CANDIDATES else ""
        raise UsageError(
            f"“{word}” stands for several runs",
            where=control_plane.api_url,
            fix=f"give the id of one of them:\n{candidates}{more}",
        )
    raise UsageError(
        f"there is no run “{word}”",
        where=control_plane.api_url,
        fix="a run is named by its id, the first 8 or more characters of it, or its name: "
        "flowtui runs shows them",
    )


def _candidate(run: FlowRun) -> str:
    planned = run.scheduled.astimezone().strftime("%Y-%m-%d %H:%M:%S") if run.scheduled else ""
    return f"  {run.id}  {run.state}  {run.flow}  {run.name}  {planned}".rstrip()
