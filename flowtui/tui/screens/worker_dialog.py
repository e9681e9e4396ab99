"""A worker that is to be started: its work pool, name and limit, and what it will run in."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from flowtui.agents.kinds import AgentKind
from flowtui.agents.spec import AgentSpec
from flowtui.agents.work_pools import STARTABLE
from flowtui.quantities import counted
from flowtui.run_models import WorkPool
from flowtui.tui.acting import app_of
from flowtui.tui.looks.words import padded, plain, shortened
from flowtui.tui.screens.dialogs import Dialog, DialogList, dialog_text, keys_line
from flowtui.tui.widgets.agent_outlook import AgentOutlook

_NAME, _TYPE = 28, 12
"""Cells of the columns of pools."""
_WHAT = {
    AgentKind.PROCESS: "Runs each flow as a process of this folder's own Python.",
    AgentKind.DOCKER: "Runs each flow in a container of its image, by this machine's Docker.",
}


@dataclass(frozen=True, slots=True)
class PoolChoice:
    """A line of the list: a pool that is there, or one that is to be made."""

    name: str
    kind: AgentKind
    stands: str
    """How it stands, in a few words."""
    new: bool = False


def pool_choices(pools: tuple[WorkPool, ...]) -> tuple[PoolChoice, ...]:
    """The pools whose workers flowtui runs, and a new one of each kind."""
    there = [
        PoolChoice(pool.name, AgentKind(pool.type), _stands(pool))
        for pool in pools
        if pool.type in STARTABLE
    ]
    taken = {pool.name for pool in pools}
    new = [PoolChoice(_free(kind, taken), kind, "a new pool", new=True) for kind in STARTABLE]
    return (*there, *new)


def _stands(pool: WorkPool) -> str:
    workers = f"{counted(pool.online, 'worker')} online" if pool.online else "no worker online"
    return f"paused, {workers}" if pool.paused else workers


def _free(kind: AgentKind, taken: set[str]) -> str:
    names = [kind.value, *(f"{kind}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


class WorkerDialog(Dialog[AgentSpec]):
    """Answers the worker that is wanted."""

    def __init__(self, pools: tuple[WorkPool, ...], suggested: str, why: str) -> None:
        """`suggested` is the pool that is most likely wanted; `why` says why, in words."""
        super().__init__()
        self._choices = pool_choices(pools)
        self._suggested, self._why = suggested, why
        self._suggested_name = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as box:
            box.border_title = "Start a worker"
            yield dialog_text(self._why, classes="dialog-label")
            yield DialogList(*(_option(choice) for choice in self._choices))
            yield AgentOutlook(
                looking_at="this folder's Prefect",
                description="looking at what a worker would run in",
            )
            yield dialog_text("Name", classes="dialog-label")
            yield Input(id="agent-name")
            yield dialog_text("Runs at once", classes="dialog-label")
            yield Input(id="worker-limit", placeholder="no limit", type="integer")
            yield dialog_text("", classes="dialog-error")
            yield keys_line(("Enter", "next, start"), ("Tab", "next field"), ("Esc", "cancel"))

    def on_mount(self) -> None:
        names = [choice.name for choice in self._choices]
        at = names.index(self._suggested) if self._suggested in names else 0
        self._list.highlighted = at
        self.set_focus(self._list)

    @property
    def _list(self) -> DialogList:
        return self.query_one(DialogList)

    @property
    def _choice(self) -> PoolChoice:
        return self._choices[self._list.highlighted or 0]

    @property
    def _spec(self) -> AgentSpec:
        choice, limit = self._choice, self.query_one("#worker-limit", Input).value.strip()
        return AgentSpec(
            choice.kind,
            name=self.query_one("#agent-name", Input).value.strip(),
            work_pool=choice.name,
            create_pool=choice.new,
            limit=int(limit) if limit.isdigit() else None,
        )

    # ------------------------------------------------------------------------- what it would be

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        app, choice = app_of(self), self._choice
        name = self.query_one("#agent-name", Input)
        if name.value == self._suggested_name:
            self._suggested_name = name.value = app.agents.wanted_name(choice.kind)
        self.query_one(AgentOutlook).look(
            choice.name, self._spec, purpose=_WHAT[choice.kind], reaches="works for"
        )

    # ----------------------------------------------------------------------------------- starting

    @on(OptionList.OptionSelected)
    def _pool_chosen(self) -> None:
        self.set_focus(self.query_one("#agent-name"))

    @on(Input.Submitted, "#agent-name")
    def _name_submitted(self) -> None:
        self.set_focus(self.query_one("#worker-limit"))

    @on(Input.Submitted, "#worker-limit")
    def _submitted(self) -> None:
        spec, limit = self._spec, self.query_one("#worker-limit", Input)
        if limit.value.strip() and not spec.limit:
            self.refuse("Runs at once is a number from 1 on, or empty for no limit.")
            self.set_focus(limit)
            return
        if any(own.name == spec.name for own in app_of(self).session.agents.alive):
            self.refuse(f"A worker “{spec.name}” runs here already; choose another name.")
            self.set_focus(self.query_one("#agent-name"))
            return
        self.dismiss(spec)


def _option(choice: PoolChoice) -> Option:
    name = padded(shortened(plain(choice.name), _NAME - 1), _NAME)
    kind = f"{choice.kind.value:<{_TYPE}}"
    return Option(Content.assemble((name, "bold"), kind, (choice.stands, "$muted")), id=choice.name)
