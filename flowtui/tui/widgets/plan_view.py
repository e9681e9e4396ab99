"""What a deploy would do and why, before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content

from flowtui.deploy.plan import Lane, Plan, Setting
from flowtui.models import Ability
from flowtui.quantities import counted, size
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.looks.laying import problem_content
from flowtui.tui.looks.words import plain, plain_block, shortened, shortened_left
from flowtui.tui.view_models.deploys import DeployRecord, Phase
from flowtui.tui.widgets.painted import Painted
from flowtui.tui.widgets.plan_overview import LANES, overview_content

TABS = ("Plan", "Settings", "Dockerfile", "Files")


class PlanView(Performs, Vertical):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.PLAN, Scope.LIST)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.PLAN, Scope.LIST)]

    def __init__(self) -> None:
        super().__init__(id="plan")
        self._record: DeployRecord | None = None
        self._tab = 0

    def compose(self) -> ComposeResult:
        yield Painted(id="plan-head")
        yield Painted(id="plan-notice")
        yield Painted(id="plan-tabs")
        with VerticalScroll(id="plan-body", can_focus=True):
            yield Painted(id="plan-text")

    def facts(self) -> Facts:
        record = self._record
        return replace(
            app_of(self).facts(),
            phase=record.phase if record is not None else None,
            plan=record.plan if record is not None else None,
            flow=record.flow if record is not None else None,
        )

    def on_resize(self) -> None:
        self._paint()

    def show(self, record: DeployRecord) -> None:
        self._record = record
        self._paint()
        self.refresh_bindings()

    def _paint(self) -> None:
        record = self._record
        if record is None:
            return
        self.query_one("#plan-head", Painted).paint(self._head(record))
        notice = self.query_one("#plan-notice", Painted)
        creates = self._creates_project(record)
        notice.set_class(not creates and not record.notice, "-hidden")
        if record.notice and not creates:
            notice.paint(Content(f"{app_of(self).glyphs.changed} {plain(record.notice)}"))
        if creates and record.plan is not None:
            notice.paint(
                Content.assemble(
                    f"{app_of(self).glyphs.changed} There is no project “",
                    (plain(record.plan.project), "bold"),
                    f"” yet. {app_of(self).keymap.key('plan.deploy')} creates it and deploys.",
                )
            )
        self.query_one("#plan-tabs", Painted).paint(self._tabs())
        self.query_one("#plan-text", Painted).paint(self._body(record))

    def _creates_project(self, record: DeployRecord) -> bool:
        """Only a control plane that was asked and has no such project gets one."""
        plan = record.plan
        return (
            record.phase is Phase.PLANNED
            and plan is not None
            and plan.project_exists is False
            and plan.lane is not Lane.NOTHING
        )

    def _head(self, record: DeployRecord) -> Content:
        where = f"{record.flow.path}:{record.flow.line}"
        name = record.flow.display_name
        if record.plan is not None and record.flow.declared is None:
            name = record.plan.loaded.name
        key = app_of(self).keymap.key("plan.deploy")
        words = {
            Phase.PLANNING: ("loading the flow and making the plan", "$warning"),
            Phase.PLAN_FAILED: ("no plan could be made", "$error"),
        }.get(record.phase, (f"nothing is done until you press {key}", "$muted"))
        return Content.assemble(
            ("Deploy ", "$muted"),
            (plain(name), "bold"),
            (f"  {plain(where)}  ", "$muted"),
            words,
        )

    def _tabs(self) -> Content:
        parts: list[tuple[str, str]] = []
        for number, title in enumerate(TABS, start=1):
            chosen = number - 1 == self._tab
            parts.append((f" {number} {title} ", "bold on $selected" if chosen else "$muted"))
        return Content.assemble(*parts)

    @property
    def _has_pools(self) -> bool:
        return Ability.TELL_WORK_POOLS in app_of(self).session.abilities

    def _body(self, record: DeployRecord) -> Content:
        plan = record.plan
        width = max(self.query_one("#plan-body").size.width - 1, 30)
        if record.phase is Phase.PLAN_FAILED:
            glyph = app_of(self).glyphs.failed
            problems = [problem_content(p, glyph, width) for p in record.problems]
            keymap = app_of(self).keymap
            again, back = keymap.key("plan.replan"), keymap.key("plan.back")
            pool = f"    {keymap.key('plan.work_pool')}  work pool" if self._has_pools else ""
            keys = f"\n{again}  plan again{pool}    {back}  back"
            return Content.assemble(*problems, (keys, "$muted"))
        if plan is None or record.phase is Phase.PLANNING:
            back = app_of(self).keymap.key("plan.back")
            words = f"Its own Python loads the flow, outside of this app. {back} leaves."
            return Content.styled(words, "$muted")
        match self._tab:
            case 1:
                return settings_content(plan.settings, width)
            case 2:
                return dockerfile_content(plan)
            case 3:
                return files_content(plan, width)
            case _:
                app = app_of(self)
                return overview_content(plan, width, app.glyphs, app.keymap)

    # ---------------------------------------------------------------------------------- actions

    def _go_to(self, tab: int) -> None:
        self._tab = tab
        self.query_one("#plan-body").scroll_home(animate=False)
        self._paint()

    def perform_overview(self) -> None:
        self._go_to(0)

    def perform_settings(self) -> None:
        self._go_to(1)

    def perform_dockerfile(self) -> None:
        self._go_to(2)

    def perform_files(self) -> None:
        self._go_to(3)

    def perform_deploy(self) -> None:
        if self._record is not None:
            app_of(self).deploying.start(self._record)

    def perform_force(self) -> None:
        if self._record is not None:
            self._record.force = True
            app_of(self).deploying.plan_again(self._record)

    def perform_difference(self) -> None:
        from flowtui.tui.screens.difference import DifferenceScreen

        plan = self._record.plan if self._record is not None else None
        if plan is not None and plan.changes is not None:
            title = f"What a deploy of {plan.flow.display_name} would change"
            app_of(self).push_screen(DifferenceScreen(title, plan.changes))

    def perform_replan(self) -> None:
        if self._record is not None:
            app_of(self).deploying.plan_again(self._record)

    def perform_executor(self) -> None:
        from flowtui.tui.choosing_executor import choose_executor

        if self._record is not None:
            choose_executor(app_of(self), self._record)

    def perform_work_pool(self) -> None:
        from flowtui.tui.choosing_work_pool import choose_work_pool

        if self._record is not None:
            choose_work_pool(app_of(self), self._record)

    def perform_back(self) -> None:
        app = app_of(self)
        if self._record is not None:
            app.deploying.leave_plan(self._record)
        app.pop_screen()

    def perform_down(self) -> None:
        self.query_one("#plan-body").scroll_down(animate=False)

    def perform_up(self) -> None:
        self.query_one("#plan-body").scroll_up(animate=False)

    def perform_top(self) -> None:
        self.query_one("#plan-body").scroll_home(animate=False)

    def perform_bottom(self) -> None:
        self.query_one("#plan-body").scroll_end(animate=False)


def settings_content(settings: tuple[Setting, ...], width: int) -> Content:
    """Name, value and origin in columns; values of several parts one below the other."""
    if not settings:
        return Content.styled("All settings are at their defaults.", "$muted")
    name_width = min(max(len(setting.name) for setting in settings) + 2, 24)
    origin_width = min(max(len(str(setting.origin)) for setting in settings), 26)
    value_width = max(width - name_width - origin_width - 2, 12)
    lines: list[Content] = []
    for setting in settings:
        name, origin = shortened(plain(setting.name), name_width - 1), str(setting.origin)
        for value in _values(setting.value):
            shown = shortened(plain(value), value_width)
            lines.append(
                Content.assemble(
                    (f"{name:<{name_width}}", "$muted"),
                    f"{shown:<{value_width}}  ",
                    (shortened(origin, origin_width), "$secondary"),
                    "\n",
                )
            )
            name = origin = ""
        if setting.detail:
            detail = shortened(plain(setting.detail), width - name_width)
            lines.append(Content.assemble(" " * name_width, (detail, "$faint"), "\n"))
    return Content.assemble(*lines)


def _values(value: object) -> list[str]:
    if value is None or value in ((), [], {}, ""):
        return ["not set"]
    if isinstance(value, Mapping):
        return [f"{key} = {item}" for key, item in value.items()]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, (list, tuple)):
        return [str(item) for item in value]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return [str(value)]


def dockerfile_content(plan: Plan) -> Content:
    if plan.dockerfile is None:
        return Content.styled(f"No image is built: {LANES[plan.lane]}.", "$muted")
    lines: list[Content | str] = []
    for line in plain_block(plan.dockerfile).splitlines():
        word, blank, rest = line.partition(" ")
        if line.lstrip().startswith("#"):
            lines.append(Content.styled(line, "$muted"))
        elif word.isupper() and word.isalpha():
            lines.append(Content.assemble((word, "bold $primary"), blank, rest))
        else:
            lines.append(line)
        lines.append("\n")
    return Content.assemble(*lines)


def files_content(plan: Plan, width: int) -> Content:
    context = plan.context
    if context is None:
        return Content.styled(f"Nothing is sent to an engine: {LANES[plan.lane]}.", "$muted")
    lines: list[Content] = [
        Content.assemble(
            (f"{counted(context.count, 'file')}, {size(context.size)}", "bold"),
            (" go to the engine\n\n", "$muted"),
        )
    ]
    for path, length in context.files:
        shown = shortened_left(plain(path), max(width - 12, 10))
        lines.append(Content.assemble((f"{size(length):>10}  ", "$muted"), shown, "\n"))
    if context.never_sent:
        lines.append(Content.assemble(("\nNever sent\n", "bold"), ""))
        lines += [Content.styled(f"{'':>12}{plain(p)}\n", "$muted") for p in context.never_sent]
    return Content.assemble(*lines)
