"""What a deploy would change of the registered version, and why it would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from flowtui.flow_rows import FlowRow
from flowtui.models import FlowState
from flowtui.tui.looks.diff import diff_lines
from flowtui.tui.looks.laying import hanging
from flowtui.tui.widgets.detail.page import Page

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp


class ChangesTab:
    id = "changes"
    title = "Changes"

    def wanted(self, app: FlowtuiApp, row: FlowRow) -> None:
        app.details.describe(row.version)

    def page(self, app: FlowtuiApp, row: FlowRow, width: int) -> Page:
        words = _nothing_to_compare(app, row)
        if words:
            return Page.of(hanging(Content(""), Content.styled(words, "$muted"), width))
        changes = app.details.changes(row)
        if changes is None:
            return Page.of(Content.styled("Comparing with what is registered.", "$muted"))
        key = app.keymap.key("details.difference")
        return Page(tuple(diff_lines(changes, width, app.glyphs, key=key)))


def _nothing_to_compare(app: FlowtuiApp, row: FlowRow) -> str:
    if row.state is FlowState.DELETED:
        return "The flow is not on disk any more; its registered version stays as it is."
    if row.broken is not None:
        return "It cannot be read: see Problems."
    if row.version is None:
        if not app.session.connected:
            return "Not connected: what is registered is not known."
        key = app.keymap.key("flows.deploy")
        return f"No version is registered: a deploy makes the first one. {key} plans it."
    return ""
