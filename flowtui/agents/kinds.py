"""Which kind of agent or worker takes what; of agents by storage and run config.

Measured on the agents of Prefect 0.6.2 to 1.4.1: they ask the control plane by labels alone, and
only then see whether they can do it. One that cannot sets the run to Failed.
"""

from __future__ import annotations

from enum import StrEnum

from flowtui.json_shapes import mapping
from flowtui.releases import release
from flowtui.run_models import Agent, FlowRun


class AgentKind(StrEnum):
    """What an agent starts for a run; the value is Prefect's own word on its command line."""

    LOCAL = "local"
    DOCKER = "docker"
    KUBERNETES = "kubernetes"
    ECS = "ecs"
    VERTEX = "vertex"
    PROCESS = "process"
    """A worker of Prefect 2 or 3 that starts a process for each run."""
    UNKNOWN = "unknown"
    """It did not register (Prefect before 0.10.5), or it is none of the above."""


_BY_TYPE = {
    "LocalAgent": AgentKind.LOCAL,
    "DockerAgent": AgentKind.DOCKER,
    "KubernetesAgent": AgentKind.KUBERNETES,
    "ECSAgent": AgentKind.ECS,
    "FargateAgent": AgentKind.ECS,
    "VertexAgent": AgentKind.VERTEX,
    "process": AgentKind.PROCESS,
    "docker": AgentKind.DOCKER,
    "kubernetes": AgentKind.KUBERNETES,
    "ecs": AgentKind.ECS,
}
_BY_RUN_CONFIG = {
    "LocalRun": AgentKind.LOCAL,
    "DockerRun": AgentKind.DOCKER,
    "KubernetesRun": AgentKind.KUBERNETES,
    "ECSRun": AgentKind.ECS,
    "VertexRun": AgentKind.VERTEX,
}
_FIRST_PROCESS_AGENT = (0, 8)
"""Before it, the agent called local started containers."""

_CONTAINERS = frozenset({AgentKind.DOCKER, AgentKind.KUBERNETES, AgentKind.ECS, AgentKind.VERTEX})
_KNOWN = _CONTAINERS | {AgentKind.LOCAL}


def agent_kind(agent: Agent) -> AgentKind:
    """What this agent starts."""
    version = release(agent.core_version)
    told = _BY_TYPE.get(agent.type.removesuffix(" worker"), AgentKind.UNKNOWN)
    if version and version < _FIRST_PROCESS_AGENT and told in (AgentKind.LOCAL, AgentKind.UNKNOWN):
        return AgentKind.DOCKER
    return told


def kinds_for(run: FlowRun) -> frozenset[AgentKind]:
    """The kinds of agent that can execute this run.

    A run config names its kind. Without one the storage decides: an image needs a container, a
    file on a disk (Local storage) needs a process on that machine, and anything else takes both.
    Empty for a contradiction: a LocalRun of a flow that is in an image.
    """
    named = _BY_RUN_CONFIG.get(run_config_type(run))
    storage = storage_type(run)
    if named is not None:
        contradiction = named is AgentKind.LOCAL and storage == "Docker"
        return frozenset() if contradiction else frozenset({named})
    if storage == "Docker":
        return _CONTAINERS
    if storage == "Local":
        return frozenset({AgentKind.LOCAL})
    return _KNOWN


def storage_type(run: FlowRun) -> str:
    """`Docker`, `Local`, `S3`, …; empty where the control plane does not tell."""
    return str(mapping(run.storage).get("type") or "")


def run_config_type(run: FlowRun) -> str:
    """`UniversalRun`, `DockerRun`, …; empty for none (every Prefect before 0.13)."""
    return str(mapping(run.run_config).get("type") or "")
