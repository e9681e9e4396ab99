"""When an action can be used and, when not, why: each gives None, or the reason in words."""

from __future__ import annotations

from flowtui import flow_rows
from flowtui.deploy.checkpoint import RESUMABLE
from flowtui.deploy.events import Outcome
from flowtui.deploy.plan import Lane
from flowtui.models import Ability, FlowKind, FlowState, Schedule, ability_for
from flowtui.run_models import RunState
from flowtui.tui.actions.model import Facts, Reason
from flowtui.tui.view_models.agents import Stand
from flowtui.tui.view_models.deploys import Phase


def in_terminal(facts: Facts) -> str | None:
    return "there is no terminal behind a browser" if facts.in_browser else None


def always(_: Facts) -> str | None:
    return None


def connected(facts: Facts) -> str | None:
    if facts.connected:
        return None
    return "still connecting" if facts.connecting else "not connected to a control plane"


def able(ability: Ability, needs: Reason = always) -> Reason:
    """Needs a control plane that can do this, and then what `needs` says."""

    def reason(facts: Facts) -> str | None:
        missing = connected(facts)
        if missing is None and ability not in facts.abilities:
            missing = f"this control plane cannot {ability}"
        return missing or needs(facts)

    return reason


def project_creatable(facts: Facts) -> str | None:
    if facts.connected and Ability.ANY_PROJECT in facts.abilities:
        move = facts.keymap.key("projects.move")
        return f"a project is there as soon as something is in it: {move} moves a deployment to it"
    return able(Ability.CREATE_PROJECTS)(facts)


def project_selected(facts: Facts) -> str | None:
    if facts.project is not None and not facts.project.name:
        move = facts.keymap.key("projects.move")
        return f"these deployments are in no project: {move} moves one to a project"
    return None if facts.project else "select a project first"


def project_deletable(facts: Facts) -> str | None:
    """Not while the cursor is on one thing in it, where there is a key for that alone."""
    if facts.registered is not None and Ability.DELETE_VERSIONS in facts.abilities:
        key = facts.keymap.key("projects.delete_version")
        return f"the cursor is on a deployment: {key} deletes that one; go up to its project"
    return project_selected(facts)


def flow_selected(facts: Facts) -> str | None:
    if facts.registered is not None:
        return None
    return "select one of its deployments first" if facts.several else "select a flow first"


def deployment_selected(facts: Facts) -> str | None:
    if facts.registered is not None:
        return None
    several = "select one of its deployments first"
    return several if facts.several else "select a deployment first"


def pool_selected(facts: Facts) -> str | None:
    return None if facts.pool is not None else "select a work pool first"


def other_project(facts: Facts) -> str | None:
    if facts.projects > 1 or Ability.ANY_PROJECT in facts.abilities:
        return flow_selected(facts)
    return flow_selected(facts) or "there is no other project: create it first"


def archivable(facts: Facts) -> str | None:
    if facts.version is not None:
        return "this version is archived already" if facts.version.archived else None
    return None if facts.registered else "select a flow or a version first"


def version_archivable(facts: Facts) -> str | None:
    return "select a version first" if facts.version is None else archivable(facts)


def has_schedule(facts: Facts) -> str | None:
    if facts.registered is None:
        return flow_selected(facts)
    match facts.registered.in_use.schedule:
        case Schedule.NONE:
            return "this flow has no schedule"
        case Schedule.UNKNOWN:
            return "this control plane does not tell whether its schedule is on"
        case _:
            return None


def earlier_version(facts: Facts) -> str | None:
    if facts.version is None:
        return "select the version to roll back to first"
    if facts.in_use is not None and facts.in_use.id == facts.version.id:
        return "this version is the one in use"
    return None


def row_selected(facts: Facts) -> str | None:
    return None if facts.row else "no flow is selected"


def any_rows(facts: Facts) -> str | None:
    return None if facts.rows else "there are no flows here"


