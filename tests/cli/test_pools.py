"""`flowtui pools` and `flowtui versions delete` on a control plane in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.errors import ExitCode
from tests.cli.memory_session import MemorySession
from tests.tui.memory import MemoryWorkspace
from tests.tui.memory_rest import RestMemoryControlPlane, rest_workspace


@pytest.fixture
def session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> MemorySession:
    made = MemorySession(tmp_path, monkeypatch, capsys)
    made.workspace = rest_workspace(tmp_path)
    return made


def plane(session: MemorySession) -> RestMemoryControlPlane:
    assert isinstance(session.control_plane, RestMemoryControlPlane)
    return session.control_plane


def test_pools_are_listed_with_how_they_stand(session: MemorySession) -> None:
    code, out, _ = session.run("pools", "list")
    assert code == ExitCode.OK
    lines = {line.split()[0]: line.split() for line in out.splitlines()}
    assert lines["images"][:6] == ["images", "docker", "ready", "2", "1", "10"]
    assert lines["k8s"][:6] == ["k8s", "kubernetes", "not", "ready", "1", "0"]


def test_one_pool_is_listed_with_its_queues_and_workers(session: MemorySession) -> None:
    _, out, _ = session.run("pools", "list", "images")
    lines = {line.split()[0]: line.split() for line in out.splitlines() if line}
    assert lines["default"][:4] == ["default", "2", "paused", "4"]
    assert lines["old"][:2] == ["old", "offline"]
    code, _, err = session.run("pools", "list", "image")
    assert code == ExitCode.USAGE and "did you mean “images”" in err


def test_as_json_all_of_it_but_the_templates(session: MemorySession) -> None:
    images, *_ = session.json("pools", "list")
    assert [worker["online"] for worker in images["workers"]] == [True, False]
    assert images["online"] == 1 and "base_job_template" not in images


def test_a_pool_is_created_paused_and_resumed(session: MemorySession) -> None:
    assert session.json("pools", "create", "mine", "--type", "docker")["type"] == "docker"
    assert session.json("pools", "pause", "mine")["paused"] is True
    assert session.json("pools", "resume", "mine")["paused"] is False
    code, _, err = session.run("pools", "create", "mine")
    assert code == ExitCode.USAGE and "already" in err
    code, _, err = session.run("pools", "create", "other", "--type", "dockr")
    assert code == ExitCode.USAGE and "choose one of docker, process" in err


def test_where_there_are_no_pools_it_says_so(session: MemorySession) -> None:
    session.workspace = MemoryWorkspace(session.workspace.root)
    code, _, err = session.run("pools", "list")
    assert code == ExitCode.CONTROL_PLANE and "cannot tell which work pools there are" in err


def test_a_deployment_is_named_by_flow_and_name_and_deleted_after_a_yes(
    session: MemorySession,
) -> None:
    code, _, err = session.run("versions", "delete", "etl", "--yes")
    assert code == ExitCode.USAGE and "etl/hourly, etl/nightly" in err
    code, _, err = session.run("versions", "delete", "etl/nightly")
    assert code == ExitCode.USAGE and "needs a yes" in err
    assert plane(session).deleted == []
    code, _, err = session.run("versions", "delete", "etl/nightly", "--yes")
    assert code == ExitCode.OK and "deleted the deployment “etl/nightly”" in err
    assert plane(session).deleted == ["d1"]


def test_a_deployment_moves_to_a_project_that_is_not_there_yet(session: MemorySession) -> None:
    code, _, err = session.run("projects", "move", "report", "Fresh")
    assert code == ExitCode.OK and "moved “report/default” from no project to “Fresh”" in err
    assert {project["name"] for project in session.json("projects", "list")} == {
        "Ops", "Team", "Fresh",
    }  # fmt: skip


def test_schedules_of_deployments_are_listed_and_switched(session: MemorySession) -> None:
    _, out, _ = session.run("schedules", "list")
    assert "etl/nightly" in out and "4f2a9c1+ab12cd3" in out
    code, _, err = session.run("schedules", "off", "etl/nightly")
    assert code == ExitCode.OK and "the schedule of “etl/nightly” in “Team” is off" in err
    known = {each["deployment"]: each["schedule"] for each in session.json("schedules", "list")}
    assert known == {"nightly": "paused", "hourly": "paused"}


def test_flows_and_versions_say_what_a_deployment_calls_its_version(
    session: MemorySession,
) -> None:
    _, out, _ = session.run("versions", "list")
    assert "report/default" in out and "4f2a9c1+ab12cd3" in out
    rows = {row["target"]: row for row in session.json("flows") if row["target"]}
    nightly = rows["flows/etl.py:etl/nightly"]
    assert nightly["deployment"] == "nightly" and nightly["label"] == "4f2a9c1+ab12cd3"
