"""Executors that flowtui attached, in real runs: on a Dask cluster, in threads, in processes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from flowtui.deploy.docker.prefect_pins import OLD_DASK
from tests.e2e.conftest import Project
from tests.e2e.runs import Witness
from tests.parts.agents import complaints, local_agent
from tests.parts.control_plane import RunningServer
from tests.parts.dask_cluster import dask_cluster
from tests.parts.prefects import client_environment, prefect_python, prefect_venv

pytestmark = [pytest.mark.real, pytest.mark.long(2)]

_SOURCE = Path(__file__).parent / "run_flows" / "spread.py"
_MAPPED = 4


def _deployed(project: Project, python: Path, *options: str) -> str:
    """Id of the version."""
    project.configure(python, 'type = "local"')
    project.write("flow.py", _SOURCE.read_text(encoding="utf-8"))
    ran = project.deploy("flow.py", *options)
    assert ran.code == 0, ran.stdout + ran.stderr
    return ran.result["version_id"]


def _places(folder: Path) -> list[tuple[int, int]]:
    """(process, thread) of each mapped task."""
    found = [file.read_text().split() for file in sorted(folder.iterdir())]
    return [(int(process), int(thread)) for process, thread in found]


def _check(witness: Witness, run_id: str) -> None:
    witness.wait(run_id, "Success")
    children = [run for run in witness.task_runs(run_id) if run.task == "meet"]
    assert [(run.map_index, run.state) for run in children] == [
        (-1, "Mapped"),
        *((index, "Success") for index in range(_MAPPED)),
    ]
    assert all(run.state == "Success" for run in witness.task_runs(run_id) if run.task != "meet")


def _run_by_agent(
    server: RunningServer, version: str, flow_id: str, folder: Path
) -> tuple[Witness, str]:
    folder.mkdir()
    witness = Witness(server.url)
    run_id = witness.start(flow_id, {"folder": str(folder)})
    with local_agent(version, server.url) as agent:
        _check(witness, run_id)
        assert complaints(agent.said()) == []
    return witness, run_id


@pytest.mark.parametrize("version", ["0.15.13", "1.4.1"])
def test_tasks_run_on_the_workers_of_a_dask_cluster(
    project: Project, server: RunningServer, tmp_path: Path, version: str
) -> None:
    with dask_cluster(prefect_venv(version)) as cluster:
        options = ("--executor", "dask", "--executor-arg", f"address={cluster.address}")
        flow_id = _deployed(project, prefect_python(version), *options)
        witness, run_id = _run_by_agent(server, version, flow_id, tmp_path / "marks")
        assert {process for process, _ in _places(tmp_path / "marks")} == cluster.workers
    shown = project.run("runs", "show", run_id)
    assert shown.code == 0, shown.stderr
    assert f"{_MAPPED} mapped: {_MAPPED} done" in shown.stdout
    logged = [line for line in witness.logs(run_id) if " ran in " in line]
    assert len(logged) == _MAPPED, "workers log to the control plane"


def test_the_first_prefect_connects_to_a_cluster_too(
    project: Project, server: RunningServer, tmp_path: Path
) -> None:
    """0.6.1 has no agent: what one does is done by hand."""
    venv = prefect_venv("0.6.1", *OLD_DASK)
    settings = {
        **client_environment("0.6.1", server.url, None),
        "PREFECT__LOGGING__LOG_TO_CLOUD": "true",
        "PREFECT__CLOUD__USE_LOCAL_SECRETS": "false",
        "PREFECT__ENGINE__FLOW_RUNNER__DEFAULT_CLASS": "prefect.engine.cloud.CloudFlowRunner",
        "PREFECT__ENGINE__TASK_RUNNER__DEFAULT_CLASS": "prefect.engine.cloud.CloudTaskRunner",
    }
    marks = tmp_path / "marks"
    marks.mkdir()
    with dask_cluster(venv, settings) as cluster:
        options = ("--executor", "dask", "--executor-arg", f"address={cluster.address}")
        flow_id = _deployed(project, venv / "bin" / "python", *options)
        (version,) = project.versions("spread")
        assert version["serialized_flow"]["environment"] == {
            "type": "RemoteEnvironment",
            "executor": "prefect.engine.executors.DaskExecutor",
            "executor_kwargs": {"address": cluster.address},
            "__version__": "0.6.1",
        }
        witness = Witness(server.url)
        run_id = witness.start(flow_id, {"folder": str(marks)})
        done = subprocess.run(
            [str(venv / "bin" / "prefect"), "execute", "cloud-flow"],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "LANG": "C.UTF-8",
                "PREFECT__CONTEXT__FLOW_RUN_ID": run_id,
                **settings,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        _check(witness, run_id)
        assert {process for process, _ in _places(marks)} == cluster.workers
    assert f"{_MAPPED} mapped: {_MAPPED} done" in project.run("runs", "show", run_id).stdout


def test_a_dask_that_the_first_prefect_cannot_connect_with_is_found_before_it_runs(
    project: Project, python_061: Path
) -> None:
    project.configure(python_061, 'type = "local"')
    project.write("flow.py", _SOURCE.read_text(encoding="utf-8"))
    ran = project.deploy(
        "flow.py", "--executor", "dask", "--executor-arg", "address=tcp://127.0.0.1:1"
    )
    assert ran.code == 1
    assert ran.stages["health check"] == "failed"
    (problem,) = ran.of("problem")
    assert "Prefect 0.6.1 cannot connect with distributed 2." in problem["what"]
    assert "'distributed<2.6'" in problem["fix"]
    assert project.versions("spread") == []


@pytest.mark.parametrize("version", ["0.15.13", "1.4.1"])
@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_tasks_run_side_by_side_in_local_dask(
    project: Project, server: RunningServer, tmp_path: Path, version: str, scheduler: str
) -> None:
    flow_id = _deployed(project, prefect_python(version), *_local_dask(scheduler))
    _run_by_agent(server, version, flow_id, tmp_path / "marks")
    places = _places(tmp_path / "marks")
    processes = {process for process, _ in places}
    assert len(processes) == (1 if scheduler == "threads" else 2)
    assert len(set(places)) == 2


def test_another_executor_alone_is_a_new_version_and_the_one_before_comes_back_without_a_build(
    project: Project, python_141: Path
) -> None:
    _deployed(project, python_141)
    changed = project.deploy("flow.py", *_local_dask("threads"))
    assert changed.result["version"] == 2
    assert changed.stages["build"] == "done"
    again = project.deploy("flow.py", *_local_dask("threads"))
    assert again.result["outcome"] == "unchanged"
    back = project.deploy("flow.py")
    assert back.result["version"] == 3
    assert back.stages["build"] == "skipped"

    assert project.run("executor", "flow.py", "local-dask", "--arg", "num_workers=2").code == 0
    flows = project.run("flows")
    assert "changed" in flows.stdout
    different = project.run("diff", "flow.py")
    assert "executor         prefect.executors.LocalDaskExecutor" in different.stdout
    assert "num_workers=2" in different.stdout


def _local_dask(scheduler: str) -> Sequence[str]:
    words = (f"scheduler={scheduler}", "num_workers=2")
    return ("--executor", "local-dask", *(f for word in words for f in ("--executor-arg", word)))