def deployable(facts: Facts) -> str | None:
    if facts.read_only and facts.selected:
        # One flow only shows its plan; several are deployed after one question.
        return "flowtui was started with --read-only"
    if facts.selected:
        return connected(facts)
    if facts.row is None:
        return "no flow is selected"
    if facts.row.state is FlowState.DELETED:
        away = "delete it" if Ability.DELETE_VERSIONS in facts.abilities else "archive its version"
        return f"this flow is not on disk any more: bring its file back, or {away}"
    if facts.row.state is FlowState.BROKEN or facts.row.flow is None:
        return "this file is broken: fix the error shown in the details"
    if facts.row_deploying:
        return None
    return connected(facts) or other_generation(facts)


def can_be_hot(facts: Facts) -> str | None:
    """One that is hot can always be made not hot."""
    if facts.selected or facts.row_hot:
        return None
    if facts.row is None:
        return "no flow is selected"
    if facts.row.flow is None:
        return "this file is broken: which flows are in it is not known"
    if facts.row.flow.function is not None:
        return facts.row.note or "this kind of flow cannot be deployed"
    return other_generation(facts)


def other_generation(facts: Facts) -> str | None:
    """Of a flow that the control plane, once it is connected, has no call for."""
    flow = facts.row.flow if facts.row is not None else None
    if flow is None or not facts.connected or ability_for(flow.kind) in facts.abilities:
        return None
    return flow_rows.other_generation(flow.kind)


def any_deploys(facts: Facts) -> str | None:
    return None if facts.deploys else "nothing was deployed from this folder yet"


def profile_usable(facts: Facts) -> str | None:
    if facts.profile is None:
        return "no profile is selected"
    if facts.profile_in_use:
        return "this profile is in use already"
    return "a deploy is running: wait for it or cancel it first" if facts.deploys_running else None


def profile_changeable(facts: Facts) -> str | None:
    """Another profile is to be used, whichever is selected."""
    return "a deploy is running: wait for it or cancel it first" if facts.deploys_running else None


def profile_removable(facts: Facts) -> str | None:
    if facts.profile is None:
        return "no profile is selected"
    if facts.profile_in_use:
        return "this profile is in use: switch to another one first"
    return None if facts.profile_saved else "this profile is not in your configuration file"


def profile_editable(facts: Facts) -> str | None:
    if facts.profile is None:
        return "no profile is selected"
    if facts.profile_in_use and facts.deploys_running:
        return "a deploy is running: wait for it or cancel it first"
    return None if facts.profile_saved else "this profile is not in your configuration file"


def can_log_in(facts: Facts) -> str | None:
    if facts.profile is None:
        return "no profile is selected"
    return (
        None
        if facts.profile_in_use
        else f"use this profile first ({facts.keymap.key('connection.use')})"
    )


def can_log_out(facts: Facts) -> str | None:
    if not facts.profile_in_use:
        return f"use this profile first ({facts.keymap.key('connection.use')})"
    if not facts.has_token:
        return "no token is in use"
    return None if facts.token_removable else "the token comes from the environment: unset it there"


def server_startable(facts: Facts) -> str | None:
    if facts.embedded_running:
        return "a server of flowtui's is running"
    if facts.connected or facts.server_answers:
        return "a server answers at this address already"
    if not facts.embedded_possible:
        return "the profile in use is not on this machine: switch to `embedded` first"
    return None


def server_stoppable(facts: Facts) -> str | None:
    return None if facts.embedded_running else "flowtui has not started a server"


def plan_ready(facts: Facts) -> str | None:
    match facts.phase:
        case Phase.PLANNED:
            return None
        case Phase.PLANNING:
            return "the plan is still being made"
        case Phase.PLAN_FAILED:
            return "there is no plan: see the problem above"
        case _:
            return "this deploy was started already"


def executor_choosable(facts: Facts) -> str | None:
    if facts.flow is not None and facts.flow.kind is FlowKind.FLOW_FUNCTION:
        return "a Prefect 2/3 flow names its task runner itself, in its decorator"
    return can_replan(facts)


def plan_compared(facts: Facts) -> str | None:
    missing = plan_ready(facts)
    if missing is None and (facts.plan is None or facts.plan.changes is None):
        return "nothing is registered yet that it could be compared with"
    return missing


def flow_compared(facts: Facts) -> str | None:
    if facts.row is None:
        return "no flow is selected"
    return None if facts.compared else "open the tab Changes first: it compares the flow"


