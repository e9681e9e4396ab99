"""What counts as a change of a folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from flowtui.deploy.unchanged import look
from flowtui.deploy.unchanged.look import CannotTellError, environment, file, tree


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "flows").mkdir(parents=True)
    (root / "flows/etl.py").write_text("a = 1\n")
    (root / ".git").mkdir()
    (root / "env/bin").mkdir(parents=True)
    (root / "env/pyvenv.cfg").touch()
    return root


def edit_with_the_same_size_and_moment(root: Path) -> None:
    path = root / "flows/etl.py"
    before = path.stat()
    path.write_text("a = 2\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        edit_with_the_same_size_and_moment,
        lambda root: (root / "new.py").touch(),
        lambda root: (root / ".prefectignore").touch(),
        lambda root: (root / "flows/etl.py").rename(root / "flows/other.py"),
        lambda root: (root / "flows/etl.py").unlink(),
        lambda root: (root / "flows/etl.py").chmod(0o600),
    ],
)
def test_a_change_is_seen(project: Path, change: Callable[[Path], object]) -> None:
    before = tree(str(project))
    change(project)
    assert tree(str(project)).digest != before.digest


@pytest.mark.parametrize(
    "place", [".git/index", "env/bin/python", "__pycache__/etl.pyc", "flows/__pycache__/etl.pyc"]
)
def test_what_no_flow_is_made_of_is_not(project: Path, place: str) -> None:
    before = tree(str(project))
    (project / place).parent.mkdir(exist_ok=True)
    (project / place).touch()
    assert tree(str(project)) == before


def test_hidden_folders_are_looked_at_where_they_count(project: Path) -> None:
    before = tree(str(project), hidden=True)
    (project / ".git/index").touch()
    assert tree(str(project), hidden=True) != before


def test_what_cannot_be_told_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "data").symlink_to(project / "flows")
    with pytest.raises(CannotTellError):
        tree(str(project))
    (project / "data").unlink()
    monkeypatch.setattr(look, "MOST_FILES", 0)
    with pytest.raises(CannotTellError):
        tree(str(project))
    with pytest.raises(CannotTellError):
        tree(str(project / "nowhere"))


def test_a_file_that_comes_is_a_change(tmp_path: Path) -> None:
    path = tmp_path / "flowtui.toml"
    before = file(str(path))
    path.touch()
    assert file(str(path)) != before


def test_the_environment_counts_but_not_the_terminal() -> None:
    before = environment({"DATABASE": "a", "TERM": "xterm", "SHLVL": "1"})
    assert environment({"DATABASE": "a", "TERM": "screen", "SSH_TTY": "/dev/pts/3"}) == before
    assert environment({"DATABASE": "b"}) != before
