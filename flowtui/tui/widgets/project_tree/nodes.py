"""What the lines of the tree stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from textual.widgets.tree import TreeNode

from flowtui.models import FlowVersion, Project
from flowtui.run_models import Agent, WorkPool, WorkQueue
from flowtui.tui.view_models.registered import DeployedFlow, RegisteredFlow


@dataclass(frozen=True, slots=True)
class Hint:
    """A line that is not a thing: loading, empty, failed."""

    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A line above things of one kind."""

    text: str


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and the pool that it is of."""

    pool: str
    queue: WorkQueue


NodeData: TypeAlias = (
    Project
    | DeployedFlow
    | RegisteredFlow
    | FlowVersion
    | WorkPool
    | Queue
    | Agent
    | Heading
    | Hint
)
Node: TypeAlias = TreeNode[NodeData]


def identity(data: NodeData) -> str:
    """The same for the same thing, whatever is known of it."""
    match data:
        case Project():
            return f"project:{data.id}"
        case DeployedFlow():
            return f"deployed:{data.project.id}:{data.name}"
        case RegisteredFlow():
            return f"flow:{data.project.id}:{data.name}"
        case FlowVersion():
            return f"version:{data.id}"
        case WorkPool():
            return f"pool:{data.id}"
        case Queue():
            return f"queue:{data.queue.id}"
        case Agent():
            return f"worker:{data.work_pool}:{data.id or data.name}"
        case Heading():
            return f"heading:{data.text}"
        case Hint():
            return f"hint:{data.text}"


def walk(node: Node) -> list[Node]:
    """All nodes below it."""
    found = list(node.children)
    for child in node.children:
        found.extend(walk(child))
    return found
