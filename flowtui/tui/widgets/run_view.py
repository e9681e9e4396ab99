"""A deploy at work: stages, progress, live logs, and in the end its result or its problem."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from flowtui.deploy.events import DeployFinished, Outcome, Stage
from flowtui.models import LocalFlow
from flowtui.quantities import ago, counted, duration, size
from flowtui.tui import asking, asking_runs, clock
from flowtui.tui.acting import Performs, app_of, bindings
from flowtui.tui.actions import Facts, Scope, find
from flowtui.tui.looks.laying import problem_content
from flowtui.tui.looks.words import plain, shortened
from flowtui.tui.session import Session
from flowtui.tui.view_models.deploys import STAGES, DeployRecord, Phase, ProgressTotal
from flowtui.tui.widgets.log.pane import LogPane
from flowtui.tui.widgets.painted import Painted
from flowtui.tui.widgets.stage_strip import StageStrip

_TAGS = {
    Stage.SERIALIZE: "serialize",
    Stage.BUILD: "build    ",
    Stage.HEALTH_CHECK: "check    ",
    Stage.PUSH: "push     ",
    Stage.REGISTER: "register ",
}
"""Of the lines where the logs of all stages are one."""
_CLOCK = 1.0
"""Seconds between two looks at the durations."""


class RunView(Performs, Vertical):
    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.RUN,)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.RUN)]

    def __init__(self, record: DeployRecord) -> None:
        super().__init__(id="run")
        self.record = record
        self._chosen: Stage | None = None
        """The stage that the reader chose; None follows the stage that tells most."""
        self._shown: Stage | None = None
        self._all_stages = False

    def compose(self) -> ComposeResult:
        yield Painted(id="run-head")
        yield StageStrip()
        yield Painted(id="run-progress")
        yield Painted(id="run-result")
        yield LogPane(self.record.logs[self.record.telling_stage])

    def on_mount(self) -> None:
        self.set_interval(_CLOCK, self._tick)

    def on_resize(self) -> None:
        """Also when it is shown first: until then there is no width to wrap to."""
        self._look()

    def facts(self) -> Facts:
        record = self.record
        return replace(
            app_of(self).facts(),
            phase=record.phase,
            plan=record.plan,
            flow=record.flow,
            unfinished=record.unfinished,
            rolls_back=record.rolls_back_to is not None,
            outcome=record.result.outcome if record.result is not None else None,
            deployed_version=_deployed(record),
        )

    @property
    def stage(self) -> Stage:
        """The stage whose log is shown: it does not change under the hands of its reader."""
        if self._chosen is not None:
            return self._chosen
        if self._shown is not None and self.query_one(LogPane).engaged:
            return self._shown
        return self.record.telling_stage

    def _tick(self) -> None:
        if self.record.running and self.display:
            self._paint_head()
            self.query_one(StageStrip).repaint()

    def show(self, record: DeployRecord) -> None:
        """Look at the record again; one that was read from the history takes another's place."""
        self.record = record
        self._look()

    def _look(self) -> None:
        self._paint_head()
        self.query_one(StageStrip).show(self.record, None if self._all_stages else self.stage)
        self._paint_progress()
        self._paint_result()
        self._show_log()
        self.refresh_bindings()

    def _paint_head(self) -> None:
        record = self.record
        now = app_of(self).session.deploys.clock()
        decided, plan = record.decided, record.plan
        name = decided.flow if decided is not None else record.flow.display_name
        project = decided.project if decided is not None else plan.project if plan else ""
        arrow = app_of(self).glyphs.arrow
        elapsed = record.elapsed(now)
        took = ""
        if elapsed is not None:
            took = duration(elapsed) if record.result is not None else f"{int(elapsed)}s"
        styles = {Phase.RUNNING: "$accent", Phase.CANCELLING: "$warning"}
        words = str(record.phase)
        style = styles.get(record.phase, "$muted")
        if record.result is not None:
            words, style = str(record.result.outcome), _OUTCOME_STYLES[record.result.outcome]
        content = Content.assemble(
            (plain(name), "bold"),
            (f" {arrow} {plain(project)}" if project else "", "$muted"),
            (f"   {words} {took}", f"bold {style}"),
            (f"   {_began(record)}" if record.earlier is not None else "", "$muted"),
        )
        self.query_one("#run-head", Painted).paint(content)

    def _paint_progress(self) -> None:
        total = self.record.total_progress(self.stage)
        active = self.record.active_stage is self.stage
        line = self.query_one("#run-progress", Painted)
        line.set_class(total is None or not active, "-hidden")
        if total is not None and active:
            self.query_one("#run-progress", Painted).paint(
                self._bar(total, max(self.size.width - 2, 20))
            )

    def _bar(self, total: ProgressTotal, width: int) -> Content:
        glyphs = app_of(self).glyphs
        text = _amount(total)
        status = shortened(plain(total.status), max(width - len(text) - 28, 0))
        if total.fraction is None:
            return Content.assemble((f"{text}  ", "$foreground"), (status, "$muted"))
        full = round(total.fraction * 20)
        return Content.assemble(
            (glyphs.bar_full * full, "$accent"),
            (glyphs.bar_empty * (20 - full), "$faint"),
            (f"  {text}  ", "$foreground"),
            (status, "$muted"),
        )

    def _paint_result(self) -> None:
        box = self.query_one("#run-result", Painted)
        result, problems = self.record.result, self.record.problems
        interrupted = self.record.phase is Phase.INTERRUPTED
        box.set_class(result is None and not problems and not interrupted, "-hidden")
        box.set_class(bool(problems) or interrupted, "-failed")
        glyph = app_of(self).glyphs
        if problems:
            width = max(self.size.width - 5, 20)
            parts = [problem_content(problem, glyph.failed, width) for problem in problems]
            if result is not None:
                text = f"Nothing was registered. {self._next_steps()}"
                parts.append(Content.styled(text, "$muted"))
            self.query_one("#run-result", Painted).paint(Content.assemble(*parts))
        elif interrupted:
            box.paint(
                Content.assemble(
                    ("flowtui ended before this deploy did\n", "bold $warning"),
                    ("The flow's versions tell whether something was registered. ", "$muted"),
                    (self._next_steps(), "$muted"),
                )
            )
        elif result is not None:
            words = _result(result, self.record, glyph.done, glyph.failed)
            self.query_one("#run-result", Painted).paint(Content.assemble(words, self._run_it()))

    def _run_it(self) -> Content:
        """What can be done with a deploy that ended well."""
        if find(Scope.RUN, "run").why_not(self.facts()) is not None:
            return Content("")
        return Content.styled(f"\n  {app_of(self).keymap.key('run.run')}  run it", "$muted")

    def _next_steps(self) -> str:
        """What can be done with a deploy that did not end well."""
        facts, keymap = self.facts(), app_of(self).keymap
        how = "roll back again" if facts.rolls_back else "plan it again"
        again = f"{keymap.key('run.again')}  {how}"
        if find(Scope.RUN, "resume").why_not(facts) is not None:
            return again
        return f"{keymap.key('run.resume')}  go on from {facts.unfinished}    {again}"

    def _show_log(self) -> None:
        record, stage = self.record, self.stage
        self._shown = stage
        name = record.decided.flow if record.decided is not None else record.flow.display_name
        pane = self.query_one(LogPane)
        if self._all_stages:
            logs = (record.logs[each] for each in STAGES)
            pane.show(
                *logs, name="all stages", file=name, live=record.running, tags=tuple(_TAGS.values())
            )
        else:
            pane.show(
                record.logs[stage], name=str(stage), file=f"{name}-{stage}", live=record.running
            )

    @on(StageStrip.StageClicked)
    def _stage_clicked(self, message: StageStrip.StageClicked) -> None:
        self._choose(message.stage)

    # ---------------------------------------------------------------------------------- actions

    def _choose(self, stage: Stage) -> None:
        self._all_stages = False
        self._shown = stage
        self._chosen = None if stage is self.record.active_stage else stage
        self._look()

    def perform_stage_1(self) -> None:
        self._choose(STAGES[0])

    def perform_stage_2(self) -> None:
        self._choose(STAGES[1])

    def perform_stage_3(self) -> None:
        self._choose(STAGES[2])

    def perform_stage_4(self) -> None:
        self._choose(STAGES[3])

    def perform_stage_5(self) -> None:
        self._choose(STAGES[4])

    def perform_all_stages(self) -> None:
        self._all_stages = True
        self._look()

    def perform_expand(self) -> None:
        """The log on the whole screen, and back."""
        self._expand(not self._expanded)

    @property
    def _expanded(self) -> bool:
        return self.screen.has_class("-log-only")

    def _expand(self, expanded: bool) -> None:
        self.screen.set_class(expanded, "-log-only")
        self.query_one(LogPane).view.number_lines(expanded)

    def perform_previous_stage(self) -> None:
        self._choose(STAGES[max(STAGES.index(self.stage) - 1, 0)])

    def perform_next_stage(self) -> None:
        self._choose(STAGES[min(STAGES.index(self.stage) + 1, len(STAGES) - 1)])

    def perform_cancel(self) -> None:
        app_of(self).deploying.cancel(self.record)

    def perform_resume(self) -> None:
        from flowtui.tui.screens.deploy import DeployScreen

        app, earlier = app_of(self), self.record.earlier
        flow = self.record.flow if earlier is None else _flow_here(app.session, earlier.target)
        if flow is None:
            app.say("This flow is gone from the folder.", severity="warning")
            return
        again = app.deploying.resume(flow, self.record.id)
        app.pop_screen()
        app.push_screen(DeployScreen(again.key))

    def perform_run(self) -> None:
        asking_runs.new_run(app_of(self), _run_target(self.record))

    def perform_again(self) -> None:
        from flowtui.tui.screens.deploy import DeployScreen

        app, earlier = app_of(self), self.record.earlier
        if self.record.rolls_back_to is not None:
            asking.roll_back(app, self.record.rolls_back_to)
            return
        flow = self.record.flow if earlier is None else _flow_here(app.session, earlier.target)
        if flow is None:
            app.say("This flow is gone from the folder.", severity="warning")
            return
        if not app.session.connected:
            app.say("run again: not connected to a control plane", severity="warning")
            return
        again = app.deploying.plan(flow)
        app.pop_screen()
        app.push_screen(DeployScreen(again.key))

    def perform_back(self) -> None:
        """Undo what was put on the log, one after the other; then leave."""
        if self.query_one(LogPane).leave_one():
            return
        if self._expanded:
            self._expand(False)
            return
        app_of(self).pop_screen()


