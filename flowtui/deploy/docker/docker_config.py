"""Docker's own configuration, and from it where the engine is.

Contexts are read here and not by `docker.context` of docker-py 7.2, which looks for them beside
whatever `config.json` it finds (without one in the current folder, where anyone may have put them),
drops a CA that comes without a client certificate, does not verify where `SkipTLSVerify` is not
given, and takes a `config.json` that does not parse for an empty one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from flowtui.errors import EngineError
from flowtui.models import JsonObject

DEFAULT_SOCKET = "/var/run/docker.sock"


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Certificates for an engine behind TLS; an absent file is not used."""

    ca: Path | None
    cert: Path | None
    key: Path | None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the engine is, and who said so."""

    url: str
    """`unix:///path`, `tcp://host:port` or `ssh://[user@]host[:port][/path/of/socket]`."""
    origin: str
    """For example `DOCKER_HOST`, `context "build" (DOCKER_CONTEXT)`, `the default socket`."""
    tls: TlsFiles | None = None

    @property
    def scheme(self) -> str:
        return self.url.partition("://")[0]

    @property
    def is_local(self) -> bool:
        """True when the engine shares this machine's loopback network."""
        return self.scheme == "unix"


def config_folder(environ: Mapping[str, str]) -> Path:
    """Docker's configuration folder: `DOCKER_CONFIG`, else `~/.docker`."""
    given = environ.get("DOCKER_CONFIG")
    return Path(given) if given else Path.home() / ".docker"


def read_config(environ: Mapping[str, str]) -> JsonObject:
    """Docker's `config.json`; empty when there is none. Raises EngineError for a bad one."""
    return _read_json(config_folder(environ) / "config.json")


def find_endpoint(environ: Mapping[str, str]) -> Endpoint:
    """Where Docker's own command line would find its engine.

    Order: `DOCKER_HOST`, `DOCKER_CONTEXT`, `currentContext` of config.json, the default socket.
    Raises EngineError for an address that cannot be used or a context that does not exist.
    """
    host = environ.get("DOCKER_HOST")
    if host:
        return _from_host(host, environ)
    name = environ.get("DOCKER_CONTEXT")
    origin = "DOCKER_CONTEXT"
    if not name:
        config = config_folder(environ) / "config.json"
        name = str(read_config(environ).get("currentContext") or "")
        origin = f"currentContext in {config}"
    if not name or name == "default":
        return Endpoint(f"unix://{DEFAULT_SOCKET}", "the default socket")
    return _from_context(name, origin, environ)


def _from_host(host: str, environ: Mapping[str, str]) -> Endpoint:
    url = _normalized(host, "DOCKER_HOST")
    wants_tls = bool(environ.get("DOCKER_TLS_VERIFY") or environ.get("DOCKER_TLS"))
    if not url.startswith("tcp://") or not (wants_tls or host.startswith("https://")):
        return Endpoint(url, "DOCKER_HOST")
    given = environ.get("DOCKER_CERT_PATH")
    folder = Path(given) if given else config_folder(environ)
    verify = bool(environ.get("DOCKER_TLS_VERIFY")) or host.startswith("https://")
    return Endpoint(url, "DOCKER_HOST", _tls_files(folder, verify=verify))


def _from_context(name: str, origin: str, environ: Mapping[str, str]) -> Endpoint:
    identity = hashlib.sha256(name.encode()).hexdigest()
    contexts = config_folder(environ) / "contexts"
    meta = contexts / "meta" / identity / "meta.json"
    if not meta.is_file():
        raise EngineError(
            f'the Docker context "{name}" does not exist',
            where=origin,
            fix="choose one that `docker context ls` shows, or set DOCKER_HOST",
        )
    endpoints = _read_json(meta).get("Endpoints")
    docker = endpoints.get("docker") if isinstance(endpoints, Mapping) else None
    where = f'context "{name}" ({origin})'
    if not isinstance(docker, Mapping):
        raise EngineError(
            f'the Docker context "{name}" has no Docker endpoint',
            where=str(meta),
            fix=f"make it anew with `docker context create {name} --docker host=…`",
        )
    url = _normalized(str(docker.get("Host") or f"unix://{DEFAULT_SOCKET}"), where)
    folder = contexts / "tls" / identity / "docker"
    if url.startswith("tcp://") and folder.is_dir():
        return Endpoint(url, where, _tls_files(folder, verify=not docker.get("SkipTLSVerify")))
    return Endpoint(url, where)


def _normalized(host: str, origin: str) -> str:
    scheme, separator, rest = host.partition("://")
    if not separator:
        scheme, rest = ("unix", host) if host.startswith("/") else ("tcp", host)
    if scheme in ("http", "https", "http+docker"):
        scheme = "tcp"
    if scheme == "http+unix":
        scheme = "unix"
    if scheme not in ("unix", "tcp", "ssh") or not rest:
        raise EngineError(
            f"this address of a Docker engine cannot be used: {host}",
            where=origin,
            fix="use unix:///path/to/docker.sock, tcp://host:port or ssh://user@host",
        )
    if scheme == "unix":
        return f"unix:///{rest.lstrip('/')}"
    if scheme == "tcp" and ":" not in rest.rpartition("]")[2]:
        return f"tcp://{rest.rstrip('/')}:2375"
    return f"{scheme}://{rest.rstrip('/')}"


def _tls_files(folder: Path, *, verify: bool) -> TlsFiles:
    def present(name: str) -> Path | None:
        path = folder / name
        return path if path.is_file() else None

    files = TlsFiles(present("ca.pem"), present("cert.pem"), present("key.pem"), verify)
    if (files.cert is None) != (files.key is None):
        missing = "key.pem" if files.key is None else "cert.pem"
        raise EngineError(
            f"the TLS certificates for the Docker engine are not complete: no {missing}",
            where=str(folder),
            fix="put ca.pem, cert.pem and key.pem there, or point DOCKER_CERT_PATH at them",
        )
    return files


def _read_json(path: Path) -> JsonObject:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(
            f"Docker's configuration cannot be read: {error}",
            where=str(path),
            fix="make the file readable, or remove it",
        ) from error
    try:
        data: object = json.loads(text)
    except ValueError as error:
        raise EngineError(
            f"Docker's configuration is not JSON: {error}",
            where=str(path),
            fix="correct the file, or remove it",
        ) from error
    return cast("JsonObject", data) if isinstance(data, dict) else {}
