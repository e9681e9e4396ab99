"""Which files of a project count: .gitignore at every level, and folders nobody keeps flows in."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

SKIPPED_FOLDERS = frozenset(
    {
        ".venv",
        "venv",
        "env",
        ".env",
        "node_modules",
        "__pycache__",
        "__pypackages__",
        ".git",
        ".hg",
        ".svn",
        ".tox",
        ".nox",
        "build",
        "dist",
        "site-packages",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".hypothesis",
        ".eggs",
        ".idea",
        ".vscode",
        ".ipynb_checkpoints",
        ".cache",
        ".terraform",
        ".prefect",
    }
)
"""Folders that are never looked into, wherever they lie in the project."""

ENVIRONMENT_MARKS = frozenset({"pyvenv.cfg", "conda-meta"})
"""A folder with one of these in it is a Python environment, whatever its name."""


def skipped_folder(name: str) -> bool:
    return name in SKIPPED_FOLDERS or name.endswith(".egg-info")


@dataclass(frozen=True, slots=True)
class _Level:
    """The rules of one folder. Their paths are relative to it: `cut` characters are taken off a
    path that is relative to the project root, or `above` is put before it."""

    spec: GitIgnoreSpec
    cut: int = 0
    above: str = ""

    def verdict(self, path: str) -> bool | None:
        """True: ignored. False: re-included by a `!` rule. None: these rules say nothing."""
        return self.spec.check_file(self.above + path[self.cut :]).include


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The rules in force in one folder: its own and those of every folder above it."""

    levels: tuple[_Level, ...] = ()
    """Weakest first."""
    exclude: GitIgnoreSpec | None = None
    """flowtui's own setting, stronger than every file."""

    @classmethod
    def of_root(cls, root: Path, exclude: Sequence[str] = ()) -> IgnoreRules:
        """The rules from `.git/info/exclude` and from the folders above the root, when it lies
        inside a git work tree, and `exclude`: patterns in .gitignore's language."""
        levels: list[_Level] = []
        top = _work_tree(root)
        if top is not None:
            levels += _from_above(top / ".git" / "info" / "exclude", top, root)
            above = [folder for folder in root.parents if folder.is_relative_to(top)]
            for folder in reversed(above):
                levels += _from_above(folder / ".gitignore", folder, root)
        return cls(tuple(levels), GitIgnoreSpec.from_lines(exclude) if exclude else None)

    def inside(self, folder: str, rules_file: Path | None) -> IgnoreRules:
        """The rules in `folder` (relative, empty for the root), given its .gitignore if any."""
        spec = None if rules_file is None else _read_rules(rules_file)
        if spec is None:
            return self
        level = _Level(spec, cut=len(folder) + 1 if folder else 0)
        return IgnoreRules((*self.levels, level), self.exclude)

    def ignores(self, path: str, *, folder: bool = False) -> bool:
        """Whether a path (relative to the root) is ignored; the deepest rule that speaks wins."""
        path = path + "/" if folder else path
        if self.exclude is not None and self.exclude.match_file(path):
            return True
        for level in reversed(self.levels):
            verdict = level.verdict(path)
            if verdict is not None:
                return verdict
        return False


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder of the project that counts, with its files that count."""

    path: str
    """Relative to the root, with forward slashes; empty for the root."""
    files: tuple[os.DirEntry[str], ...]
    rules: IgnoreRules
    """In force for what lies directly in this folder."""


def walk(
    root: Path, exclude: Sequence[str] = (), suffix: str | tuple[str, ...] = ""
) -> Iterator[Folder]:
    """Every folder that counts, depth first in name order, with its files named `*suffix`.

    Links to folders are not followed (as git does), links to files are. Folders that cannot be
    read are passed over.
    """
    pending = [("", IgnoreRules.of_root(root, exclude))]
    while pending:
        path, rules = pending.pop()
        entries = _entries(root / path)
        if entries is None:
            continue
        names = {entry.name for entry in entries}
        if path and names & ENVIRONMENT_MARKS:
            continue
        own_rules = root / path / ".gitignore" if ".gitignore" in names else None
        rules = rules.inside(path, own_rules)
        prefix = f"{path}/" if path else ""
        files = tuple(
            entry
            for entry in entries
            if entry.name.endswith(suffix)
            and _is_file(entry)
            and not rules.ignores(prefix + entry.name)
        )
        yield Folder(path, files, rules)
        folders = [
            (prefix + entry.name, rules)
            for entry in entries
            if entry.is_dir(follow_symlinks=False)
            and not skipped_folder(entry.name)
            and not rules.ignores(prefix + entry.name, folder=True)
        ]
        pending.extend(reversed(folders))


def _entries(folder: Path) -> list[os.DirEntry[str]] | None:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return None


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself, or to where we may not look
        return False


def _work_tree(root: Path) -> Path | None:
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), None)


def _from_above(rules_file: Path, folder: Path, root: Path) -> list[_Level]:
    spec = _read_rules(rules_file)
    if spec is None:
        return []
    below = root.relative_to(folder).as_posix()
    return [_Level(spec, above="" if below == "." else f"{below}/")]


def _read_rules(path: Path) -> GitIgnoreSpec | None:
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    return GitIgnoreSpec.from_lines(line for line in lines if _is_rule(line)) if lines else None


def _is_rule(line: str) -> bool:
    """git passes over a rule it cannot read; pathspec would refuse the whole file."""
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True
