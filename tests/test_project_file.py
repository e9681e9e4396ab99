"""An executor is written into the flow's own table, and all else in the file stays."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from flowtui.config import load_project
from flowtui.errors import UsageError
from flowtui.models import ExecutionOptions
from flowtui.project_file import choose_executor

_DASK = ExecutionOptions("dask", {"address": "tcp://c:8786", "adapt_kwargs": {"maximum": 3}})


def test_the_flows_table_is_made_and_comments_stay(tmp_path: Path) -> None:
    file = tmp_path / "flowtui.toml"
    before = """# ours
project = "P"  # the only one

[flows."nightly load".storage]
type = "local"  # no engine there
"""
    file.write_text(before)
    file.chmod(0o640)
    assert choose_executor(tmp_path, "nightly load", _DASK) == file
    after = file.read_text()
    assert all(line in after for line in before.splitlines())
    assert 'executor_kwargs = {address = "tcp://c:8786", adapt_kwargs = {maximum = 3}}' in after
    assert load_project(tmp_path).flows["nightly load"].execution == _DASK
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["flowtui.toml"]

    choose_executor(tmp_path, "nightly load", ExecutionOptions("local"))
    assert load_project(tmp_path).flows["nightly load"].execution == ExecutionOptions("local")

    choose_executor(tmp_path, "nightly load", None)
    assert file.read_text().strip() == before.strip()


def test_without_a_project_file_one_is_made(tmp_path: Path) -> None:
    file = choose_executor(tmp_path, "x", _DASK)
    assert file == tmp_path / "flowtui.toml"
    assert load_project(tmp_path).flows["x"].execution == _DASK
    choose_executor(tmp_path, "x", None)
    assert file.read_text().strip() == ""


def test_settings_in_pyproject_are_changed_there(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text('[project]\nname = "x"\n\n[tool.flowtui]\nproject = "P"\n')
    assert choose_executor(tmp_path, "x", ExecutionOptions("local-dask")) == file
    loaded = load_project(tmp_path)
    assert loaded.flows["x"].execution == ExecutionOptions("local-dask")
    assert loaded.table.project == "P"
    assert '[project]\nname = "x"\n' in file.read_text()


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ("project = 3", "project must be text"),
        ("this is = = no toml", "not valid TOML"),
        ("flows = 3", "must be a table"),
    ],
)
def test_a_file_that_is_not_good_is_left_as_it_is(
    tmp_path: Path, before: str, message: str
) -> None:
    file = tmp_path / "flowtui.toml"
    file.write_text(before)
    with pytest.raises(UsageError, match=message):
        choose_executor(tmp_path, "x", _DASK)
    assert file.read_text() == before


def test_what_toml_cannot_hold_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="TOML has no null"):
        choose_executor(tmp_path, "x", ExecutionOptions("dask", {"a": {"b": [1, None]}}))
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    real = tmp_path / "elsewhere" / "settings.toml"
    real.write_text("")
    root = tmp_path / "root"
    root.mkdir()
    (root / "flowtui.toml").symlink_to(real)
    choose_executor(root, "x", ExecutionOptions("local"))
    assert (root / "flowtui.toml").is_symlink()
    assert "local" in real.read_text()
