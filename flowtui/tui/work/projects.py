"""Projects and registered versions: listed, and changed where the person asked for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from flowtui.errors import FlowtuiError
from flowtui.models import FlowVersion, Project
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part
from flowtui.workspace import Workspace

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp


class Projects:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app

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
            if project.name in session.versions:
                self.list_versions(project)

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

        self._change(change, f"Project “{name}” created.", f"creating {name}")

    def rename(self, project: Project, name: str) -> None:
        async def change(workspace: Workspace) -> None:
            await workspace.control_plane.rename_project(project, name)

        self._change(
            change, f"Project “{project.name}” is now “{name}”.", f"renaming {project.name}"
        )

    def delete(self, project: Project) -> None:
        async def change(workspace: Workspace) -> None:
            await workspace.control_plane.delete_project(project)

        self._change(change, f"Project “{project.name}” deleted.", f"deleting {project.name}")

    def archive(self, version: FlowVersion) -> None:
        async def change(workspace: Workspace) -> None:
            await workspace.control_plane.archive(version.id)

        what = f"version {version.version} of “{version.name}”"
        self._change(change, f"Archived {what}.", f"archiving {what}")

    def _change(
        self, change: Callable[[Workspace], Awaitable[None]], done: str, doing: str
    ) -> None:
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            await change(workspace)
            app.post_message(msg.ControlPlaneChanged(done))

        app.begin(job, group=f"change:{doing}", description=doing)

    def _changed(self, message: msg.ControlPlaneChanged) -> None:
        self._app.say(message.what)
        self.list()
        self._app.folder.refresh_rows()

    def _refused(self, message: msg.ChangeRefused) -> None:
        self._app.say_problem(message.problem)
