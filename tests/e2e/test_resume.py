"""Going on from the stage that did not finish: real engine, real registry, kill -9."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Project, Ran
from tests.parts.base_images import prefect_image
from tests.parts.engine import RunningEngine
from tests.parts.holding_proxy import holding_proxy
from tests.parts.need import missing
from tests.parts.registry import RunningRegistry, free_port

pytestmark = [pytest.mark.real, pytest.mark.long(2)]

_FLOW = """\
from prefect import Flow, task
import helper

@task
def greet():
    return helper.greeting()

with Flow("hello") as flow:
    greet()
"""


@contextmanager
def registry_on(port: int, folder: Path) -> Iterator[None]:
    """A registry that can be stopped and come back at the same address with what it had."""
    program = shutil.which("docker-registry") or shutil.which("registry")
    if program is None:
        missing("registry", "no docker-registry on PATH")
    configuration = folder / "config.yml"
    configuration.write_text(
        "version: 0.1\nlog: {level: warn}\nstorage:\n"
        f"  filesystem: {{rootdirectory: {folder / 'store'}}}\n"
        f"http:\n  addr: 127.0.0.1:{port}\n"
    )
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([program, "serve", str(configuration)], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


def docker_project(
    project: Project, engine: RunningEngine, python: Path, registry_url: str
) -> None:
    base = prefect_image(engine, "1.4.1")
    project.configure(python, f'base_image = "{base}"\nregistry_url = "{registry_url}"')
    project.write("hello.py", _FLOW)
    project.write("helper.py", "def greeting():\n    return 'hello'\n")


def newest(project: Project) -> dict[str, Any]:
    return json.loads(project.run("history", "--json").stdout)[0]


def built_nothing(ran: Ran) -> bool:
    started = {event["stage"] for event in ran.of("stage_started")}
    return "build" not in started and "health check" not in started


def test_a_push_that_failed_is_gone_on_with_once_the_registry_is_back(
    project: Project, docker_engine: RunningEngine, python_141: Path, tmp_path: Path
) -> None:
    port = free_port()
    docker_project(project, docker_engine, python_141, f"127.0.0.1:{port}/resume")
    folder = tmp_path / "registry"
    folder.mkdir()
    with registry_on(port, folder):
        process = project.start("deploy", "hello.py", "--json")
        assert process.stdout is not None
        lines = [next(process.stdout)]
        while json.loads(lines[-1])["event"] != "stage_started" or "build" not in lines[-1]:
            lines.append(next(process.stdout))
    out, _ = process.communicate(timeout=300)
    failed = Ran(process.returncode, "".join(lines) + out, "")
    assert (failed.code, failed.stages["push"]) == (5, "failed"), failed.stdout
    assert failed.stages["health check"] == "done"
    assert project.versions("hello") == []

    with registry_on(port, folder):
        ran = project.deploy("hello.py", "--resume")
        assert ran.code == 0, ran.stdout + ran.stderr
        assert built_nothing(ran)
        assert (ran.stages["push"], ran.stages["register"]) == ("done", "done")
        assert ran.of("deploy_started")[0]["resumes"] == failed.result["deploy"]
        details = {event["stage"]: event["detail"] for event in ran.of("stage_finished")}
        assert details["build"].startswith("done before: image sha256:")
        (version,) = project.versions("hello")
        stored = version["storage"]["flows"]["hello"]
        image = f"{ran.result['image'].rpartition(':')[0]}@{ran.result['digest']}"
        docker_engine.docker("rmi", "--force", ran.result["image"])
        code = (
            "import cloudpickle, json, sys; from prefect.utilities.storage import "
            "flow_from_bytes_pickle as load; flow = load(open(sys.argv[1], 'rb').read()); "
            "print(json.dumps(sorted(t['slug'] for t in flow.serialize(build=False)['tasks'])))"
        )
        slugs = docker_engine.docker("run", "--rm", image, "python", "-c", code, stored)
        registered = sorted(task["slug"] for task in version["serialized_flow"]["tasks"])
        assert json.loads(slugs) == registered


def test_killed_while_it_pushed_then_gone_on_with(
    project: Project,
    docker_engine: RunningEngine,
    plain_registry: RunningRegistry,
    python_141: Path,
) -> None:
    target = int(plain_registry.host.rpartition(":")[2])
    with holding_proxy(target, b"/blobs/uploads/") as proxy:
        port = proxy.port
        docker_project(project, docker_engine, python_141, f"127.0.0.1:{port}/killed")
        process = project.start("deploy", "hello.py", "--json")
        assert proxy.held.wait(120)
        # The history is written at most a tenth of a second after what happened.
        deadline = time.monotonic() + 60
        while "push" not in project.run("history", newest(project)["id"]).stderr:
            assert time.monotonic() < deadline
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    interrupted = newest(project)
    assert interrupted["outcome"] == "interrupted"

    with forwarding(port, target):
        ran = project.run("history", "resume", interrupted["id"][:10], "--json")
        assert ran.code == 0, ran.stdout + ran.stderr
        assert built_nothing(ran)
        assert ran.result["version"] == 1

        again = project.run("history", "resume", ran.result["deploy"])
        assert again.code == 2
        assert "it ended well" in again.stderr


@contextmanager
def forwarding(port: int, target: int) -> Iterator[None]:
    """The proxy's port leads to the registry again."""
    import threading

    listener = socket.create_server(("127.0.0.1", port))

    def copy(source: socket.socket, sink: socket.socket) -> None:
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def accept() -> None:
        try:
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", target))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=copy, args=pair, daemon=True).start()
        except OSError:
            return

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_what_changed_since_is_named_and_everything_is_made_anew(
    project: Project,
    docker_engine: RunningEngine,
    plain_registry: RunningRegistry,
    python_141: Path,
) -> None:
    target = int(plain_registry.host.rpartition(":")[2])
    with holding_proxy(target, b"/blobs/uploads/") as proxy:
        docker_project(project, docker_engine, python_141, f"127.0.0.1:{proxy.port}/changed")
        ran = project.interrupt_when(
            lambda e: e["event"] == "stage_started" and e["stage"] == "push", "hello.py"
        )
        assert ran.stages["push"] == "cancelled"
        port = proxy.port
    project.write("helper.py", "def greeting():\n    return 'good day'\n")
    with forwarding(port, target):
        again = project.deploy("hello.py", "--resume")
        assert again.code == 0, again.stdout
        warnings = [e["text"] for e in again.of("log") if e["level"] == "warning"]
        assert any(
            "cannot go on from push" in text and "helper.py changed" in text for text in warnings
        )
        assert again.stages["build"] == "done"


