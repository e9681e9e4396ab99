"""Where the engine is, and what is said when it is not there."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from flowtui.deploy.docker.docker_config import find_endpoint
from flowtui.deploy.docker.engine import Engine
from flowtui.errors import EngineError, ExitCode
from tests.parts.engine import RunningEngine
from tests.parts.need import missing
from tests.parts.packages import program
from tests.parts.registry import free_port, make_certificate


def make_context(home: Path, name: str, host: str, *, skip_tls_verify: bool | None = False) -> Path:
    """What `docker context create` writes; gives the folder for its certificates."""
    identity = hashlib.sha256(name.encode()).hexdigest()
    meta = home / ".docker/contexts/meta" / identity / "meta.json"
    meta.parent.mkdir(parents=True)
    endpoint: dict[str, object] = {"Host": host}
    if skip_tls_verify is not None:
        endpoint["SkipTLSVerify"] = skip_tls_verify
    meta.write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    folder = home / ".docker/contexts/tls" / identity / "docker"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("unix:///run/x.sock", "unix:///run/x.sock"),
        ("unix://run/x.sock", "unix:///run/x.sock"),
        ("/run/x.sock", "unix:///run/x.sock"),
        ("tcp://h:2376", "tcp://h:2376"),
        ("tcp://h", "tcp://h:2375"),
        ("h:1234", "tcp://h:1234"),
        ("http://h:1/", "tcp://h:1"),
        ("ssh://me@h:22", "ssh://me@h:22"),
    ],
)
def test_docker_host_in_all_its_forms(host: str, url: str) -> None:
    endpoint = find_endpoint({"DOCKER_HOST": host})
    assert (endpoint.url, endpoint.origin) == (url, "DOCKER_HOST")


@pytest.mark.parametrize("host", ["npipe:////./pipe/docker", "fd://", "ftp://x", "unix://"])
def test_addresses_that_cannot_be_used_are_refused(host: str) -> None:
    with pytest.raises(EngineError, match="cannot be used") as caught:
        find_endpoint({"DOCKER_HOST": host})
    assert caught.value.exit_code is ExitCode.ENGINE


def test_the_order_is_dockers_own(own_home: Path) -> None:
    make_context(own_home, "build", "tcp://build:2375")
    make_context(own_home, "other", "unix:///other.sock")
    assert find_endpoint({}).origin == "the default socket"
    (own_home / ".docker/config.json").write_text('{"currentContext": "build"}')
    assert find_endpoint({}).url == "tcp://build:2375"
    assert "config.json" in find_endpoint({}).origin
    assert find_endpoint({"DOCKER_CONTEXT": "other"}).url == "unix:///other.sock"
    assert find_endpoint({"DOCKER_CONTEXT": "default"}).origin == "the default socket"
    both = {"DOCKER_CONTEXT": "other", "DOCKER_HOST": "tcp://first:1"}
    assert find_endpoint(both).url == "tcp://first:1"


def test_a_context_that_does_not_exist_is_never_the_default(own_home: Path) -> None:
    with pytest.raises(EngineError, match='context "typo" does not exist') as caught:
        find_endpoint({"DOCKER_CONTEXT": "typo"})
    assert caught.value.problem.where == "DOCKER_CONTEXT"
    (own_home / ".docker").mkdir()
    (own_home / ".docker/config.json").write_text('{"currentContext": "gone"}')
    with pytest.raises(EngineError, match='context "gone" does not exist'):
        find_endpoint({})


def test_contexts_of_the_current_folder_are_not_read(
    own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_context(tmp_path, "planted", "tcp://evil:2375")
    shutil.move(tmp_path / ".docker/contexts", tmp_path / "contexts")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EngineError, match="does not exist"):
        find_endpoint({"DOCKER_CONTEXT": "planted"})


def test_contexts_of_another_configuration_are_not_read(own_home: Path, tmp_path: Path) -> None:
    make_context(own_home, "prod", "tcp://elsewhere:2375")
    (own_home / ".docker/config.json").write_text("{}")
    with pytest.raises(EngineError, match='"prod" does not exist'):
        find_endpoint({"DOCKER_CONTEXT": "prod", "DOCKER_CONFIG": str(tmp_path)})


def test_a_context_that_does_not_say_so_is_verified(own_home: Path) -> None:
    folder = make_context(own_home, "prod", "tcp://h:2376", skip_tls_verify=None)
    (folder / "ca.pem").write_text("x")
    tls = find_endpoint({"DOCKER_CONTEXT": "prod"}).tls
    assert tls is not None and tls.verify and tls.ca == folder / "ca.pem"


@pytest.mark.real
def test_contexts_are_read_as_dockers_command_line_writes_them(
    own_home: Path, tmp_path: Path
) -> None:
    """It writes no config.json for them."""
    docker = program("docker")
    if docker is None:
        missing("docker command line", "no docker on PATH (Debian: docker.io)")
    make_certificate(tmp_path, "127.0.0.1")
    shutil.copy(tmp_path / "cert.pem", tmp_path / "ca.pem")
    ca, cert, key = (f",{name}={tmp_path}/{name}.pem" for name in ("ca", "cert", "key"))
    for name, settings in (
        ("plain", "host=tcp://h:2375"),
        ("ca", f"host=tcp://h:2376{ca}"),
        ("both", f"host=tcp://h:2376{ca}{cert}{key}"),
        ("skip", f"host=tcp://h:2376{ca}{cert}{key},skip-tls-verify=true"),
    ):
        command = [docker, "context", "create", name, "--docker", settings]
        subprocess.run(command, check=True, capture_output=True)
    found = {name: find_endpoint({"DOCKER_CONTEXT": name}) for name in ("plain", "ca", "both")}
    assert found["plain"].url == "tcp://h:2375" and found["plain"].tls is None
    only_ca, both = found["ca"].tls, found["both"].tls
    assert only_ca is not None and only_ca.verify and only_ca.ca is not None
    assert only_ca.cert is None
    assert both is not None and both.verify and both.cert is not None and both.key is not None
    assert both.key.read_bytes() == (tmp_path / "key.pem").read_bytes()
    skipping = find_endpoint({"DOCKER_CONTEXT": "skip"}).tls
    assert skipping is not None and not skipping.verify


def test_half_a_key_pair_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("x")
    environ = {
        "DOCKER_HOST": "tcp://h:1",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(tmp_path),
    }
    with pytest.raises(EngineError, match=r"not complete: no key\.pem"):
        find_endpoint(environ)


async def test_a_missing_socket_names_others_and_takes_none(own_home: Path, tmp_path: Path) -> None:
    runtime = tmp_path / "run"
    (runtime / "podman").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(runtime / "podman/podman.sock"))
        environ = {"DOCKER_HOST": f"unix://{tmp_path}/no.sock", "XDG_RUNTIME_DIR": str(runtime)}
        with pytest.raises(EngineError, match="no Docker engine") as caught:
            await Engine.connect(environ=environ)
    problem = caught.value.problem
    assert problem.where == f"unix://{tmp_path}/no.sock (from DOCKER_HOST)"
    assert f"DOCKER_HOST=unix://{runtime}/podman/podman.sock" in problem.fix


async def test_a_socket_that_may_not_be_used_names_the_group(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        missing("another user", "only root can become one")
    folder = Path("/tmp") / f"flowtui-socket-{os.getpid()}"
    folder.mkdir()
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(folder / "s"))
            (folder / "s").chmod(0o600)
            os.seteuid(65534)
            try:
                with pytest.raises(EngineError, match="no permission") as caught:
                    await Engine.connect(environ={"DOCKER_HOST": f"unix://{folder}/s"})
            finally:
                os.seteuid(0)
    finally:
        shutil.rmtree(folder)
    assert "group docker" in caught.value.problem.fix


async def test_nothing_listening_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot reach the Docker engine"):
        await Engine.connect(environ={"DOCKER_HOST": f"tcp://127.0.0.1:{free_port()}"})
    path = tmp_path / "dead.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.close()
    with pytest.raises(EngineError, match="cannot reach the Docker engine"):
        await Engine.connect(environ={"DOCKER_HOST": f"unix://{path}"})


async def test_ssh_that_ends_is_quoted_even_if_a_helper_holds_its_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ssh").write_text(
        f"#!/bin/sh\nsleep 600 &\necho $! >> '{tmp_path}/helpers'\n"
        f"[ -e '{tmp_path}/talk' ] && echo 'no route' >&2\nexit 255\n"
    )
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(EngineError, match="by ssh: ssh ended with exit status 255"):
        await Engine.connect(environ={"DOCKER_HOST": "ssh://host"})
    (tmp_path / "talk").touch()
    with pytest.raises(EngineError, match="by ssh: no route"):
        await Engine.connect(environ={"DOCKER_HOST": "ssh://host"})
    for pid in (tmp_path / "helpers").read_text().split():
        os.kill(int(pid), signal.SIGKILL)


async def test_sockets_that_cannot_be_looked_for_are_not_there(tmp_path: Path) -> None:
    strange = "x" * 300  # longer than a file's name can be
    with pytest.raises(EngineError, match="its socket does not exist"):
        await Engine.connect(
            environ={
                "DOCKER_HOST": f"unix://{tmp_path}/{strange}",
                "XDG_RUNTIME_DIR": f"{tmp_path}/{strange}",
            }
        )


async def test_a_web_server_is_not_taken_for_an_engine() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n<htm>")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(EngineError, match="not a Docker engine"):
        await Engine.connect(environ={"DOCKER_HOST": f"tcp://127.0.0.1:{port}"})
    server.close()


@asynccontextmanager
async def forwarded(engine: RunningEngine, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A TCP port on loopback in front of the engine's socket; gives the port."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back_reader, back_writer = await asyncio.open_unix_connection(str(engine.socket))
        await asyncio.gather(copy(reader, back_writer), copy(back_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.real
async def test_the_engine_is_reached_over_tcp(docker_engine: RunningEngine) -> None:
    async with (
        forwarded(docker_engine) as port,
        await Engine.connect(environ={"DOCKER_HOST": f"tcp://127.0.0.1:{port}"}) as engine,
    ):
        assert engine.name.startswith("Docker ")
        assert engine.api_version.startswith("1.")
        assert not engine.endpoint.is_local
        assert await engine.image("no/such:image") is None


@pytest.mark.real
async def test_the_engine_is_reached_over_tls_with_both_certificates(
    docker_engine: RunningEngine, own_home: Path
) -> None:
    folder = make_context(own_home, "safe", "tcp://localhost:1")
    make_certificate(folder, "127.0.0.1")
    shutil.copy(folder / "cert.pem", folder / "ca.pem")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.pem"))
    tls.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    async with forwarded(docker_engine, tls) as port:
        by_host = {
            "DOCKER_HOST": f"tcp://127.0.0.1:{port}",
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(folder),
        }
        async with await Engine.connect(environ=by_host) as engine:
            assert engine.name.startswith("Docker ")
        shutil.rmtree(own_home / ".docker/contexts/meta")
        kept = own_home / "kept"
        shutil.copytree(folder, kept)
        shutil.rmtree(own_home / ".docker/contexts/tls")
        again = make_context(own_home, "safe", f"tcp://localhost:{port}")
        shutil.copytree(kept, again, dirs_exist_ok=True)
        async with await Engine.connect(environ={"DOCKER_CONTEXT": "safe"}) as engine:
            assert 'context "safe"' in engine.endpoint.origin
        untrusting = {"DOCKER_HOST": f"tcp://127.0.0.1:{port}", "DOCKER_TLS_VERIFY": "1"}
        with pytest.raises(EngineError, match="not trusted"):
            await Engine.connect(environ=untrusting)
        plain = {"DOCKER_HOST": f"tcp://127.0.0.1:{port}"}
        with pytest.raises(EngineError, match="closed the connection") as caught:
            await Engine.connect(environ=plain)
        assert "DOCKER_TLS_VERIFY=1" in caught.value.problem.fix


@pytest.mark.real
async def test_the_engine_is_reached_over_ssh(
    docker_engine: RunningEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sshd, ssh = program("sshd"), program("ssh")
    if sshd is None or ssh is None:
        missing("ssh server", "no sshd and ssh on PATH (Debian: openssh-server)")
    port = free_port()
    _configure_ssh(tmp_path, port, ssh)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    daemon = await asyncio.to_thread(
        subprocess.Popen, [sshd, "-D", "-e", "-f", str(tmp_path / "sshd_config")]
    )
    try:
        await _listening(port)
        url = f"ssh://root@127.0.0.1:{port}{docker_engine.socket}"
        engine = await Engine.connect(environ={"DOCKER_HOST": url})
        assert engine.name.startswith("Docker ")
        assert await engine.image("no/such:image") is None
        assert await asyncio.to_thread(_processes_with, f"-p {port}")
        await engine.close()
        assert not await asyncio.to_thread(_processes_with, f"-p {port}")
        (tmp_path / "authorized").write_text("")
        with pytest.raises(EngineError, match=r"by ssh: .*Permission denied"):
            await Engine.connect(environ={"DOCKER_HOST": url})
    finally:
        daemon.terminate()
        daemon.wait()


def _configure_ssh(folder: Path, port: int, ssh: str) -> None:
    """Keys, a server's and a client's configuration, and an `ssh` that uses ours."""
    for key in ("host", "user"):
        path = str(folder / key)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized")
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nStrictModes no\n"
        f"AuthorizedKeysFile {folder}/authorized\nPidFile {folder}/pid\nUsePAM no\n"
        "PermitRootLogin yes\n"
    )
    host_key = (folder / "host.pub").read_text()
    (folder / "known").write_text(f"[127.0.0.1]:{port} {host_key}")
    (folder / "ssh_config").write_text(
        f"Host *\n  IdentityFile {folder}/user\n  UserKnownHostsFile {folder}/known\n"
    )
    # ssh takes the real home's configuration, whatever HOME says: give it ours.
    (folder / "bin").mkdir()
    (folder / "bin/ssh").write_text(f'#!/bin/sh\nexec {ssh} -F {folder}/ssh_config "$@"\n')
    (folder / "bin/ssh").chmod(0o755)
    Path("/run/sshd").mkdir(exist_ok=True)


def _processes_with(argument: str) -> list[str]:
    """Ids of processes with this on their command line."""
    found = subprocess.run(["pgrep", "-f", "--", argument], capture_output=True, text=True)
    return found.stdout.split()


async def _listening(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


@pytest.mark.parametrize(
    "url",
    [
        "ssh://-oProxyCommand=x@host",
        "ssh://-oProxyCommand=x/",
        "ssh://me:password@host",
        "ssh://host:port",
        "ssh://[host",
        "tcp://host:port",
        "tcp://host:99999",
        "tcp://[::1",
        "tcp://ü..com:2375",
    ],
)
async def test_addresses_that_nobody_can_connect_to_are_refused(url: str) -> None:
    with pytest.raises(EngineError, match="cannot be used") as caught:
        await Engine.connect(environ={"DOCKER_HOST": url})
    assert caught.value.problem.where == "DOCKER_HOST"


async def test_what_is_tidied_meanwhile_is_through_when_the_engine_is_closed() -> None:
    done: list[str] = []

    async def tidy() -> None:
        await asyncio.sleep(0)
        done.append("tidied")

    async def fail() -> None:
        raise EngineError("the container cannot be removed")

    endpoint = find_endpoint({"DOCKER_HOST": "unix:///run/x.sock"})
    engine = Engine(endpoint, httpx.AsyncClient(), AsyncExitStack())
    engine.meanwhile(fail())
    engine.meanwhile(tidy())
    assert not done
    await engine.close()
    assert done == ["tidied"]


@pytest.mark.real
async def test_old_leftovers_with_a_label_are_pruned(docker_engine: RunningEngine) -> None:
    from tests.parts.base_images import python_image

    image = python_image(docker_engine, "3.11")
    label = f"flowtui-prune-{os.getpid()}"
    docker_engine.docker("run", "--label", label, image, "python", "-c", "")
    async with await Engine.connect() as engine:
        await engine.prune_containers(label, older_than="1h")
        assert len(docker_engine.containers(label)) == 1
        await engine.prune_containers(label, older_than="-1m")  # whole seconds count
        assert docker_engine.containers(label) == []
