"""Projects and registered versions: listed, and changed where the person asked for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from flowtui.errors import FlowtuiError
from flowtui.models import Ability, FlowVersion, Project
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part
from flowtui.tui.view_models.registered import Place, RegisteredFlow
from flowtui.workspace import Workspace

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp


class Projects:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app
        self._opened: set[str] = set()
        """Ids of the projects that show what is in them."""
        self._opened_flows: set[Place] = set()

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.ProjectsListed: self._listed,
            msg.ProjectsFailed: self._failed,
            msg.VersionsListed: self._versions_listed,
            msg.ControlPlaneChanged: self._changed,
            msg.ChangeRefused: self._refused,
        }

    def list(self) -> None:
        app, workspace = self._app, self._app.session.workspace
        if workspace is None or not app.session.connected:
            return

        async def job() -> None:
            try:
                projects = await workspace.control_plane.projects()
            except FlowtuiError as error:
                app.post_message(msg.ProjectsFailed(error.problem))
                return
            app.post_message(msg.ProjectsListed(projects))

        app.begin(job, group="projects", description="listing the projects")

    def _listed(self, message: msg.ProjectsListed) -> None:
        session = self._app.session
        session.projects = message.projects
        session.projects_problem = None
        self._app.changed(Part.PROJECTS)
        for project in message.projects:
            if project.id in self._opened:
                self.list_versions(project)
        names = {project.name for project in message.projects}
        for place in [place for place in self._opened_flows if place[0] in names]:
            self._app.registered.list_versions(place)

    def opened(self, shown: Project | RegisteredFlow) -> None:
        """It is shown with what is in it: that is read now, and again when something changes."""
        if isinstance(shown, Project):
            self._opened.add(shown.id)
            self.list_versions(shown)
        else:
            self._opened_flows.add(shown.place)
            self._app.registered.list_versions(shown.place)

    def closed(self, hidden: Project | RegisteredFlow) -> None:
        """What is in it is not followed any more."""
        if isinstance(hidden, Project):
            self._opened.discard(hidden.id)
        else:
            self._opened_flows.discard(hidden.place)

    def _failed(self, message: msg.ProjectsFailed) -> None:
        self._app.session.projects_problem = message.problem
        self._app.changed(Part.PROJECTS)

    def list_versions(self, project: Project) -> None:
        app, workspace = self._app, self._app.session.workspace
        if workspace is None or not app.session.connected:
            return

        async def job() -> None:
            try:
                versions = await workspace.control_plane.flow_versions(project=project.name)
            except FlowtuiError as error:
                app.post_message(msg.ProjectsFailed(error.problem))
                return
            app.post_message(msg.VersionsListed(project.name, versions))

        app.begin(
            job, group=f"versions:{project.id}", description=f"listing flows of {project.name}"
        )

    def _versions_listed(self, message: msg.VersionsListed) -> None:
        self._app.session.versions[message.project] = message.versions
        self._app.changed(Part.PROJECTS)

    def create(self, name: str, description: str = "") -> None:
        async def change(workspace: Workspace) -> None:
            await workspace.control_plane.create_project(name, description)

        done = f"Project “{name}” created. {self._key('delete')} deletes it again."
        self._change(change, done, f"creating {name}")

    def rename(self, project: Project, name: str) -> None:
        async def change(workspace: Workspace) -> None:
            await workspace.control_plane.rename_project(project, name)

        done = f"Project “{project.name}” is now “{name}”. {self._key('rename')} renames it back."
        self._change(change, done, f"renaming {project.name}", renamed=(project.name, name))

    def describe(self, project: Project, description: str) -> None:
        async def change(workspace: Workspace) -> None:
            await workspace.control_plane.describe_project(project, description)

        was = f" It was “{project.description}”;" if project.description else ""
        back = f"{was} {self._key('describe')} changes it back."
        done = f"“{project.name}” has a new description." if description else ""
        done = done or f"“{project.name}” has no description any more."
        self._change(change, f"{done}{back}", f"describing {project.name}")

    def delete(self, project: Project) -> None:
        async def change(workspace: Workspace) -> None:
            await workspace.control_plane.delete_project(project)

        self._change(change, f"Project “{project.name}” deleted.", f"deleting {project.name}")

    def delete_version(self, version: FlowVersion) -> None:
        """A deployment."""

        async def change(workspace: Workspace) -> None:
            await workspace.control_plane.delete_version(version.id)

        name = version.flow_name
        self._change(change, f"The deployment “{name}” is deleted.", f"deleting {name}")

    def archive(self, versions: tuple[FlowVersion, ...]) -> None:
        """Versions of one flow."""

        async def change(workspace: Workspace) -> None:
            for version in versions:
                await workspace.control_plane.archive(version.id)

        named = ", ".join(version.words for version in versions)
        what = f"{named} of “{versions[0].flow_name}”"
        self._change(change, f"Archived {what}.", f"archiving {what}")

    def set_schedule(self, version: FlowVersion, *, active: bool) -> None:
        async def change(workspace: Workspace) -> None:
            await workspace.control_plane.set_schedule_active(version.id, active)

        state = "on" if active else "off, and the runs it had planned are dropped"
        name = version.flow_name
        done = f"The schedule of “{name}” is {state}. {self._key('schedule')} puts it back."
        self._change(change, done, f"switching the schedule of {name}")

    def move(self, flow: RegisteredFlow, target: Project) -> None:
        async def change(workspace: Workspace) -> None:
            await workspace.control_plane.move_flow(flow.name, flow.project, target)

        whole = self._app.session.abilities & {Ability.MOVE_VERSIONS, Ability.CHANGE_IN_PLACE}
        back = f" {self._key('move')} moves it back." if whole else ""
        place = f"in “{target.name}”" if target.name else "in no project"
        done = f"“{flow.name}” is {place} now.{back}"
        self._change(change, done, f"moving {flow.name}")

    def _key(self, action: str) -> str:
        return self._app.keymap.key(f"projects.{action}")

    def _change(
        self,
        change: Callable[[Workspace], Awaitable[None]],
        done: str,
        doing: str,
        *,
        renamed: tuple[str, str] | None = None,
    ) -> None:
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            await change(workspace)
            app.post_message(msg.ControlPlaneChanged(done, renamed))

        app.begin(job, group=f"change:{doing}", description=doing)

    def _changed(self, message: msg.ControlPlaneChanged) -> None:
        self._app.say(message.what)
        if message.renamed is not None:
            self._take_along(*message.renamed)
        self.list()
        self._app.pools.list()
        self._app.registered.read_again()
        self._app.folder.refresh_rows()

    def _take_along(self, before: str, now: str) -> None:
        """What is known of a project's flows stays shown under its new name until it is read."""
        session = self._app.session
        known = session.versions.pop(before, None)
        if known is not None:
            session.versions[now] = known
        for place in [place for place in session.all_versions if place[0] == before]:
            session.all_versions[now, place[1]] = session.all_versions.pop(place)
        self._opened_flows = {
            (now if project == before else project, name) for project, name in self._opened_flows
        }

    def _refused(self, message: msg.ChangeRefused) -> None:
        self._app.say_problem(message.problem)
