"""The Docker engine: asynchronous, cancellable access to its HTTP API.

docker-py's client is not used: its streams cannot be cancelled and its default time limit ends a
build that is silent for a minute. Cancelling the task that reads a stream closes the connection,
and with it the engine ends the build or push.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import ssl
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from urllib.parse import quote, urlsplit

from flowtui.deploy.docker_config import DEFAULT_SOCKET, Endpoint, find_endpoint
from flowtui.errors import EngineError
from flowtui.models import Json, JsonObject

if TYPE_CHECKING:
    import httpx

LABEL = "io.flowtui"
"""Label of every container that flowtui starts."""

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 60.0
_SSH_SECONDS = 15.0
_LONGEST_MESSAGE = 16 * 2**20
_NEWEST_KNOWN_API = (1, 47)

T = TypeVar("T")


class EngineRefusedError(EngineError):
    """The engine was reached and said no."""

    def __init__(self, status: int, message: str, *, where: str) -> None:
        super().__init__(f"the Docker engine refuses: {message}", where=where)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What the engine knows about one of its images."""

    id: str
    """`sha256:…` of the image configuration."""
    repo_digests: tuple[str, ...]
    """`repository@sha256:…` for every registry it was pulled from or pushed to."""
    size: int
    """Bytes, all layers."""
    architecture: str
    labels: Mapping[str, str]
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ContainerEnd:
    """How a container ended."""

    exit_code: int
    out_of_memory: bool
    error: str = ""


