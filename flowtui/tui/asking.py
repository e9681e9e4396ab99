"""What is asked before projects, flows and versions are changed, by whichever pane asks.

What can be taken back is done at once and says how; everything else asks first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowtui.models import Ability, FlowVersion, Project, Schedule
from flowtui.quantities import counted
from flowtui.tui.view_models.registered import RegisteredFlow

if TYPE_CHECKING:
    from flowtui.deploy.rolling_back import WayBack
    from flowtui.tui.app import FlowtuiApp
    from flowtui.tui.screens.dialogs import ConfirmDialog

_NO_WAY_BACK = "This cannot be undone."


def create_project(app: FlowtuiApp) -> None:
    from flowtui.tui.screens.managing import NewProject, ProjectDialog

    def answered(new: NewProject | None) -> None:
        if new is not None:
            app.projects.create(new.name, new.description)

    taken = tuple(project.name for project in app.session.projects or ())
    app.push_screen(ProjectDialog(taken), answered)


def rename_project(app: FlowtuiApp, project: Project) -> None:
    from flowtui.tui.screens.dialogs import NameDialog

    def answered(name: str | None) -> None:
        if name and name != project.name:
            app.projects.rename(project, name)

    taken = tuple(p.name for p in app.session.projects or () if p.id != project.id)
    dialog = NameDialog("Rename project", "New name", value=project.name, yes="Rename", taken=taken)
    app.push_screen(dialog, answered)


def describe_project(app: FlowtuiApp, project: Project) -> None:
    from flowtui.tui.screens.managing import DescriptionDialog

    def answered(description: str | None) -> None:
        if description is not None and description != project.description:
            app.projects.describe(project, description)

    app.push_screen(DescriptionDialog(project.name, project.description), answered)


def delete_project(app: FlowtuiApp, project: Project) -> None:
    from flowtui.tui.screens.dialogs import ConfirmDialog, TypedConfirmDialog

    def answered(yes: bool | None) -> None:
        if yes:
            app.projects.delete(project)

    title = f"Delete “{project.name}”?"
    if project.flow_count:
        flows = counted(project.flow_count, "flow")
        text = f"{flows}, all versions and all runs of them go with it. {_NO_WAY_BACK}"
        if Ability.DELETE_VERSIONS in app.session.abilities:
            text = f"All deployments of {flows} in it are deleted; runs stay. {_NO_WAY_BACK}"
        app.push_screen(TypedConfirmDialog(title, text, word=project.name), answered)
    else:
        text = f"No flow in use is in it. {_NO_WAY_BACK}"
        app.push_screen(ConfirmDialog(title, text, yes="Delete", no="Keep"), answered)


def delete_deployment(app: FlowtuiApp, version: FlowVersion) -> None:
    from flowtui.tui.screens.dialogs import ConfirmDialog

    def answered(yes: bool | None) -> None:
        if yes:
            app.projects.delete_version(version)

    text = (
        "Its schedules stop, and runs that are planned are gone; runs that there were stay. "
        "A deploy makes it anew, without what was changed of it elsewhere."
    )
    title = f"Delete the deployment “{version.flow_name}”?"
    app.push_screen(ConfirmDialog(title, text, yes="Delete", no="Keep"), answered)


def archive_version(app: FlowtuiApp, version: FlowVersion) -> None:
    from flowtui.tui.screens.dialogs import ConfirmDialog

    def answered(yes: bool | None) -> None:
        if yes:
            app.projects.archive((version,))

    text = (
        "It can be run no more and its schedule stops. It stays on the control plane; "
        "rolling back to it makes a new version of it."
    )
    title = f"Archive {version.words} of “{version.flow_name}”?"
    app.push_screen(ConfirmDialog(title, text, yes="Archive", no="Keep"), answered)


def archive_flow(app: FlowtuiApp, flow: RegisteredFlow) -> None:
    from flowtui.tui.screens.dialogs import ConfirmDialog

    def answered(yes: bool | None) -> None:
        if yes:
            app.projects.archive(flow.versions)

    count = len(flow.versions)
    what = f"{_begins(flow.in_use.words)} is" if count == 1 else f"All {count} versions in use are"
    text = (
        f"{what} archived: it can be run no more and its schedule stops. Nothing is deleted; "
        "a deploy or a roll back makes a new version."
    )
    title = f"Archive “{flow.name}”?"
    app.push_screen(ConfirmDialog(title, text, yes="Archive", no="Keep"), answered)


def switch_schedule(app: FlowtuiApp, flow: RegisteredFlow) -> None:
    """At once: the same key puts it back."""
    version = flow.in_use
    app.projects.set_schedule(version, active=version.schedule is not Schedule.ACTIVE)


def move_flow(app: FlowtuiApp, flow: RegisteredFlow) -> None:
    from flowtui.tui.screens.managing import Choice, ChoiceDialog

    targets = {p.id: p for p in app.session.projects or () if p.id != flow.project.id}
    abilities = app.session.abilities
    any_project = Ability.ANY_PROJECT in abilities
    if any_project and flow.project.name:
        targets.setdefault("", Project("", ""))

    def answered(chosen: str | None) -> None:
        if chosen is None:
            return
        target = targets.get(chosen) or Project(chosen, chosen)
        if abilities & {Ability.MOVE_VERSIONS, Ability.CHANGE_IN_PLACE}:
            app.projects.move(flow, target)
        else:
            _confirm_move(app, flow, target)

    choices = tuple(
        Choice(project.id, project.name or "no project", counted(project.flow_count, "flow"))
        for project in targets.values()
    )
    dialog = ChoiceDialog(
        f"Move “{flow.name}” to",
        _where_deploys_go(app, flow),
        choices,
        yes="move",
        new="a new project" if any_project else "",
    )
    app.push_screen(dialog, answered)


def _where_deploys_go(app: FlowtuiApp, flow: RegisteredFlow) -> str:
    """The project file may still say otherwise: the next deploy would go there."""
    workspace = app.session.workspace
    said = workspace.config.project_of(flow.in_use.name) if workspace is not None else None
    if said != flow.project.name:
        return ""
    return f"The settings of this folder send deploys to “{said}”: change them too."


def _confirm_move(app: FlowtuiApp, flow: RegisteredFlow, target: Project) -> None:
    from flowtui.tui.screens.dialogs import ConfirmDialog

    def answered(yes: bool | None) -> None:
        if yes:
            app.projects.move(flow, target)

    text = (
        f"This control plane cannot move it. {_begins(flow.in_use.words)} is registered in "
        f"“{target.name}” as its version 1 and archived in “{flow.project.name}”. Earlier versions "
        "and all runs stay behind."
    )
    title = f"Move “{flow.name}” without its history?"
    app.push_screen(ConfirmDialog(title, text, yes="Move", no="Leave it"), answered)


def roll_back(app: FlowtuiApp, version: FlowVersion) -> None:
    """What going back to it changes is found out first, and then asked about."""
    app.deploying.look_back(version)


def confirm_roll_back(app: FlowtuiApp, way: WayBack) -> None:
    from flowtui.tui.screens.deploy import DeployScreen
    from flowtui.tui.screens.roll_back import Back, RollBackDialog

    def answered(back: Back | None) -> None:
        record = (
            app.deploying.roll_back(way.version, exactly=back is Back.EXACTLY)
            if back is not None
            else None
        )
        if record is None:
            return
        if isinstance(app.screen, DeployScreen):
            app.pop_screen()
        app.push_screen(DeployScreen(record.key))

    app.push_screen(RollBackDialog(way), answered)


def _begins(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}"


def before_leaving(app: FlowtuiApp, agent_runs: int | None) -> ConfirmDialog | None:
    """The question before the app is left, None where leaving disturbs nothing.

    `agent_runs` are runs that agents of this app have under way, None where nobody knows.
    """
    from flowtui.tui.screens.dialogs import ConfirmDialog

    running = app.session.deploys.running
    titles: list[str] = []
    texts: list[str] = []
    if running:
        titles.append(f"{counted(len(running), 'deploy')} still running")
        names = ", ".join(record.flow.display_name for record in running)
        texts.append(f"{names}\n\nLeaving cancels them; nothing of them is registered.")
    if agent_runs != 0:
        titles.append("agents may have runs" if agent_runs is None else _runs_of_agents(agent_runs))
        texts.append(_agents_end(app, agent_runs))
    if not titles:
        return None
    yes = "Cancel them and leave" if agent_runs == 0 else "Leave"
    title = " and ".join(titles)
    return ConfirmDialog(title[0].upper() + title[1:], "\n\n".join(texts), yes=yes, no="Stay")


def _runs_of_agents(count: int) -> str:
    return f"{counted(count, 'run')} of your agents under way"


def _agents_end(app: FlowtuiApp, count: int | None) -> str:
    """What becomes of agents and of their runs."""
    alive = app.session.agents.alive
    workers = any(own.spec.is_worker for own in alive)
    agents = counted(len(alive), "worker" if workers else "agent")
    known = "Whether they have runs under way is not known. " if count is None else ""
    if app.serving.running:
        own = app.serving.words
        runs = f"{own[0].upper()}{own[1:]} ends too, so these runs cannot report how they end."
    elif workers:
        runs = "Processes of their runs end with them, and such a run becomes Crashed."
    else:
        runs = "Runs that have begun go on by themselves."
    one = "A worker" if workers else "An agent"
    return (
        f"{known}Leaving stops {agents}: new runs are not picked up. {runs} {one} that is to "
        "stay is started in another terminal: flowtui agent start"
    )
