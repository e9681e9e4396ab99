"""The registered versions of a flow, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from flowtui.models import FlowVersion
from flowtui.tui import clock
from flowtui.tui.laying import hanging
from flowtui.tui.session import Session
from flowtui.tui.widgets.detail.page import Page
from flowtui.tui.words import ago, plain, shortened
from flowtui.workspace import FlowRow

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp


class VersionsTab:
    id = "versions"
    title = "Versions"

    def wanted(self, app: FlowtuiApp, row: FlowRow) -> None:
        """The newest version comes with the row, the others with their project."""

    def page(self, app: FlowtuiApp, row: FlowRow, width: int) -> Page:
        versions = _known(app.session, row)
        if not versions:
            connected = app.session.connected
            words = "No version is registered yet. Enter on the flow plans a deploy."
            text = words if connected else "Not connected: what is registered is not known."
            return Page.of(hanging(Content(""), Content.styled(text, "$muted"), width))
        lines = [_line(version, width) for version in versions]
        return Page(tuple(lines), choices=dict(enumerate(versions)))


def _known(session: Session, row: FlowRow) -> list[FlowVersion]:
    if row.version is None:
        return []
    listed = session.versions.get(row.version.project, ())
    same = [version for version in listed if version.name == row.version.name]
    return same or [row.version]


def _line(version: FlowVersion, width: int) -> Content:
    when = ago(version.created, clock.now())
    head = f"v{version.version:<4} {when:<10} "
    archived = "archived  " if version.archived else ""
    image = shortened(plain(version.image or ""), max(width - len(head) - len(archived), 0))
    return Content.assemble(head, (archived, "$warning"), (image, "$muted"))
