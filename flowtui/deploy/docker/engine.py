"""The Docker engine: asynchronous, cancellable access to its HTTP API.

docker-py's client is not used: its streams cannot be cancelled and its default time limit ends a
build that is silent for a minute. Cancelling the task that reads a stream closes the connection,
and with it the engine ends the build or push.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, AsyncIterable, Container, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import quote

from flowtui.deploy.docker.docker_config import Endpoint, find_endpoint
from flowtui.deploy.docker.engine_client import engine_client
from flowtui.deploy.docker.engine_errors import (
    EngineRefusedError,
    not_an_engine,
    reaching,
    refusal,
    where,
)
from flowtui.deploy.uncancelled import uncancelled
from flowtui.errors import EngineError
from flowtui.json_shapes import items, mapping, whole
from flowtui.models import Json, JsonObject

if TYPE_CHECKING:
    import httpx

LABEL = "io.flowtui"
"""Label of every container that flowtui starts."""

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 60.0
_LONGEST_MESSAGE = 16 * 2**20
_NEWEST_KNOWN_API = (1, 47)


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
        self, endpoint: Endpoint, client: httpx.AsyncClient, connection: AsyncExitStack
    ) -> None:
        """`connection` is closed with the engine. Use `connect`."""
        self.endpoint = endpoint
        self.api_version = ""
        self.name = ""
        """For example `Docker 28.2.2`."""
        self._client = client
        self._connection = connection
        self._meanwhile: set[asyncio.Task[None]] = set()

    @classmethod
    async def connect(
        cls, endpoint: Endpoint | None = None, environ: Mapping[str, str] = os.environ
    ) -> Self:
        """Find the engine, reach it, agree on an API version.

        Raises EngineError that says which endpoint, where that came from and what to do.
        """
        endpoint = endpoint or find_endpoint(environ)
        connection = AsyncExitStack()
        try:
            client = await connection.enter_async_context(engine_client(endpoint, environ))
            engine = cls(endpoint, client, connection)
            await engine._negotiate()
        except BaseException:
            await connection.aclose()
            raise
        return engine

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await uncancelled(self._finish())

    def meanwhile(self, tidying: Coroutine[Any, Any, None]) -> None:
        """Done beside what comes next; `close` waits for it. What fails of it is left behind."""
        self._meanwhile.add(asyncio.create_task(tidying))

    async def _finish(self) -> None:
        # A container that cannot be removed is no failure of a deploy: a later one prunes it.
        await asyncio.gather(*self._meanwhile, return_exceptions=True)
        await self._connection.aclose()

    async def data_folder(self) -> str:
        """Where the engine keeps its images, on its own machine; empty when it does not tell."""
        return str((await self.about()).get("DockerRootDir") or "")

    async def about(self) -> JsonObject:
        """What the engine tells about itself and its machine: `docker info`."""
        return await self._json("GET", "/info")

    async def network(self, name: str) -> JsonObject:
        """One of its networks, as `docker network inspect` shows it."""
        return await self._json("GET", f"/networks/{quote(name)}")

    async def image(self, reference: str) -> ImageInfo | None:
        """The image with this name or ID, None when the engine does not have it."""
        try:
            found = await self._json("GET", f"/images/{quote(reference)}/json")
        except EngineRefusedError as refusal:
            if refusal.status == 404:
                return None
            raise
        config = mapping(found.get("Config"))
        env = (str(item).partition("=") for item in items(config.get("Env")))
        return ImageInfo(
            id=str(found.get("Id", "")),
            repo_digests=tuple(str(item) for item in items(found.get("RepoDigests"))),
            size=whole(found.get("Size")),
            architecture=str(found.get("Architecture", "")),
            labels={key: str(value) for key, value in mapping(config.get("Labels")).items()},
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
        state = mapping((await self._json("GET", f"/containers/{quote(container)}/json"))["State"])
        return ContainerEnd(
            exit_code=whole(state.get("ExitCode")),
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

    async def prune_containers(self, label: str, *, older_than: str) -> None:
        """Remove ended containers with this label (or `label=value`), made long enough ago.

        `older_than` is a duration such as `1h`. An engine that does not let us is fine.
        """
        filters = json.dumps({"label": [label], "until": [older_than]})
        await self._call(
            "POST",
            "/containers/prune",
            params={"filters": filters},
            accept=range(400, 600),
            unlimited=True,
        )

    async def _negotiate(self) -> None:
        described = await self._json("GET", "/version", timeout=_CONNECT_SECONDS)
        offered = _version(str(described.get("ApiVersion", "")))
        if offered is None:
            raise not_an_engine("its answer has no API version", self.endpoint)
        lowest = _version(str(described.get("MinAPIVersion", ""))) or (1, 24)
        self.api_version = "{}.{}".format(*max(min(offered, _NEWEST_KNOWN_API), lowest))
        components = [mapping(item) for item in items(described.get("Components"))]
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
        content = await self._call(
            method, path, params=params, body=body, unlimited=unlimited, timeout=timeout
        )
        return mapping(self._parsed(content))

    def _parsed(self, content: bytes) -> Json:
        try:
            return cast("Json", json.loads(content))
        except (ValueError, RecursionError):
            raise not_an_engine("its answer is not JSON", self.endpoint) from None

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: JsonObject | None = None,
        accept: Container[int] = (),
        unlimited: bool = False,
        timeout: float = _ANSWER_SECONDS,
    ) -> bytes:
        import httpx

        with reaching(self.endpoint):
            response = await self._client.request(
                method,
                self._path(path),
                params=dict(params or {}),
                json=dict(body) if body is not None else None,
                timeout=httpx.Timeout(None if unlimited else timeout, connect=_CONNECT_SECONDS),
            )
        if response.status_code >= 400 and response.status_code not in accept:
            raise refusal(response.status_code, response.content, self.endpoint)
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

        with reaching(self.endpoint):
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
                    raise refusal(response.status_code, answer, self.endpoint)
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
                        yield mapping(self._parsed(line))
                if len(buffer) > _LONGEST_MESSAGE:
                    raise EngineError(
                        f"a message of the Docker engine is longer than {_LONGEST_MESSAGE} bytes",
                        where=where(self.endpoint),
                        fix="write less output in one line",
                    )
            if buffer.strip():
                yield mapping(self._parsed(buffer))

    def _path(self, path: str) -> str:
        return f"/v{self.api_version}{path}" if self.api_version else path


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


def _auth_header(auth: str | None) -> dict[str, str]:
    return {"X-Registry-Auth": auth} if auth else {}


def _version(text: str) -> tuple[int, int] | None:
    major, _, minor = text.partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else None
