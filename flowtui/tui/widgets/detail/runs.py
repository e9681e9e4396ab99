"""The runs of a flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from flowtui.tui.laying import hanging
from flowtui.tui.widgets.detail.page import Page
from flowtui.workspace import FlowRow

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp


class RunsTab:
    id = "runs"
    title = "Runs"

    def wanted(self, app: FlowtuiApp, row: FlowRow) -> None:
        """Nothing is asked of a flow that was never registered."""

    def page(self, app: FlowtuiApp, row: FlowRow, width: int) -> Page:
        text = (
            "It has no runs: no version of it is registered."
            if row.version is None
            else "Its runs are not read from this control plane."
        )
        return Page.of(hanging(Content(""), Content.styled(text, "$muted"), width))
