"""Amounts as a person reads them."""

from __future__ import annotations


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
