"""RRuleClock of Prefect 0.15 and later: recurrence rules of iCalendar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from dateutil import rrule

from flowtui.server.schedules.events import ClockDefaults, Event
from flowtui.server.schedules.problems import ScheduleError
from flowtui.server.schedules.releases import Release
from flowtui.server.schedules.wall_time import UTC_ZONE

Rule = rrule.rrule | rrule.rruleset
_RULE_START = datetime(2018, 6, 20, tzinfo=UTC_ZONE)
"""Prefect's start of a rule that was serialized without one."""


@dataclass(frozen=True, slots=True)
class RRuleClock:
    rule: Rule
    start: datetime | None
    end: datetime | None
    defaults: ClockDefaults

    def events(self, after: datetime, _release: Release) -> Iterator[Event]:
        includes_after = self.start is not None and after < self.start
        if self.start is not None and includes_after:
            after = self.start
        first = next(iter(self.rule), after)
        after = after.replace(tzinfo=None) if first.tzinfo is None else after
        for found in self.rule.xafter(after, inc=includes_after):
            moment = found.replace(tzinfo=UTC_ZONE) if found.tzinfo is None else found
            if self.end and moment > self.end:
                return
            yield Event(moment, self.defaults)


def read_rule(document: Mapping[str, Any]) -> Rule:
    """A rule, or a set of rules and dates, as RRuleClock serializes them."""
    try:
        return _rule_set(document) if "_rrule" in document else _rule(document)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ScheduleError(f"the recurrence rule cannot be read: {error}") from None


def _rule(document: Mapping[str, Any]) -> rrule.rrule:
    found = rrule.rrulestr(str(document["rr"]))
    if not isinstance(found, rrule.rrule):
        raise ScheduleError("a recurrence rule holds more than one rule")
    changed: dict[str, Any] = {"dtstart": _moment(document.get("_dtstart", _RULE_START))}
    if "_until" in document:
        changed["until"] = _moment(document["_until"])
    return found.replace(**changed)


def _moment(value: object) -> object:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _rule_set(document: Mapping[str, Any]) -> rrule.rruleset:
    rules = rrule.rruleset()
    for rule in _items(document, "_rrule"):
        rules.rrule(_rule(rule))
    for date in _items(document, "_rdate"):
        rules.rdate(datetime.fromisoformat(date))
    for rule in _items(document, "_exrule"):
        rules.exrule(_rule(rule))
    for date in _items(document, "_exdate"):
        rules.exdate(datetime.fromisoformat(date))
    return rules


def _items(document: Mapping[str, Any], key: str) -> list[Any]:
    return cast("list[Any]", document.get(key) or [])
