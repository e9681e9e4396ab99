"""The files that a deployment's runs need, by the paths at which they will find them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from flowtui.deploy.docker.image_spec import module_path
from flowtui.errors import UsageError
from flowtui.models import LoadedFlow, LocalFlow, LocalModule

SOURCE_ROOT = "src"


@dataclass(frozen=True, slots=True)
class SourceTree:
    """The flow's file and its modules as they lie in the project; files given by settings too."""

    files: Mapping[str, Path]
    """Where each is on this machine, by path below the working folder of a run."""
    import_roots: tuple[str, ...]
    """Folders below the working folder that a run has to look for modules in, beside those that
    Prefect looks in: the file's own folder and, for a file, the working folder."""

    def read(self) -> dict[str, bytes]:
        """Contents by path. Blocking. Raises UsageError for a file that cannot be read."""
        return {path: _content(file) for path, file in self.files.items()}


def source_tree(
    root: Path, flow: LocalFlow, loaded: LoadedFlow, *, by_module: bool, data: Iterable[str]
) -> SourceTree:
    """`data` names files and folders beside the modules, relative to the root.

    Blocking. Raises UsageError for what is not there.
    """
    root = Path(os.path.realpath(root))
    files = {flow.path: root / flow.path}
    for module in loaded.modules:
        if module.path:
            files[_place(root, module)] = Path(module.path)
    for source in data:
        files |= dict(_data_files(root, source))
    roots = [""] if by_module else []
    if any(path.startswith(f"{SOURCE_ROOT}/") for path in files) and not _is_package(root):
        roots.append(SOURCE_ROOT)
    return SourceTree(dict(sorted(files.items())), tuple(roots))


def _place(root: Path, module: LocalModule) -> str:
    """Where it is in the project; a module from elsewhere by its import name."""
    path = Path(os.path.realpath(module.path))
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else module_path(module)


def _is_package(root: Path) -> bool:
    return (root / SOURCE_ROOT / "__init__.py").exists()


def _data_files(root: Path, named: str) -> Iterator[tuple[str, Path]]:
    source = Path(os.path.normpath(root / named))
    inside = source.relative_to(root) if source.is_relative_to(root) else Path(source.name)
    if source.is_file():
        yield inside.as_posix(), source
        return
    if not source.is_dir():
        raise UsageError(
            "files names this path, and it does not exist",
            where=str(source),
            fix="correct the path; it is taken relative to the project folder",
        )
    for folder, _, names in os.walk(source):
        for name in sorted(names):
            file = Path(folder) / name
            yield (inside / file.relative_to(source)).as_posix(), file


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"a file that the flow needs cannot be read: {error.strerror}",
            where=str(file),
            fix="deploy again",
        ) from error