class Engine:
    """A connected engine. Calls raise EngineError, EngineRefusedError when the engine says no."""

    def __init__(
        self, endpoint: Endpoint, client: httpx.AsyncClient, tunnel: _Tunnel | None
    ) -> None:
        self.endpoint = endpoint
        self.api_version = ""
        self.name = ""
        """For example `Docker 28.2.2`."""
        self._client = client
        self._tunnel = tunnel

    @classmethod
    async def connect(
        cls, endpoint: Endpoint | None = None, environ: Mapping[str, str] = os.environ
    ) -> Self:
        """Find the engine, reach it, agree on an API version.

        Raises EngineError that says which endpoint, where that came from and what to do.
        """
        endpoint = endpoint or find_endpoint(environ)
        tunnel = await _Tunnel.open(endpoint) if endpoint.scheme == "ssh" else None
        try:
            engine = cls(endpoint, _client(endpoint, tunnel, environ), tunnel)
        except BaseException:
            if tunnel is not None:
                await tunnel.close()
            raise
        try:
            await engine._negotiate()
        except BaseException:
            await engine.close()
            raise
        return engine

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._client.aclose()
        if self._tunnel is not None:
            await self._tunnel.close()

    async def version(self) -> JsonObject:
        """The engine's own description: `Version`, `ApiVersion`, `Os`, `Arch`, …"""
        return await self._json("GET", "/version")

    async def info(self) -> JsonObject:
        return await self._json("GET", "/info")

    async def image(self, reference: str) -> ImageInfo | None:
        """The image with this name or ID, None when the engine does not have it."""
        try:
            found = await self._json("GET", f"/images/{quote(reference)}/json")
        except EngineRefusedError as refusal:
            if refusal.status == 404:
                return None
            raise
        config = _mapping(found.get("Config"))
        env = (str(item).partition("=") for item in _list(config.get("Env")))
        return ImageInfo(
            id=str(found.get("Id", "")),
            repo_digests=tuple(str(item) for item in _list(found.get("RepoDigests"))),
            size=_int(found.get("Size")),
            architecture=str(found.get("Architecture", "")),
            labels={key: str(value) for key, value in _mapping(config.get("Labels")).items()},
            env={name: value for name, _, value in env},
        )

    def pull(self, repository: str, tag: str, auth: str | None) -> AsyncGenerator[JsonObject]:
        """Events of a pull. `tag` may be a digest; `auth` is a value for X-Registry-Auth."""
        return self._events(
            "/images/create",
            params={"fromImage": repository, "tag": tag},
            headers=_auth_header(auth),
        )

    def build(
        self,
        context: AsyncIterable[bytes],
        *,
        tag: str,
        dockerfile: str = "Dockerfile",
        build_args: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        registry_config: str | None = None,
    ) -> AsyncGenerator[JsonObject]:
        """Events of a build with the classic builder from a tar stream.

        Containers of failed steps are removed. A failure is the last event, with key `error`.
        """
        headers = {"Content-Type": "application/x-tar"}
        if registry_config:
            headers["X-Registry-Config"] = registry_config
        return self._events(
            "/build",
            params={
                "t": tag,
                "dockerfile": dockerfile,
                "buildargs": json.dumps(dict(build_args or {})),
                "labels": json.dumps(dict(labels or {})),
                "rm": "1",
                "forcerm": "1",
            },
            headers=headers,
            content=context,
        )

    async def tag(self, image: str, repository: str, tag: str) -> None:
        await self._call(
            "POST", f"/images/{quote(image)}/tag", params={"repo": repository, "tag": tag}
        )

    def push(self, repository: str, tag: str, auth: str | None) -> AsyncGenerator[JsonObject]:
        """Events of a push. A failure is an event with key `error` inside a 200 answer."""
        return self._events(
            f"/images/{quote(repository)}/push",
            params={"tag": tag},
            headers=_auth_header(auth) or {"X-Registry-Auth": "e30="},
        )

    async def create_container(self, config: JsonObject, *, name: str) -> str:
        """The ID of a new container; `config` as in the engine API."""
        made = await self._json("POST", "/containers/create", params={"name": name}, body=config)
        return str(made["Id"])

    async def start_container(self, container: str) -> None:
        await self._call("POST", f"/containers/{quote(container)}/start")

    async def kill_container(self, container: str) -> None:
        """Kill it. A container that has ended or is gone is fine."""
        await self._call("POST", f"/containers/{quote(container)}/kill", accept=(404, 409))

    async def remove_container(self, container: str) -> None:
        """Kill and remove it, by ID or name. A container that is gone is fine."""
        await self._call(
            "DELETE",
            f"/containers/{quote(container)}",
            params={"force": "1", "v": "1"},
            accept=(404, 409),
        )

    async def container_end(self, container: str) -> ContainerEnd:
        """Wait until it has ended, without a time limit of its own."""
        await self._json("POST", f"/containers/{quote(container)}/wait", unlimited=True)
        state = _mapping((await self._json("GET", f"/containers/{quote(container)}/json"))["State"])
        return ContainerEnd(
            exit_code=_int(state.get("ExitCode")),
            out_of_memory=bool(state.get("OOMKilled")),
            error=str(state.get("Error") or ""),
        )

    @asynccontextmanager
    async def attached(self, container: str) -> AsyncGenerator[AsyncGenerator[tuple[int, bytes]]]:
        """Its output from the start: pieces (1 stdout or 2 stderr, bytes) until it ends.

        Attach before it is started. Not the engine's log: following that loses the last bytes.
        """
        path = f"/containers/{quote(container)}/attach"
        params = {"stream": "1", "stdout": "1", "stderr": "1"}
        async with self._stream("POST", path, params=params) as response:
            yield _demultiplexed(response)

    async def containers(self, label: str) -> tuple[str, ...]:
        """IDs of all containers, running or not, that have this `label` or `label=value`."""
        filters = json.dumps({"label": [label]})
        found = await self._answer(
            "GET", "/containers/json", params={"all": "1", "filters": filters}
        )
        return tuple(str(_mapping(item)["Id"]) for item in _list(found))

    async def remove_image(self, reference: str) -> None:
        """Remove a name, and the image when it was its last one. An absent image is fine."""
        await self._call("DELETE", f"/images/{quote(reference)}", accept=(404, 409))

    async def prune_containers(self, label: str) -> None:
        """Remove ended containers that have this label."""
        filters = json.dumps({"label": [label]})
        await self._call("POST", "/containers/prune", params={"filters": filters}, unlimited=True)

    async def prune_images(self, label: str) -> int:
        """Remove images without a name that have this label; gives the bytes freed."""
        filters = json.dumps({"dangling": ["true"], "label": [label]})
        answer = await self._json(
            "POST", "/images/prune", params={"filters": filters}, unlimited=True
        )
        return _int(answer.get("SpaceReclaimed"))

    async def _negotiate(self) -> None:
        described = await self._json("GET", "/version", timeout=_CONNECT_SECONDS)
        offered = _version(str(described.get("ApiVersion", "")))
        if offered is None:
            raise EngineError(
                "this is not a Docker engine: its answer has no API version",
                where=_where(self.endpoint),
                fix="point DOCKER_HOST at a Docker engine",
            )
        lowest = _version(str(described.get("MinAPIVersion", ""))) or (1, 24)
        self.api_version = "{}.{}".format(*max(min(offered, _NEWEST_KNOWN_API), lowest))
        components = [_mapping(item) for item in _list(described.get("Components"))]
        title = str(components[0].get("Name", "")) if components else ""
        product = "Podman" if "podman" in title.lower() else "Docker"
        self.name = f"{product} {described.get('Version', '')}".strip()

    async def _json(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: JsonObject | None = None,
        unlimited: bool = False,
        timeout: float = _ANSWER_SECONDS,
    ) -> JsonObject:
        answer = await self._answer(
            method, path, params=params, body=body, unlimited=unlimited, timeout=timeout
        )
        return _mapping(answer)

    async def _answer(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: JsonObject | None = None,
        unlimited: bool = False,
        timeout: float = _ANSWER_SECONDS,
    ) -> Json:
        content = await self._call(
            method, path, params=params, body=body, unlimited=unlimited, timeout=timeout
        )
        try:
            return cast("Json", json.loads(content))
        except ValueError as error:
            raise EngineError(
                "this is not a Docker engine: its answer is not JSON",
                where=_where(self.endpoint),
                fix="point DOCKER_HOST at a Docker engine",
            ) from error

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: JsonObject | None = None,
        accept: tuple[int, ...] = (),
        unlimited: bool = False,
        timeout: float = _ANSWER_SECONDS,
    ) -> bytes:
        import httpx

        with _reachable(self.endpoint):
            response = await self._client.request(
                method,
                self._path(path),
                params=dict(params or {}),
                json=dict(body) if body is not None else None,
                timeout=httpx.Timeout(None if unlimited else timeout, connect=_CONNECT_SECONDS),
            )
        if response.status_code >= 400 and response.status_code not in accept:
            raise _refusal(response.status_code, response.content, self.endpoint)
        return response.content

    @asynccontextmanager
    async def _stream(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        content: AsyncIterable[bytes] | None = None,
    ) -> AsyncGenerator[httpx.Response]:
        import httpx

        with _reachable(self.endpoint):
            async with self._client.stream(
                method,
                self._path(path),
                params=dict(params),
                headers=dict(headers or {}),
                content=content,
                timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS),
            ) as response:
                if response.status_code >= 400:
                    answer = await response.aread()
                    raise _refusal(response.status_code, answer, self.endpoint)
                yield response

    async def _events(
        self,
        path: str,
        *,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        content: AsyncIterable[bytes] | None = None,
    ) -> AsyncGenerator[JsonObject]:
        async with self._stream(
            "POST", path, params=params, headers=headers, content=content
        ) as response:
            buffer = b""
            async for piece in response.aiter_raw():
                *lines, buffer = (buffer + piece).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield _mapping(json.loads(line))
                if len(buffer) > _LONGEST_MESSAGE:
                    raise EngineError(
                        f"a message of the Docker engine is longer than {_LONGEST_MESSAGE} bytes",
                        where=_where(self.endpoint),
                        fix="write less output in one line",
                    )
            if buffer.strip():
                yield _mapping(json.loads(buffer))

    def _path(self, path: str) -> str:
        return f"/v{self.api_version}{path}" if self.api_version else path


