"""Whether the engine and the registry are there, told without an exception and without waiting."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from flowtui.deploy.docker.reachability import engine_status, registry_status
from tests.deploy.docker_logins import configure, entry, log_in, with_helper
from tests.parts.engine import RunningEngine
from tests.parts.registry import PASSWORD, RunningRegistry, free_port


@asynccontextmanager
async def answering(*answers: tuple[str, int, object]) -> AsyncIterator[int]:
    """An HTTP server on loopback: (start of the path, status, JSON) each; gives the port.

    A path that no answer is for is never answered.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        start_of_line = await reader.readexactly(1)
        if start_of_line == b"\x16":
            writer.close()  # TLS, which this server does not speak.
            return
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        for start, status, content in answers:
            if not path.startswith(start):
                continue
            body = json.dumps(content).encode()
            writer.write(
                f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n"
                'WWW-Authenticate: Basic realm="x"\r\nConnection: close\r\n\r\n'.encode()
                + body
            )
            await writer.drain()
            writer.close()
            return
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


VERSION = {"ApiVersion": "1.43", "Version": "9.9", "Components": [{"Name": "Engine"}]}


async def test_an_engine_that_answers() -> None:
    info = ("/v1.43/info", 200, {"DockerRootDir": "/var/lib/docker"})
    async with answering(("/version", 200, VERSION), info) as port:
        status = await engine_status({"DOCKER_HOST": f"tcp://127.0.0.1:{port}"})
    assert status.reachable
    assert (status.name, status.api_version) == ("Docker 9.9", "1.43")
    assert (status.endpoint, status.origin) == (f"tcp://127.0.0.1:{port}", "DOCKER_HOST")
    assert status.data_folder == "/var/lib/docker" and not status.is_local


async def test_an_engine_that_is_not_there_keeps_its_place_and_gets_a_fix(tmp_path: Path) -> None:
    status = await engine_status({"DOCKER_HOST": f"unix://{tmp_path}/no.sock"})
    assert not status.reachable and status.problem is not None
    assert (status.endpoint, status.origin) == (f"unix://{tmp_path}/no.sock", "DOCKER_HOST")
    assert "no Docker engine" in status.problem.what and status.problem.fix


async def test_a_context_that_does_not_exist_is_a_problem() -> None:
    status = await engine_status({"DOCKER_CONTEXT": "typo"})
    assert status.problem is not None and status.endpoint == ""
    assert '"typo" does not exist' in status.problem.what


async def test_an_engine_that_never_answers_costs_no_more_than_the_limit() -> None:
    async with answering() as port:
        environ = {"DOCKER_HOST": f"tcp://127.0.0.1:{port}"}
        status = await engine_status(environ, seconds=0.2)
    assert status.problem is not None
    assert "does not answer within 0.2 s" in status.problem.what and status.problem.fix


async def test_a_registry_that_takes_everybody() -> None:
    async with answering(("/v2/", 200, {})) as port:
        status = await registry_status(f"127.0.0.1:{port}/team")
    assert status.host == f"127.0.0.1:{port}" and status.reachable
    assert not status.wants_login and status.login == "" and status.problem is None


async def test_a_registry_that_wants_a_login_and_has_none() -> None:
    async with answering(("/v2/", 401, {})) as port:
        status = await registry_status(f"127.0.0.1:{port}")
    assert status.reachable and status.wants_login and status.problem is not None
    assert status.problem.fix == f"run `docker login 127.0.0.1:{port}`"


async def test_a_helper_is_named_and_not_run(
    own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with answering(("/v2/", 401, {})) as port:
        host = f"127.0.0.1:{port}"
        with_helper(own_home, host, f"touch {own_home}/ran; exit 1", monkeypatch)
        status = await registry_status(host)
    assert status.login == "docker-credential-sample" and status.problem is None
    assert not (own_home / "ran").exists()


async def test_a_login_of_the_file_is_named_and_never_shown(own_home: Path) -> None:
    async with answering(("/v2/", 401, {})) as port:
        host = f"127.0.0.1:{port}"
        configure(own_home, auths={host: entry()})
        status = await registry_status(host)
        refused = await registry_status(host, check_login=True)
    assert status.login == str(own_home / ".docker/config.json") and status.problem is None
    assert refused.reachable and refused.problem is not None
    assert "does not take the credentials" in refused.problem.what
    assert PASSWORD not in repr((status, refused))


async def test_a_registry_that_is_not_there_or_silent_or_no_name() -> None:
    gone = await registry_status(f"127.0.0.1:{free_port()}")
    assert not gone.reachable and gone.problem is not None and gone.problem.fix
    async with answering() as port:
        silent = await registry_status(f"127.0.0.1:{port}", seconds=0.2)
    assert silent.problem is not None and "does not answer within 0.2 s" in silent.problem.what
    wrong = await registry_status("http://reg.example/team")
    assert wrong.problem is not None and wrong.problem.fix == "write reg.example/team"


@pytest.mark.real
async def test_the_real_engine(docker_engine: RunningEngine) -> None:
    status = await engine_status()
    assert status.reachable and status.is_local
    assert status.name.startswith("Docker ") and status.data_folder.startswith("/")


@pytest.mark.real
async def test_the_real_registry(password_registry: RunningRegistry, own_home: Path) -> None:
    without = await registry_status(password_registry.host, check_login=True)
    assert without.reachable and without.wants_login and without.problem is not None
    log_in(own_home, password_registry.host)
    right = await registry_status(password_registry.host, check_login=True)
    assert right.problem is None and right.login.endswith("config.json")
    log_in(own_home, password_registry.host, "another-password")
    wrong = await registry_status(password_registry.host, check_login=True)
    assert wrong.problem is not None and "does not take" in wrong.problem.what
