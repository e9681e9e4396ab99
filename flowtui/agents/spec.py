"""What an agent or worker of ours is to be, what it runs in, which control plane it works for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flowtui.agents.kinds import AgentKind
from flowtui.credentials import Secret


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """An agent that is wanted. Every option is one of Prefect's own `prefect agent … start`.

    With a work pool it is a worker of Prefect 2 or 3, and they are of `prefect worker start`.
    """

    kind: AgentKind
    """LOCAL or DOCKER, of workers PROCESS or DOCKER: those are the ones that flowtui runs."""
    name: str = ""
    """Empty: Prefect's own default, `agent`; of workers one that it makes up."""
    labels: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """Variables for the flow processes or containers that it starts."""
    hostname_label: bool = True
    """Local agents only. False: no label but the given ones, so that unlabelled runs are taken."""
    show_flow_logs: bool = False
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING or ERROR."""
    pull: bool = True
    """Docker agents only: pull the image before each run."""
    networks: tuple[str, ...] = ()
    """Docker agents only: networks that containers join; `host` and `none` as Docker means them."""
    volumes: tuple[str, ...] = ()
    """Docker agents only, as `docker run --volume` takes them."""
    managed: bool = False
    """Run it in an environment of flowtui's own although the project's Prefect has an agent."""
    work_pool: str = ""
    """Workers only: the pool that it takes runs from."""
    create_pool: bool = False
    """Workers only: make the pool first if it is not there."""
    work_queues: tuple[str, ...] = ()
    """Workers only: just these queues of the pool; empty for all."""
    limit: int | None = None
    """Workers only: how many runs it has at once."""
    healthcheck: bool = False
    """Workers only: it also serves Prefect's health check, on port 8080."""

    @property
    def is_worker(self) -> bool:
        return bool(self.work_pool)

    @property
    def word(self) -> str:
        return "worker" if self.is_worker else "agent"


@dataclass(frozen=True, slots=True)
class Runtime:
    """The Python and Prefect that an agent runs in."""

    python: str
    """Path of the interpreter."""
    prefect_version: str
    origin: str = ""
    """In words: `the project's .venv`, `an environment of flowtui's own`."""
    flow_path: str = ""
    """A folder put first on PATH: local agents before 0.13 find there the `prefect` that executes
    a flow. Empty: the folder of `python`."""


@dataclass(frozen=True, slots=True)
class Place:
    """The control plane, at the address that the agent and what it starts can reach."""

    api_url: str
    token: Secret | None = None
    engine_url: str = ""
    """Docker agents only: the engine, for example `unix:///var/run/docker.sock`."""
    ca_file: str = ""
    """A file with the certificate authority that the control plane's is from."""
    wants_token: bool = False
    """Whether the control plane takes nothing without its token at this very address."""
    notes: tuple[str, ...] = ()
    """What a person should know of how it was found."""
