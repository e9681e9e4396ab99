"""Why a flow run is not being picked up: decided from the run and the agents that are known.

The rules are Prefect's. A run is handed to an agent when it is due, its labels are a subset of the
agent's, and not only one of the two has labels. Whether the agent can run it is not asked then.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from flowtui.agents.kinds import AgentKind, agent_kind, kinds_for, run_config_type, storage_type
from flowtui.agents.waiting_words import length, listed, moment
from flowtui.run_models import Agent, FlowRun, WorkPool

SILENT_AFTER = timedelta(seconds=60)
"""Every agent asks for work at least every 10 seconds, whatever its version; a slow answer or a
busy machine may make it late."""
STARTS_WITHIN = timedelta(seconds=90)
"""From an agent taking a run to its first sign of life: pulling a large image takes longer, so
what is said then is a suspicion, not a verdict."""
PREFETCH = timedelta(seconds=10)
"""Agents ask for what is due within this time, and wait themselves for the rest."""


class WaitingKind(StrEnum):
    """What a run waits for."""

    NOT_DUE = "not due yet"
    HELD = "held"
    """Its state is one that no agent is given: Paused, Pending."""
    ARCHIVED = "archived"
    NO_AGENT = "no agent"
    NO_AGENT_OF_KIND = "no agent of that kind"
    LABELS = "labels"
    UNLABELLED_RUN = "unlabelled run"
    AGENT_SILENT = "agent silent"
    TAKEN = "taken"
    """An agent took it, and its process has not reported yet."""
    SOON = "any moment"
    NO_POOL = "no work pool"
    NO_WORKER = "no worker"
    PAUSED = "paused"
    """The work pool is, or its queue."""
    LIMIT = "concurrency limit"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One reason, in words a person reads, with what to do about it."""

    kind: WaitingKind
    what: str
    fix: str = ""
    """A command where there is one; empty where there is nothing to do but wait."""


@dataclass(frozen=True, slots=True)
class Takers:
    """Who could take runs, as the control plane tells it."""

    agents: tuple[Agent, ...] = ()
    """Agents; workers where there are work pools."""
    pools: tuple[WorkPool, ...] | None = None
    """None where the control plane has none: its runs go to agents by their labels."""
    under_way: tuple[FlowRun, ...] = ()
    """What counts against the limits of pools and queues, where one has a limit."""


_HANDED_OUT = frozenset({"Scheduled", "Retrying", "Resume", "Queued"})
_HELD = frozenset({"Paused", "Pending"})
_STARTABLE = frozenset({AgentKind.LOCAL, AgentKind.DOCKER})
"""What `flowtui agent start` starts."""


def why_waiting(run: FlowRun, agents: Sequence[Agent], now: datetime) -> tuple[Waiting, ...]:
    """The reasons why this run does not run yet, most telling first.

    Empty for a run that runs or is over. All that stands in the way is named, so that mending the
    first reason does not bring up a second one nobody spoke of.
    """
    if run.state == "Submitted":
        return (_taken(run, agents, now),)
    if run.state in _HELD:
        return (_held(run),)
    if run.state not in _HANDED_OUT:
        return ()
    if run.version_archived:
        return (_archived(run),)
    due = run.state_start or run.scheduled
    later = due is not None and due > now + PREFETCH
    reasons = [_not_due(due, now)] if later and due is not None else []
    agent_reason = _no_agent_fits(run, agents, now)
    if agent_reason is not None:
        reasons.append(agent_reason)
    elif not later:
        reasons.append(_soon(run, agents, now))
    return tuple(reasons)


def is_silent(agent: Agent, now: datetime) -> bool:
    """True for an agent that has not asked for work for longer than any agent pauses, and for a
    worker that the control plane calls offline."""
    if agent.online is not None:
        return not agent.online
    return agent.last_seen is None or now - agent.last_seen > SILENT_AFTER


def takes_labels(agent: Agent, run: FlowRun) -> bool:
    """Prefect's rule: a subset, and never an unlabelled run for a labelled agent."""
    return set(run.labels) <= set(agent.labels) and bool(run.labels) == bool(agent.labels)


