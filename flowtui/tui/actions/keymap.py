"""Which keys do what: the defaults of the registry, with what the user's file says over them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flowtui.models import Problem
from flowtui.tui.actions.key_names import EATEN, key_name, key_names, nearest_key, parse_key

QUIT, QUIT_KEY = "app.quit", "ctrl+q"
"""Leaving works by this key whatever the file says."""


@dataclass(frozen=True, slots=True)
class Keymap:
    """The keys in force. Everything that prints or matches a key asks here."""

    by_name: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Textual's names of the keys of every action, by the action's name, the main one first."""
    changed: frozenset[str] = frozenset()
    """Names of the actions whose keys are not the default ones."""

    def keys(self, name: str) -> tuple[str, ...]:
        """Textual's names of an action's keys, the main one first."""
        return self.by_name.get(name, ())

    def key(self, name: str) -> str:
        """The main key of an action as it is printed on the keyboard: `Esc`, `Ctrl+X`."""
        keys = self.keys(name)
        return key_name(keys[0]) if keys else name

    def shown(self, name: str) -> str:
        """All keys of an action as they are printed."""
        return key_names(self.keys(name))


def resolve(
    defaults: Mapping[str, tuple[str, ...]],
    reaches: Sequence[frozenset[str]],
    wanted: Mapping[str, tuple[str, ...]],
    *,
    file: str,
) -> tuple[Keymap, tuple[Problem, ...]]:
    """The keys in force, and what of the file does not count.

    `defaults` has every action, by name. Each of `reaches` names actions that are heard together:
    no two of them may have one key. An entry of `wanted` (keys as they are printed) that is wrong
    is a problem, and the action keeps its default.
    """
    problems: list[Problem] = []
    changes: dict[str, tuple[str, ...]] = {}
    for name, written in wanted.items():
        problem, keys = _checked(name, written, defaults, file)
        if problem is not None:
            problems.append(problem)
        else:
            changes[name] = keys
    while True:
        force = {**defaults, **changes}
        force[QUIT] = (*(key for key in force.get(QUIT, ()) if key != QUIT_KEY), QUIT_KEY)
        clash = _clash(force, reaches, tuple(changes))
        if clash is None:
            changed = frozenset(n for n in defaults if force[n] != defaults[n])
            return Keymap(force, changed), tuple(problems)
        name, other, key = clash
        del changes[name]
        problems.append(
            Problem(
                f"{key_name(key)} would mean two things at once: {name} and {other}",
                _place(file, name),
                f"choose another key for one of them; {name} keeps {key_names(defaults[name])}",
            )
        )


def _checked(
    name: str, written: tuple[str, ...], defaults: Mapping[str, tuple[str, ...]], file: str
) -> tuple[Problem | None, tuple[str, ...]]:
    place = _place(file, name)
    if name not in defaults:
        meant = difflib.get_close_matches(name, defaults, n=1, cutoff=0.5)
        hint = f"did you mean {meant[0]}? " if meant else ""
        fix = f"{hint}docs/keys.md and ? in the app name all actions"
        return Problem(f"there is no action “{name}”", place, fix), ()
    keys: list[str] = []
    for each in written:
        key = parse_key(each)
        stays = f"{name} keeps {key_names(defaults[name])}"
        if key is None:
            meant = nearest_key(each)
            hint = f"did you mean {meant}? " if meant else ""
            return Problem(f"“{each}” is not a key", place, f"{hint}{stays}"), ()
        if key in EATEN and not (name == QUIT and key == QUIT_KEY):
            what = f"{key_name(key)} cannot be used: {EATEN[key]}"
            return Problem(what, place, f"choose another key; {stays}"), ()
        if key not in keys:
            keys.append(key)
    if not keys:
        fix = f'write a key, for example {name} = "{key_name(defaults[name][0])}"'
        return Problem(f"{name} has no key", place, fix), ()
    return None, tuple(keys)


def _clash(
    force: Mapping[str, tuple[str, ...]],
    reaches: Sequence[frozenset[str]],
    changed: tuple[str, ...],
) -> tuple[str, str, str] | None:
    """(changed action, the other one, the key), the action that was written last first."""
    for name in reversed(changed):
        for reach in reaches:
            if name not in reach:
                continue
            for other in sorted(reach - {name}):
                shared = next((key for key in force[name] if key in force[other]), None)
                if shared is not None:
                    return name, other, shared
    return None


def _place(file: str, name: str) -> str:
    return f"{file}, key keys.{name}"