class _Tunnel:
    """An ssh child process that forwards a private socket to the engine's on another machine."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder

    @property
    def socket(self) -> Path:
        return self._folder / "docker.sock"

    @classmethod
    async def open(cls, endpoint: Endpoint) -> Self:
        parts = urlsplit(endpoint.url)
        if not parts.hostname or parts.password or (parts.username or "").startswith("-"):
            raise EngineError(
                f"this ssh address cannot be used: {endpoint.url}",
                where=endpoint.origin,
                fix="write it as ssh://user@host or ssh://user@host:port",
            )
        folder = Path(tempfile.mkdtemp(prefix="flowtui-ssh-"))
        remote = parts.path if parts.path.strip("/") else DEFAULT_SOCKET
        command = ["ssh", "-nNT", "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes"]
        command += ["-o", f"ConnectTimeout={int(_SSH_SECONDS) - 5}"]
        command += ["-L", f"{folder / 'docker.sock'}:{remote}"]
        command += ["-p", str(parts.port)] if parts.port else []
        command += ["-l", parts.username] if parts.username else []
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                "--",
                parts.hostname,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise EngineError(
                "the Docker engine is behind ssh, and there is no ssh program here",
                where=_where(endpoint),
                fix="install openssh-client, or set DOCKER_HOST to another engine",
            ) from error
        tunnel = cls(process, folder)
        try:
            await tunnel._ready(endpoint)
        except BaseException:
            await tunnel.close()
            raise
        return tunnel

    async def _ready(self, endpoint: Endpoint) -> None:
        try:
            async with asyncio.timeout(_SSH_SECONDS):
                while not self.socket.exists():
                    if self._process.returncode is not None:
                        break
                    await asyncio.sleep(0.02)
        except TimeoutError:
            said = f"no connection within {_SSH_SECONDS:.0f} s"
        else:
            if self.socket.exists():
                return
            assert self._process.stderr is not None
            said = (await self._process.stderr.read(4096)).decode(errors="replace").strip()
        host = endpoint.url.removeprefix("ssh://")
        raise EngineError(
            f"cannot reach the Docker engine's machine by ssh: {said}",
            where=_where(endpoint),
            fix=f"make `ssh {host.partition('/')[0]} true` work without a password prompt",
        )

    async def close(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
        await uncancelled(self._process.wait())
        shutil.rmtree(self._folder, ignore_errors=True)


async def uncancelled(work: Awaitable[T]) -> T:
    """Finish a short clean-up although the task is being cancelled, then let the cancel through."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return task.result()