def start_command(run: FlowRun) -> str:
    """The `flowtui agent start …` whose agent would take this run, empty where there is none."""
    kinds = kinds_for(run)
    for kind in (AgentKind.DOCKER, AgentKind.LOCAL):
        if kind in kinds:
            break
    else:
        return ""
    words = ["flowtui", "agent", "start", "--type", kind.value]
    if kind is AgentKind.LOCAL and not run.labels:
        words.append("--no-hostname-label")
    for label in run.labels:
        words += ["--label", label]
    return shlex.join(words)


def _not_due(due: datetime, now: datetime) -> Waiting:
    return Waiting(
        WaitingKind.NOT_DUE,
        f"it is due {moment(due)}, in {length(due - now)}",
        "to run it now, start another run of the flow",
    )


def _held(run: FlowRun) -> Waiting:
    return Waiting(
        WaitingKind.HELD,
        f"its state is {run.state}: no agent is given it before that changes",
        "resume it" if run.state == "Paused" else "",
    )


def _archived(run: FlowRun) -> Waiting:
    return Waiting(
        WaitingKind.ARCHIVED,
        f"its version {run.version} of “{run.flow}” is archived, and agents are given no runs of "
        "archived versions",
        "run the version that is in use, or deploy the flow again",
    )


def _taken(run: FlowRun, agents: Sequence[Agent], now: datetime) -> Waiting:
    who = next((_named(agent) for agent in agents if agent.id == run.agent_id), "an agent")
    since = max((at for at in (run.state_start, run.scheduled, run.created) if at), default=None)
    if since is None or now - since <= STARTS_WITHIN:
        return Waiting(WaitingKind.TAKEN, f"{who} took it and is starting it")
    if AgentKind.LOCAL in kinds_for(run):
        look = "see the agent's log, and whether its flow processes can be started"
    else:
        look = (
            "see the agent's log and the container's: the image may still be pulled, or the "
            "container may not reach the control plane (flowtui server --containers)"
        )
    return Waiting(
        WaitingKind.TAKEN,
        f"{who} took it, due {length(now - since)} ago, and its process has not reported yet",
        look,
    )


def _no_agent_fits(run: FlowRun, agents: Sequence[Agent], now: datetime) -> Waiting | None:
    """What stands between this run and every agent, None when one should take it."""
    kinds = kinds_for(run)
    if not kinds:
        return Waiting(
            WaitingKind.NO_AGENT_OF_KIND,
            "no agent can run it: its run config LocalRun asks for a local agent, and those do "
            "not run flows that are stored in an image",
            "deploy it with another run config (DockerRun, UniversalRun) or with Local storage",
        )
    awake = [agent for agent in agents if not is_silent(agent, now)]
    able = [agent for agent in awake if _is_able(agent, kinds)]
    if any(takes_labels(agent, run) for agent in able):
        return None
    gone = [
        agent
        for agent in agents
        if is_silent(agent, now) and _is_able(agent, kinds) and takes_labels(agent, run)
    ]
    if gone:
        return _silent(run, gone, now)
    if not awake:
        return _nobody(run, agents, now)
    if not able:
        return _wrong_kind(run, awake)
    return _wrong_labels(run, able)


def _is_able(agent: Agent, kinds: frozenset[AgentKind]) -> bool:
    kind = agent_kind(agent)
    return kind in kinds or kind is AgentKind.UNKNOWN


def _soon(run: FlowRun, agents: Sequence[Agent], now: datetime) -> Waiting:
    kinds = kinds_for(run)
    agent = next(
        agent
        for agent in agents
        if not is_silent(agent, now) and _is_able(agent, kinds) and takes_labels(agent, run)
    )
    return Waiting(
        WaitingKind.SOON,
        f"everything fits: {_named(agent)} should start it at its next poll, within 10 seconds",
    )


