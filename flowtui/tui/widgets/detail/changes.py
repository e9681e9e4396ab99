"""What a deploy would change of the registered version, and why it would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from flowtui.deploy.change import Aspect, Change, Changes, Sign
from flowtui.flow_rows import FlowRow
from flowtui.models import FlowState
from flowtui.quantities import counted
from flowtui.tui.looks.laying import hanging
from flowtui.tui.looks.words import plain
from flowtui.tui.widgets.detail.page import Page

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp

_SIGNS = {
    Sign.ADDED: ("+", "$success"),
    Sign.CHANGED: ("~", "$warning"),
    Sign.REMOVED: ("-", "$error"),
}
_LINE_STYLES = {"+": "$success", "-": "$error", "@": "$secondary", "…": "$muted"}


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
        return Page.of(changes_content(changes, width))


def _nothing_to_compare(app: FlowtuiApp, row: FlowRow) -> str:
    if row.state is FlowState.DELETED:
        return "The flow is not on disk any more; its registered version stays as it is."
    if row.broken is not None:
        return "The file does not parse: see Problems."
    if row.version is None:
        if not app.session.connected:
            return "Not connected: what is registered is not known."
        key = app.keymap.key("flows.deploy")
        return f"No version is registered: a deploy makes the first one. {key} plans it."
    return ""


def changes_content(changes: Changes, width: int) -> Content:
    """Each aspect with its changes below it; then what is the same, then what is not known."""
    parts: list[Content] = []
    if not changes.found and changes.same:
        parts.append(Content.styled("No difference was found.\n", "$success"))
    for aspect in Aspect:
        found = changes.of(aspect)
        if found:
            parts.append(
                Content.assemble(
                    (str(aspect).capitalize(), "bold"),
                    (f"  {counted(len(found), 'change')}\n", "$muted"),
                )
            )
            parts += [part for change in found for part in _change(change, width)]
    if changes.same:
        names = ", ".join(changes.same)
        head = Content.styled("= ", "$muted")
        parts.append(hanging(head, Content.styled(f"the same: {names}", "$muted"), width))
    reasons: dict[str, list[str]] = {}
    for unknown in changes.unknown:
        reasons.setdefault(unknown.why, []).append(str(unknown.aspect))
    for why, aspects in reasons.items():
        text = Content.styled(f"{', '.join(aspects)}: not compared, {plain(why)}", "$muted")
        parts.append(hanging(Content.styled("? ", "$warning"), text, width))
    return Content.assemble(*parts)


def _change(change: Change, width: int) -> list[Content]:
    sign, style = _SIGNS[change.sign]
    head = Content.styled(f"{sign} ", f"bold {style}")
    text: list[str | tuple[str, str]] = [(plain(change.name), style)]
    match change.sign:
        case Sign.CHANGED if change.before or change.after:
            text += [" ", (plain(change.before), "$muted"), " becomes ", plain(change.after)]
        case Sign.CHANGED:
            pass
        case _:
            text += [" ", (plain(change.after or change.before), "$muted"), f" {change.sign}"]
    parts = [hanging(head, Content.assemble(*text), width)]
    for line in change.lines:
        shown = plain(line.expandtabs(4))
        parts.append(Content.styled(f"  {shown}\n", _LINE_STYLES.get(line[:1], "$foreground")))
    return parts