def test_local_storage_killed_while_it_registers(project: Project, python_141: Path) -> None:
    project.configure(python_141, 'type = "local"')
    project.write("hello.py", _FLOW)
    project.write("helper.py", "def greeting():\n    return 'hello'\n")
    address = project.api_url
    server = int(address.rpartition(":")[2])
    with holding_proxy(server, b"serialized_flow") as proxy:
        port = proxy.port
        project.api_url = f"http://127.0.0.1:{port}"
        process = project.start("deploy", "hello.py", "--json")
        assert proxy.held.wait(60)
        deadline = time.monotonic() + 60
        while "register" not in project.run("history", newest(project)["id"]).stderr:
            assert time.monotonic() < deadline
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    with forwarding(port, server):
        ran = project.deploy("hello.py", "--resume")
        assert ran.code == 0, ran.stdout + ran.stderr
        assert built_nothing(ran)
        (version,) = project.versions("hello")
        assert Path(version["storage"]["flows"]["hello"]).is_file()
        assert "nothing changed since deploy" in ran.stdout


def test_resume_without_anything_to_go_on_from_deploys_anew(
    project: Project, python_141: Path
) -> None:
    project.configure(python_141, 'type = "local"')
    project.write("hello.py", "from prefect import Flow\nflow = Flow('hello')\n")
    ran = project.run("deploy", "hello.py", "--resume")
    assert ran.code == 0, ran.stderr
    once_more = project.run("deploy", "hello.py", "--resume")
    assert "it ended well; deploying it anew" in once_more.stderr
    refused = project.run("deploy", "hello.py", "--resume", "--force")
    assert refused.code == 2
