"""From what an agent said at its end to the cause and the fix. Seen with Prefect 0.6.2 to 1.4.1."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from flowtui.agents.launch import Launch
from flowtui.errors import (
    ControlPlaneError,
    CredentialsError,
    EngineError,
    FlowtuiError,
    UsageError,
)

_LONGEST = 300
"""Characters of what it said that are shown."""


@dataclass(frozen=True, slots=True)
class _Cause:
    pattern: re.Pattern[str]
    error: type[FlowtuiError]
    what: str
    fix: str


_CAUSES = tuple(
    _Cause(re.compile(pattern, re.IGNORECASE), error, what, fix)
    for pattern, error, what, fix in (
        (
            r"No module named '?prefect\b",
            UsageError,
            "Prefect is not installed in the Python that the agent runs in",
            "install Prefect there, point `python` in flowtui.toml at the right one, or add "
            "--managed",
        ),
        (
            r"does not have a RUNNER scope|no agent API token|invalid API token|"
            r"this server needs a token|UNAUTHENTICATED|AuthorizationError|401 Client Error|"
            r"Unauthorized",
            CredentialsError,
            "the control plane does not take the agent's token",
            "flowtui login stores the right one (an agent's needs the scope RUNNER)",
        ),
        (
            r"connecting to the Docker daemon|DockerException|docker\.sock|"
            r"Cannot reconnect to Docker daemon|Error while fetching server API version",
            EngineError,
            "the agent does not reach the Docker engine",
            "start the engine (`docker version` shows whether it answers), or set DOCKER_HOST",
        ),
        (
            r"NameResolutionError|Name or service not known|nodename nor servname|"
            r"Temporary failure in name resolution",
            ControlPlaneError,
            "the name of the control plane's machine is not known here",
            "check the address with flowtui whoami",
        ),
        (
            r"Connection refused|Max retries exceeded|ConnectTimeout|ReadTimeout|"
            r"RemoteDisconnected|No route to host|Network is unreachable|ConnectionError",
            ControlPlaneError,
            "the agent does not reach the control plane",
            "flowtui whoami shows whether it answers; flowtui server starts the embedded one",
        ),
        (
            r"CERTIFICATE_VERIFY_FAILED|SSLError",
            ControlPlaneError,
            "the agent does not trust the control plane's certificate",
            "set REQUESTS_CA_BUNDLE to a file with the certificate authority",
        ),
        (
            r"no such option",
            UsageError,
            "this Prefect's agent does not know an option that was given",
            "leave the option out, or add --managed",
        ),
    )
)


def why_it_died(launch: Launch, status: int, said: Sequence[str]) -> FlowtuiError:
    """The cause of this end, from its last lines; what it said itself where nothing is known."""
    text = "\n".join(said)
    where = launch.command[0]
    for cause in _CAUSES:
        found = cause.pattern.search(text)
        if found is not None:
            line = _line_with(said, found.group().splitlines()[0])
            return cause.error(cause.what, where=f"{where}: {line}", fix=cause.fix)
    last = next((line for line in reversed(said) if line.strip()), "")
    known = f": {last[:_LONGEST]}" if last and status >= 0 else ""
    return FlowtuiError(
        f"the agent ended ({_ending(status)}){known}",
        where=where,
        fix="its log says more; --log-level DEBUG makes it say all",
    )


def _line_with(said: Sequence[str], words: str) -> str:
    return next((line for line in said if words in line), words).strip()[:_LONGEST]


def _ending(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"
