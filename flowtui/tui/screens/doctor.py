"""The doctor: what is there, what is missing and what to do, line by line as it is found."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from flowtui.doctor.checks import Check, Group, State
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope
from flowtui.tui.looks.glyphs import Glyphs
from flowtui.tui.looks.laying import hanging
from flowtui.tui.looks.words import plain, plain_block, shortened
from flowtui.tui.messages import Part
from flowtui.tui.screens.viewer import ShowScreen
from flowtui.tui.session import Diagnosis
from flowtui.tui.widgets.key_bar import KeyBar
from flowtui.tui.widgets.status_line import StatusLine

_NAME = 17
"""Cells of the column of names."""
_STYLES = {
    State.OK: "$success",
    State.WARNING: "$warning",
    State.BAD: "$error",
    State.UNKNOWN: "$muted",
}


def _mark(state: State, glyphs: Glyphs) -> str:
    return {
        State.OK: glyphs.done,
        State.WARNING: "!",
        State.BAD: glyphs.failed,
        State.UNKNOWN: glyphs.unknown,
    }[state]


class DoctorList(Performs, OptionList):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.DOCTOR, Scope.LIST)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.DOCTOR, Scope.LIST)]

    def __init__(self) -> None:
        super().__init__(id="doctor", markup=False)
        self.border_title = "Doctor"
        self._checks: dict[str, Check] = {}
        """By the id of their option."""

    def on_mount(self) -> None:
        app_of(self).session_changed.subscribe(self, self._changed)
        self._fill()

    def on_resize(self) -> None:
        self._fill()

    def _changed(self, part: Part) -> None:
        if part is Part.DOCTOR:
            self._fill()

    def facts(self) -> Facts:
        diagnosis = app_of(self).session.diagnosis
        return replace(
            app_of(self).facts(),
            report_complete=diagnosis is not None and diagnosis.complete,
            report_problems=sum(_unwell(check) for check in self._checks.values()),
        )

    # --------------------------------------------------------------------------------- the lines

    def _fill(self) -> None:
        diagnosis = app_of(self).session.diagnosis
        if diagnosis is None or not self.is_attached:
            return
        self.border_title = f"Doctor: {_headline(diagnosis)}"
        before, offset = self._id_under_cursor, self.scroll_offset.y
        self._checks.clear()
        options: list[Option] = []
        for group in Group:
            lines = self._options_of(diagnosis, group)
            if lines:
                heading = Content.styled(str(group).capitalize(), "bold $primary")
                options += [Option(heading, disabled=True), *lines]
        with app_of(self).batch_update():
            self.set_options(options)
            ids = [option.id for option in options]
            first = next((number for number, id_ in enumerate(ids) if id_ is not None), None)
            self.highlighted = ids.index(before) if before in ids and before else first
            self.scroll_to(y=offset, animate=False, force=True, immediate=True)
        self.refresh_bindings()

    @property
    def _id_under_cursor(self) -> str | None:
        option = self.highlighted_option
        return option.id if option is not None else None

    def _options_of(self, diagnosis: Diagnosis, group: Group) -> list[Option]:
        found = {finding.title: finding for finding in diagnosis.findings if finding.group is group}
        options: list[Option] = []
        for asked in diagnosis.asked:
            if asked.group is not group:
                continue
            finding = found.get(asked.title)
            if finding is None:
                mark = app_of(self).glyphs.waiting
                line = Content.styled(f"  {mark} {asked.title:<{_NAME}}looking", "$muted")
                options.append(Option(line, id=f"{group.name}:{asked.title}"))
                continue
            for check in finding.checks:
                id_ = f"{group.name}:{asked.title}:{check.name}"
                self._checks[id_] = check
                options.append(Option(self._line(check), id=id_))
        return options

    def _line(self, check: Check) -> Content:
        """One line; what is not well is shown whole, with what to do."""
        width = max(self.scrollable_content_region.width - 1, 40)
        name = f"{shortened(plain(check.name), _NAME - 1):<{_NAME}}"
        well = not _unwell(check)
        head = Content.assemble(
            (f"  {_mark(check.state, app_of(self).glyphs)} ", f"bold {_STYLES[check.state]}"),
            (name, "$foreground" if well else "bold $foreground"),
        )
        if well:
            room = width - head.cell_length
            return Content.assemble(head, (shortened(plain(check.value), room), "$muted"))
        parts = [hanging(head, Content.styled(plain_block(check.value), "$foreground"), width)]
        if check.fix:
            indent = Content.assemble(" " * 4, (f"{'next:':>{_NAME - 1}} ", "$muted"))
            parts.append(hanging(indent, Content.styled(plain_block(check.fix), "$accent"), width))
        return Content.assemble(*parts).rstrip()

    # ---------------------------------------------------------------------------------- actions

    def perform_open(self) -> None:
        check = self._checks.get(self._id_under_cursor or "")
        if check is not None:
            app_of(self).push_screen(CheckScreen(check))

    def perform_next_problem(self) -> None:
        ids = [option.id for option in self.options]
        here = self.highlighted if self.highlighted is not None else -1
        numbers = [*range(here + 1, len(ids)), *range(here + 1)]
        for number in numbers:
            check = self._checks.get(ids[number] or "")
            if check is not None and _unwell(check):
                self.highlighted = number
                return

    def perform_again(self) -> None:
        app_of(self).doctoring.examine()

    def perform_load(self) -> None:
        app_of(self).doctoring.examine(load=True)

    def perform_copy(self) -> None:
        app_of(self).doctoring.copy()

    def perform_save(self) -> None:
        app_of(self).doctoring.save()

    def perform_back(self) -> None:
        app_of(self).doctoring.leave()
        app_of(self).pop_screen()

    def perform_down(self) -> None:
        self.action_cursor_down()

    def perform_up(self) -> None:
        self.action_cursor_up()

    def perform_top(self) -> None:
        self.action_first()

    def perform_bottom(self) -> None:
        self.action_last()


def _unwell(check: Check) -> bool:
    return check.state in (State.BAD, State.WARNING)


def _headline(diagnosis: Diagnosis) -> str:
    if not diagnosis.complete:
        return f"looking, {len(diagnosis.findings)} of {len(diagnosis.asked)}"
    return diagnosis.report.summary


class CheckScreen(ShowScreen):
    """All of one line."""

    def __init__(self, check: Check) -> None:
        super().__init__()
        self._check = check

    def heading(self) -> str:
        return plain(self._check.name)

    def content(self) -> Content:
        check, width = self._check, self.text_width
        mark = Content.styled(
            f"{_mark(check.state, app_of(self).glyphs)} ", f"bold {_STYLES[check.state]}"
        )
        parts = [hanging(mark, Content(plain_block(check.value)), width)]
        if check.fix:
            head = Content.styled("  next   ", "$muted")
            parts += [
                Content("\n"),
                hanging(head, Content.styled(plain_block(check.fix), "$accent"), width),
            ]
        return Content.assemble(*parts)


class DoctorScreen(Screen[None]):
    AUTO_FOCUS = "#doctor"

    def compose(self) -> ComposeResult:
        yield StatusLine()
        yield DoctorList()
        yield KeyBar()

    def on_mount(self) -> None:
        app_of(self).doctoring.examine()
