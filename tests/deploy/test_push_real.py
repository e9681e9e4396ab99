"""Registries that refuse, want a login, are not there, or never answer; and credentials."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from pathlib import Path

import pytest

from flowtui.deploy.docker import registry as registries
from flowtui.deploy.docker.engine import Engine
from flowtui.deploy.docker.registry import ImageReference, Registry, registry_host
from flowtui.deploy.docker.registry_credentials import find_credentials
from flowtui.deploy.events import Stage
from flowtui.deploy.stages.push import PushedImage, push_image
from flowtui.errors import EngineError, ExitCode, UsageError
from flowtui.text import redact
from tests.deploy.docker_logins import log_in, with_helper
from tests.deploy.stage_helpers import Recorder, cancelled_within
from tests.parts.base_images import python_image
from tests.parts.engine import RunningEngine
from tests.parts.registry import (
    PASSWORD,
    USER,
    RunningRegistry,
    free_port,
    make_certificate,
    running_registry,
)

pytestmark = pytest.mark.real


async def pushed(engine: RunningEngine, host: str) -> PushedImage:
    """Push a small image that is on the engine to this registry."""
    image_id = engine.docker("inspect", "--format", "{{.Id}}", python_image(engine, "3.11"))
    image = f"{host}/team/sample:1"
    async with await Engine.connect() as client, await Registry.open(host) as registry:
        return await push_image(
            Recorder(Stage.PUSH).ctx, client, registry, image_id=image_id, image=image
        )


async def test_with_the_right_login_the_registry_confirms(
    docker_engine: RunningEngine, password_registry: RunningRegistry, own_home: Path
) -> None:
    log_in(own_home, password_registry.host)
    await registries.check(password_registry.host, "sample")
    done = await pushed(docker_engine, password_registry.host)
    assert done.digest.startswith("sha256:")
    assert await registries.manifest_digest(done.image) == done.digest
    assert await registries.manifest_digest(done.by_digest) == done.digest
    assert await registries.manifest_digest(f"{password_registry.host}/team/none:1") is None


async def test_without_a_login_both_the_check_and_the_push_say_so(
    docker_engine: RunningEngine, password_registry: RunningRegistry
) -> None:
    with pytest.raises(EngineError, match="wants a login, and there is none") as early:
        await registries.check(password_registry.host)
    assert f"docker login {password_registry.host}" in early.value.problem.fix
    with pytest.raises(EngineError, match="wants a login, and there is none") as late:
        await pushed(docker_engine, password_registry.host)
    assert late.value.exit_code is ExitCode.ENGINE


async def test_with_a_wrong_login_both_say_so(
    docker_engine: RunningEngine, password_registry: RunningRegistry, own_home: Path
) -> None:
    log_in(own_home, password_registry.host, password="not-the-password")
    for attempt in (
        registries.check(password_registry.host),
        pushed(docker_engine, password_registry.host),
    ):
        with pytest.raises(EngineError, match="does not take the credentials") as caught:
            await attempt
        assert "not-the-password" not in str(caught.value)


async def test_a_registry_that_is_not_there_is_told_before_and_after(
    docker_engine: RunningEngine,
) -> None:
    host = f"127.0.0.1:{free_port()}"
    for attempt in (registries.check(host), pushed(docker_engine, host)):
        with pytest.raises(EngineError, match="refuses the connection") as caught:
            await attempt
        assert host in caught.value.problem.what


async def test_a_push_that_hangs_can_be_cancelled(docker_engine: RunningEngine) -> None:
    connected = asyncio.Event()

    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(never_answer, "127.0.0.1", 0)
    host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    task = asyncio.create_task(pushed(docker_engine, host))
    await asyncio.wait_for(connected.wait(), 60)
    await cancelled_within(task, 1.0)
    server.close()


async def test_the_helper_of_a_registry_is_asked(
    password_registry: RunningRegistry, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = json.dumps({"Username": USER, "Secret": PASSWORD})
    script = f"read server; test \"$server\" = {password_registry.host} && echo '{answer}'"
    with_helper(own_home, password_registry.host, script, monkeypatch)
    await registries.check(password_registry.host)
    found = await find_credentials(password_registry.host)
    assert found is not None and found.source == "docker-credential-sample"
    assert PASSWORD not in repr(found)
    assert PASSWORD not in redact(f"log with {PASSWORD}")
    assert await find_credentials("other.example:5000") is None


def _other_address() -> str:
    """An address of this machine that is not loopback: Docker and we trust loopback blindly."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return probe.getsockname()[0]


