"""Values of control planes' answers, whichever API: times as such, words of others cleaned."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flowtui.text import clean


def moment(told: object) -> datetime | None:
    """A time of the API, which is UTC where it names no zone."""
    if not isinstance(told, str):
        return None
    try:
        when = datetime.fromisoformat(told)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def text(row: Mapping[str, Any], key: str) -> str:
    return clean(str(row.get(key) or ""))


def utc(moment: datetime) -> str:
    """As APIs take it. A time without a zone is this machine's."""
    return moment.astimezone(UTC).isoformat()
