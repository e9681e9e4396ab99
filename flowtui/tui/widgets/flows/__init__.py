"""The flow browser: every flow and broken file of the folder, one row each."""

from __future__ import annotations

from flowtui.tui.widgets.flows.columns import columns_for
from flowtui.tui.widgets.flows.table import FlowTable

__all__ = ["FlowTable", "columns_for"]
