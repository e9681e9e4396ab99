"""From the rows of an answer to what they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from flowtui.errors import ControlPlaneError

T = TypeVar("T")


def understood(
    rows: Sequence[Mapping[str, Any]],
    make: Callable[[Mapping[str, Any]], T],
    *,
    where: str,
    expected: str,
) -> tuple[T, ...]:
    """Raises ControlPlaneError for rows that do not have the form that `make` expects.

    `expected` names the API that has them, for example `Prefect 2 or 3 API`.
    """
    try:
        return tuple(make(row) for row in rows)
    except (KeyError, TypeError, ValueError):
        raise ControlPlaneError(
            "the control plane's answer does not have the form that was asked for",
            where=where,
            fix=f"check the address: is it a {expected}?",
        ) from None
