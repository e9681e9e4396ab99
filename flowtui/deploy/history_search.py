"""Finding deploys in the history: by what they were, and by what their logs say.

The logs are not indexed: that would make every deploy write its log twice. They are read newest
deploy first, and hits are given as they are found, so the first ones come at once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flowtui.deploy.history import DeployRecord, History, record_of
from flowtui.errors import UsageError
from flowtui.json_shapes import items, mapping
from flowtui.text import clean

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SAYING = ("text", "what", "where", "fix", "detail", "reason", "reasons")
"""Keys of an event's JSON whose values a person reads."""


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which deploys; everything that is given must hold."""

    text: str = ""
    """Words that are all in its flow, project, outcome, version, image, id or folder; or a text
    that stands as it is in one line of its log or problems. Case does not matter."""
    root: str | None = None
    """Folder it was made in."""
    flow: str | None = None
    outcome: str | None = None
    since: float | None = None
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Hit:
    record: DeployRecord
    line: str = ""
    """The first line of its log or problems with the text in it; empty when the text is in what it
    was, or when none was asked for."""


def never() -> bool:
    return False


def search(
    history: History, query: HistoryQuery, *, stop: Callable[[], bool] = never
) -> Iterator[Hit]:
    """Newest first, one by one as they are found. `stop` is asked between deploys. Blocking."""
    if not history.path.exists():
        return
    with history.open() as db:
        sql, values = _statement(query)
        for row in db.execute(sql, values):
            if stop():
                return
            record = record_of(row)
            if query.outcome is not None and record.outcome != query.outcome:
                continue
            hit = _hit(db, record, query.text.strip())
            if hit is not None:
                yield hit


def matches(record: DeployRecord, text: str) -> bool:
    """Whether every word of the text is in what the deploy was."""
    about = " ".join(
        (
            record.flow,
            record.project,
            record.outcome,
            record.version_short,
            record.image or "",
            record.id,
            record.root,
            record.target,
        )
    ).casefold()
    return all(word in about for word in text.casefold().split())


def moment(text: str, now: datetime | None = None) -> float:
    """Seconds since the epoch of `90d`, `12h`, `30m`, `2w` ago, or of a date like `2026-11-20`.

    Raises UsageError for anything else.
    """
    number, unit = text[:-1], text[-1:]
    try:
        if unit in _UNITS and number.isdecimal():
            span = timedelta(**{_UNITS[unit]: int(number)})
            return ((now or datetime.now(UTC)) - span).timestamp()
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"not a time: {clean(text)}",
            fix="give a span like 30m, 12h, 90d or 2w, or a date like 2026-11-20",
        ) from None


def _statement(query: HistoryQuery) -> tuple[str, list[str | float]]:
    given: list[tuple[str, str | float | None]] = [
        ("root = ?", query.root),
        ("flow = ?", query.flow),
        ("started >= ?", query.since),
    ]
    conditions = [(sql, value) for sql, value in given if value is not None]
    where = f"WHERE {' AND '.join(sql for sql, _ in conditions)} " if conditions else ""
    # Of two in one instant the one written later is the newer.
    sql = f"SELECT * FROM deploys {where}ORDER BY started DESC, rowid DESC"
    return sql, [value for _, value in conditions]


def _hit(db: sqlite3.Connection, record: DeployRecord, text: str) -> Hit | None:
    if matches(record, text):
        return Hit(record)
    line = _line_with(db, record.id, text)
    return Hit(record, line) if line is not None else None


def _line_with(db: sqlite3.Connection, deploy: str, text: str) -> str | None:
    wanted = text.casefold()
    sql = "SELECT event FROM events WHERE deploy = ?"
    values = [deploy]
    if text.isascii():
        # SQLite passes over most events; it knows no case of other letters than ASCII's.
        sql += " AND event LIKE ? ESCAPE '\\'"
        values.append(f"%{_like(json.dumps(text)[1:-1])}%")
    for row in db.execute(f"{sql} ORDER BY seq", values):
        for line in _said(str(row["event"])):
            if wanted in line.casefold():
                return line
    return None


def _like(text: str) -> str:
    """A text as LIKE takes it."""
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return text


def _said(event: str) -> Iterator[str]:
    """The lines of an event that a person reads."""
    content = mapping(json.loads(event))
    for key in _SAYING:
        value = content.get(key)
        for text in items(value) or [value]:
            if isinstance(text, str):
                yield from (clean(line) for line in text.splitlines())
