"""All that the doctor looks at, in the order of the report."""

from __future__ import annotations

from functools import partial

from flowtui.doctor import containers, control_plane, installation, project, terminal
from flowtui.doctor.checks import Examination, Group
from flowtui.doctor.subject import Subject

_LOAD_SECONDS = 600.0


def examinations(subject: Subject, *, load: bool = False) -> tuple[Examination, ...]:
    """`load` also loads every flow in the project's Python, which runs the code of its file."""
    flowtui = partial(Examination, Group.FLOWTUI)
    folder = partial(Examination, Group.PROJECT)
    plane = partial(Examination, Group.CONTROL_PLANE)
    docker = partial(Examination, Group.DOCKER)
    return (
        flowtui("version", installation.versions),
        flowtui("folders", installation.folders),
        flowtui("history", installation.history),
        flowtui("files", installation.files),
        flowtui("settings", lambda: installation.settings(subject)),
        flowtui("environment", lambda: installation.environment(subject.environ)),
        folder("flows", lambda: project.flows(subject), 30.0),
        folder("interpreter", lambda: project.interpreter(subject), 30.0),
        folder("loading", lambda: project.loads(subject), _LOAD_SECONDS)
        if load
        else folder("loading", project.not_loaded),
        folder("watching", lambda: project.watching(subject)),
        folder("git", lambda: project.git(subject)),
        plane("profile", lambda: control_plane.profile(subject)),
        plane("reached", lambda: control_plane.connection(subject), 45.0),
        plane("keyring", lambda: control_plane.keyring(subject), 25.0),
        plane("running here", project.processes),
        docker("engine", lambda: containers.engine(subject), 15.0),
        docker("containers", lambda: containers.way_back(subject), 25.0),
        docker("registry", lambda: containers.registries(subject), 30.0),
        Examination(Group.TERMINAL, "terminal", lambda: terminal.surroundings(subject.environ)),
    )
