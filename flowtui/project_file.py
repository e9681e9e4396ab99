"""Changing the project file of a folder in place: comments and all else in it are kept."""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from flowtui import config, user_document
from flowtui.errors import UsageError
from flowtui.models import ExecutionOptions, Json
from flowtui.user_document import UserDocument


def choose_executor(root: Path, flow_name: str, chosen: ExecutionOptions | None) -> Path:
    """Write an executor with its arguments into the flow's own table, or take it out of there.

    Makes `flowtui.toml` where the folder has no project file. Blocking. Returns the file. Raises
    UsageError for a file that is not good, before or after the change, or cannot be written.
    """
    file, tool = _place(root)
    table = (*tool, "flows", flow_name, "execution")
    with _changing(root, file) as document:
        user_document.remove(document, (*table, "executor"))
        user_document.remove(document, (*table, "executor_kwargs"))
        if chosen is not None:
            user_document.set_value(document, (*table, "executor"), chosen.executor)
            if chosen.executor_kwargs:
                _refuse_null(chosen.executor_kwargs, file)
                value = user_document.inline(chosen.executor_kwargs)
                user_document.set_value(document, (*table, "executor_kwargs"), value)
        for length in (3, 2, 1):
            user_document.remove_empty(document, table[: len(tool) + length])
    return file


def choose_work_pool(root: Path, flow_name: str, pool: str) -> Path:
    """Write the work pool of a deployment into the flow's own table; else like
    `choose_executor`."""
    file, tool = _place(root)
    with _changing(root, file) as document:
        place = (*tool, "flows", flow_name, "deployment", "work_pool")
        user_document.set_value(document, place, pool)
    return file


def _place(root: Path) -> tuple[Path, tuple[str, ...]]:
    """The project file, which may not be there yet, and where in it flowtui's table is."""
    file, _ = config.read_project_table(root)
    file = file or root / config.PROJECT_FILE
    return file, ("tool", "flowtui") if file.name == config.PYPROJECT else ()


def _refuse_null(value: Json, file: Path) -> None:
    parts: list[Json] = []
    if isinstance(value, dict):
        parts = list(value.values())
    elif isinstance(value, list):
        parts = list(value)
    for part in parts:
        _refuse_null(part, file)
    if value is None:
        raise UsageError(
            "TOML has no null", where=str(file), fix="leave that argument of the executor out"
        )


@contextmanager
def _changing(root: Path, file: Path) -> Generator[UserDocument]:
    """The file to change, which must be good before and after; written whole or not at all."""
    try:
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        document = user_document.parse(text, file=str(file))
        yield document
        written = user_document.text(document)
        config.check_project(root, file, written)
        if written != text:
            _replace(Path(os.path.realpath(file)), written)
    except UnicodeDecodeError as error:
        raise UsageError("not valid TOML: it is not UTF-8", where=str(file)) from error
    except OSError as error:
        raise UsageError(
            f"cannot be written: {error.strerror}",
            where=str(file),
            fix="check the owner and the mode of the file and its folder",
        ) from error


def _replace(file: Path, text: str) -> None:
    """With the mode that it has; after a crash either the old or the new content is there."""
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o666 & ~_umask()
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current