def _client(
    endpoint: Endpoint, tunnel: _Tunnel | None, environ: Mapping[str, str]
) -> httpx.AsyncClient:
    import httpx

    if endpoint.scheme == "tcp":
        scheme = "https" if endpoint.tls else "http"
        return httpx.AsyncClient(
            base_url=f"{scheme}://{endpoint.url.removeprefix('tcp://')}",
            verify=_tls_context(endpoint),
            trust_env=False,
        )
    socket = str(tunnel.socket) if tunnel else endpoint.url.removeprefix("unix://")
    if tunnel is None:
        _check_socket(Path(socket), endpoint, environ)
    transport = httpx.AsyncHTTPTransport(uds=socket)
    return httpx.AsyncClient(transport=transport, base_url="http://docker", trust_env=False)


def _tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    files = endpoint.tls
    try:
        context = ssl.create_default_context(cafile=str(files.ca) if files and files.ca else None)
        if files is not None and not files.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if files is not None and files.cert is not None and files.key is not None:
            context.load_cert_chain(files.cert, files.key)
    except (OSError, ssl.SSLError) as error:
        raise EngineError(
            f"the TLS certificates for the Docker engine cannot be used: {error}",
            where=_where(endpoint),
            fix="check ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH or in the context",
        ) from error
    return context


