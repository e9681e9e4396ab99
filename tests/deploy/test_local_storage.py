"""Where a version of a flow is stored on this machine, before anything is written."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flowtui.deploy.local_storage import LocalRecipe, discard, prepare, store
from flowtui.errors import DeployError, UsageError
from flowtui.models import Interpreter, LoadedFlow


def recipe(root: Path, directory: str = "stored") -> LocalRecipe:
    loaded = LoadedFlow(
        name="My Flow",
        interpreter=Interpreter(sys.executable, "3.11.7", "1.4.1", "2.0.0"),
        serialized={},
        storage=None,
        environment=None,
        run_config=None,
        executor=None,
        modules=(),
        packages=(),
    )
    return prepare(
        loaded,
        directory=directory,
        project_root=root,
        flow_sources={"flow.py": b"1"},
        destination="here",
        settings={},
    )


def test_a_version_is_never_written_twice(tmp_path: Path) -> None:
    first = recipe(tmp_path)
    store(first, b"pickle")
    second = recipe(tmp_path)
    assert first.content_hash == second.content_hash
    assert second.folder == first.folder.with_name(f"{first.folder.name}-2")
    discard(first)
    assert recipe(tmp_path).folder == first.folder


def test_a_folder_that_cannot_be_used_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="Not a directory") as caught:
        recipe(tmp_path, "file")
    assert "directory" in caught.value.problem.fix
    taken = recipe(tmp_path)
    taken.folder.parent.parent.mkdir()
    taken.folder.parent.touch()
    with pytest.raises(DeployError, match="the flow cannot be stored"):
        store(taken, b"pickle")
