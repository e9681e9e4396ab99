"""How the lines of the tree are written, as far as there is room, and what its foot adds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rich.style import Style
from rich.text import Text

from flowtui.models import FlowVersion, Project, Schedule
from flowtui.quantities import ago
from flowtui.run_models import Agent, WorkPool
from flowtui.tui.looks.glyphs import Glyphs
from flowtui.tui.looks.words import plain, shortened
from flowtui.tui.view_models.registered import (
    DeployedFlow,
    RegisteredFlow,
    schedule_mark,
    when_mark,
)
from flowtui.tui.widgets.project_tree.nodes import Queue

_LEAST = 18
"""Cells of the tree in the narrowest layout; before the first layout it has none."""
_INDENT = 5
"""Cells of guides, triangle and scroll bar before and after what stands in a project or pool."""
_DEEPER = 2
"""Cells more for each level below."""
NO_PROJECT = "no project"
"""What stands for the project whose name is empty."""


@dataclass(frozen=True, slots=True)
class Labels:
    glyphs: Glyphs
    width: int
    """Cells of the tree."""
    now: datetime
    colour: Callable[[str], Style]
    """By the name that the theme has for it."""

    def heading(self, text: str) -> Text:
        return Text(shortened(text, self._width), self.colour("primary") + Style(bold=True))

    def project(self, project: Project) -> Text:
        muted = self.colour("muted")
        name = (plain(project.name), "") if project.name else (NO_PROJECT, Style(italic=True))
        return Text.assemble(name, (f" {project.flow_count}", muted))

    def flow(self, flow: RegisteredFlow) -> Text:
        """Its name, whether it is scheduled, and where there is room the number of its version."""
        version = flow.in_use
        mark = schedule_mark(version.schedule, self.glyphs)
        return self._fitted(1, plain(flow.name), mark, (plain(version.short),))

    def deployed_flow(self, flow: DeployedFlow) -> Text:
        """Its name; the deployments are below."""
        return Text(plain(flow.name))

    def deployment(self, flow: RegisteredFlow) -> Text:
        """Its name, whether it runs by itself, and as far as there is room its pool and version."""
        version = flow.in_use
        mark = when_mark(version, self.glyphs)
        pool = f"{self.glyphs.arrow} {plain(version.work_pool)}" if version.work_pool else ""
        return self._fitted(2, plain(version.deployment), mark, (pool, plain(version.label)))

    def version(self, version: FlowVersion) -> Text:
        mark = self.glyphs.skipped if version.archived else self.glyphs.done
        # Where there are deployments it is a level deeper.
        level = 3 if version.deployment else 2
        short = shortened(plain(version.short), self._room(level) - 2)
        text = Text.assemble((f"{mark} ", self.colour("muted")), short)
        return self._with(level, text, (f" {ago(version.changed, self.now)}",))

    def pool(self, pool: WorkPool) -> Text:
        """How it stands, its name, and as far as there is room its type and who works for it."""
        mark, colour = pool_mark(pool, self.glyphs)
        online = f"{pool.online} online" if pool.online else "no worker"
        name = Text.assemble((f"{mark} ", self.colour(colour)), plain(pool.name))
        return self._with(0, name, (plain(pool.type), online))

    def queue(self, queue: Queue) -> Text:
        """Its name, and where there is room its priority and limit."""
        known, muted = queue.queue, self.colour("muted")
        paused = known.paused or known.status == "PAUSED"
        mark = self.glyphs.paused if paused else self.glyphs.arrow
        name = Text.assemble(
            (f"{mark} ", self.colour("warning") if paused else muted), plain(known.name)
        )
        most = f"max {known.concurrency_limit}" if known.concurrency_limit is not None else ""
        return self._with(1, name, (f"prio {known.priority}", most))

    def worker(self, worker: Agent) -> Text:
        """Its name, and how long ago it was heard of."""
        online = worker.online is True
        mark, colour = (
            (self.glyphs.running, "success") if online else (self.glyphs.absent, "warning")
        )
        name = Text.assemble((f"{mark} ", self.colour(colour)), plain(worker.name))
        return self._with(1, name, (seen(worker, self.now),))

    @property
    def _width(self) -> int:
        return self.width or _LEAST

    def _room(self, level: int) -> int:
        return self._width - _INDENT - _DEEPER * (level - 1)

    def _fitted(self, level: int, name: str, mark: str, more: tuple[str, ...]) -> Text:
        marked = Text.assemble(name, (f" {mark}" if mark else "", self.colour("muted")))
        return self._with(level, marked, more)

    def _with(self, level: int, text: Text, more: tuple[str, ...]) -> Text:
        """With the first of these that fit, muted."""
        room = self._room(level)
        for each in filter(None, more):
            if text.cell_len + 1 + Text(each).cell_len > room:
                break
            text.append(f" {each}", self.colour("muted"))
        return text


def pool_mark(pool: WorkPool, glyphs: Glyphs) -> tuple[str, str]:
    """A glyph for how it stands, and the colour's name."""
    if pool.paused or pool.status == "PAUSED":
        return glyphs.paused, "warning"
    ready = pool.status == "READY" or (not pool.status and pool.online)
    return (glyphs.running, "success") if ready else (glyphs.absent, "warning")


def pool_words(pool: WorkPool) -> str:
    """`ready, 2 online`, `no worker`, `paused`: short enough for the narrowest tree."""
    if pool.paused or pool.status == "PAUSED":
        return "paused"
    if not pool.online:
        return "no worker"
    known = {"READY": "ready, ", "NOT_READY": "not ready, "}.get(pool.status, "")
    return f"{known}{pool.online} online"


def seen(worker: Agent, now: datetime) -> str:
    """`4s ago`, `2h ago`, `never`."""
    if worker.last_seen is None:
        return "never"
    seconds = max(int((now - worker.last_seen).total_seconds()), 0)
    return f"{seconds}s ago" if seconds < 60 else ago(worker.last_seen, now)


def foot(data: object, in_use: FlowVersion | None, glyphs: Glyphs, now: datetime) -> str:
    """What there is to say of a thing, short enough for the narrowest tree where it can be;
    `in_use` is the version in use of the flow that it is in."""
    match data:
        case Project(description=description):
            return description
        case RegisteredFlow(in_use=version):
            return _flow_words(version, glyphs)
        case FlowVersion(archived=archived, id=id_):
            used = in_use is not None and in_use.id == id_
            earlier = "earlier" if data.deployment else "archived"
            return earlier if archived else "in use" if used else "not archived"
        case WorkPool():
            return pool_words(data)
        case Queue(queue=queue):
            polled = ago(queue.last_polled, now)
            return "paused" if queue.paused else f"polled {polled}" if polled else "never polled"
        case Agent(online=online):
            return "online" if online else f"silent, {seen(data, now)}"
        case _:
            return ""


def _flow_words(version: FlowVersion, glyphs: Glyphs) -> str:
    if version.paused:
        return f"{glyphs.paused} paused"
    mark = schedule_mark(version.schedule, glyphs)
    return {
        Schedule.ACTIVE: f"{mark} scheduled",
        Schedule.PAUSED: f"{mark} schedule off",
    }.get(version.schedule, "")
