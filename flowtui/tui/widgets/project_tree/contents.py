"""What the tree shows of the session, as items: projects, what is in them, work pools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from rich.text import Text

from flowtui.models import Ability, FlowVersion, Project
from flowtui.run_models import WorkPool
from flowtui.tui.actions import Facts, Keymap, Scope, find
from flowtui.tui.looks.words import plain
from flowtui.tui.session import Session
from flowtui.tui.view_models.registered import (
    DeployedFlow,
    RegisteredFlow,
    flows_of,
    grouped,
)
from flowtui.tui.widgets.filling import Item
from flowtui.tui.widgets.project_tree.labels import Labels
from flowtui.tui.widgets.project_tree.nodes import Heading, Hint, NodeData, Queue

TreeItem = Item[NodeData]


@dataclass(frozen=True, slots=True)
class _Listed:
    """The flows of a project as they were made into items, and what they were made from."""

    project: Project
    versions: tuple[FlowVersion, ...]
    width: int
    items: tuple[TreeItem, ...]


class Contents:
    def __init__(self) -> None:
        self._listed: dict[str, _Listed] = {}
        """By the project's id."""

    def forget(self) -> None:
        """What labels are made of has changed."""
        self._listed.clear()

    def top(
        self, session: Session, facts: Callable[[], Facts], keymap: Keymap, labels: Labels
    ) -> list[TreeItem]:
        """The outermost items: projects below the workspace that they are in, then work pools."""
        hints = _hints(session, facts, keymap)
        projects = [
            _item(project, partial(labels.project, project), opens=True)
            for project in session.projects or ()
        ]
        shown = [_hint(text) for text in hints] if hints else projects
        if Ability.TELL_WORK_POOLS not in session.abilities or session.projects is None:
            return shown
        return [_heading(_workspace(session), labels), *shown, *_pools(session, keymap, labels)]

    def of_project(self, session: Session, project: Project, labels: Labels) -> list[TreeItem]:
        versions = session.versions.get(project.name)
        if versions is None:
            return [_hint("listing")]
        if not versions:
            return [_hint("no flows yet")]
        return list(self._flows(project, versions, labels))

    def _flows(
        self, project: Project, versions: tuple[FlowVersion, ...], labels: Labels
    ) -> tuple[TreeItem, ...]:
        known = (project, versions, labels.width)
        listed = self._listed.get(project.id)
        if listed is None or (listed.project, listed.versions, listed.width) != known:
            flows = grouped(flows_of(project, versions))
            items = tuple(_flow(flow, labels) for flow in flows)
            listed = self._listed[project.id] = _Listed(*known, items)
        return listed.items

    def of_deployed_flow(self, flow: DeployedFlow, labels: Labels) -> list[TreeItem]:
        return [
            _item(each, partial(labels.deployment, each), opens=True) for each in flow.deployments
        ]

    def of_flow(self, session: Session, flow: RegisteredFlow, labels: Labels) -> list[TreeItem]:
        versions = session.all_versions.get(flow.place, flow.versions)
        return [Item(version, partial(labels.version, version), ages=True) for version in versions]

    def of_pool(self, pool: WorkPool, labels: Labels) -> list[TreeItem]:
        queues = (Queue(pool.name, each) for each in pool.queues)
        items = [_item(queue, partial(labels.queue, queue)) for queue in queues]
        items += [_item(each, partial(labels.worker, each), ages=True) for each in pool.workers]
        return items if pool.workers else [*items, _hint("no worker")]


def _flow(flow: RegisteredFlow | DeployedFlow, labels: Labels) -> TreeItem:
    if isinstance(flow, DeployedFlow):
        return _item(flow, partial(labels.deployed_flow, flow), opens=True, open=True)
    return _item(flow, partial(labels.flow, flow), opens=True)


def _workspace(session: Session) -> str:
    """Cloud's account and workspace, or what answers."""
    identity = session.connection.identity
    return plain(identity.tenant or identity.server) if identity is not None else ""


def _pools(session: Session, keymap: Keymap, labels: Labels) -> list[TreeItem]:
    pools = session.work_pools
    items = [_heading("Work pools", labels)]
    if pools is None:
        problem = session.work_pools_problem
        hints = ("Cannot list them", plain(problem.what)) if problem is not None else ("listing",)
        return [*items, *map(_hint, hints)]
    if not pools:
        key = keymap.key("projects.create_pool")
        return [*items, _hint("none yet"), _hint(f"{key}  create the first")]
    return [
        *items,
        *(_item(pool, partial(labels.pool, pool), opens=True) for pool in pools),
    ]


def _hints(session: Session, facts: Callable[[], Facts], keymap: Keymap) -> tuple[str, ...]:
    """What stands in the place of projects, empty where there are some."""
    again = f"{keymap.key('main.refresh')}  try again"
    if session.projects_problem is not None and not session.projects:
        return ("Cannot list projects", plain(session.projects_problem.what), again)
    if session.connecting and session.projects is None:
        return ("connecting",)
    if not session.connected and not session.connecting:
        steps = (f"{keymap.key('main.connection')}  connection", again)
        startable = find(Scope.MAIN, "server").why_not(facts()) is None
        start = f"{keymap.key('main.server')}  start server"
        return ("Not connected", *((start,) if startable else ()), *steps)
    if session.projects is None:
        return ("listing",)
    if session.projects:
        return ()
    if Ability.ANY_PROJECT in session.abilities:
        return ("Nothing deployed yet", f"{keymap.key('flows.deploy')}  on a flow deploys")
    return ("No projects yet", f"{keymap.key('projects.create')}  create the first")


def _item(
    data: NodeData,
    make_label: Callable[[], Text],
    *,
    opens: bool = False,
    open: bool = False,  # noqa: A002  (as `Item` has it)
    ages: bool = False,
) -> TreeItem:
    return Item(data, make_label, opens, open, ages)


def _hint(text: str) -> TreeItem:
    return _item(Hint(text), lambda: Text(text, style="italic"))


def _heading(text: str, labels: Labels) -> TreeItem:
    return _item(Heading(text), partial(labels.heading, text))
