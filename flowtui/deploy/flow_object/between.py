"""What differs between two registered versions of a flow object: what rolling back changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flowtui.deploy.change import Aspect, Change, Changes, Sign, Unknown
from flowtui.deploy.changes import (
    DEPENDENCIES,
    EXECUTION,
    SERIALIZED,
    Registered,
    StoredSource,
    difference,
    named,
    plain_storage,
    requirements,
)
from flowtui.models import JsonObject

_NOT_KNOWN = "one of the versions was not deployed from this machine"
_NOT_TOLD = "the control plane does not give back what is registered"


def between(before: Registered, after: Registered) -> Changes:
    """All aspects, each either compared or said to be unknown and why."""
    compared: dict[Aspect, Sequence[Change] | str] = {
        Aspect.SOURCES: _sources(before.sources, after.sources),
        Aspect.DEPENDENCIES: _settings(before, after, Aspect.DEPENDENCIES, DEPENDENCIES),
        Aspect.EXECUTION: _settings(before, after, Aspect.EXECUTION, EXECUTION),
        Aspect.STORAGE: _storage(before, after),
    }
    for aspect, read in SERIALIZED.items():
        if before.serialized is None or after.serialized is None:
            compared[aspect] = _NOT_TOLD
        else:
            compared[aspect] = named(aspect, read(before.serialized), read(after.serialized))
    found = [
        each for changes in compared.values() if not isinstance(changes, str) for each in changes
    ]
    return Changes(
        tuple(found),
        tuple(Unknown(aspect, why) for aspect, why in compared.items() if isinstance(why, str)),
        tuple(aspect for aspect, changes in compared.items() if not changes),
    )


def _sources(
    before: Mapping[str, StoredSource] | None, after: Mapping[str, StoredSource] | None
) -> Sequence[Change] | str:
    if not before or not after:
        return _NOT_KNOWN
    changes: list[Change] = []
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old is not None and new is not None:
            if old.hash == new.hash:
                continue
            sign = Sign.CHANGED
        else:
            sign = Sign.ADDED if old is None else Sign.REMOVED
        lines = difference(old, new.content if new is not None else None)
        changes.append(Change(Aspect.SOURCES, sign, path, lines=lines))
    return changes


def _settings(
    before: Registered, after: Registered, aspect: Aspect, names: frozenset[str]
) -> Sequence[Change] | str:
    if not before.settings or not after.settings:
        return _NOT_KNOWN
    return named(aspect, _counted(before.settings, names), _counted(after.settings, names))


def _counted(settings: Mapping[str, str], names: frozenset[str]) -> dict[str, str]:
    """Each requirement by itself."""
    found = {name: settings[name] for name in sorted(names) if settings.get(name)}
    return {**found, **requirements(found.pop("python_dependencies", ""))}


def _storage(before: Registered, after: Registered) -> Sequence[Change] | str:
    if before.storage is None or after.storage is None:
        return _NOT_TOLD
    return named(Aspect.STORAGE, _tagged(before.storage), _tagged(after.storage))


def _tagged(storage: JsonObject) -> dict[str, str]:
    """With the tag: it follows from the content, but says which image is gone back to."""
    tag = storage.get("image_tag")
    return {**plain_storage(storage), **({"image_tag": str(tag)} if tag else {})}
