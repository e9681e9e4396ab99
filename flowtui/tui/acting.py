"""From the registry of actions to key bindings, and from a key press to the method that acts."""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING, ClassVar, Protocol, cast, runtime_checkable

from textual.binding import Binding

from flowtui.tui.actions import Action, Facts, Scope, find, in_scope

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp


def bindings(*scopes: Scope) -> list[Binding]:
    """Textual bindings of these scopes; ids are the actions' names, to remap keys by."""
    return [
        Binding(
            ",".join(action.keys),
            f"perform('{scope.name}', '{action.id}')",
            action.title,
            show=action.bar,
            id=action.name,
            tooltip=action.help,
        )
        for scope in scopes
        for action in in_scope(scope)
    ]


@runtime_checkable
class Acting(Protocol):
    """A widget, screen or app that hears the keys of some scopes."""

    SCOPES: ClassVar[tuple[Scope, ...]]

    def facts(self) -> Facts: ...

    async def action_perform(self, scope: str, action_id: str) -> None: ...


class Performs:
    """Mixed into widgets: does an action, or says why it cannot be done now."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ()

    def facts(self) -> Facts:
        return Facts()

    async def action_perform(self, scope: str, action_id: str) -> None:
        action = find(Scope[scope], action_id)
        reason = action.why_not(self.facts())
        if reason is not None:
            app_of(self).say(f"{action.title}: {reason}", severity="warning")
            return
        outcome = getattr(self, f"perform_{action.id}")()
        if isawaitable(outcome):
            await outcome


def app_of(node: object) -> FlowtuiApp:
    """The app of a widget or screen, by its own type."""
    from flowtui.tui.app import FlowtuiApp

    app = node if isinstance(node, FlowtuiApp) else getattr(node, "app", None)
    return cast("FlowtuiApp", app)


def heard_by(nodes: list[object]) -> list[tuple[Acting, Action]]:
    """The actions that these nodes hear, innermost first; a key counts where it is heard first."""
    taken: set[str] = set()
    heard: list[tuple[Acting, Action]] = []
    for node in nodes:
        if not isinstance(node, Acting):
            continue
        for scope in node.SCOPES:
            for action in in_scope(scope):
                if action.keys[0] in taken:
                    continue
                heard.append((node, action))
        taken.update(
            key for scope in node.SCOPES for action in in_scope(scope) for key in action.keys
        )
    return heard
