"""From an entrypoint or an import to the file of the project that it means, without looking at
the disk: which files there are is known already."""

from __future__ import annotations

import posixpath
from collections.abc import Container, Iterator


def of_entrypoint(
    entrypoint: str, folder: str, root: str, files: Container[str]
) -> tuple[str, str] | None:
    """(path, dotted name in it) that `path.py:name` or `package.module.name` means; None for none.

    `folder` is where the prefect.yaml or the file lies that says so: paths are looked for from
    there and from the project's root, as from either `prefect deploy` may be started.
    """
    head, colon, name = entrypoint.rpartition(":")
    if colon and head.endswith(".py"):
        for path in _paths(head, folder, root):
            if path in files:
                return path, name
        return None
    module, _, last = (head, ":", name) if colon else entrypoint.rpartition(".")
    path = of_module(module, folder, files)
    return (path, last) if path is not None else None


def _paths(written: str, folder: str, root: str) -> Iterator[str]:
    if posixpath.isabs(written):
        normal = posixpath.normpath(written)
        if normal.startswith(f"{root}/"):
            yield normal[len(root) + 1 :]
        return
    for start in (folder, ""):
        yield posixpath.normpath(posixpath.join(start, written))


def of_module(module: str, folder: str, files: Container[str], level: int = 0) -> str | None:
    """Path of a dotted module as a file in `folder` imports it: from there, from the project's
    root, from its `src`; `level` counts the leading dots."""
    parts = module.split(".") if module else []
    if level:
        for _ in range(level - 1):
            folder = posixpath.dirname(folder)
        starts = [folder]
    else:
        starts = [folder, "", "src"]
    for start in starts:
        whole = posixpath.join(start, *parts)
        for path in (f"{whole}.py", posixpath.join(whole, "__init__.py")):
            if path in files:
                return path
    return None
