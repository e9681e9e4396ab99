"""What stops a load before the user's code runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flowtui.models import FlowKind, Interpreter, LocalFlow
from flowtui.source.loader import LoadError, inspect

FLOW = LocalFlow("flow.py", 1, "x", FlowKind.FLOW_OBJECT)


async def refused(root: Path, executable: str = sys.executable) -> LoadError:
    interpreter = Interpreter(executable, "3.11.7", "1.4.1", "2.0.0")
    with pytest.raises(LoadError) as caught:
        await inspect(FLOW, root, interpreter)
    return caught.value


async def test_no_room_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    error = await refused(tmp_path)
    assert error.kind == "NoRoom"
    assert "No such file" in error.problem.what
    assert str(tmp_path / "gone") in error.problem.where
    assert "TMPDIR" in error.problem.fix


async def test_a_python_that_is_gone(tmp_path: Path) -> None:
    error = await refused(tmp_path, str(tmp_path / "python"))
    assert error.kind == "NoPython"
    assert str(tmp_path / "python") in error.problem.where
