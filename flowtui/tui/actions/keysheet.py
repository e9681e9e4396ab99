"""docs/keys.md from the registry: `python -m flowtui.tui.actions.keysheet > docs/keys.md`."""

from __future__ import annotations

from flowtui.tui.actions import Scope, in_scope, key_name

_HEAD = """\
# Keys

Made by `python -m flowtui.tui.actions.keysheet` from the registry of actions; a test compares them.

The innermost pane hears a key first, then its screen, then the app. A key that cannot be used now
is grey in the bottom line and says why when it is pressed. `?` shows these keys in the app,
`Ctrl+P` finds actions, flows and projects by name. Everything works without a mouse; over SSH the
mouse is off, so that the terminal's own selection works.
"""


def keysheet() -> str:
    """The page as Markdown."""
    parts = [_HEAD]
    for scope in Scope:
        actions = in_scope(scope)
        if not actions:
            continue
        rows = [f"\n## {str(scope).capitalize()}\n", "| Key | What it does | Command line |"]
        rows.append("| --- | --- | --- |")
        for action in actions:
            keys = " ".join(f"`{key_name(key)}`" for key in action.keys)
            command = f"`{action.command}`" if action.command else ""
            rows.append(f"| {keys} | {action.help} | {command} |")
        parts.append("\n".join(rows) + "\n")
    return "".join(parts)


if __name__ == "__main__":
    print(keysheet(), end="")
