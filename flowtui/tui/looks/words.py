"""Numbers and times as a person reads them, and outside text made safe for a widget."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rich.cells import cell_len, set_cell_size

from flowtui.text import clean, redact

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def plain(text: str) -> str:
    """Outside text for one line of a widget: cleaned, secrets masked, line breaks made spaces."""
    return redact(clean(" ".join(text.splitlines()) if "\n" in text else text)).replace("\t", " ")


def plain_block(text: str) -> str:
    """Outside text of several lines: each cleaned on its own, secrets masked."""
    return "\n".join(redact(clean(line)).expandtabs(4) for line in text.splitlines())


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


def shortened(text: str, width: int) -> str:
    """At most `width` cells; what is cut is marked at the end."""
    if cell_len(text) <= width:
        return text
    return f"{set_cell_size(text, width - 1).rstrip()}…" if width > 0 else ""


def shortened_left(text: str, width: int) -> str:
    """At most `width` cells of the end: for paths, where the end tells most."""
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    kept = text[len(text) - width + 1 :] if width > 1 else ""
    while cell_len(kept) > width - 1:
        kept = kept[1:]
    return f"…{kept}"


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Filled with spaces to `width` cells, at the left where it is aligned right."""
    space = " " * max(width - cell_len(text), 0)
    return space + text if right else text + space
