"""Every operation, by importing the modules that define them."""

from flowtui.server.operations import (
    account,
    agents,
    cancelling,
    flow_groups,
    flows,
    heartbeats,
    logs,
    projects,
    queue,
    runs,
    schedules,
    states,
    tag_limits,
    task_runs,
    values,
)
from flowtui.server.operations.base import MUTATIONS, QUERIES, Act, Caller, Operation, Refused

__all__ = [
    "MUTATIONS",
    "QUERIES",
    "Act",
    "Caller",
    "Operation",
    "Refused",
    "account",
    "agents",
    "cancelling",
    "flow_groups",
    "flows",
    "heartbeats",
    "logs",
    "projects",
    "queue",
    "runs",
    "schedules",
    "states",
    "tag_limits",
    "task_runs",
    "values",
]