def plan_deployable(facts: Facts) -> str | None:
    reason = plan_ready(facts)
    if reason is not None:
        return reason
    if facts.plan is not None and facts.plan.lane is Lane.NOTHING:
        return f"nothing to do: press {facts.keymap.key('plan.force')} to deploy all the same"
    return connected(facts)


def can_replan(facts: Facts) -> str | None:
    return "the plan is still being made" if facts.phase is Phase.PLANNING else None


def editable(facts: Facts) -> str | None:
    return facts.no_editor or (None if facts.file else "there is no file to open")


def report_complete(facts: Facts) -> str | None:
    return None if facts.report_complete else "the doctor is still looking"


def report_has_problems(facts: Facts) -> str | None:
    return None if facts.report_problems else "nothing is wrong so far"


def deploy_running(facts: Facts) -> str | None:
    match facts.phase:
        case Phase.RUNNING:
            return None
        case Phase.CANCELLING:
            return "it is being cancelled"
        case Phase.ELSEWHERE:
            return "it runs in another flowtui: cancel it there"
        case _:
            return "this deploy is not running"


def can_resume(facts: Facts) -> str | None:
    """After health check, push or registration did not get through."""
    ended = deploy_ended(facts)
    if ended is not None:
        return ended
    if facts.outcome not in (None, Outcome.FAILED, Outcome.CANCELLED):
        return "it ended well: there is nothing left to do"
    if facts.rolls_back:
        return f"a roll back is made again as a whole ({facts.keymap.key('run.again')})"
    if facts.unfinished not in RESUMABLE:
        where = f" in {facts.unfinished}" if facts.unfinished is not None else ""
        return f"it ended{where}, before there was anything to go on from: plan it again"
    return connected(facts)


def deploy_ended(facts: Facts) -> str | None:
    ended = facts.phase in (Phase.FINISHED, Phase.INTERRUPTED)
    return None if ended else "this deploy has not ended yet"


def log_has_lines(facts: Facts) -> str | None:
    return None if facts.log_lines else "there are no lines yet"


def log_searched(facts: Facts) -> str | None:
    return None if facts.log_searched else "nothing was searched yet"


def run_selected(facts: Facts) -> str | None:
    return None if facts.run else "there is no run under the cursor"


def runnable(facts: Facts) -> str | None:
    """Of the list of runs: another run of the flow that the cursor's run is of."""
    row = facts.row
    if facts.run is not None or (row is not None and row.version is not None):
        return None
    return f"there is no run under the cursor: {facts.keymap.key('flows.run')} on a flow starts one"


def flow_runnable(facts: Facts) -> str | None:
    if facts.row is None:
        return "no flow is selected"
    return None if facts.row.version is not None else "no version of it is registered: deploy it"


def registered_runnable(facts: Facts) -> str | None:
    return flow_selected(facts)


def deployed_runnable(facts: Facts) -> str | None:
    return None if facts.deployed_version else "no version of it was registered by this deploy"


def run_going_on(facts: Facts) -> str | None:
    if facts.run is None:
        return "there is no run under the cursor"
    if facts.run.kind.is_over:
        return f"it has ended: {facts.run.state}"
    return "it is being cancelled" if facts.run.state == "Cancelling" else None


def run_waits(facts: Facts) -> str | None:
    if facts.run is None:
        return "there is no run under the cursor"
    if facts.run.kind is RunState.PLANNED:
        return None
    return f"it does not wait: {facts.run.state}"


def task_selected(facts: Facts) -> str | None:
    return None if facts.task else "there are no task runs yet"


def any_task_failed(facts: Facts) -> str | None:
    return None if facts.failed_tasks else "no task run has failed"


def on_agent_line(facts: Facts) -> str | None:
    return None if facts.agent_line else "there is no agent yet, and no run that waits for one"


def agent_stoppable(facts: Facts) -> str | None:
    match facts.own_agent:
        case None:
            return "flowtui runs only the agents that it started: stop it where it was started"
        case Stand.STOPPED | Stand.GAVE_UP:
            return "it has ended already"
        case _:
            return None


def agent_ended(facts: Facts) -> str | None:
    match facts.own_agent:
        case None:
            return "select an agent that flowtui started first"
        case Stand.STOPPED | Stand.GAVE_UP:
            return None
        case _:
            return "it has not ended: stop it first"
