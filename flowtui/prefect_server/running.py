"""Who runs the server of a folder: one process at a time, known to all others."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from flowtui import paths
from flowtui.errors import FlowtuiError


@dataclass(frozen=True, slots=True)
class Running:
    """The server that another flowtui runs in this folder."""

    api_url: str
    pid: int
    """Of that flowtui."""


@contextmanager
def claimed(home: Path, api_url: str) -> Generator[None]:
    """Hold the folder for this process. Raises FlowtuiError when another one has it."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Not cleaned up: a lock file that is removed lets two processes hold two of that name.
    descriptor = os.open(_file(home), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _already(home) from None
        os.truncate(descriptor, 0)
        os.write(descriptor, json.dumps({"api_url": api_url, "pid": os.getpid()}).encode())
        yield
        os.truncate(descriptor, 0)
    finally:
        os.close(descriptor)


def check_unclaimed(profile: str) -> None:
    """Raise FlowtuiError when the server of this profile runs already. Blocking."""
    home = paths.prefect_server_dir(profile)
    if running(home) is not None:
        raise _already(home)


def running(home: Path) -> Running | None:
    """What runs in this folder now; None when nothing does. Blocking."""
    try:
        with _file(home).open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _said(stream.read())
    except FileNotFoundError:
        return None
    return None


def _said(content: bytes) -> Running:
    try:
        told = cast("dict[str, Any]", json.loads(content))
        return Running(str(told["api_url"]), int(told["pid"]))
    except (ValueError, KeyError, TypeError):
        return Running("", 0)  # it has begun, and not written it yet


def _already(home: Path) -> FlowtuiError:
    other = running(home)
    who = f"process {other.pid}" if other is not None and other.pid else "another flowtui"
    return FlowtuiError(
        f"this server is running already ({who})",
        where=other.api_url if other is not None and other.api_url else str(home),
        fix="use it as it is, or stop it first",
    )


def _file(home: Path) -> Path:
    return home / "flowtui-running.json"
