"""Schedules three ways: applied last, wanted, and on the server; see `merge`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flowtui.deploy.change import Aspect, Change, Sign
from flowtui.deploy.deployment.schedules import in_words, same_times, says_the_same
from flowtui.json_shapes import mapping
from flowtui.models import Json, JsonObject


@dataclass(frozen=True, slots=True)
class MergedSchedules:
    schedules: list[Json]
    """All of them as they are to be, those of the server in its order first."""
    changes: tuple[Change, ...]

    @property
    def differs(self) -> bool:
        """Whether anything has to be sent."""
        return any(not change.kept for change in self.changes)


def merge_schedules(
    base: Sequence[JsonObject] | None,
    wanted: Sequence[JsonObject],
    current: Sequence[JsonObject],
) -> MergedSchedules:
    """Every schedule of `base` and `wanted` has a slug; one of `current` is found by its slug, else
    by what it says.

    One that was edited, paused, added or deleted elsewhere stays so, unless the project changed
    that very one; then only what the project changed of it counts.
    """
    applied = {_slug(each): each for each in base or ()}
    mine = {_slug(each): each for each in wanted}
    found = _matched(mine, applied, current)
    by_place = {number: slug for slug, number in found.items()}
    result: list[Json] = []
    changes: list[Change] = []
    for number, there in enumerate(current):
        slug = by_place.get(number)
        if slug is None:
            if base is not None:
                changes.append(_change(_name(there), there, None, kept=True))
            result.append(there)
            continue
        before, now = applied.get(slug), mine.get(slug)
        if now is None:
            changes.append(_change(slug, there, None, kept=False))
            continue
        merged = _merged(before if base is not None else None, now, there, known=base is not None)
        result.append(merged)
        if not _same(merged, there):
            changes.append(_change(slug, there, merged, kept=False))
        elif before is not None and not _same(now, there):
            changes.append(_change(slug, there, now, kept=True))
    for slug, now in mine.items():
        if slug in found:
            continue
        before = applied.get(slug)
        deleted_elsewhere = before is not None and _same(before, now)
        if not deleted_elsewhere:
            result.append(now)
        changes.append(_change(slug, None, now, kept=deleted_elsewhere))
    return MergedSchedules(result, tuple(changes))


def _matched(
    mine: Mapping[str, JsonObject],
    applied: Mapping[str, JsonObject],
    current: Sequence[JsonObject],
) -> dict[str, int]:
    """Where in `current` each slug is; first by slug, then by what it says or said.

    One that the project gave up is taken away, so what it said finds only one without a slug: one
    with another slug is somebody else's.
    """
    slugs = {**mine, **applied}
    found = {_slug(each): n for n, each in enumerate(current) if _slug(each) in slugs}
    for known in (mine, applied):
        for slug, each in known.items():
            if slug in found:
                continue
            free = (
                n
                for n in range(len(current))
                if n not in found.values() and (known is mine or not _slug(current[n]))
            )
            same = next((n for n in free if says_the_same(each, current[n])), None)
            if same is not None:
                found[slug] = same
    return found


def _merged(
    before: JsonObject | None, now: JsonObject, there: JsonObject, *, known: bool
) -> JsonObject:
    """The schedule of the server with what the project changed of it."""
    merged = dict(there)
    times_changed = before is None or not same_times(before, now)
    if times_changed and not same_times(now, there):
        merged["schedule"] = now.get("schedule")
    if before is None or _parameters(before) != _parameters(now):
        merged["parameters"] = _parameters(now)
    # A pause is never undone by a project that says nothing new about it.
    if known and (before is None or before.get("active") != now.get("active")):
        merged["active"] = now.get("active", True)
    return merged


def _same(one: JsonObject, other: JsonObject) -> bool:
    return says_the_same(one, other) and one.get("active", True) == other.get("active", True)


def _change(
    name: str, before: JsonObject | None, after: JsonObject | None, *, kept: bool
) -> Change:
    sign = Sign.ADDED if before is None else Sign.REMOVED if after is None else Sign.CHANGED
    return Change(
        Aspect.SCHEDULE,
        sign,
        name,
        in_words(before) if before is not None else "",
        in_words(after) if after is not None else "",
        field=f"schedules.{name}",
        kept=kept,
    )


def _slug(schedule: JsonObject) -> str:
    return str(schedule.get("slug") or "")


def _name(schedule: JsonObject) -> str:
    return _slug(schedule) or in_words(schedule)


def _parameters(schedule: JsonObject) -> dict[str, Json]:
    return dict(mapping(schedule.get("parameters")))