async def test_tls_is_verified_with_the_systems_and_the_given_ca(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with running_registry(tls=True, address=_other_address()) as registry:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        async with Registry(registry.host, None, insecure=False) as strict:
            with pytest.raises(EngineError, match=r"certificate of the registry .* not trusted"):
                await strict.check()
        monkeypatch.setenv("SSL_CERT_FILE", str(registry.ca))
        async with Registry(registry.host, None, insecure=False) as trusting:
            await trusting.check()


async def test_a_ca_that_was_replaced_is_read_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    address = _other_address()
    given = make_certificate(tmp_path, address)
    monkeypatch.setenv("SSL_CERT_FILE", str(given))
    with running_registry(tls=True, address=address) as registry:
        assert registry.ca is not None
        async with Registry(registry.host, None, insecure=False) as strict:
            with pytest.raises(EngineError, match=r"certificate of the registry .* not trusted"):
                await strict.check()
        given.write_bytes(registry.ca.read_bytes())
        async with Registry(registry.host, None, insecure=False) as trusting:
            await trusting.check()


async def test_plain_http_is_refused_off_loopback() -> None:
    with running_registry(address=_other_address()) as registry:
        async with Registry(registry.host, None, insecure=False) as strict:
            with pytest.raises(EngineError, match="speaks plain http"):
                await strict.check()


async def test_a_registry_with_bearer_tokens_gets_one_for_the_repository(
    own_home: Path,
) -> None:
    """No such registry can be had here: the token step is played by its specification."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(1)
        if first == b"\x16":  # TLS, which this server does not speak
            writer.close()
            return
        request = (first + await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(request)
        host = "127.0.0.1:{}".format(writer.get_extra_info("sockname")[1])
        body, status, extra = b"{}", "200 OK", ""
        if request.startswith("GET /token"):
            allowed = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode() in request
            body, status = (
                (b'{"token": "the-bearer-token"}', "200 OK") if allowed else (b"{}", "401 No")
            )
        elif "Bearer the-bearer-token" not in request:
            status = "401 Unauthorized"
            extra = f'WWW-Authenticate: Bearer realm="http://{host}/token",service="sample"\r\n'
        writer.write(
            f"HTTP/1.1 {status}\r\n{extra}Content-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    log_in(own_home, host)
    await registries.check(f"{host}/team", "sample")
    token_request = next(request for request in asked if request.startswith("GET /token"))
    assert "scope=repository%3Ateam%2Fsample%3Apull%2Cpush" in token_request
    assert "service=sample" in token_request
    log_in(own_home, host, password="something-else")
    with pytest.raises(EngineError, match="does not take the credentials"):
        await registries.check(f"{host}/team", "sample")
    server.close()


@pytest.mark.parametrize(
    ("text", "registry", "repository", "version"),
    [
        ("alpine", "docker.io", "library/alpine", "latest"),
        ("prefecthq/prefect:1.4.1", "docker.io", "prefecthq/prefect", "1.4.1"),
        ("docker.io/library/alpine:3", "docker.io", "library/alpine", "3"),
        ("localhost/x:1", "localhost", "x", "1"),
        ("localhost:5000/a/b", "localhost:5000", "a/b", "latest"),
        ("reg.example.com/ns/img:t", "reg.example.com", "ns/img", "t"),
        ("h:5/x@sha256:" + "0" * 64, "h:5", "x", "sha256:" + "0" * 64),
    ],
)
def test_names_are_read_as_docker_reads_them(
    text: str, registry: str, repository: str, version: str
) -> None:
    found = ImageReference.parse(text)
    assert (found.registry, found.repository, found.version) == (registry, repository, version)


@pytest.mark.parametrize("text", ["Upper/Case", "a:b c", "https://x/y", "x@sha256:12", "", "a//b"])
def test_names_that_docker_refuses_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not the name of an image"):
        ImageReference.parse(text)


def test_a_registry_url_is_a_host_and_perhaps_a_path() -> None:
    assert registry_host("127.0.0.1:5000") == "127.0.0.1:5000"
    assert registry_host("reg.example.com/ns") == "reg.example.com"
    assert registry_host("prefecthq/storage-example") == "docker.io"
    with pytest.raises(UsageError, match="without a scheme"):
        registry_host("https://reg.example.com")