def _silent(run: FlowRun, gone: Sequence[Agent], now: datetime) -> Waiting:
    agent = max(gone, key=lambda each: each.last_seen.timestamp() if each.last_seen else 0.0)
    return Waiting(
        WaitingKind.AGENT_SILENT,
        f"{_named(agent)} would take it, but {_last_asked(agent, now)}; agents ask every 10 "
        "seconds, so it has stopped or does not reach the control plane",
        _start(run),
    )


def _nobody(run: FlowRun, agents: Sequence[Agent], now: datetime) -> Waiting:
    if not agents:
        what = "no agent is there: an agent picks runs up and starts them"
    else:
        last = max(agents, key=lambda each: each.last_seen.timestamp() if each.last_seen else 0.0)
        known = f"all {len(agents)} known agents are" if len(agents) > 1 else "the one known is"
        what = f"no agent runs: {known} silent ({_named(last)}: {_last_asked(last, now)})"
    return Waiting(WaitingKind.NO_AGENT, what, _start(run))


def _wrong_kind(run: FlowRun, awake: Sequence[Agent]) -> Waiting:
    there = listed([_named(agent) for agent in awake])
    what = f"{_why_kind(run)}; the agents that run are {there}"
    if len(awake) == 1:
        what = f"{_why_kind(run)}; the only agent that runs is {there}"
    taker = next((agent for agent in awake if takes_labels(agent, run)), None)
    if taker is not None:
        what += f". Its labels fit {_named(taker)}, which would take it and fail it"
    return Waiting(WaitingKind.NO_AGENT_OF_KIND, what, _start(run))


def _why_kind(run: FlowRun) -> str:
    """What the run needs, and what says so."""
    wanted = listed([kind.value for kind in AgentKind if kind in kinds_for(run)], "or")
    run_config = run_config_type(run)
    if run_config not in ("", "UniversalRun"):
        return f"its run config {run_config} needs a {wanted} agent"
    return f"its storage {storage_type(run)} needs a {wanted} agent"


def _wrong_labels(run: FlowRun, able: Sequence[Agent]) -> Waiting:
    if not run.labels:
        carried = listed([_with_labels(agent) for agent in able])
        return Waiting(
            WaitingKind.UNLABELLED_RUN,
            f"the run has no labels, and labelled agents never take such a run: {carried}. "
            "A local agent carries its machine's name as a label unless told not to",
            _start(run),
        )
    nearest = min(able, key=lambda agent: (len(_missing(agent, run)), agent.name))
    missing = listed([f"“{label}”" for label in _missing(nearest, run)])
    what = f"no agent has all its labels: {_with_labels(nearest)} lacks {missing}"
    if not nearest.labels:
        what = f"no agent has its labels {missing}: {_named(nearest)} has none"
    if storage_type(run) == "Local":
        what += ". One label of a flow in Local storage is the name of the machine that stores it"
    return Waiting(WaitingKind.LABELS, what, _start(run))


def _missing(agent: Agent, run: FlowRun) -> list[str]:
    return sorted(set(run.labels) - set(agent.labels))


def _start(run: FlowRun) -> str:
    command = start_command(run)
    if command:
        return command
    kinds = [kind.value for kind in AgentKind if kind in kinds_for(run)]
    labels = "".join(f" --label {shlex.quote(label)}" for label in run.labels)
    return f"prefect agent {kinds[0]} start{labels}" if kinds else ""


def _named(agent: Agent) -> str:
    """`agent “name” (docker)`."""
    kind = agent_kind(agent)
    known = kind.value if kind is not AgentKind.UNKNOWN else agent.type
    name = f"agent “{agent.name}”" if agent.name else "an agent without a name"
    return f"{name} ({known})" if known else name


def _with_labels(agent: Agent) -> str:
    if not agent.labels:
        return f"{_named(agent)} without labels"
    return f"{_named(agent)} with {listed([f'“{label}”' for label in sorted(agent.labels)])}"


def _last_asked(agent: Agent, now: datetime) -> str:
    if agent.last_seen is None:
        return "it has never asked for work"
    return f"it last asked for work {length(now - agent.last_seen)} ago"
