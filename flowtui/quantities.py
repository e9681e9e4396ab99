"""Amounts and moments as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def size(count: int) -> str:
    """`812 B`, `1.4 kB`, `23.0 MB`."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"


def duration(seconds: float) -> str:
    """`0.4s`, `12s`, `1m02s`, `2h05m`."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f}s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m{whole % _MINUTE:02}s"
    return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE:02}m"


def ago(moment: datetime | None, now: datetime) -> str:
    """How long before `now` a moment was: `just now`, `5m ago`, `3h ago`, `12d ago`, a date."""
    if moment is None:
        return ""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    seconds = (now - aware).total_seconds()
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)}m ago"
    if seconds < _DAY:
        return f"{int(seconds // _HOUR)}h ago"
    if seconds < 100 * _DAY:
        return f"{int(seconds // _DAY)}d ago"
    return aware.date().isoformat()


def when(moment: datetime | None, now: datetime) -> str:
    """A moment on either side of `now`: `in 5m`, `5m ago`, a date where it is far."""
    if moment is None:
        return ""
    ahead = moment - now
    if ahead < timedelta(minutes=1):
        return ago(moment, now)
    if ahead >= timedelta(days=100):
        return moment.date().isoformat()
    return f"in {ago(now - ahead, now).removesuffix(' ago')}"


def exact(moment: datetime | None) -> str:
    """A moment to the second in local time, empty for None."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment is not None else ""


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 flow`, `3 flows`."""
    return f"{count} {one if count == 1 else many or one + 's'}"
