"""From the registry of actions to key bindings, and from a key press to the method that acts."""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING, ClassVar, Protocol, cast, runtime_checkable

from textual.binding import Binding

from flowtui.tui.actions import Action, Facts, Keymap, Scope, find, in_scope
from flowtui.tui.actions.keymap import QUIT, QUIT_KEY
from flowtui.tui.counting import moved

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp


def bindings(*scopes: Scope) -> list[Binding]:
    """Textual bindings of these scopes; ids are the actions' names, to remap keys by.

    The key that always leaves has no id, so that nothing can take it away, and is heard first.
    """
    made: list[Binding] = []
    for action in (action for scope in scopes for action in in_scope(scope)):
        does = f"perform('{action.scope.name}', '{action.id}')"
        keys = tuple(key for key in action.keys if key != QUIT_KEY)
        made.append(
            Binding(
                ",".join(keys),
                does,
                action.title,
                show=action.bar,
                id=action.name,
                tooltip=action.help,
            )
        )
        if action.name == QUIT:
            made.append(Binding(QUIT_KEY, does, action.title, show=False, priority=True))
    return made


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
        return app_of(self).facts()

    def action_count(self, digit: str) -> None:
        app_of(self).count(digit)

    async def action_perform(self, scope: str, action_id: str) -> None:
        app, action = app_of(self), find(Scope[scope], action_id)
        count = app.take_count()
        if count is not None and "escape" in app.keymap.keys(action.name):
            return
        reason = action.why_not(self.facts())
        if reason is not None:
            app.say(f"{action.title}: {reason}", severity="warning")
            return
        if count is not None and moved(self, action_id, count):
            return
        outcome = getattr(self, f"perform_{action.id}")()
        if isawaitable(outcome):
            await outcome


def perform_soon(owner: Acting, action: Action) -> None:
    """Let it do the action once what is in front is gone, as its key would."""
    app_of(owner).run_worker(
        owner.action_perform(action.scope.name, action.id),
        exit_on_error=False,
        description=action.title,
    )


def app_of(node: object) -> FlowtuiApp:
    """The app of a widget or screen, by its own type."""
    from flowtui.tui.app import FlowtuiApp

    app = node if isinstance(node, FlowtuiApp) else getattr(node, "app", None)
    return cast("FlowtuiApp", app)


def heard_by(nodes: list[object], keymap: Keymap) -> list[tuple[Acting, Action]]:
    """The actions that these nodes hear, innermost first; a key counts where it is heard first."""
    taken: set[str] = set()
    heard: list[tuple[Acting, Action]] = []
    for node in nodes:
        if not isinstance(node, Acting):
            continue
        for scope in node.SCOPES:
            for action in in_scope(scope):
                if keymap.keys(action.name)[0] in taken:
                    continue
                heard.append((node, action))
        taken.update(
            key
            for scope in node.SCOPES
            for action in in_scope(scope)
            for key in keymap.keys(action.name)
        )
    return heard
