"""The answer “nothing to do”, what it rests on, and whether it still holds."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flowtui import __version__, paths
from flowtui.deploy.unchanged import look
from flowtui.deploy.unchanged.images import Image, all_as_they_were
from flowtui.deploy.unchanged.rows import Row, read_rows

_SCHEME = 2
"""Counted up when what is kept changes."""
_MOST_KEPT = 500


@dataclass(frozen=True)
class Answer:
    """One command line that left nothing to do."""

    api_url: str
    """Where the REST API is rooted."""
    rows: Mapping[str, Row]
    """What is registered, by the id of the deployment."""
    files: Mapping[str, str]
    """Digest of each file, by its absolute path."""
    trees: Mapping[str, str]
    """Digest of all that is in a folder, by its absolute path."""
    stored: Mapping[str, str]
    """The same of folders that flowtui keeps: of those hidden files count too."""
    images: Sequence[Image]
    """What runs take, where they take an image."""
    events: Sequence[Mapping[str, Any]]
    """What such a deploy tells: `events.to_json` of each."""

    def still_holds(self) -> bool:
        """Look at every file and ask the control plane. False also where that cannot be. Blocking.

        Files first: the control plane is not asked for what is known to have changed.
        """
        try:
            same = (
                all(look.file(path).digest == before for path, before in self.files.items())
                and all(look.tree(path).digest == before for path, before in self.trees.items())
                and all(
                    look.tree(path, hidden=True).digest == before
                    for path, before in self.stored.items()
                )
            )
        except look.CannotTellError:
            return False
        return (
            same
            and read_rows(self.api_url, tuple(self.rows)) == self.rows
            and all_as_they_were(self.images)
        )


def question(asked: Mapping[str, object]) -> str:
    """What was asked: the same options in the same folder and environment are the same question."""
    parts = (
        __version__,
        repr(sorted(asked.items())),
        str(Path.cwd()),
        look.environment(os.environ),
    )
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def recall(key: str) -> Answer | None:
    """The answer that was kept for a question, whether or not it still holds. Blocking."""
    try:
        told = json.loads(_file(key).read_bytes())
        if told.pop("scheme") != _SCHEME:
            return None
        rows = {name: Row(**row) for name, row in told.pop("rows").items()}
        images = [Image(**image) for image in told.pop("images")]
        return Answer(rows=rows, images=images, **told)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def keep(key: str, answer: Answer) -> None:
    """Blocking. A full disk only means that the next deploy looks properly."""
    file = _file(key)
    with suppress(OSError):
        paths.keep(file, json.dumps({"scheme": _SCHEME, **asdict(answer)}))
        _tidy(file.parent)


def _tidy(folder: Path) -> None:
    kept = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime)
    for file in kept[:-_MOST_KEPT]:
        file.unlink(missing_ok=True)


def _file(key: str) -> Path:
    return paths.cache_dir() / "unchanged" / f"{key}.json"
