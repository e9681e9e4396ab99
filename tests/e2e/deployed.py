"""A flow of `run_flows/` deployed by flowtui to a server, for all tests of a module."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.conftest import Project
from tests.e2e.runs import Witness
from tests.parts.control_plane import RunningServer

_FLOWS = Path(__file__).parent / "run_flows"


@dataclass(frozen=True)
class Deployed:
    """A flow that agents can run now."""

    version: str
    """Of its Prefect."""
    project: Project
    server: RunningServer
    witness: Witness
    flow_id: str


def deploy_flow(
    folder: Path,
    server: RunningServer,
    version: str,
    python: Path,
    *,
    source: str,
    storage: str,
    token: str | None = None,
) -> Deployed:
    """Deploy the flow of a file of `run_flows/` from a project of its own below `folder`.

    `storage` holds lines of the table [storage]. Fixtures of a module come before a test's own
    home, so the project has one of its own.
    """
    root, home = folder / "project", folder / "home"
    root.mkdir(parents=True)
    home.mkdir()
    environment = {
        "HOME": str(home),
        "FLOWTUI_HOME": str(home / "flowtui"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    if token is not None:
        environment["FLOWTUI_API_KEY"] = token
    project = Project(root, server.url, environment)
    project.configure(python, storage)
    shutil.copy(_FLOWS / source, root / "flow.py")
    ran = project.deploy("flow.py", "--create-project")
    assert ran.code == 0, ran.stdout + ran.stderr
    witness = Witness(server.url, token)
    return Deployed(version, project, server, witness, witness.flow_id(ran.result["flow"]))
