"""A flow of `run_flows/` deployed by flowtui to a server, for all tests of a module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.conftest import Project
from tests.e2e.runs import Witness
from tests.parts.control_plane import RunningServer

_NOTHING: Mapping[str, str] = {}
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
    environment: Mapping[str, str] = _NOTHING,
    replaced: Mapping[str, str] = _NOTHING,
) -> Deployed:
    """Deploy the flow of a file of `run_flows/` from a folder and to a project of its own.

    `storage` holds lines of the table [storage]; `replaced` is text of the file, and
    what stands in its place. Fixtures of a module come before a test's own
    home, so the project has one of its own.
    """
    root, home = folder / "project", folder / "home"
    root.mkdir(parents=True)
    home.mkdir()
    own = {
        "HOME": str(home),
        "FLOWTUI_HOME": str(home / "flowtui"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        **environment,
    }
    if token is not None:
        own["FLOWTUI_API_KEY"] = token
    project = Project(root, server.url, own)
    project.configure(python, storage, project=f"Prefect {version}")
    text = (_FLOWS / source).read_text(encoding="utf-8")
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    project.write("flow.py", text)
    ran = project.deploy("flow.py", "--create-project")
    assert ran.code == 0, ran.stdout + ran.stderr
    witness = Witness(server.url, token)
    return Deployed(version, project, server, witness, witness.flow_id(ran.result["flow"], version))
