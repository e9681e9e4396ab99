"""The command and environment that start a real Prefect agent, for every version that has one.

Measured on Prefect 0.6.2 to 1.4.1. The token travels in the environment only.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from flowtui.agents.kinds import AgentKind
from flowtui.agents.spec import AgentSpec, Place, Runtime
from flowtui.errors import UsageError
from flowtui.releases import release

FIRST_AGENT = (0, 6, 2)
FIRST_LABELS = (0, 7)
FIRST_PROCESS_AGENT = (0, 8)
"""From here on an agent called local starts processes, and one called docker containers."""
FIRST_BASE_URL = (0, 9, 8)
FIRST_NAME_OPTION = (0, 9, 8)
FIRST_BACKENDS = (0, 10)
FIRST_NETWORKS = (0, 10, 7)
FIRST_NEW_COMMAND = (0, 13)
"""`prefect agent docker start`; `prefect agent start docker` before."""
FIRST_UNLABELLED_LOCAL = (0, 14)
"""From here on `--no-hostname-label` leaves no label behind."""
FIRST_API_KEYS = (0, 15)
FIRST_SILENT_FLOWS = (0, 15)
"""Before it, a local agent that does not show what flows write takes it into a pipe that it does
not read (seen in 0.9.8): a flow that writes 64 KiB stands still, and breaks when the agent ends."""
AFTER_AGENTS = (2,)

_LAUNCHER = Path(__file__).with_name("launcher.py")
_FIXED_ENGINE = "unix:///var/run/docker.sock"
_ANY_TOKEN = "none-is-needed"

_OTHERS = (
    "FLOWTUI_AGENT",
    "FLOWTUI_API_KEY",
    "FLOWTUI_API_KEY_FILE",
    "FLOWTUI_SERVER_TOKEN",
    "PREFECT__BACKEND",
    "PREFECT__CLOUD__AGENT__AUTH_TOKEN",
    "PREFECT__CLOUD__API",
    "PREFECT__CLOUD__API_KEY",
    "PREFECT__CLOUD__AUTH_TOKEN",
    "PREFECT__CLOUD__ENDPOINT",
    "PREFECT__CLOUD__GRAPHQL",
    "PREFECT__CLOUD__TENANT_ID",
    "PREFECT__SERVER__ENDPOINT",
    "PREFECT__SERVER__HOST",
    "PREFECT__SERVER__PORT",
    "PYTHONHOME",
)
"""Variables that would point an agent at another control plane, or hand it another's token."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A process to start. Its environment may hold the token, so it has no repr."""

    command: tuple[str, ...]
    folder: Path
    """The working folder, of flow processes too."""
    prefect_version: str
    api_url: str
    """As the agent, and what it starts, reach the control plane."""
    environment: Mapping[str, str] = field(repr=False)


def launch(
    spec: AgentSpec, runtime: Runtime, place: Place, folder: Path, environ: Mapping[str, str]
) -> Launch:
    """How to start this agent in this Python. Raises UsageError for what its Prefect cannot do."""
    version = release(runtime.prefect_version)
    _check(spec, runtime, place)
    arguments = [*_subcommand(spec.kind, version)]
    if spec.name and version >= FIRST_NAME_OPTION:
        # Not by its setting: Prefect makes a number of the name 1, and expands what has a $.
        arguments += ["--name", spec.name]
    for label in spec.labels:
        arguments += ["--label", label]
    if spec.kind is AgentKind.LOCAL and not spec.hostname_label and _can_be_unlabelled(version):
        arguments.append("--no-hostname-label")
    if spec.kind is AgentKind.DOCKER:
        arguments += _docker_options(spec, place, version)
    if spec.show_flow_logs or (spec.kind is AgentKind.LOCAL and version < FIRST_SILENT_FLOWS):
        arguments.append("--show-flow-logs")
    return Launch(
        (runtime.python, str(_LAUNCHER), *arguments),
        folder,
        runtime.prefect_version,
        place.api_url,
        _environment(spec, runtime, place, environ),
    )


