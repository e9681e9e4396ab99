"""What flowtui remembers of a project folder between sessions: never settings, never secrets.

One JSON file for each folder. A file that cannot be read counts as empty: nothing in it is needed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from flowtui import paths, private_files


@dataclass(frozen=True, slots=True)
class ProjectState:
    hot: tuple[str, ...] = ()
    """Targets of the flows that are deployed at every save (`LocalFlow.target`)."""
    screen: Mapping[str, str] = field(default_factory=dict[str, str])
    """How the app was left, by name: cursor, filter, sort, tab, theme, …"""
    recent: tuple[str, ...] = ()
    """Targets of the flows opened last, newest first."""


def state_file(root: Path) -> Path:
    name = hashlib.sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return paths.data_dir() / "projects" / f"{name}.json"


def load(root: Path) -> ProjectState:
    """What was remembered of this folder. Blocking; raises nothing."""
    try:
        data = json.loads(state_file(root).read_bytes())
    except (OSError, ValueError):
        return ProjectState()
    table = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    screen = table.get("screen")
    named = cast("dict[Any, Any]", screen) if isinstance(screen, dict) else {}
    return ProjectState(
        hot=_texts(table.get("hot")),
        screen={str(key): value for key, value in named.items() if isinstance(value, str)},
        recent=_texts(table.get("recent")),
    )


def save(root: Path, state: ProjectState) -> None:
    """Replace the file in one step. Blocking; raises OSError."""
    data = {
        "root": str(root),
        "hot": list(state.hot),
        "screen": dict(state.screen),
        "recent": list(state.recent),
    }
    private_files.write(state_file(root), json.dumps(data, ensure_ascii=True, indent=1))


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(each for each in cast("list[Any]", value) if isinstance(each, str))
