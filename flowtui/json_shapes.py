"""Reading JSON that others wrote: what does not have the expected shape counts as empty."""

from __future__ import annotations

from typing import Any, cast


def mapping(value: object) -> dict[str, Any]:
    """An object; empty for null and for anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """An array; empty for null and for anything else."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def whole(value: object) -> int:
    """A whole number; 0 for null and for anything else."""
    return value if isinstance(value, int) else 0
