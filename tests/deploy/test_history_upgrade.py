"""The history file grows with flowtui: older files are upgraded, newer ones still read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flowtui.deploy import history as module
from flowtui.deploy.events import DeployStarted
from flowtui.deploy.history import History


def record(history: History, deploy: str) -> None:
    recorder = history.recorder(Path("/p"), "")
    recorder(DeployStarted(deploy=deploy, flow="f", target="t", project="p", api_url="u"))
    assert recorder.close() is None


def version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def test_a_file_from_before_the_upgrades_keeps_its_deploys(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite")
    record(history, "old")
    with closing(sqlite3.connect(history.path)) as db:
        db.execute("DROP INDEX deploys_by_time")
        db.execute("ALTER TABLE deploys DROP COLUMN label")
        db.execute("PRAGMA user_version = 0")
        db.commit()
    assert [each.id for each in history.recent()] == ["old"]
    with history.open() as db:
        assert "deploys_by_time" in {
            row["name"] for row in db.execute("SELECT name FROM sqlite_master")
        }
    assert version(history.path) == len(module._UPGRADES)


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(tmp_path / "h.sqlite")
    record(history, "old")
    before = version(history.path)
    known = module._UPGRADES
    broken = (*known, "ALTER TABLE deploys ADD COLUMN more TEXT", "ALTER TABLE nothing ADD x")
    monkeypatch.setattr(module, "_UPGRADES", broken)
    with pytest.raises(module.FlowtuiError, match="nothing"):
        history.recent()
    monkeypatch.setattr(module, "_UPGRADES", known)
    assert [each.id for each in history.recent()] == ["old"]
    with closing(sqlite3.connect(history.path)) as db:
        names = [row[1] for row in db.execute("PRAGMA table_info(deploys)")]
    assert "more" not in names and version(history.path) == before


def test_a_file_of_a_newer_flowtui_is_read_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(tmp_path / "h.sqlite")
    known = module._UPGRADES
    newer = (*known, "ALTER TABLE deploys ADD COLUMN more TEXT DEFAULT 'x'")
    monkeypatch.setattr(module, "_UPGRADES", newer)
    record(history, "new")
    monkeypatch.setattr(module, "_UPGRADES", known)
    record(history, "older")
    assert {each.id for each in history.recent()} == {"new", "older"}
    assert version(history.path) == len(newer)
