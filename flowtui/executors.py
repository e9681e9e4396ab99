"""Executors by the names a person uses for them; which class one is differs between Prefects."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import cast

from flowtui.errors import UsageError
from flowtui.models import ExecutionOptions, Json

CLASSES = {
    "local": "LocalExecutor",
    "local-dask": "LocalDaskExecutor",
    "dask": "DaskExecutor",
}
"""Class of each short name. Prefect 0.6.1 has no LocalDaskExecutor."""


def class_of(name: str) -> str:
    """The class that a short name stands for; every other name as it is."""
    return CLASSES.get(name, name)


def is_name(text: str) -> bool:
    """Whether it can name an executor: short, a class of Prefect's alone, or a dotted path."""
    parts = text.split(".")
    known = text in CLASSES or len(parts) > 1 or text.endswith("Executor")
    return known and (text in CLASSES or all(part.isidentifier() for part in parts))


def is_of(executor: str | None, short_name: str) -> bool:
    """Whether this executor is Prefect's own class of that short name, in any Prefect."""
    module, _, name = class_of(executor or "").rpartition(".")
    return name == CLASSES[short_name] and module in (
        "",
        "prefect.executors",
        "prefect.engine.executors",
    )


def in_words(execution: ExecutionOptions) -> str:
    """`dask address=tcp://…`; empty where no executor is named."""
    words = [f"{key}={value}" for key, value in (execution.executor_kwargs or {}).items()]
    return " ".join([execution.executor or "", *words]).strip()


def arguments(words: Iterable[str], *, option: str) -> dict[str, Json] | None:
    """Keyword arguments from `KEY=VALUE` words, values JSON or else text; None for no words.

    Raises UsageError for a word that has no key.
    """
    found: dict[str, Json] = {}
    for word in words:
        key, separator, value = word.partition("=")
        if not separator or not key.strip().isidentifier():
            raise UsageError(
                f"{option} wants KEY=VALUE, not “{word}”",
                fix=f"for example {option} address=tcp://127.0.0.1:8786",
            )
        found[key.strip()] = value_of(value)
    return found or None


def value_of(text: str) -> Json:
    """What a person typed: JSON where it is JSON, else the text itself."""
    try:
        return cast("Json", json.loads(text, parse_constant=_refuse))
    except ValueError:
        return text


def _refuse(constant: str) -> Json:
    """Python writes and reads NaN and Infinity, JSON does not."""
    raise ValueError(constant)
