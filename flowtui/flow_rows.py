"""The lines of the flow browser: each flow on disk beside what is registered of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from flowtui.deploy.history import DeployRecord
from flowtui.models import (
    Ability,
    BrokenFile,
    Discovery,
    FlowKind,
    FlowState,
    FlowVersion,
    LocalFlow,
    ability_for,
)
from flowtui.text import clean_block

_Name: TypeAlias = tuple[str, str]
"""A flow's name as control planes answer it, cleaned, and its deployment's, empty for none."""


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One line of the flow browser: a flow on disk, a file that does not parse, or a flow that
    was registered from here and is gone."""

    state: FlowState
    flow: LocalFlow | None = None
    broken: BrokenFile | None = None
    version: FlowVersion | None = None
    """The newest registered version, None if there is none or it is not known yet."""
    project: str | None = None
    note: str = ""
    """Why it is in this state, in a few words."""
    gone_from: str = ""
    """The file that a deleted flow was deployed from."""

    @property
    def name(self) -> str:
        if self.flow is not None:
            return self.flow.display_name
        if self.gone_from and self.version is not None:
            return self.version.flow_name
        if self.broken is None:
            return ""
        return self.broken.subject or self.broken.path

    @property
    def is_deployment(self) -> bool:
        """Whether it is one of Prefect 2 or 3: changed in place, without a graph before a run."""
        if self.flow is not None:
            return self.flow.kind is FlowKind.FLOW_FUNCTION
        return self.version is not None and bool(self.version.deployment)

    @property
    def location(self) -> str:
        """`file:line`; the file alone where the flow is gone."""
        place = self.flow or self.broken
        return f"{place.path}:{place.line}" if place is not None else self.gone_from

    @property
    def key(self) -> str:
        """Stable identity of the row while its file changes."""
        if self.flow is not None:
            return self.flow.target
        if self.gone_from:
            return f"{self.gone_from}:{self.name}:deleted"
        place = f"{self.broken.path}:{self.broken.subject}" if self.broken is not None else ""
        return f"{place}:broken"


@dataclass(frozen=True, slots=True)
class Folder:
    """What the rows need to know of a project folder."""

    root: str
    scope: str
    """Only what is in this folder below the root is shown; `.` for all of it."""
    project_of: Callable[[LocalFlow], str | None]
    fingerprint: Callable[[LocalFlow], str]
    """Of everything that a deploy depends on. Blocking; raises OSError."""


@dataclass(frozen=True, slots=True)
class Registered:
    """What the control plane has, and what the history knows of it."""

    versions: tuple[FlowVersion, ...]
    records: Mapping[str, DeployRecord]
    """The deploy from here that made each version, or changed it last, by the version's id."""
    abilities: frozenset[Ability]


def flow_rows(
    folder: Folder, discovery: Discovery, registered: Registered | None
) -> tuple[FlowRow, ...]:
    """Every flow and broken file with its state, by file. Blocking.

    `registered` is None while no control plane is connected.
    """
    newest = _newest(registered.versions) if registered is not None else {}
    names = Counter(_name(flow) for flow in discovery.flows if flow.name is not None)
    rows = [FlowRow(FlowState.BROKEN, broken=file, note=file.message) for file in discovery.broken]
    for flow in discovery.flows:
        row = _row(folder, flow, registered, newest)
        count = names[_name(flow)] if flow.name is not None else 0
        if count > 1:
            note = f"{count} flows here are named “{flow.display_name}”: rename one"
            row = FlowRow(FlowState.BROKEN, flow, None, row.version, row.project, note)
        rows.append(row)
    if registered is not None:
        rows += _deleted(folder, discovery, registered, newest)
    return tuple(sorted(rows, key=_place))


def _name(flow: LocalFlow) -> _Name:
    # Control planes answer with cleaned names.
    return clean_block(flow.name or ""), clean_block(flow.deployment)


