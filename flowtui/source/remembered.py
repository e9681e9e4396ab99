"""Loaded flows of Prefect 2 and 3, remembered as long as nothing changed that loading depends on.

Importing Prefect takes seconds; looking whether a flow is still the same takes milliseconds. A
report is found again only for the same sources and data files, the same interpreter with the same
packages, and the same values of the environment variables that the sources mention. What a flow
reads beside these when it is imported is not seen: `--force` loads anew, and a health check always
imports.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, cast

from flowtui import __version__, paths
from flowtui.models import Declaration, Interpreter, LoadedFlow, LocalFlow, LocalModule, Package
from flowtui.source import installation
from flowtui.source.closure import closure_sources
from flowtui.source.interpreter import chosen_python

_SCHEME = 1
_MOST = 500
"""Reports kept; the oldest go first."""
_SLACK = 50
"""More than that may be there before they are looked through."""
_LONGEST_VARIABLE = 3
"""Names of environment variables up to this long stand in any text."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the report of a flow is kept, by all that it depends on."""

    file: Path


def place_of(
    root: Path,
    python: str | None,
    flow: LocalFlow,
    *,
    data: Iterable[str],
    environ: Mapping[str, str] = os.environ,
) -> Place | None:
    """None where what the report depends on cannot be known. `data` are files and folders that go
    along with the flow, relative to the root. Blocking. Raises UsageError for a bad interpreter."""
    executable = chosen_python(root, python)
    try:
        installed = installation.stamp(Path(executable))
        if installed is None:
            return None
        sources = closure_sources(root, flow.path)
        described = [
            _SCHEME,
            __version__,
            _worker(),
            str(root),
            repr((flow, flow.declared.values if flow.declared else None)),
            executable,
            installed,
            {path: hashlib.sha256(text).hexdigest() for path, text in sources.items()},
            [installation.state(each) for each in _files(root, data)],
            _mentioned(sources.values(), environ),
        ]
    except OSError:
        return None
    key = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
    return Place(paths.cache_dir() / "loaded" / f"{key}.json")


def recall(place: Place) -> LoadedFlow | None:
    """What was told of the flow when it was loaded. Blocking."""
    try:
        told = cast("dict[str, Any]", json.loads(place.file.read_bytes()))
        os.utime(place.file)
        return _loaded(told)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def remember(place: Place, loaded: LoadedFlow) -> None:
    """Keep it; a disk that says no costs only time later. Blocking."""
    with suppress(OSError, TypeError):
        paths.keep(place.file, json.dumps(_fields(loaded), default=_fields))
        _forget_oldest(place.file.parent)


def _files(root: Path, named: Iterable[str]) -> Iterator[Path]:
    for name in sorted(named):
        place = root / name
        if not place.is_dir():
            yield place
            continue
        for folder, _, names in os.walk(place):
            yield from (Path(folder) / each for each in sorted(names))


def _mentioned(sources: Iterable[bytes], environ: Mapping[str, str]) -> dict[str, str]:
    text = b"\n".join(sources)
    return {
        name: hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()
        for name, value in environ.items()
        if len(name) > _LONGEST_VARIABLE and os.fsencode(name) in text
    }


@cache
def _worker() -> str:
    """The program that loads flows, which may tell more tomorrow."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).with_name("worker").glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _loaded(told: dict[str, Any]) -> LoadedFlow:
    values = dict(told)
    values["interpreter"] = Interpreter(**told["interpreter"])
    values["modules"] = tuple(LocalModule(**each) for each in told["modules"])
    values["packages"] = tuple(Package(**each) for each in told["packages"])
    values["executors"] = tuple(told["executors"])
    values["log"] = tuple(told["log"])
    if told["declared"] is not None:
        declared: dict[str, Any] = {**told["declared"]}
        declared["dynamic"] = tuple(declared["dynamic"])
        values["declared"] = Declaration(**declared)
    return LoadedFlow(**values)


def _fields(thing: Any) -> dict[str, Any]:
    """Of a data class."""
    return {each.name: getattr(thing, each.name) for each in fields(thing)}


def _forget_oldest(folder: Path) -> None:
    if len(os.listdir(folder)) <= _MOST + _SLACK:  # noqa: PTH208  (names alone)
        return
    kept = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    for file in kept[_MOST:]:
        file.unlink(missing_ok=True)
