"""Agents: those started here, those of others, and the runs that wait, by why they do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from flowtui.models import Ability
from flowtui.quantities import counted, exact, when
from flowtui.run_models import Agent
from flowtui.tui import asking_agents, clock
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.looks.agent_lines import (
    agent_line,
    agents_head,
    own_line,
    seen,
    type_of,
    waiting_line,
)
from flowtui.tui.looks.laying import field, hanging, problem_content
from flowtui.tui.looks.words import plain
from flowtui.tui.messages import Part
from flowtui.tui.screens.viewer import ShowScreen
from flowtui.tui.view_models.agents import (
    OwnAgent,
    WaitingGroup,
    long_silent,
    waiting_groups,
)
from flowtui.tui.widgets.key_bar import KeyBar
from flowtui.tui.widgets.status_line import StatusLine

_CLOCK = 1.0
"""Seconds between two looks at what ages."""
_SILENT = "silent"
"""The id of the line for all that have been silent for long."""


class AgentList(Performs, OptionList):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.AGENTS, Scope.LIST)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.AGENTS, Scope.LIST)]

    def __init__(self) -> None:
        super().__init__(id="agents", markup=False)
        self.border_title = "Agents"
        self._groups: dict[str, WaitingGroup] = {}
        self._others: dict[str, Agent] = {}
        self._shown: tuple[tuple[str | None, Content], ...] = ()

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)
        self.set_interval(_CLOCK, self._fill)
        self._fill()

    def on_resize(self) -> None:
        self._fill()

    def _changed(self, part: Part) -> None:
        if part in (Part.AGENTS, Part.CONNECTION):
            self._fill()
            self.refresh_bindings()

    def on_option_list_option_highlighted(self) -> None:
        self.refresh_bindings()

    def facts(self) -> Facts:
        own = self.own
        return replace(
            app_of(self).facts(),
            agent_line=self._id_under_cursor is not None,
            own_agent=own.stand if own is not None else None,
        )

    @property
    def _id_under_cursor(self) -> str | None:
        option = self.highlighted_option
        return option.id if option is not None else None

    @property
    def own(self) -> OwnAgent | None:
        """The agent of ours under the cursor."""
        return app_of(self).session.agents.own.get(self._id_under_cursor or "")

    @property
    def group(self) -> WaitingGroup | None:
        """The waiting runs under the cursor."""
        return self._groups.get(self._id_under_cursor or "")

    # --------------------------------------------------------------------------------- the lines

    def _fill(self) -> None:
        """Show what there is now; only lines that differ are drawn again."""
        if not self.is_attached:
            return
        width = max(self.scrollable_content_region.width - 1, 40)
        lines = tuple(self._entries(width))
        before, self._shown = self._shown, lines
        ids = [id_ for id_, _ in lines]
        if [id_ for id_, _ in before] == ids:
            for number, (old, new) in enumerate(zip(before, lines, strict=True)):
                if not old[1].is_same(new[1]):
                    self.replace_option_prompt_at_index(number, new[1])
            return
        under, offset = self._id_under_cursor, self.scroll_offset.y
        known = {id_ for id_, _ in before}
        own = app_of(self).session.agents.own
        if before:
            # The cursor goes to an agent that was just started.
            under = next((id_ for id_ in ids if id_ in own and id_ not in known), under)
        with app_of(self).batch_update():
            self.set_options(
                [Option(content, id=id_, disabled=id_ is None) for id_, content in lines]
            )
            first = next((number for number, id_ in enumerate(ids) if id_ is not None), None)
            self.highlighted = ids.index(under) if under in ids and under else first
            self.scroll_to(y=offset, animate=False, force=True, immediate=True)
        self.refresh_bindings()

    def _entries(self, width: int) -> list[tuple[str | None, Content]]:
        app = app_of(self)
        book, now = app.session.agents, clock.now()
        others = sorted(book.others(), key=lambda agent: long_silent(agent, now))
        queue = book.queue
        groups = waiting_groups(queue, now) if queue is not None else ()
        self._groups = {f"group {group.key}": group for group in groups}
        self._others = {f"agent {agent.id}": agent for agent in others}
        waiting = sum(len(group.runs) for group in groups)
        awake = len(book.alive) + sum(not long_silent(agent, now) for agent in others)
        title = f"{self._word.capitalize()}s"
        self.border_title = f"{title} ({awake})" if awake else title
        lines = self._own_lines(width)
        lines += self._other_lines(others, width)
        notice = self._notice(waiting, anything=bool(lines), width=width)
        if notice is not None:
            lines.append((None, notice))
        if groups:
            more = queue is not None and queue.more
            head = f"Runs that wait ({waiting}{'+' if more else ''})"
            lines.append((None, _heading(head, first=not lines)))
            lines += [
                (id_, waiting_line(group, more=more and len(groups) == 1, width=width))
                for id_, group in self._groups.items()
            ]
        return lines

    @property
    def _workers(self) -> bool:
        """Whether what this control plane has are workers, of work pools."""
        return Ability.TELL_WORK_POOLS in app_of(self).session.abilities

    @property
    def _word(self) -> str:
        return "worker" if self._workers else "agent"

    def _own_lines(self, width: int) -> list[tuple[str | None, Content]]:
        app = app_of(self)
        book, now = app.session.agents, clock.now()
        lines: list[tuple[str | None, Content]] = []
        for own in book.own.values():
            agent = book.registered(own)
            runs = book.queue.runs_of(agent) if book.queue is not None and agent else None
            lines.append((own.key, own_line(own, agent, runs, now, app.glyphs, width)))
        if lines:
            head = Content.assemble(
                _heading("Started here", first=True),
                "\n",
                agents_head(width, workers=self._workers),
            )
            lines.insert(0, (None, head))
        return lines

    def _other_lines(self, others: Sequence[Agent], width: int) -> list[tuple[str | None, Content]]:
        app = app_of(self)
        book, now = app.session.agents, clock.now()
        lines: list[tuple[str | None, Content]] = []
        for agent in others:
            if not long_silent(agent, now):
                runs = book.queue.runs_of(agent) if book.queue is not None else None
                line = agent_line(agent, runs, now, app.glyphs, width)
                lines.append((f"agent {agent.id}", line))
        old = sum(long_silent(agent, now) for agent in others)
        if old:
            have = "has" if old == 1 else "have"
            words = f"{counted(old, self._word)} {have} been silent for more than a day"
            lines.append((_SILENT, Content.styled(f"{app.glyphs.absent} {words}", "$muted")))
        if lines:
            title = (
                "Started elsewhere"
                if book.own
                else f"{self._word.capitalize()}s of the control plane"
            )
            heading = _heading(title, first=not book.own)
            lines.insert(
                0,
                (None, Content.assemble(heading, "\n", agents_head(width, workers=self._workers))),
            )
        return lines

    def _notice(self, waiting: int, *, anything: bool, width: int) -> Content | None:
        """What a person should know where there is nothing, or nothing can be known."""
        app = app_of(self)
        session, key = app.session, app.keymap.key("agents.start")
        gap = "\n" if anything else ""
        problem = session.agents.problem
        if problem is not None:
            return Content.assemble(gap, problem_content(problem, app.glyphs.failed, width))
        if not session.connected:
            words = "Connecting." if session.connecting else "Not connected to a control plane."
        elif Ability.TELL_AGENTS not in session.abilities:
            known = f"This control plane does not tell its {self._word}s."
            words = f"{known} {key} starts one all the same."
        elif session.agents.queue is None:
            words = f"Looking for {self._word}s."
        elif anything:
            return None
        elif waiting:
            verb = "waits" if waiting == 1 else "wait"
            words = f"No {self._word}: {counted(waiting, 'run')} {verb}. {key} starts one."
        else:
            words = (
                f"No {self._word}: runs that are started wait until one picks them up. "
                f"{key} starts one."
            )
        return Content.assemble(gap, hanging(Content(""), Content(words), width)).rstrip()

    # ---------------------------------------------------------------------------------- actions

    def perform_open(self) -> None:
        from flowtui.tui.screens.agent_log import AgentLogScreen

        app, own, group = app_of(self), self.own, self.group
        other = self._others.get(self._id_under_cursor or "")
        if own is not None:
            app.push_screen(AgentLogScreen(own))
        elif group is not None:
            app.push_screen(WaitingScreen(group))
        elif other is not None:
            app.push_screen(AgentScreen((other,)))
        elif self._id_under_cursor == _SILENT:
            now = clock.now()
            silent = tuple(each for each in self._others.values() if long_silent(each, now))
            app.push_screen(AgentScreen(silent))

    def perform_start(self) -> None:
        asking_agents.start_agent(app_of(self), self.group)

    def perform_stop(self) -> None:
        if self.own is not None:
            app_of(self).agents.stop(self.own)

    def perform_again(self) -> None:
        if self.own is not None:
            app_of(self).agents.start_again(self.own)

    def perform_forget(self) -> None:
        if self.own is not None:
            app_of(self).agents.forget(self.own)

    def perform_look(self) -> None:
        app_of(self).agents.look()

    def perform_back(self) -> None:
        app_of(self).pop_screen()

    def perform_down(self) -> None:
        self.action_cursor_down()

    def perform_up(self) -> None:
        self.action_cursor_up()

    def perform_top(self) -> None:
        self.action_first()

    def perform_bottom(self) -> None:
        self.action_last()


def _heading(text: str, *, first: bool) -> Content:
    return Content.assemble("" if first else "\n", (text, "bold $primary"))


class AgentScreen(ShowScreen):
    """All that the control plane tells of agents."""

    def __init__(self, agents: tuple[Agent, ...]) -> None:
        super().__init__()
        self._agents = agents

    def heading(self) -> str:
        if len(self._agents) == 1:
            return f"{_word_of(self._agents[0]).capitalize()} {plain(self._agents[0].name)}"
        return counted(len(self._agents), _word_of(self._agents[0]))

    def content(self) -> Content:
        width, now = self.text_width, clock.now()
        parts: list[Content] = []
        for agent in self._agents:
            labels = ", ".join(plain(label) for label in agent.labels) or "none"
            moment = f"  ({exact(agent.last_seen)})" if agent.last_seen is not None else ""
            parts += [
                field("name", plain(agent.name) or "none", width=width),
                field("type", f"{type_of(agent)} ({plain(agent.type)})", width=width),
                field("work pool", plain(agent.work_pool), width=width)
                if agent.work_pool
                else field("labels", labels, width=width),
                field("Prefect", plain(agent.core_version) or "not told", width=width),
                field("last seen", seen(agent, now), (moment, "$muted"), width=width),
                field("id", plain(agent.id), width=width),
                Content("\n"),
            ]
        return Content.assemble(*parts).rstrip()


class WaitingScreen(ShowScreen):
    """The runs that wait for the same, and for what."""

    def __init__(self, group: WaitingGroup) -> None:
        super().__init__()
        self._group = group

    def heading(self) -> str:
        return f"Why {counted(len(self._group.runs), 'run waits', 'runs wait')}"

    def content(self) -> Content:
        width, now, group = self.text_width, clock.now(), self._group
        parts = [waiting_line(group, full=True, width=width), Content("\n\n")]
        for run in group.runs:
            due = when(run.state_start or run.scheduled, now)
            labels = plain(run.work_pool) or ", ".join(plain(label) for label in run.labels)
            words = f"{plain(run.flow_name)}  {plain(run.state)}, due {due}  {labels}".rstrip()
            parts.append(hanging(Content(f"{plain(run.name)}  "), _muted(words), width))
        return Content.assemble(*parts).rstrip()


def _word_of(agent: Agent) -> str:
    return "worker" if agent.work_pool else "agent"


def _muted(text: str) -> Content:
    return Content.styled(text, "$muted")


class AgentsScreen(Screen[None]):
    AUTO_FOCUS = "#agents"

    def compose(self) -> ComposeResult:
        yield StatusLine()
        yield AgentList()
        yield KeyBar()

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)

    def on_screen_resume(self) -> None:
        app_of(self).agents.look()

    def on_screen_suspend(self) -> None:
        """Something is in front, or it is left."""
        app_of(self).agents.leave()

    def _changed(self, part: Part) -> None:
        if part is Part.CONNECTION and self.is_current:
            app_of(self).agents.look()
