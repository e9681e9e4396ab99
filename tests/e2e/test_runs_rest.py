"""Runs of deployments on a real Prefect 3 server, by workers that flowtui started."""

from __future__ import annotations

import json
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.prefect_project import PrefectProject
from tests.parts.own_agents import Command, own_agent
from tests.parts.prefect_server import PrefectServer
from tests.parts.waiting import until

pytestmark = pytest.mark.real

FLOWS = """
import time

from prefect import flow, get_run_logger, task
from pydantic import BaseModel


class Inner(BaseModel):
    port: int = 5432


class Config(BaseModel):
    name: str
    inner: Inner = Inner()


@task
def double(number: int) -> int:
    return 2 * number


@flow(name="{name}-ends")
def ends(config: Config, seconds: float = 0):
    get_run_logger().info("port %s", config.inner.port)
    double.submit(3).result()
    time.sleep(seconds)
    get_run_logger().info("the very last line of %s", config.name)


@flow(name="{name}-fails")
def fails():
    get_run_logger().info("the line before it breaks")
    raise ValueError("by design")


@flow(name="{name}-sleeps")
def sleeps():
    get_run_logger().info("asleep")
    time.sleep(600)
"""
QUICK = {"PREFECT_WORKER_QUERY_SECONDS": "1"}
"""Workers poll every 10 seconds otherwise."""


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory, prefect3_server: PrefectServer
) -> PrefectProject:
    """Three deployed flows for a process pool of their own."""
    root = tmp_path_factory.mktemp("runs") / "project"
    root.mkdir()
    environment = {"FLOWTUI_HOME": str(root.parent / "home")}
    made = PrefectProject(root, prefect3_server.api_url, environment, prefect3_server)
    made.make_pool()
    made.configure_pool('type = "local"')
    made.write("flows/work.py", FLOWS.replace("{name}", made.name))
    ran = made.deploy("flows/work.py")
    assert ran.code == 0, ran.stderr
    return made


@pytest.fixture(scope="module")
def worker(project: PrefectProject) -> Iterator[Command]:
    with a_worker(project) as command:
        yield command


@contextmanager
def a_worker(project: PrefectProject, *options: str) -> Iterator[Command]:
    environment = {**QUICK, **project.environment}
    with own_agent(project.root, project.api_url, *options, environment=environment) as command:
        yield command


def state_of(project: PrefectProject, run_id: str) -> str:
    return project.ask("GET", f"/flow_runs/{run_id}")["state_name"]


def start(project: PrefectProject, flow: str, *options: str) -> str:
    """The id of the run."""
    ran = project.run("run", f"{project.name}-{flow}/default", *options, "--json")
    assert ran.code == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[0])["id"]


def is_in(project: PrefectProject, run_id: str, *states: str) -> None:
    until(
        lambda: state_of(project, run_id) in states,
        f"the run is {' or '.join(states)}",
        told=lambda: state_of(project, run_id),
    )


def log_of(project: PrefectProject, run_id: str) -> list[str]:
    ran = project.run("logs", run_id, "--json")
    assert ran.code == 0, ran.stderr
    return [json.loads(line)["text"] for line in ran.stdout.splitlines()]


def run_of(project: PrefectProject, name: str) -> dict[str, Any]:
    wanted = {"flow_runs": {"name": {"any_": [name]}}}
    (found,) = project.ask("POST", "/flow_runs/filter", wanted)
    return found


# The first two have the pool to themselves: nobody else's worker is there yet.


def test_a_worker_that_is_stopped_sees_its_run_to_the_end(project: PrefectProject) -> None:
    with a_worker(project) as worker:
        run_id = start(project, "ends", "-p", "config.name=long", "-p", "seconds=6")
        is_in(project, run_id, "Running")
        assert worker.stop() == 0
    assert state_of(project, run_id) == "Completed"
    assert "the very last line of long" in log_of(project, run_id)


def test_a_worker_that_is_stopped_twice_ends_its_run_which_says_so(
    project: PrefectProject,
) -> None:
    with a_worker(project) as worker:
        run_id = start(project, "sleeps")
        is_in(project, run_id, "Running")
        worker.process.send_signal(signal.SIGINT)
        while "Stopping" not in worker.until("agent_line")["text"]:
            pass
        assert worker.stop() == 0
    is_in(project, run_id, "Crashed")


def test_why_a_run_waits_is_told(project: PrefectProject) -> None:
    project.ask("PATCH", f"/work_pools/{project.pool}", {"is_paused": True})
    try:
        run_id = start(project, "sleeps")
        ran = project.run("runs", "why", run_id)
        assert ran.code == 0, ran.stderr
        assert f"the work pool “{project.pool}” is paused" in ran.stdout
        assert project.run("runs", "cancel", run_id, "--yes").code == 0
        assert state_of(project, run_id) == "Cancelled"
    finally:
        project.ask("PATCH", f"/work_pools/{project.pool}", {"is_paused": False})


def test_a_followed_run_is_shown_to_its_very_last_line(
    project: PrefectProject, worker: Command
) -> None:
    name = f"followed-{uuid.uuid4().hex[:8]}"
    ran = project.run(
        "run",
        f"{project.name}-ends",
        *("-p", "config.name=sales", "-p", "config.inner.port=80"),
        *("--name", name, "--tag", "by-hand", "--follow"),
    )
    assert ran.code == 0, ran.stderr
    assert "port 80" in ran.stdout
    assert "the very last line of sales" in ran.stdout
    assert "Finished in state Completed()" in ran.stdout
    run = run_of(project, name)
    assert run["state_name"] == "Completed"
    assert run["parameters"]["config"] == {"name": "sales", "inner": {"port": 80}}
    assert "by-hand" in run["tags"]
    assert "the very last line of sales" in log_of(project, run["id"])
    shown = project.run("runs", "show", run["id"])
    assert shown.code == 0 and "double" in shown.stdout


def test_a_run_that_fails_says_so_and_is_run_again(
    project: PrefectProject, worker: Command
) -> None:
    ran = project.run("run", f"{project.name}-fails", "--follow")
    assert ran.code == 1, ran.stderr
    assert "the line before it breaks" in ran.stdout
    assert "ValueError: by design" in ran.stdout
    runs = project.run("runs", f"{project.name}-fails", "--json")
    (first,) = json.loads(runs.stdout)
    assert first["state"] == "Failed"
    again = project.run("runs", "again", first["id"], "--json")
    assert again.code == 0, again.stderr
    is_in(project, json.loads(again.stdout.splitlines()[0])["id"], "Failed")


def test_a_run_is_cancelled(project: PrefectProject, worker: Command) -> None:
    run_id = start(project, "sleeps")
    is_in(project, run_id, "Running")
    ran = project.run("runs", "cancel", run_id, "--yes")
    assert ran.code == 0, ran.stderr
    is_in(project, run_id, "Cancelled")
    assert project.run("logs", run_id, "--follow").code == 6


def test_what_does_not_fit_is_refused_before_anything_is_sent(project: PrefectProject) -> None:
    wanted = {"flows": {"name": {"any_": [f"{project.name}-ends"]}}}
    before = project.ask("POST", "/flow_runs/count", wanted)
    ran = project.run(
        "run", f"{project.name}-ends", "-p", "config.name=a", "-p", "config.inner.port=many"
    )
    assert ran.code == 2
    assert "config.inner.port" in ran.stderr and "is not of type 'integer'" in ran.stderr
    assert project.ask("POST", "/flow_runs/count", wanted) == before
