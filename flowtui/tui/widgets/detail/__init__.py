"""What is known of the flow under the cursor: one pane, a tab for each question."""

from __future__ import annotations

from flowtui.tui.widgets.detail.pane import DetailPane

__all__ = ["DetailPane"]