def settings(version: tuple[int, ...], place: Place) -> dict[str, str]:
    """The variables that point this version's clients and agents at a control plane."""
    url = place.api_url
    token = place.token.reveal() if place.token is not None else ""
    if version < FIRST_BACKENDS:
        has_path = bool(urlsplit(url).path.strip("/"))
        return {
            "PREFECT__CLOUD__API": url,
            "PREFECT__CLOUD__GRAPHQL": url if has_path else f"{url}/graphql/alpha",
            "PREFECT__CLOUD__AUTH_TOKEN": token or _ANY_TOKEN,
            "PREFECT__CLOUD__AGENT__AUTH_TOKEN": token or _ANY_TOKEN,
        }
    if not token:
        found = {"PREFECT__BACKEND": "server", "PREFECT__SERVER__ENDPOINT": url}
    elif version < FIRST_API_KEYS:
        found = {
            "PREFECT__BACKEND": "cloud",
            "PREFECT__CLOUD__AUTH_TOKEN": token,
            "PREFECT__CLOUD__AGENT__AUTH_TOKEN": token,
        }
    else:
        found = {"PREFECT__BACKEND": "cloud", "PREFECT__CLOUD__API_KEY": token}
    parts = urlsplit(url)
    if parts.hostname == "localhost" and parts.port is not None:
        # Docker agents give containers host.docker.internal and this port for it.
        found["PREFECT__SERVER__PORT"] = str(parts.port)
    return {**found, "PREFECT__CLOUD__API": url}


def _subcommand(kind: AgentKind, version: tuple[int, ...]) -> tuple[str, ...]:
    if version < FIRST_PROCESS_AGENT:
        return ("agent", "start", "local")
    if version < FIRST_NEW_COMMAND:
        return ("agent", "start", kind.value)
    return ("agent", kind.value, "start")


def _can_be_unlabelled(version: tuple[int, ...]) -> bool:
    return version >= FIRST_UNLABELLED_LOCAL


def _docker_options(spec: AgentSpec, place: Place, version: tuple[int, ...]) -> list[str]:
    options = [] if spec.pull else ["--no-pull"]
    if place.engine_url and version >= FIRST_BASE_URL:
        options += ["--base-url", place.engine_url]
    for volume in spec.volumes:
        options += ["--volume", volume]
    for network in spec.networks:
        options += ["--network", network]
    return options


def _environment(
    spec: AgentSpec, runtime: Runtime, place: Place, environ: Mapping[str, str]
) -> dict[str, str]:
    version = release(runtime.prefect_version)
    found = {name: text for name, text in environ.items() if name not in _OTHERS}
    own_folder = str(Path(runtime.python).parent)
    folders = [runtime.flow_path, own_folder] if runtime.flow_path else [own_folder]
    found["PATH"] = os.pathsep.join([*folders, environ.get("PATH", os.defpath)])
    found["PYTHONUNBUFFERED"] = "1"
    found["PREFECT__CLOUD__AGENT__LEVEL"] = spec.log_level
    if spec.name and version < FIRST_NAME_OPTION:
        found["PREFECT__CLOUD__AGENT__NAME"] = spec.name
    found |= settings(version, place)
    only_given = (
        spec.kind is AgentKind.LOCAL and not spec.hostname_label and not _can_be_unlabelled(version)
    )
    hidden = {"env": dict(spec.env), "labels": list(spec.labels) if only_given else None}
    found["FLOWTUI_AGENT"] = json.dumps(hidden)
    return found


def _check(spec: AgentSpec, runtime: Runtime, place: Place) -> None:
    version = release(runtime.prefect_version)
    where = f"Prefect {runtime.prefect_version} ({runtime.origin or runtime.python})"
    managed = "add --managed: the agent then runs in an environment of flowtui's own"
    if spec.kind not in (AgentKind.LOCAL, AgentKind.DOCKER):
        raise UsageError(
            f"flowtui does not run {spec.kind} agents",
            fix=f"start it where it belongs: prefect agent {spec.kind} start",
        )
    if not FIRST_AGENT <= version < AFTER_AGENTS:
        raise UsageError("this Prefect has no agent", where=where, fix=managed)
    if spec.kind is AgentKind.LOCAL and version < FIRST_PROCESS_AGENT:
        raise UsageError(
            "the local agent of this Prefect starts containers, not processes",
            where=where,
            fix=managed,
        )
    for given, since, what in (
        (spec.labels, FIRST_LABELS, "its agent has no labels"),
        (spec.env, FIRST_PROCESS_AGENT, "its agent takes no --env"),
        (spec.networks, FIRST_NETWORKS, "its agent takes no --network"),
        (spec.volumes, FIRST_BASE_URL, "its agent takes no --volume"),
        (spec.show_flow_logs, FIRST_PROCESS_AGENT, "its agent does not show the logs of flows"),
    ):
        if given and version < since:
            raise UsageError(f"this Prefect is too old: {what}", where=where, fix=managed)
    if spec.kind is AgentKind.DOCKER and version < FIRST_BASE_URL:
        _check_engine(place, where, managed)


def _check_engine(place: Place, where: str, managed: str) -> None:
    if place.engine_url not in ("", _FIXED_ENGINE):
        raise UsageError(
            f"the agent of this Prefect knows one engine only, {_FIXED_ENGINE}, and the engine in "
            f"use is {place.engine_url}",
            where=where,
            fix=managed,
        )