def _deployed(record: DeployRecord) -> str:
    """Id of the version that can be run now; empty where this deploy left none."""
    result = record.result
    if result is None or _run_target(record) is None:
        return ""
    good = result.outcome in (Outcome.DONE, Outcome.UNCHANGED)
    return (result.version_id or "known") if good else ""


def _run_target(record: DeployRecord) -> asking_runs.RunTarget | None:
    """The flow that was registered, also by a roll back."""
    if record.decided is not None:
        return asking_runs.RunTarget(record.decided.project, record.decided.flow)
    return asking_runs.target_of(record.rolls_back_to)


def _began(record: DeployRecord) -> str:
    if record.started is None:
        return ""
    return ago(datetime.fromtimestamp(record.started, UTC), clock.now())


def _flow_here(session: Session, target: str) -> LocalFlow | None:
    """The flow of this target as it is on disk now."""
    flows = (row.flow for row in session.rows or ())
    return next((flow for flow in flows if flow is not None and flow.target == target), None)


_OUTCOME_STYLES = {
    Outcome.DONE: "$success",
    Outcome.SKIPPED: "$muted",
    Outcome.UNCHANGED: "$success",
    Outcome.FAILED: "$error",
    Outcome.CANCELLED: "$warning",
}


def _amount(total: ProgressTotal) -> str:
    if total.unit == "bytes":
        of = f" of {size(total.total)}" if total.total is not None else ""
        waiting = f", {counted(total.waiting, 'layer')} waiting" if total.waiting else ""
        return f"{size(total.current)}{of}{waiting}"
    of = f" of {total.total}" if total.total is not None else ""
    return f"{total.current}{of} {plain(total.unit)}"


