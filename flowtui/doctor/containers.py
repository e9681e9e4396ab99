"""The Docker engine, the room it has for images, and the registries of the project."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from flowtui.addresses import is_loopback
from flowtui.agents.containers import reached_by_containers, served_to_containers
from flowtui.api.opening import ask_token_kind
from flowtui.config import ProjectConfig
from flowtui.credentials import TokenKind
from flowtui.deploy.docker.reachability import (
    EngineStatus,
    RegistryStatus,
    engine_status,
    registry_status,
)
from flowtui.doctor.checks import CannotTell, Check, State, bad
from flowtui.doctor.subject import Subject
from flowtui.errors import FlowtuiError
from flowtui.models import StorageKind
from flowtui.quantities import size
from flowtui.workspace import ca_file_of

_WAY_BACK = "containers"
_LITTLE_ROOM = 5_000_000_000
_NO_ROOM = 1_000_000_000
"""Bytes: a base image with Prefect and its packages takes about one GB."""


async def engine(subject: Subject) -> Sequence[Check]:
    workspace = await subject.workspace()
    status = await engine_status(subject.environ)
    if status.problem is not None:
        wanted = workspace.config.table.storage.type
        if wanted is StorageKind.LOCAL:
            what = f"not needed, storage is local: {status.problem.what}"
            return (Check("engine", State.OK, what),)
        state = State.BAD if wanted is StorageKind.DOCKER else State.WARNING
        return (bad("engine", status.problem, state),)
    value = f"{status.name}, API {status.api_version}, at {status.endpoint} (from {status.origin})"
    return (Check("engine", State.OK, value), await _room(status))


async def _room(status: EngineStatus) -> Check:
    folder = Path(status.data_folder)
    there = status.is_local and status.data_folder and await asyncio.to_thread(folder.is_dir)
    if not there:
        return Check("room for images", State.UNKNOWN, "the engine's disk is not on this machine")
    free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
    value = f"{size(free)} free at {folder}"
    fix = "make room: `docker system prune` removes what nothing uses"
    if free < _NO_ROOM:
        return Check("room for images", State.BAD, value, fix)
    if free < _LITTLE_ROOM:
        return Check("room for images", State.WARNING, value, fix)
    return Check("room for images", State.OK, value)


async def way_back(subject: Subject) -> Sequence[Check]:
    """Whether containers that an agent starts have an address for the control plane."""
    workspace = await subject.workspace()
    url = workspace.profile.api_url
    if not workspace.needs_engine:
        return (Check(_WAY_BACK, State.OK, "not needed, storage is local"),)
    status = await engine_status(subject.environ)
    if status.problem is not None:
        raise CannotTell("no engine answers, see above")
    if await ask_token_kind(url, ca_file=ca_file_of(workspace.profile)) is not TokenKind.TOKEN:
        return (Check(_WAY_BACK, State.OK, "a docker worker of Prefect 2 or 3 sees to it itself"),)
    if is_loopback(url) and await served_to_containers(url) is None:
        raise CannotTell(f"no embedded server answers at {url}")
    try:
        place = await reached_by_containers(url, environ=subject.environ)
    except FlowtuiError as error:
        return (bad(_WAY_BACK, error.problem, State.WARNING),)
    return (Check(_WAY_BACK, State.OK, f"reach the control plane at {place.api_url}"),)


async def registries(subject: Subject) -> Sequence[Check]:
    """Those that the project's settings name; each is asked as a push would ask it."""
    urls = _registry_urls((await subject.workspace()).config)
    if not urls:
        return (Check("registry", State.OK, "none set: images stay on the engine's machine"),)
    found = await asyncio.gather(
        *(registry_status(url, subject.environ, check_login=True) for url in urls)
    )
    return [_registry(url, status) for url, status in zip(urls, found, strict=True)]


def _registry_urls(config: ProjectConfig) -> tuple[str, ...]:
    tables = (config.table, *config.flows.values())
    urls = [table.storage.registry_url for table in tables]
    return tuple(dict.fromkeys(url for url in urls if url))


def _registry(url: str, status: RegistryStatus) -> Check:
    if status.problem is not None:
        return bad("registry", status.problem)
    login = f"takes the login from {status.login}" if status.wants_login else "wants no login"
    return Check("registry", State.OK, f"{url}: {status.host} answers and {login}")
