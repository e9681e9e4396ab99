"""What decides what a flow's image is, and where things lie in it and in its build context."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from flowtui.deploy.slug import slug
from flowtui.models import LocalModule

FLOWS_FOLDER = "/opt/prefect/flows"
SOURCE_FOLDER = "/opt/flowtui/src"
CODE_FOLDERS = "/opt/prefect"
PREFIX_WITH_DOCKERFILE = ".flowtui"
"""Folder of our own files in the context of a user's Dockerfile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSpec:
    """Everything that decides what an image is, before anything is read from disk."""

    flow_name: str
    project_root: Path
    python_minor: str
    """Of the interpreter that pickles, for example `3.11`."""
    prefect_version: str
    cloudpickle_version: str
    base_image: str | None = None
    """None with `dockerfile`; without either it is `default_base_image(python_minor)`."""
    dockerfile: str | None = None
    """Path of the user's Dockerfile, relative to the project folder."""
    python_dependencies: tuple[str, ...] = ()
    """Requirements as pip takes them. An entry that starts with `-` is split into options."""
    env_vars: Mapping[str, str] = field(default_factory=dict[str, str])
    build_args: Mapping[str, str] = field(default_factory=dict[str, str])
    extra_dockerfile_commands: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    """From a path here (relative to the project folder, or absolute) to one in the image."""
    modules: tuple[LocalModule, ...] = ()
    """The project's own modules that the flow imports; they go to `SOURCE_FOLDER`."""
    code_folder: str = ""
    """Prefect 2 and 3: where `tree` goes, and where a run works; then there is no pickle."""
    tree: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Files here by path below `code_folder`."""
    import_roots: tuple[str, ...] = ()
    """Folders below `code_folder` that modules are imported from; empty for itself."""

    @property
    def flow_path(self) -> str:
        """Where the pickle is in the image: the same path for every version of the flow."""
        return flow_path(self.flow_name)

    @property
    def tree_path(self) -> str:
        """Folder of `tree` in the context."""
        return f"{self.prefix}tree"

    @property
    def prefix(self) -> str:
        """Folder of our own files in the context: beside the user's only with `dockerfile`."""
        return f"{PREFIX_WITH_DOCKERFILE}/" if self.dockerfile else ""

    @property
    def dockerfile_path(self) -> str:
        """Where the generated Dockerfile is in the context."""
        return f"{self.prefix}Dockerfile"

    @property
    def pickle_path(self) -> str:
        """Where the pickle is in the context."""
        return f"{self.prefix}flow/{slug(self.flow_name)}.prefect"


def default_base_image(python_minor: str) -> str:
    """The official slim image of this Python: pip adds Prefect, whatever its version.

    Prefect 0.6.1 takes `python:X.Y` and later ones `prefecthq/prefect:V-pythonX.Y`; the slim image
    is a tenth of the first, and the second does not exist for Pythons newer than the release.
    """
    return f"python:{python_minor}-slim"


def flow_path(flow_name: str) -> str:
    """Where the pickle of this flow is in its image."""
    return f"{FLOWS_FOLDER}/{slug(flow_name)}.prefect"


def module_path(module: LocalModule) -> str:
    """Where a module's file is below the import root: `a.b` in `b.py` gives `a/b.py`."""
    parts = module.name.split(".")
    file = PurePosixPath(Path(module.path).as_posix()).name
    folder = parts if file.startswith("__init__.") else parts[:-1]
    return "/".join([*folder, file])


def path_of_file(number: int, source: str) -> str:
    """A name in the context that no instruction has to quote."""
    return f"files/{number}/" + re.sub(r"[^A-Za-z0-9._-]", "_", PurePosixPath(source).name or "_")
