"""Registries: names of images, and the registry's own word.

The credentials of one registry are sent to that registry and to no other. The HTTP API is the
Docker Registry HTTP API v2 (OCI distribution spec).
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import urlsplit

from flowtui.deploy import diagnosis
from flowtui.deploy.docker.registry_credentials import DOCKER_HUB, Credentials, find_credentials
from flowtui.errors import EngineError, UsageError
from flowtui.models import Problem
from flowtui.text import clean, redact

if TYPE_CHECKING:
    import httpx

_HUB_API = "registry-1.docker.io"

_MANIFEST_TYPES = ", ".join(
    (
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
    )
)
_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 30.0

_REPOSITORY = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CHALLENGE = re.compile(r'([A-Za-z0-9_-]+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class ImageReference:
    """The name of an image, read as Docker reads it."""

    registry: str
    """Host and port; `docker.io` when the name has none."""
    repository: str
    """Path at the registry; `library/…` for Docker's own images."""
    tag: str = "latest"
    digest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises UsageError for what Docker would refuse."""
        name, _, digest = text.partition("@")
        head, slash, last = name.rpartition("/")
        last, colon, tag = last.partition(":")
        registry, repository = _split_registry(f"{head}{slash}{last}")
        if registry == DOCKER_HUB and "/" not in repository:
            repository = f"library/{repository}"
        valid = (
            _REPOSITORY.fullmatch(repository)
            and (not colon or _TAG.fullmatch(tag))
            and ("@" not in text or _DIGEST.fullmatch(digest))
        )
        if not valid:
            raise UsageError(
                f"this is not the name of an image: {clean(text)}",
                fix="names are [registry/]path[:tag] in lower case, without http://",
            )
        return cls(registry, repository, tag or "latest", digest or None)

    @property
    def name(self) -> str:
        """Registry and repository as the engine's API takes them."""
        if self.registry == DOCKER_HUB:
            return self.repository.removeprefix("library/")
        return f"{self.registry}/{self.repository}"

    @property
    def version(self) -> str:
        """Digest if there is one, else tag."""
        return self.digest or self.tag

    def __str__(self) -> str:
        separator = "@" if self.digest else ":"
        return f"{self.name}{separator}{self.version}"


def registry_host(registry_url: str) -> str:
    """The host of a `registry_url` as Prefect takes it: `prefecthq/storage` is at docker.io."""
    if "://" in registry_url:
        raise UsageError(
            f"a registry is named without a scheme: {clean(registry_url)}",
            where="registry_url",
            fix=f"write {clean(registry_url.partition('://')[2])}",
        )
    return _split_registry(f"{registry_url.strip('/')}/x")[0]


def is_loopback(registry: str) -> bool:
    """True for registries that Docker takes as insecure by itself: 127.0.0.0/8 and ::1."""
    host = urlsplit(f"//{registry}").hostname or ""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


