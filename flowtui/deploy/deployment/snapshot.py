"""Local storage of a deployment: a copy of what the flow needs, in a folder named by its content.

A run takes what was checked, whatever becomes of the project folder, and an earlier deployment
keeps its own folder: rolling back to it works.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flowtui import paths
from flowtui.deploy.slug import slug
from flowtui.errors import DeployError
from flowtui.models import JsonObject


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The source as runs will find it."""

    folder: Path
    content_hash: str
    """64 hexadecimal digits."""
    files: Mapping[str, bytes]
    """By path below the folder; nothing where the project's own folder is used."""
    in_place: bool = False


def prepare(
    name: str,
    *,
    sources: Mapping[str, bytes],
    directory: str | None,
    root: Path,
    in_place: bool,
    settings: JsonObject,
    salt: str = "",
) -> Snapshot:
    """Decide folder and hash. `settings` is what else decides how the flow runs."""
    everything = {
        "scheme": 1,
        "files": {path: hashlib.sha256(text).hexdigest() for path, text in sources.items()},
        "settings": settings,
        "salt": salt,
    }
    content_hash = hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()
    if in_place:
        return Snapshot(root, content_hash, {}, in_place=True)
    base = root / directory if directory else paths.data_dir() / "storage"
    return Snapshot(base / slug(name) / content_hash[:16], content_hash, sources)


def is_stored(snapshot: Snapshot) -> bool:
    """Whether the folder is there and nobody changed what is in it. Blocking."""
    try:
        return all(
            (snapshot.folder / path).read_bytes() == text for path, text in snapshot.files.items()
        )
    except OSError:
        return False


def store(snapshot: Snapshot) -> bool:
    """Write the folder, all of it or nothing; False where it was there already. Blocking.

    Raises DeployError when the disk says no.
    """
    if snapshot.in_place or is_stored(snapshot):
        return False
    half = snapshot.folder.with_name(f".{snapshot.folder.name}.{secrets.token_hex(4)}")
    try:
        for path, text in snapshot.files.items():
            target = half / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text)
        _move(half, snapshot.folder)
    except OSError as error:
        shutil.rmtree(half, ignore_errors=True)
        raise DeployError(
            f"the source cannot be stored: {error.strerror}",
            where=str(error.filename or snapshot.folder),
            fix="choose another folder with the storage setting `directory`",
        ) from error
    return True


def discard(snapshot: Snapshot) -> None:
    """Remove a folder that was stored for a deploy that did not end well. Blocking."""
    if not snapshot.in_place:
        shutil.rmtree(snapshot.folder, ignore_errors=True)


def _move(half: Path, folder: Path) -> None:
    """Into its place; what is left there of a copy that is not whole goes away first."""
    while True:
        try:
            half.rename(folder)
        except OSError:
            if not os.path.lexists(folder):
                raise
            aside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
            folder.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)
        else:
            return
