"""Whether an image can still be had, and its base image is the one it was built on.

By `http.client`, see `rows`: a registry that asks who we are, or an engine that is not on a socket
of this machine, is no plain answer.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

_SECONDS = 10.0
_ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    )
)


@dataclass(frozen=True)
class Image:
    """An image by its digest, and what it was built on."""

    registry: str
    """For example `https://registry.example.com`."""
    repository: str
    digest: str
    socket: str = ""
    """Path of the engine's socket; empty where no base image counts."""
    base: str = ""
    base_id: str = ""
    """Of the base image on the engine; empty where it is not there."""

    def is_as_it_was(self) -> bool:
        """Blocking."""
        return is_there(self.registry, self.repository, self.digest) and (
            not self.socket or base_id(self.socket, self.base) == self.base_id
        )


def is_there(registry: str, repository: str, digest: str) -> bool:
    """Whether a registry hands this manifest to anybody. Blocking."""
    parts = urlsplit(registry)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_SECONDS)
    path = f"/v2/{quote(repository)}/manifests/{digest}"
    try:
        connection.request("HEAD", path, headers={"Accept": _ACCEPT})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def base_id(socket_path: str, image: str) -> str | None:
    """The id of an image on the engine, empty where it is not there, None without an answer."""
    connection = _OnSocket(socket_path)
    try:
        connection.request("GET", f"/images/{quote(image, safe='')}/json")
        answer = connection.getresponse()
        content = answer.read()
        if answer.status == 404:
            return ""
        return str(json.loads(content)["Id"]) if answer.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    finally:
        connection.close()


def all_as_they_were(images: Sequence[Image]) -> bool:
    """Each of them once, however many deployments share it. Blocking."""
    return all(image.is_as_it_was() for image in dict.fromkeys(images))


class _OnSocket(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(self._path)
