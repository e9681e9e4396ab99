"""Credentials for one registry, from Docker's configuration and its credential helpers.

docker-py (`docker.auth`) says which helper serves a registry and reads the stored entries. It is
handed the configuration: left to look for one, it takes a broken file for an empty one.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from flowtui import child_processes
from flowtui.deploy.docker.docker_config import config_folder, read_config
from flowtui.errors import EngineError
from flowtui.models import JsonObject
from flowtui.text import clean, redact

DOCKER_HUB = "docker.io"
HUB_KEY = "https://index.docker.io/v1/"
"""What Docker's own registry is called in the configuration, by helpers and by the engine."""

_HELPER_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """For one registry. The secret is masked in every representation."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    source: str = ""
    """Where they came from, in words."""

    def entry(self) -> JsonObject:
        """As the engine's API takes them."""
        if self.identity_token:
            return {"identitytoken": self.identity_token}
        return {"username": self.username, "password": self.password}

    def header(self, registry: str) -> str:
        """The value of the engine API's X-Registry-Auth."""
        return encode_header({"serveraddress": server_key(registry), **self.entry()})


def server_key(registry: str) -> str:
    """What the configuration, helpers and the engine call this registry."""
    return HUB_KEY if registry == DOCKER_HUB else registry


def encode_header(content: JsonObject) -> str:
    """A value for the engine API's X-Registry-Auth or X-Registry-Config."""
    return _docker_auth().encode_header(content).decode()


async def find_credentials(
    registry: str, environ: Mapping[str, str] = os.environ
) -> Credentials | None:
    """What Docker would send to this registry, None when it has nothing.

    Raises EngineError when the configuration or its credential helper cannot be used.
    """
    helper, stored = await _known(registry, environ)
    if helper:
        where = str(config_folder(environ) / "config.json")
        found = await _ask_helper(helper, server_key(registry), environ, where)
        if found is not None:
            return found
    return stored


async def login_source(registry: str, environ: Mapping[str, str] = os.environ) -> str:
    """What would be asked for the credentials of this registry, by name; empty for nothing.

    No helper is run: whether it has them is not known. Raises EngineError for a configuration
    that cannot be used.
    """
    helper, stored = await _known(registry, environ)
    if helper:
        return f"docker-credential-{helper}"
    return stored.source if stored is not None else ""


async def _known(
    registry: str, environ: Mapping[str, str]
) -> tuple[str | None, Credentials | None]:
    """The helper that serves this registry, and what the file itself has for it."""

    def read() -> tuple[str | None, Credentials | None]:
        config = read_config(environ)
        if not any(config.get(section) for section in ("auths", "credHelpers", "credsStore")):
            return None, None
        return _parsed(config, registry, str(config_folder(environ) / "config.json"))

    # In a thread: importing docker-py takes a fifth of a second.
    return await asyncio.to_thread(read)


def _parsed(config: JsonObject, registry: str, where: str) -> tuple[str | None, Credentials | None]:
    from docker.errors import DockerException

    auth = _docker_auth()
    helpers = {
        "credsStore": config.get("credsStore"),
        "credHelpers": _mapping(config.get("credHelpers")),
    }
    # One bad entry spoils the file for docker-py: it is not shown those of other registries.
    entries = {
        name: completed
        for name, entry in _mapping(config.get("auths")).items()
        if (completed := _completed(entry)) and auth.resolve_index_name(name) == registry
    }
    try:
        parsed = auth.parse_auth(entries, raise_on_error=True)
        helper = auth.get_credential_store(helpers, registry)
        entry = _mapping(auth.resolve_authconfig({"auths": parsed}, registry))
    except (ValueError, TypeError, DockerException) as error:
        raise EngineError(
            f"the credentials for {registry} in Docker's configuration cannot be read",
            where=where,
            fix=f"run `docker login {registry}` again",
        ) from error
    return (str(helper) if helper else None), _credentials(entry, where)


class _DockerAuth(Protocol):
    """What is used of docker.auth, which has no types."""

    def resolve_index_name(self, index_name: str) -> str: ...
    def parse_auth(self, entries: JsonObject, raise_on_error: bool) -> JsonObject: ...
    def get_credential_store(self, authconfig: JsonObject, registry: str) -> object: ...
    def resolve_authconfig(self, authconfig: JsonObject, registry: str) -> object: ...
    def encode_header(self, auth: JsonObject) -> bytes: ...


def _docker_auth() -> _DockerAuth:
    from docker import auth

    return cast("_DockerAuth", auth)


def _completed(entry: Any) -> Any:
    """Docker also reads `username` and `password`, and passes over empty values; docker-py not."""
    if not isinstance(entry, dict):
        return entry
    given = {name: value for name, value in _mapping(entry).items() if value}
    if "auth" not in given and "username" in given:
        pair = f"{given['username']}:{given.get('password', '')}"
        given["auth"] = base64.b64encode(pair.encode()).decode()
    redact.add(str(given.get("auth", "")))
    return given


def _credentials(entry: Mapping[str, Any], where: str) -> Credentials | None:
    token, username = str(entry.get("IdentityToken") or ""), str(entry.get("username") or "")
    password = str(entry.get("password") or "").strip("\0")
    for secret in (token, password):
        redact.add(secret)
    if not token and not username:
        return None
    return Credentials(username, password, token, source=where)


async def _ask_helper(
    name: str, key: str, environ: Mapping[str, str], where: str
) -> Credentials | None:
    """Run a helper. Not with docker.credentials: that waits for it without end, cannot end it,
    and lets it write to the terminal and read passwords from it.
    """
    program = f"docker-credential-{name}"
    look = f"run `echo {key} | {program} get`"
    code, answer = await _run_helper(program, key, environ, where)
    if code != 0:
        if "credentials not found" in answer.lower():
            return None
        raise EngineError(
            f"the credential helper {program} failed: {clean(answer) or 'no message'}",
            where=where,
            fix=f"{look} and correct what it says",
        )
    try:
        found = _mapping(json.loads(answer))
    except ValueError as error:
        raise EngineError(
            f"the credential helper {program} gave no JSON",
            where=where,
            fix=f"{look} and see what it says",
        ) from error
    username, secret = str(found.get("Username") or ""), str(found.get("Secret") or "")
    redact.add(secret)
    if not username and not secret:
        return None
    if username == "<token>":
        return Credentials(identity_token=secret, source=program)
    return Credentials(username, secret, source=program)


async def _run_helper(
    program: str, key: str, environ: Mapping[str, str], where: str
) -> tuple[int, str]:
    """Its exit code and what it wrote to stdout."""
    answer = bytearray()
    with tempfile.TemporaryFile() as question:
        question.write(key.encode())
        question.seek(0)
        try:
            code = await child_processes.run(
                [program, "get"],
                cwd="/",
                env=environ,
                stdin=question,
                on_output=answer.extend,
                on_errors=_dropped,
                time_limit=_HELPER_SECONDS,
            )
        except TimeoutError as error:
            raise EngineError(
                f"the credential helper {program} did not answer within {_HELPER_SECONDS:.0f} s",
                where=where,
                fix="see whether it waits for a password (an unlock dialog), or run `docker login`",
            ) from error
        except OSError as error:
            raise EngineError(
                f"the Docker configuration names the credential helper {program}, "
                f"and it is not installed or cannot be run: {error.strerror}",
                where=where,
                fix=f"install {program}, or remove it from the file and run `docker login` again",
            ) from error
    return code, answer.decode(errors="replace").strip()


def _dropped(_: bytes) -> None: ...


def _mapping(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
