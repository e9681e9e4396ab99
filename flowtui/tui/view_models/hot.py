"""What is known of the hot flows, from what the loop told. Knows nothing of widgets."""

from __future__ import annotations

from dataclasses import dataclass, field

from flowtui.hot.events import (
    Deployed,
    Failed,
    Held,
    HotEvent,
    Saved,
    Started,
    Superseded,
    Watching,
)


@dataclass(slots=True)
class HotFlowView:
    """The latest of one flow."""

    target: str
    saved: Saved | None = None
    last: Saved | Held | Started | Superseded | Deployed | Failed | None = None

    @property
    def at(self) -> float:
        """When the latest happened, in seconds since the epoch."""
        return self.last.at if self.last is not None else 0.0

    @property
    def name(self) -> str:
        return self.last.flow if self.last is not None else self.target.rpartition(":")[2]


@dataclass(slots=True)
class HotView:
    flows: dict[str, HotFlowView] = field(default_factory=dict[str, HotFlowView])
    """By target; those that are hot now."""

    def keep_only(self, targets: tuple[str, ...]) -> None:
        self.flows = {target: self.flows.get(target) or HotFlowView(target) for target in targets}

    def apply(self, event: HotEvent) -> None:
        """The one place where an event changes what is known."""
        if isinstance(event, Watching):
            return
        flow = self.flows.get(event.target)
        if flow is None:
            return
        if isinstance(event, Saved):
            flow.saved = event
            if event.unchanged and isinstance(flow.last, Failed | Held | Deployed):
                return
        flow.last = event

    def telling(self, running: frozenset[str]) -> HotFlowView | None:
        """The flow that has most to tell: one that is deployed now, else what happened last."""
        views = list(self.flows.values())
        if not views:
            return None
        return max(views, key=lambda view: (view.target in running, view.at))
