"""Several flows at once: which of them are deployed, and why the others are not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flowtui.flow_rows import FlowRow
from flowtui.models import FlowState, LocalFlow
from flowtui.quantities import counted
from flowtui.tui.looks.words import plain
from flowtui.tui.view_models.deploys import DeployBook

_SHOWN = 8
"""Names listed before a question is asked; the rest is a number."""


@dataclass(frozen=True, slots=True)
class Selection:
    flows: tuple[LocalFlow, ...]
    left_out: tuple[tuple[str, str], ...]
    """Name and why it cannot be deployed."""

    @classmethod
    def of(cls, rows: Iterable[FlowRow], deploys: DeployBook) -> Selection:
        flows: list[LocalFlow] = []
        left_out: list[tuple[str, str]] = []
        running = {record.flow.target for record in deploys.running}
        for row in rows:
            if row.flow is None or row.state is FlowState.BROKEN:
                left_out.append((row.name, str(row.state)))
            elif row.flow.target in running:
                left_out.append((row.name, "deploying already"))
            else:
                flows.append(row.flow)
        return cls(tuple(flows), tuple(left_out))

    @property
    def title(self) -> str:
        return f"Deploy {counted(len(self.flows), 'flow')}"

    @property
    def text(self) -> str:
        names = [plain(flow.display_name) for flow in self.flows[:_SHOWN]]
        more = len(self.flows) - len(names)
        lines = ["\n".join(names) + (f"\nand {more} more" if more > 0 else "")]
        if self.left_out:
            lines.append(f"Left out:\n{self.refused}")
        lines.append("Each is planned, then deployed; what has not changed is left as it is.")
        return "\n\n".join(lines)

    @property
    def refused(self) -> str:
        """One line for each that is left out."""
        shown = [f"{plain(name)}: {why}" for name, why in self.left_out[:_SHOWN]]
        more = len(self.left_out) - len(shown)
        return "\n".join(shown) + (f"\nand {more} more" if more > 0 else "")
