"""All keys, made from the registry of actions: the pane in front first."""

from __future__ import annotations

from textual.content import Content

from flowtui.tui.acting import Acting, app_of, heard_by
from flowtui.tui.actions import ACTIONS, Action, Keymap, Scope
from flowtui.tui.laying import hanging
from flowtui.tui.screens.viewer import ShowScreen


class HelpScreen(ShowScreen):
    def __init__(self, heard: list[object], keymap: Keymap) -> None:
        super().__init__()
        self._heard = heard_by(heard, keymap)

    def heading(self) -> str:
        return "Keys"

    def content(self) -> Content:
        lines: list[Content] = []
        shown: set[str] = set()
        scopes: list[Scope] = []
        for _, action in self._heard:
            if action.scope not in scopes:
                scopes.append(action.scope)
        owners = {action.name: owner for owner, action in self._heard}
        for scope in [*scopes, *(scope for scope in Scope if scope not in scopes)]:
            actions = [action for action in ACTIONS if action.scope is scope]
            if not actions:
                continue
            here = scope in scopes
            lines.append(
                Content.assemble(
                    (f"{str(scope).capitalize()}", "bold $primary" if here else "bold $muted"),
                    ("" if here else "  (not in front now)", "$faint"),
                    "\n",
                )
            )
            for action in actions:
                shown.add(action.name)
                lines += self._lines(action, owners.get(action.name))
            lines.append(Content("\n"))
        return Content.assemble(*lines)

    def _lines(self, action: Action, owner: Acting | None) -> list[Content]:
        reason = action.why_not(owner.facts()) if owner is not None else None
        text_style = "$foreground" if owner is not None and reason is None else "$muted"
        head = Content.styled(
            f"  {app_of(self).keymap.shown(action.name):<14}", "bold $accent" if owner else "$muted"
        )
        note = (f"  ({reason})" if reason else "", "$warning")
        text = Content.assemble((action.help, text_style), note)
        lines = [hanging(head, text, self.text_width)]
        if action.command:
            lines.append(Content.styled(f"{'':<16}{action.command}\n", "$faint"))
        return lines
