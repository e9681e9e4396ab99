"""What can be done about a run, by whichever pane lists it; what cannot be undone asks first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flowtui.models import FlowVersion
from flowtui.run_models import FlowRun, RunState
from flowtui.tui.looks.words import plain
from flowtui.tui.view_models.registered import place_of

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp


@dataclass(frozen=True, slots=True)
class RunTarget:
    """The flow that a run is wanted of: always the version of it that is in use."""

    project: str | None
    """None for a deployment: its name tells enough."""
    flow: str
    """Its name, or `flow/deployment`."""
    again: FlowRun | None = None
    """The run whose parameters, labels and run config are taken over."""


def target_of(what: FlowRun | FlowVersion | None) -> RunTarget | None:
    if what is None:
        return None
    project, flow = place_of(what)
    return RunTarget(None if what.deployment else project, flow)


def new_run(app: FlowtuiApp, target: RunTarget | None) -> None:
    """Ask for the parameters; the form goes on by itself."""
    from flowtui.tui.screens.run_form import RunForm

    if target is not None:
        app.push_screen(RunForm(target))


def run_again(app: FlowtuiApp, run: FlowRun | None) -> None:
    target = target_of(run)
    if target is not None:
        new_run(app, replace(target, again=run))


def open_run(app: FlowtuiApp, run: FlowRun | None) -> None:
    from flowtui.tui.screens.flow_run import FlowRunScreen

    if run is not None:
        app.flow_run.know(run)
        app.push_screen(FlowRunScreen(run.id))


def cancel_run(app: FlowtuiApp, run: FlowRun | None) -> None:
    from flowtui.tui.screens.dialogs import ConfirmDialog

    if run is None:
        return

    def answered(yes: bool | None) -> None:
        if yes:
            app.flow_runs.cancel(run)

    if run.kind is RunState.PLANNED:
        text = "It has not started; nobody will be given it any more. This cannot be undone."
    elif run.deployment or run.work_pool:
        text = "Its worker ends its process or container: within half a minute, if it is online."
    else:
        text = (
            "Its process is told to stop, and stops its tasks when it asks next: within half a "
            "minute. Flows of Prefect before 0.13 do not ask, and run to their end."
        )
    title = f"Cancel “{plain(run.name)}” of “{plain(run.flow_name)}”?"
    app.push_screen(ConfirmDialog(title, text, yes="Cancel it", no="Let it run"), answered)


def copy_id(app: FlowtuiApp, run: FlowRun | None) -> None:
    if run is not None:
        app.copy_to_clipboard(run.id)


def why_waiting(app: FlowtuiApp, run: FlowRun | None) -> None:
    from flowtui.tui.screens.why_waiting import WhyWaitingScreen

    if run is not None:
        app.push_screen(WhyWaitingScreen(run))
