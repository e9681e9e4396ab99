"""Finds the project's own Python and asks it what it has, without importing Prefect."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from flowtui import child_processes, paths
from flowtui.errors import UsageError
from flowtui.models import Interpreter
from flowtui.source import installation

_ASK_LIMIT = 20.0
"""Seconds. A cold interpreter on a busy machine needs two or three."""

# Runs on any Python from 3.6: reads the metadata files, since 3.7 has no importlib.metadata.
_QUESTION = r"""
import json, os, sys
versions = {}
for folder in sys.path[1:]:
    if not os.path.isdir(folder):
        continue
    for entry in os.listdir(folder):
        name = entry.split("-")[0].lower()
        if name not in ("prefect", "cloudpickle") or name in versions:
            continue
        if not entry.endswith((".dist-info", ".egg-info")):
            continue
        for document in ("METADATA", "PKG-INFO"):
            path = os.path.join(folder, entry, document)
            if os.path.isfile(path):
                with open(path, encoding="utf-8", errors="replace") as text:
                    for line in text:
                        if line.startswith("Version:"):
                            versions.setdefault(name, line.split(":", 1)[1].strip())
                            break
print(json.dumps({"python": "%d.%d.%d" % sys.version_info[:3], "executable": sys.executable,
                  "prefect": versions.get("prefect"), "cloudpickle": versions.get("cloudpickle")}))