def _row(
    folder: Folder,
    flow: LocalFlow,
    registered: Registered | None,
    newest: Mapping[_Name, tuple[FlowVersion, ...]],
) -> FlowRow:
    project = folder.project_of(flow)
    if flow.function is not None:
        return FlowRow(FlowState.UNKNOWN, flow=flow, project=project, note=_out_of_reach(flow))
    if registered is None:
        return FlowRow(FlowState.UNKNOWN, flow=flow, project=project, note="not connected")
    if ability_for(flow.kind) not in registered.abilities:
        note = other_generation(flow.kind)
        return FlowRow(FlowState.NOT_DEPLOYED, flow=flow, project=project, note=note)
    if flow.name is None:
        note = "its name is known once it is loaded"
        return FlowRow(FlowState.UNKNOWN, flow=flow, project=project, note=note)
    if flow.declared is not None and "name" in flow.declared.dynamic:
        note = "its deployment's name is known once it is loaded"
        return FlowRow(FlowState.UNKNOWN, flow=flow, project=project, note=note)
    known = newest.get(_name(flow), ())
    # A deployment is there once, whichever project it was put into.
    found = [v for v in known if v.deployment or project in (None, v.project)]
    if not found:
        return FlowRow(FlowState.NOT_DEPLOYED, flow=flow, project=project)
    version = found[0]
    state, note = _compared(folder, flow, version, registered.records.get(version.id))
    return FlowRow(state, flow, None, version, version.project, note)


def _out_of_reach(flow: LocalFlow) -> str:
    if (flow.variable or "").startswith(f"{flow.function}."):
        return f"a method that needs an object of {flow.function}: no run has one"
    return f"made inside {flow.function}(): only flows at module level can be deployed"


def other_generation(kind: FlowKind) -> str:
    """Why a flow of this kind cannot be registered on a control plane for the other one."""
    if kind is FlowKind.FLOW_FUNCTION:
        return "a Prefect 2/3 flow: this control plane registers flows of Prefect 0.6 to 1.4"
    return "a Prefect 0.6 to 1.4 flow: this control plane registers deployments of Prefect 2 and 3"


def _compared(
    folder: Folder, flow: LocalFlow, version: FlowVersion, record: DeployRecord | None
) -> tuple[FlowState, str]:
    """How what is on disk compares with a registered version, and why."""
    if record is None or not record.fingerprint:
        return FlowState.ELSEWHERE, f"{version.words} was not deployed from this machine"
    if version.deployment and record.label != version.label:
        before = record.version_words or "what was deployed from here"
        return FlowState.ELSEWHERE, f"{version.words} took the place of {before}"
    try:
        unchanged = record.fingerprint == folder.fingerprint(flow)
    except OSError as error:
        return FlowState.BROKEN, f"its file cannot be read any more: {error.strerror}"
    if unchanged:
        return FlowState.UP_TO_DATE, ""
    return FlowState.CHANGED, f"sources or settings differ from {version.words}"


def _deleted(
    folder: Folder,
    discovery: Discovery,
    registered: Registered,
    newest: Mapping[_Name, tuple[FlowVersion, ...]],
) -> list[FlowRow]:
    """What is registered, was deployed from this folder, and is not in it any more."""
    names = {_name(flow) for flow in discovery.flows if flow.name is not None}
    flows = {name for name, _ in names}
    unnamed = {flow.path for flow in discovery.flows if flow.name is None}
    unread = {file.path for file in discovery.broken if not file.subject}
    found: list[FlowRow] = []
    for name, versions in newest.items():
        for version in versions if name not in names else ():
            record = registered.records.get(version.id)
            if record is None or record.root != folder.root:
                continue
            path = record.target.removesuffix(f"/{version.deployment}").rpartition(":")[0]
            inside = folder.scope == "." or path.startswith(f"{folder.scope}/")
            if not inside or path in unread or path in unnamed:
                continue
            missing = "deployment of it" if version.name in flows else "flow of this name"
            note = f"{version.words} is registered, but no {missing} is here now"
            row = FlowRow(FlowState.DELETED, None, None, version, version.project, note, path)
            found.append(row)
    return found


def _newest(versions: tuple[FlowVersion, ...]) -> dict[_Name, tuple[FlowVersion, ...]]:
    """Per name the newest version of each project, most recently created first."""
    by_place: dict[tuple[_Name, str], FlowVersion] = {}
    for version in versions:
        place = ((version.name, version.deployment), version.project)
        if place not in by_place or by_place[place].version < version.version:
            by_place[place] = version
    found: dict[_Name, list[FlowVersion]] = {}
    for (name, _), version in by_place.items():
        found.setdefault(name, []).append(version)
    return {
        name: tuple(
            sorted(all_, key=lambda v: v.created.timestamp() if v.created else 0.0, reverse=True)
        )
        for name, all_ in found.items()
    }


def _place(row: FlowRow) -> tuple[str, int, str]:
    """Deployments of one flow sit together."""
    place = row.flow or row.broken
    line = place.line if place is not None else 0
    return place.path if place is not None else row.gone_from, line, row.name
