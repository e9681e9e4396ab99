"""The command and environment that start a real worker of Prefect 2 or 3.

Measured on Prefect 2.20.27 and 3.9.1. The token travels in the environment only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from flowtui import paths
from flowtui.agents.kinds import AgentKind
from flowtui.agents.launch import Launch
from flowtui.agents.spec import AgentSpec, Place, Runtime
from flowtui.errors import UsageError
from flowtui.releases import release

FIRST_WORKER = (2, 10)
"""Work pools and workers; before it there were agents that polled work queues."""
_LAUNCHER = Path(__file__).with_name("worker_launcher.py")
_WIDE = "240"
"""Cells: what is not a terminal gets lines of 80 otherwise, with breaks in them."""
_OTHERS = (
    "FLOWTUI_API_KEY",
    "FLOWTUI_API_KEY_FILE",
    "FLOWTUI_SERVER_TOKEN",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_API_KEY",
    "PREFECT_API_URL",
    "PREFECT_CLIENT_CUSTOM_HEADERS",
    "PREFECT_HOME",
    "PREFECT_PROFILE",
    "PREFECT_PROFILES_PATH",
    "PREFECT_SERVER_API_AUTH_STRING",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL",
    "PREFECT_API_DATABASE_CONNECTION_URL",
    "PYTHONHOME",
)
"""Variables that would point a worker at another control plane, or hand it another's token."""


def worker_launch(
    spec: AgentSpec, runtime: Runtime, place: Place, folder: Path, environ: Mapping[str, str]
) -> Launch:
    """How to start this worker in this Python. Raises UsageError for what its Prefect cannot do."""
    where = f"Prefect {runtime.prefect_version} ({runtime.origin or runtime.python})"
    if release(runtime.prefect_version) < FIRST_WORKER:
        raise UsageError(
            "this Prefect has no workers", where=where, fix="install Prefect 3 in the project"
        )
    if spec.kind not in (AgentKind.PROCESS, AgentKind.DOCKER):
        raise UsageError(
            f"flowtui does not run {spec.kind} workers",
            fix=f"start it where it belongs: prefect worker start --pool {spec.work_pool}",
        )
    arguments = ["worker", "start", "--pool", spec.work_pool, "--type", spec.kind.value]
    arguments += ["--install-policy", "never"]
    if spec.name:
        arguments += ["--name", spec.name]
    for queue in spec.work_queues:
        arguments += ["--work-queue", queue]
    if spec.limit is not None:
        arguments += ["--limit", str(spec.limit)]
    if spec.healthcheck:
        arguments.append("--with-healthcheck")
    return Launch(
        (runtime.python, str(_LAUNCHER), *arguments),
        folder,
        runtime.prefect_version,
        place.api_url,
        _environment(spec, runtime, place, environ),
    )


def worker_settings(place: Place) -> dict[str, str]:
    """The variables that point clients and workers of Prefect 2 and 3 at a control plane."""
    found = {"PREFECT_API_URL": place.api_url}
    token = place.token.reveal() if place.token is not None else ""
    if token:
        found["PREFECT_API_AUTH_STRING" if ":" in token else "PREFECT_API_KEY"] = token
    if place.ca_file:
        found["PREFECT_API_SSL_CERT_FILE"] = place.ca_file
    return found


def _environment(
    spec: AgentSpec, runtime: Runtime, place: Place, environ: Mapping[str, str]
) -> dict[str, str]:
    found = {name: text for name, text in environ.items() if name not in _OTHERS}
    found |= dict(spec.env)
    found["PATH"] = os.pathsep.join(
        [str(Path(runtime.python).parent), environ.get("PATH", os.defpath)]
    )
    found["PYTHONUNBUFFERED"] = "1"
    found["DO_NOT_TRACK"] = "1"
    found["COLUMNS"] = _WIDE
    found["PREFECT_LOGGING_LEVEL"] = spec.log_level
    found |= _home(spec.kind)
    return {**found, **worker_settings(place)}


def _home(kind: AgentKind) -> dict[str, str]:
    """A place where no profile of the person's is found.

    Containers are handed every setting that is set: they must not be told of a folder that they
    do not have and cannot make.
    """
    home = paths.data_dir() / "prefect"
    if kind is AgentKind.DOCKER:
        return {"PREFECT_PROFILES_PATH": str(home / "profiles.toml")}
    return {"PREFECT_HOME": str(home)}