"""


@dataclass(frozen=True, slots=True)
class _Candidate:
    executable: str
    origin: str


async def find_interpreter(root: Path, configured: str | None) -> Interpreter:
    """The Python that loads this project's flows, with `origin` saying why this one.

    Order: the configured one (a path relative to the root, or a command), the project's `.venv`
    or `venv`, the active virtualenv or conda environment, pyenv's `.python-version`, the Python
    flowtui runs on. Raises UsageError when the configured one, or the only one left, does not
    work: a wrong setting never falls back in silence. An environment that was found but is broken
    is an error too, since the next one would have other packages.
    """
    candidate, place, known = await asyncio.to_thread(_known, root, configured)
    if known is not None:
        return known
    found = await _ask(candidate)
    if place is not None:
        await asyncio.to_thread(_remember, place, found)
    return found


def _known(
    root: Path, configured: str | None
) -> tuple[_Candidate, Path | None, Interpreter | None]:
    candidate = _chosen(root, configured)
    place = _place_of(candidate)
    return candidate, place, _recall(place, candidate) if place is not None else None


def _place_of(candidate: _Candidate) -> Path | None:
    """Where the answer is kept of an interpreter with just these packages; None: it is not kept."""
    installed = installation.stamp(Path(candidate.executable))
    if installed is None:
        return None
    variables = [os.environ.get(name) for name in ("PYTHONPATH", "PYTHONHOME")]
    described = repr((candidate.executable, installed, variables, _QUESTION))
    key = hashlib.sha256(described.encode("utf-8", "surrogateescape")).hexdigest()
    return paths.cache_dir() / "interpreters" / f"{key}.json"


def _recall(place: Path, candidate: _Candidate) -> Interpreter | None:
    try:
        told = cast("dict[str, Any]", json.loads(place.read_bytes()))
        return Interpreter(**{**told, "origin": candidate.origin})
    except (OSError, ValueError, TypeError):
        return None


def _remember(place: Path, found: Interpreter) -> None:
    with suppress(OSError):  # it only costs time later
        paths.keep(place, json.dumps(asdict(found)))


def chosen_python(root: Path, configured: str | None) -> str:
    """Path of the executable that `find_interpreter` asks. Raises UsageError as that does."""
    return _chosen(root, configured).executable


def _chosen(root: Path, configured: str | None) -> _Candidate:
    return _configured(root, configured) if configured else next(_found(root, os.environ))


def _configured(root: Path, configured: str) -> _Candidate:
    expanded = Path(os.path.expanduser(configured))  # noqa: PTH111  (Path's raises for ~nobody)
    if expanded.parent != Path() or os.path.lexists(root / expanded):
        path = root / expanded
        path = _python_of(path) or path
        if not _is_executable(path):
            raise UsageError(
                f"the configured Python {configured} is not an executable file",
                where=f"setting python = {configured!r} (looked at {path})",
                fix="set `python` to an interpreter, for example .venv/bin/python",
            )
        return _Candidate(str(path), f"configured: {configured}")
    command = shutil.which(configured)
    if command is None:
        raise UsageError(
            f"the configured Python {configured} is not a command on PATH",
            where=f"setting python = {configured!r}",
            fix="set `python` to a path or to a command that exists",
        )
    return _Candidate(command, f"configured: {configured}")


def _found(root: Path, environ: Mapping[str, str]) -> Iterator[_Candidate]:
    for name in (".venv", "venv"):
        python = _python_of(root / name)
        if python is not None:
            yield _Candidate(str(python), f"the project's {name}")
    for variable, what in (
        ("VIRTUAL_ENV", "the active virtualenv"),
        ("CONDA_PREFIX", "the active conda environment"),
    ):
        folder = environ.get(variable)
        python = _python_of(Path(folder)) if folder else None
        if python is not None:
            yield _Candidate(str(python), what)
    pyenv = _pyenv_python(root, environ)
    if pyenv is not None:
        yield _Candidate(str(pyenv), "pyenv, by .python-version")
    yield _Candidate(sys.executable, "the Python flowtui runs on")


def _python_of(environment: Path) -> Path | None:
    for name in ("bin/python", "Scripts/python.exe"):
        path = environment / name
        if _is_executable(path):
            return path
    return None


def _is_executable(path: Path) -> bool:
    """False also for what cannot be looked at, for which Path.is_file raises."""
    return os.path.isfile(path) and os.access(path, os.X_OK)  # noqa: PTH113


def _pyenv_python(root: Path, environ: Mapping[str, str]) -> Path | None:
    """The interpreter of the first version named in `.python-version` that is installed."""
    try:
        text = (root / ".python-version").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    pyenv = Path(environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    lines = text.splitlines()
    for version in (line.strip() for line in lines):
        if not version or version.startswith("#") or "/" in version:
            continue
        exact = _python_of(pyenv / version)
        if exact is not None:
            return exact
        newest = sorted(pyenv.glob(f"{version}.*"), key=_version_key)
        if newest:
            return _python_of(newest[-1])
    return None


def _version_key(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.name.split(".") if part.isdigit())


async def _ask(candidate: _Candidate) -> Interpreter:
    environment = {key: text for key, text in os.environ.items() if key != "PYTHONHOME"}
    where = f"{candidate.executable} ({candidate.origin})"
    fix = "repair it, or set `python` to another interpreter"
    out, err = bytearray(), bytearray()
    try:
        status = await child_processes.run(
            [candidate.executable, "-B", "-c", _QUESTION],
            on_output=out.extend,
            on_errors=err.extend,
            env=environment,
            cwd="/",
            time_limit=_ASK_LIMIT,
        )
    except TimeoutError:
        raise UsageError(
            f"this Python does not answer within {_ASK_LIMIT:.0f} seconds", where=where, fix=fix
        ) from None
    except OSError as error:
        raise UsageError(f"this Python does not start: {error}", where=where, fix=fix) from error
    return _understand(candidate, status, bytes(out), bytes(err), where, fix)


def _understand(
    candidate: _Candidate, status: int, out: bytes, err: bytes, where: str, fix: str
) -> Interpreter:
    try:
        told = cast("dict[str, Any]", json.loads(out.decode("utf-8").splitlines()[-1]))
        return Interpreter(
            executable=candidate.executable,
            python_version=str(told["python"]),
            prefect_version=told["prefect"],
            cloudpickle_version=told["cloudpickle"],
            origin=candidate.origin,
        )
    except (ValueError, KeyError, IndexError, TypeError):
        said = err.decode("utf-8", "replace").strip().splitlines()
        raise UsageError(
            f"this is not a working Python (exit status {status}{': ' + said[-1] if said else ''})",
            where=where,
            fix=fix,
        ) from None
