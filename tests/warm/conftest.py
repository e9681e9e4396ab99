"""Warm Pythons of one test alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_place(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The folder that they are found in; those that still wait at the end are ended."""
    folder = tmp_path_factory.mktemp("w")
    folder.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and f"PREFECT_HOME={folder}" in _environment(process):
            os.kill(int(process.name), signal.SIGKILL)


def _environment(process: Path) -> str:
    try:
        return (process / "environ").read_text(errors="replace")
    except OSError:
        return ""
