"""Every registered version of a flow, newest first, archived ones too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from flowtui.flow_rows import FlowRow
from flowtui.models import FlowState, FlowVersion
from flowtui.quantities import ago, exact
from flowtui.tui import clock
from flowtui.tui.looks.glyphs import Glyphs
from flowtui.tui.looks.laying import hanging
from flowtui.tui.looks.words import padded, plain, shortened
from flowtui.tui.session import Session
from flowtui.tui.view_models.registered import place_of, when_mark
from flowtui.tui.widgets.detail.page import Page

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp

_DIGEST = 19
"""`sha256:` and twelve digits: as much as the engine's own lists show."""
_FINGERPRINT = 7
_SHORTEST, _LONGEST = 4, 24
"""Cells of a version's number, or of what a deployment calls it."""


class VersionsTab:
    id = "versions"
    title = "Versions"

    def wanted(self, app: FlowtuiApp, row: FlowRow) -> None:
        if row.version is not None:
            app.registered.read_for_details(place_of(row.version), runs=False)

    def page(self, app: FlowtuiApp, row: FlowRow, width: int) -> Page:
        current = row.version
        if current is None:
            connected = app.session.connected
            key = app.keymap.key("flows.deploy")
            words = f"No version is registered yet. {key} on the flow plans a deploy."
            text = words if connected else "Not connected: what is registered is not known."
            return Page.of(hanging(Content(""), Content.styled(text, "$muted"), width))
        known = app.session.all_versions.get(place_of(current))
        versions = known or (current,)
        wide = min(max(cell_len(plain(version.short)) for version in versions), _LONGEST)
        lines = [
            _line(app.session, app.glyphs, row, current, version, max(wide, _SHORTEST))
            for version in versions
        ]
        if known is None:
            lines.append(Content.styled("reading the earlier ones", "$muted"))
        longest = max(line.cell_length for line in lines)
        return Page(
            tuple(lines),
            width=longest if longest > width else 0,
            choices=dict(enumerate(versions)),
        )


def _line(
    session: Session,
    glyphs: Glyphs,
    row: FlowRow,
    current: FlowVersion,
    version: FlowVersion,
    wide: int,
) -> Content:
    """What tells versions apart first; what is long last, where the side scrolls into view."""
    in_use = version.id == current.id
    mark = glyphs.done if in_use else glyphs.skipped if version.archived else " "
    earlier = "earlier" if version.deployment else "archived"
    state = "in use" if in_use else earlier if version.archived else ""
    schedule = when_mark(version, glyphs) if not version.archived else ""
    made = session.made_by.get(version.id)
    digest = (made.digest or "")[:_DIGEST] if made is not None else ""
    return Content.assemble(
        (f"{mark} ", "$success" if in_use else "$muted"),
        f"{padded(shortened(plain(version.short), wide), wide)} ",
        (f"{state:<9}", "" if in_use else "$muted"),
        (f"{schedule or ' '} ", "$accent"),
        f"{ago(version.changed, clock.now()):<9} ",
        (f"{_source(session, row, version):<13} ", "$muted"),
        (f"{digest:<{_DIGEST}} " if digest else "", "$muted"),
        plain(version.image or ""),
        (f"  {exact(version.changed)}  {version.id}", "$muted"),
    )


def _source(session: Session, row: FlowRow, version: FlowVersion) -> str:
    """Where it was deployed from; versions from the same sources have the same seven digits."""
    made = session.made_by.get(version.id)
    if made is None or not made.fingerprint:
        return "elsewhere"
    current = session.made_by.get(row.version.id) if row.version is not None else None
    same = current is not None and current.fingerprint == made.fingerprint
    if same and row.state is FlowState.UP_TO_DATE:
        return "as on disk"
    workspace = session.workspace
    here = workspace is not None and made.root == str(workspace.root)
    return f"{'here' if here else 'other'} {made.fingerprint[:_FINGERPRINT]}"
