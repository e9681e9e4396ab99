"""Prefect's Local storage: the pickle and a copy of the project's modules, in one folder a version.

The folder is named by the content hash and never written twice, so an older version keeps running
what it was checked with.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from flowtui import paths
from flowtui.deploy.docker.image_spec import module_path
from flowtui.deploy.slug import slug
from flowtui.errors import DeployError, UsageError
from flowtui.models import JsonObject, LoadedFlow, LocalModule


@dataclass(frozen=True, slots=True)
class LocalRecipe:
    """A version of a flow in Local storage as it will be stored, all but the pickle."""

    folder: Path
    pickle_path: Path
    content_hash: str
    """64 hexadecimal digits."""
    sources: Mapping[str, bytes]
    """The project's modules, by path below `source_dir`."""

    @property
    def source_dir(self) -> Path:
        """Put on `sys.path` when the pickle is loaded."""
        return self.folder / "src"


def prepare(
    loaded: LoadedFlow,
    *,
    directory: str | None,
    project_root: Path,
    flow_sources: Mapping[str, bytes],
    destination: str,
    settings: JsonObject,
    salt: str = "",
) -> LocalRecipe:
    """Read the modules and decide folder and content hash. Blocking.

    The hash covers what `image.content_hash` covers, as far as Local storage has it. Raises
    UsageError for a module or a folder that cannot be read.
    """
    sources = {module_path(m): _read(m) for m in loaded.modules if m.path}
    files = {**sources, **{f"flow:{path}": text for path, text in flow_sources.items()}}
    everything = {
        "scheme": 1,
        "files": {path: hashlib.sha256(text).hexdigest() for path, text in files.items()},
        "versions": [
            loaded.interpreter.python_minor,
            loaded.interpreter.prefect_version,
            loaded.interpreter.cloudpickle_version,
        ],
        "destination": destination,
        "settings": settings,
        "salt": salt,
    }
    content_hash = hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()
    base = project_root / directory if directory else paths.data_dir() / "storage"
    name = slug(loaded.name)
    folder = _unused(base / name / content_hash[:16])
    return LocalRecipe(folder, folder / f"{name}.prefect", content_hash, sources)


def stored(recipe: LocalRecipe, folder: Path) -> LocalRecipe:
    """The same version where an earlier deploy has stored it."""
    return replace(recipe, folder=folder, pickle_path=folder / recipe.pickle_path.name)


def store(recipe: LocalRecipe, pickle: bytes) -> None:
    """Write the folder. Blocking. Raises DeployError when the disk says no."""
    try:
        # Prefect's own Local storage may have made the (empty) folder when it was attached.
        recipe.folder.mkdir(parents=True, exist_ok=True)
        for path, text in recipe.sources.items():
            target = recipe.source_dir / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text)
        recipe.pickle_path.write_bytes(pickle)
    except OSError as error:
        discard(recipe)
        raise DeployError(
            f"the flow cannot be stored: {error.strerror}",
            where=str(error.filename or recipe.folder),
            fix="choose another folder with the storage setting `directory`",
        ) from error


def discard(recipe: LocalRecipe) -> None:
    """Remove a folder whose flow was not registered. Blocking."""
    shutil.rmtree(recipe.folder, ignore_errors=True)


def made_from(pickle_path: str, content_hash: str) -> bool:
    """Whether the flow stored at this path was made from the input with this hash."""
    return Path(pickle_path).parent.name.partition("-")[0] == content_hash[:16]


def _unused(folder: Path) -> Path:
    number = 2
    found = folder
    while _is_in_use(found):
        found = folder.with_name(f"{folder.name}-{number}")
        number += 1
    return found


def _is_in_use(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is not None
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UsageError(
            f"the folder for stored flows cannot be read: {error.strerror}",
            where=str(folder),
            fix="choose another folder with the storage setting `directory`",
        ) from error


def _read(module: LocalModule) -> bytes:
    try:
        return Path(module.path).read_bytes()
    except OSError as error:
        raise UsageError(
            f"the module {module.name} cannot be read: {error.strerror}", where=module.path
        ) from error