def _result(result: DeployFinished, record: DeployRecord, done: str, failed: str) -> Content:
    flow = plain(result.flow)
    match result.outcome:
        case Outcome.DONE:
            project = record.decided.project if record.decided is not None else ""
            place = f" in {plain(project)}" if project else ""
            number = plain(result.version_words) or "a new version"
            head = Content.styled(f"{done} {flow}: {number} is registered{place}", "bold $success")
        case Outcome.UNCHANGED | Outcome.SKIPPED:
            head = Content.styled(
                f"{done} Nothing to do: {plain(result.reason) or 'nothing changed'}",
                "bold $success",
            )
        case Outcome.CANCELLED:
            words = plain(result.reason) or "cancelled; nothing was registered"
            head = Content.styled(f"{failed} {words[0].upper()}{words[1:]}", "bold $warning")
        case Outcome.FAILED:
            head = Content.styled(
                f"{failed} Failed: {plain(result.reason) or 'no reason was given'}", "bold $error"
            )
    # Each on a line of its own: at 80 columns a digest just fits, and can be copied whole.
    told = (result.image, result.digest)
    if result.outcome is Outcome.DONE and not result.image:
        told = (result.reason,)
    parts = [head, *(Content(f"\n  {plain(each)}") for each in told if each)]
    return Content.assemble(*parts)