def _check_socket(socket: Path, endpoint: Endpoint, environ: Mapping[str, str]) -> None:
    """Raise the error that helps when a unix socket cannot be used."""
    try:
        there = socket.exists()
    except PermissionError:
        there = True
    by_effective = os.access in os.supports_effective_ids
    if there and os.access(socket, os.R_OK | os.W_OK, effective_ids=by_effective):
        return
    if there:
        raise EngineError(
            "no permission to use the Docker engine",
            where=_where(endpoint),
            fix="add yourself to the group docker (`sudo usermod -aG docker $USER`, then log in "
            "again), or use a rootless engine",
        )
    others = [other for other in _other_sockets(environ) if other != socket and other.exists()]
    found = "".join(f"; found a socket at {other}: DOCKER_HOST=unix://{other}" for other in others)
    raise EngineError(
        "no Docker engine: its socket does not exist",
        where=_where(endpoint),
        fix="start the engine (`sudo systemctl start docker`), set DOCKER_HOST, or deploy with "
        f"--storage local{found}",
    )


def _other_sockets(environ: Mapping[str, str]) -> tuple[Path, ...]:
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    return (
        Path(DEFAULT_SOCKET),
        runtime / "docker.sock",
        Path.home() / ".docker/run/docker.sock",
        runtime / "podman/podman.sock",
        Path("/run/podman/podman.sock"),
    )


class _reachable:  # noqa: N801 (reads as a statement: with _reachable(endpoint))
    """Turns httpx's errors into one EngineError that says which engine and what to do."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        import httpx

        if not isinstance(error, (httpx.TransportError, httpx.InvalidURL)):
            return
        raise _unreachable(error, self._endpoint) from error


def _unreachable(error: Exception, endpoint: Endpoint) -> EngineError:
    import httpx

    where = _where(endpoint)
    if isinstance(error, httpx.ReadTimeout):
        return EngineError(
            "the Docker engine does not answer",
            where=where,
            fix="look at the engine's own log (`journalctl -u docker`), or restart it",
        )
    if isinstance(error, (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError)):
        return EngineError(
            "the Docker engine closed the connection",
            where=where,
            fix="see whether it still runs (`docker version`), then deploy again"
            if endpoint.tls or endpoint.scheme != "tcp"
            else "see whether it still runs; if it wants TLS, set DOCKER_TLS_VERIFY=1",
        )
    reason = str(error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return EngineError(
            f"the TLS certificate of the Docker engine is not trusted: {reason}",
            where=where,
            fix="put the CA that signed it into ca.pem in DOCKER_CERT_PATH or in the context",
        )
    return EngineError(
        f"cannot reach the Docker engine: {reason}",
        where=where,
        fix="start it, or point DOCKER_HOST or DOCKER_CONTEXT at the right one",
    )


async def _demultiplexed(response: httpx.Response) -> AsyncGenerator[tuple[int, bytes]]:
    buffer = b""
    async for piece in response.aiter_raw():
        buffer += piece
        while len(buffer) >= 8:
            length = int.from_bytes(buffer[4:8], "big")
            if len(buffer) < 8 + length:
                break
            yield buffer[0], buffer[8 : 8 + length]
            buffer = buffer[8 + length :]


def _refusal(status: int, content: bytes, endpoint: Endpoint) -> EngineRefusedError:
    text = content.decode(errors="replace").strip()
    try:
        message = str(_mapping(json.loads(text)).get("message", "")) or text
    except ValueError:
        message = text
    return EngineRefusedError(status, message or f"HTTP status {status}", where=_where(endpoint))


def _where(endpoint: Endpoint) -> str:
    return f"{endpoint.url} (from {endpoint.origin})"


def _auth_header(auth: str | None) -> dict[str, str]:
    return {"X-Registry-Auth": auth} if auth else {}


def _version(text: str) -> tuple[int, int] | None:
    major, _, minor = text.partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None


def _mapping(value: Any) -> dict[str, Json]:
    return cast("dict[str, Json]", value) if isinstance(value, dict) else {}


def _list(value: Any) -> list[Json]:
    return cast("list[Json]", value) if isinstance(value, list) else []


def _int(value: Any) -> int:
    return value if isinstance(value, int) else 0