class Registry:
    """One registry over its HTTP API. Raises EngineError for whatever it does not give."""

    def __init__(
        self,
        host: str,
        credentials: Credentials | None,
        *,
        insecure: bool | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """`insecure`: plain http and unchecked certificates; None means only on loopback."""
        self.host = host
        self.credentials = credentials
        self._insecure = is_loopback(host) if insecure is None else insecure
        self._environ = environ
        self._base = ""
        self._client: httpx.AsyncClient | None = None
        self._authorization: dict[str, str] = {}

    @classmethod
    async def open(cls, host: str, environ: Mapping[str, str] = os.environ) -> Self:
        """With the credentials that Docker would use."""
        return cls(host, await find_credentials(host, environ), environ=environ)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def check(self, repository: str | None = None) -> None:
        """Reachable, and the credentials are taken; with `repository`, also for pushing to it.

        Raises EngineError otherwise.
        """
        scope = f"repository:{repository}:pull,push" if repository else ""
        answer = await self._request("GET", "/v2/", scope)
        if answer.status_code >= 400:
            raise self._refused(answer)

    async def wants_login(self) -> bool:
        """Ask without credentials whether it serves only those who have some.

        Raises EngineError for what does not answer as a registry does.
        """
        answer = await self._send("GET", "/v2/", {"Accept": "*/*"})
        if answer.status_code >= 400 and answer.status_code != 401:
            raise self._refused(answer)
        return answer.status_code == 401

    async def manifest_digest(self, repository: str, version: str) -> str | None:
        """The digest that the registry gives for a tag or digest, None when it has none."""
        scope = f"repository:{repository}:pull"
        path = f"/v2/{repository}/manifests/{version}"
        answer = await self._request("HEAD", path, scope, accept=_MANIFEST_TYPES)
        if answer.status_code == 404:
            return None
        if answer.status_code >= 400:
            raise self._refused(answer)
        return answer.headers.get("Docker-Content-Digest")

    async def _request(
        self, method: str, path: str, scope: str, accept: str = "*/*"
    ) -> httpx.Response:
        headers = {"Accept": accept, **self._authorization}
        answer = await self._send(method, path, headers)
        if answer.status_code != 401:
            return answer
        self._authorization = await self._authorize(answer, scope)
        if not self._authorization:
            return answer
        return await self._send(method, path, {"Accept": accept, **self._authorization})

    async def _send(self, method: str, path: str, headers: Mapping[str, str]) -> httpx.Response:
        import httpx

        client = self._connected()
        bases = (self._base,) if self._base else self._bases()
        for base in bases:
            try:
                answer = await client.request(method, base + path, headers=dict(headers))
            except (httpx.ConnectError, httpx.RemoteProtocolError) as error:
                if base != bases[-1]:
                    continue
                raise self._unreachable(error) from error
            except httpx.TransportError as error:
                raise self._unreachable(error) from error
            self._base = base
            return answer
        raise AssertionError("a registry has at least one address")

    def _bases(self) -> tuple[str, ...]:
        host = _HUB_API if self.host == DOCKER_HUB else self.host
        return (f"https://{host}", f"http://{host}") if self._insecure else (f"https://{host}",)

    def _connected(self) -> httpx.AsyncClient:
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(
                verify=self._tls(),
                timeout=httpx.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS),
                follow_redirects=False,
                trust_env=not is_loopback(self.host),
            )
        return self._client

    def _tls(self) -> ssl.SSLContext:
        """The system's CAs and SSL_CERT_FILE, and those that Docker itself is given."""
        if self._insecure:
            return _unchecked()
        given = self._environ.get("SSL_CERT_FILE")
        files = [Path(given)] if given else []
        files += sorted(Path(f"/etc/docker/certs.d/{self.host}").glob("*.crt"))
        return _checked(tuple((file, _changed(file)) for file in files))

    async def _authorize(self, refusal: httpx.Response, scope: str) -> dict[str, str]:
        """The Authorization header that answers a 401, empty when there is nothing to try."""
        challenge = refusal.headers.get("WWW-Authenticate", "")
        scheme, _, rest = challenge.partition(" ")
        if scheme.lower() == "bearer":
            return await self._bearer(dict(_CHALLENGE.findall(rest)), scope)
        if self.credentials is None or scheme.lower() != "basic":
            return {}
        return {"Authorization": _basic(self.credentials)}

    async def _bearer(self, challenge: Mapping[str, str], scope: str) -> dict[str, str]:
        import httpx

        realm = challenge.get("realm", "")
        secure = realm.startswith("https://") or (self._insecure and realm.startswith("http://"))
        if not secure:
            raise EngineError(
                f"the registry {self.host} sends its credentials to an insecure address",
                where=clean(realm),
                fix="tell the registry's administrator, or use another registry",
            )
        query = {"service": challenge.get("service", "")}
        scope = scope or challenge.get("scope", "")
        if scope:
            query["scope"] = scope
        try:
            answer = await self._ask_for_token(realm, query)
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        if answer.status_code >= 400:
            raise self._refused(answer)
        token = _token_in(answer)
        if not token:
            raise EngineError(
                f"the registry {self.host} gives no token", where=clean(realm), fix="try again"
            )
        redact.add(token)
        return {"Authorization": f"Bearer {token}"}

    async def _ask_for_token(self, realm: str, query: Mapping[str, str]) -> httpx.Response:
        client = self._connected()
        known = self.credentials
        if known is not None and known.identity_token:
            form = {
                **query,
                "grant_type": "refresh_token",
                "refresh_token": known.identity_token,
                "client_id": "flowtui",
            }
            return await client.post(realm, data=form)
        headers = {"Authorization": _basic(known)} if known is not None else {}
        account = {"account": known.username} if known is not None else {}
        return await client.get(realm, params={**query, **account}, headers=headers)

    def _unreachable(self, error: Exception) -> EngineError:
        return _engine_error(diagnosis.of_registry_text(str(error) or repr(error), self.host))

    def _refused(self, answer: httpx.Response) -> EngineError:
        if answer.status_code in (401, 403):
            source = self.credentials.source if self.credentials else ""
            return _engine_error(
                diagnosis.of_registry_status(answer.status_code, self.host, source)
            )
        return EngineError(
            f"the registry {self.host} refuses: HTTP status {answer.status_code}",
            where=clean(str(answer.url)),
            fix="see whether this is the address of a registry, and its own log",
        )


async def check(
    registry_url: str, image_name: str = "", environ: Mapping[str, str] = os.environ
) -> None:
    """Before a build: the registry answers and takes our credentials. Raises EngineError.

    With `image_name` also that a registry with bearer tokens lets us push this repository.
    """
    host = registry_host(registry_url)
    repository = None
    if image_name:
        repository = ImageReference.parse(f"{registry_url.strip('/')}/{image_name}").repository
    async with await Registry.open(host, environ) as registry:
        await registry.check(repository)


async def manifest_digest(image: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The digest under which the registry holds this image, None when it does not."""
    reference = ImageReference.parse(image)
    async with await Registry.open(reference.registry, environ) as registry:
        return await registry.manifest_digest(reference.repository, reference.version)


def _unchecked() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@lru_cache(maxsize=8)
def _checked(files: tuple[tuple[Path, int], ...]) -> ssl.SSLContext:
    """With the system's CAs and those of these files (each with when it changed).

    Kept: reading them takes 25 ms, and each of many deploys made together asks its registry.
    """
    context = ssl.create_default_context()
    for file, _ in files:
        with contextlib.suppress(OSError):
            context.load_verify_locations(file)
    return context


def _changed(file: Path) -> int:
    """Nanoseconds since the epoch; 0 where it is not there."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        if first in ("index.docker.io", _HUB_API):
            return DOCKER_HUB, rest
        return first, rest
    return DOCKER_HUB, name


def _basic(credentials: Credentials) -> str:
    pair = f"{credentials.username}:{credentials.password}".encode()
    return "Basic " + base64.b64encode(pair).decode()


def _token_in(answer: httpx.Response) -> str:
    try:
        content = _mapping(answer.json())
    except ValueError:
        return ""
    return str(content.get("token") or content.get("access_token") or "")


def _engine_error(problem: Problem) -> EngineError:
    return EngineError(problem.what, where=problem.where, fix=problem.fix)


def _mapping(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
