"""Which of the project's own modules a flow file imports, found without running anything."""

from __future__ import annotations

import ast
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from flowtui.models import Declaration, LocalModule
from flowtui.source.parsing import UnparsableError, parse


@dataclass(frozen=True, slots=True)
class _Import:
    module: str
    """Dotted name as written; empty in `from . import x`."""
    names: tuple[str, ...] = ()
    level: int = 0


def static_closure(root: Path, flow_path: str) -> tuple[LocalModule, ...]:
    """Modules of the project that a flow file needs, with those that they need, sorted by name.

    `flow_path` is relative to `root`. Import roots, in order: the flow file's own folder (as
    Python does for scripts), the project root, its `src` folder. Imports inside functions count;
    parents of a module (their `__init__.py`) do too. The flow file itself is not in the answer.
    Files that do not parse are listed, what they import is not. Raises nothing for them.
    """
    return _Closure(root, flow_path).walk()


def fingerprint(root: Path, flow_path: str) -> str:
    """sha256 (hex) over the paths and contents of a flow file and its closure.

    The same content gives the same value wherever the project lies. Raises OSError when the flow
    file itself cannot be read.
    """
    return fingerprint_of(closure_sources(root, flow_path))


def closure_sources(root: Path, flow_path: str) -> dict[str, bytes]:
    """Contents of a flow file and its closure by path, relative to the root where they are in it.

    Raises OSError when the flow file itself cannot be read.
    """
    root = Path(os.path.realpath(root))
    flow_file = root / flow_path
    sources = {_relative(root, flow_file): flow_file.read_bytes()}
    for module in static_closure(root, flow_path):
        if module.path:
            sources.setdefault(_relative(root, Path(module.path)), _content(Path(module.path)))
    return sources


def declaration_source(root: Path, declared: Declaration | None) -> dict[str, bytes]:
    """What declares the flow's deployment, by path.

    Of a prefect.yaml it is this deployment alone, as JSON under `prefect.yaml (name)`: the others
    in the file are none of its business. A Python file counts whole. Raises nothing.
    """
    if declared is None or not declared.path:
        return {}
    if declared.path.endswith(".py"):
        return {declared.path: _content(root / declared.path)}
    content = json.dumps(declared.values, indent=2, sort_keys=True, ensure_ascii=False)
    return {f"{declared.path} ({declared.name})": f"{content}\n".encode()}


def fingerprint_of(sources: Mapping[str, bytes]) -> str:
    """sha256 (hex) over paths and contents."""
    digest = hashlib.sha256()
    for path, content in sorted(sources.items()):
        name = path.encode("utf-8", "surrogateescape")
        digest.update(b"%d:%s%d:" % (len(name), name, len(content)))
        digest.update(content)
    return digest.hexdigest()


class _Closure:
    def __init__(self, root: Path, flow_path: str) -> None:
        self._root = Path(os.path.realpath(root))
        self._file = self._root / flow_path
        self._roots = _import_roots(self._root, self._file)
        self._found: dict[str, LocalModule] = {}
        self._pending: list[tuple[Path, str]] = []

    def walk(self) -> tuple[LocalModule, ...]:
        self._pending.append((self._file, _package_of_script(self._file)))
        while self._pending:
            file, package = self._pending.pop()
            for statement in imports_of(file):
                self._follow(statement, file, package)
        return tuple(self._found[name] for name in sorted(self._found))

    def _follow(self, statement: _Import, file: Path, package: str) -> None:
        if statement.level:
            self._follow_relative(statement, file, package)
            return
        self._add(statement.module)
        for name in statement.names:
            self._add(f"{statement.module}.{name}")

    def _follow_relative(self, statement: _Import, file: Path, package: str) -> None:
        parts = package.split(".") if package else []
        kept = len(parts) - (statement.level - 1)
        if kept <= 0:
            return
        base = [*parts[:kept], *([statement.module] if statement.module else [])]
        self._add(".".join(base), near=file)
        for name in statement.names:
            self._add(".".join([*base, name]), near=file)

    def _add(self, name: str, near: Path | None = None) -> None:
        """Add a dotted module and its parents, when they are the project's."""
        parts = name.split(".")
        for root in self._roots_for(near):
            found = _resolve(root, parts)
            if found is None:
                continue
            for depth, path in enumerate(found, start=1):
                self._record(".".join(parts[:depth]), path)
            return

    def _roots_for(self, near: Path | None) -> tuple[Path, ...]:
        """A relative import is looked up from the folder that its own package lies in."""
        if near is None:
            return self._roots
        return (_above_packages(near.parent)[0], *self._roots)

    def _record(self, name: str, path: Path | None) -> None:
        if name in self._found or path == self._file:
            return
        self._found[name] = LocalModule(name, "" if path is None else str(path))
        if path is not None:
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            self._pending.append((path, package))


def _import_roots(root: Path, file: Path) -> tuple[Path, ...]:
    source = root / "src"
    roots = [file.parent, root]
    if _is_folder(source) and not _is_file(source / "__init__.py"):
        roots.append(source)
    return tuple(dict.fromkeys(roots))


def _package_of_script(file: Path) -> str:
    """The package a flow file belongs to when it lies beside an `__init__.py`."""
    return ".".join(_above_packages(file.parent)[1])


def _above_packages(folder: Path) -> tuple[Path, list[str]]:
    """The first folder upwards that is no package, and the packages below it, outermost first."""
    packages: list[str] = []
    while _is_file(folder / "__init__.py") and folder.name:
        packages.insert(0, folder.name)
        folder = folder.parent
    return folder, packages


def _resolve(root: Path, parts: list[str]) -> list[Path | None] | None:
    """The file of each part of a dotted name, None for a namespace package.

    None as a whole when the name is not a module under this root.
    """
    found: list[Path | None] = []
    folder = root
    for position, part in enumerate(parts):
        package = folder / part / "__init__.py"
        module = folder / f"{part}.py"
        last = position == len(parts) - 1
        if _is_file(package):
            found.append(package)
        elif _is_file(module) and last:
            found.append(module)
        elif _is_folder(folder / part) and (not last or _has_python(folder / part)):
            found.append(None)
        else:
            return None
        folder = folder / part
    return found


# Path.is_file and Path.is_dir raise for what cannot be looked at: a name that is too long, a folder
# that is not ours.


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112


def _has_python(folder: Path) -> bool:
    try:
        return any(entry.suffix == ".py" for entry in folder.iterdir())
    except OSError:
        return False


def imports_of(file: Path) -> Iterator[_Import]:
    """Every import statement of a file, wherever it stands; none if it does not parse."""
    try:
        tree = parse(file.read_bytes())
    except (OSError, UnparsableError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (_Import(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names if alias.name != "*")
            yield _Import(node.module or "", names, node.level)


def _content(path: Path) -> bytes:
    """A module that vanishes or cannot be read counts as empty: a later look sees the change."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _relative(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
