"""Searching the history, and forgetting the old of it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowtui.cli import run
from flowtui.deploy.events import (
    DeployFinished,
    DeployStarted,
    Outcome,
    Stage,
    log_line,
    problem_found,
)
from flowtui.deploy.history import History, Recorder
from flowtui.deploy.history_search import HistoryQuery, moment, search
from flowtui.errors import UsageError
from flowtui.models import Problem

MANY = 10_000


def record(
    deploy: str,
    flow: str = "etl",
    *,
    at: float = 1000.0,
    root: str = "/srv/a",
    outcome: Outcome | None = Outcome.DONE,
    lines: Iterable[str] = (),
    problem: str = "",
) -> None:
    recorder = History().recorder(Path(root), "")
    recorder(
        DeployStarted(
            deploy=deploy, at=at, flow=flow, target="f.py:x", project="Team", api_url="http://x"
        )
    )
    for line in lines:
        recorder(log_line(deploy, Stage.BUILD, line))
    if problem:
        recorder(problem_found(deploy, Stage.BUILD, Problem(problem, "there", "mend it")))
    if outcome is not None:
        recorder(
            DeployFinished(
                deploy=deploy,
                at=at + 5,
                flow=flow,
                outcome=outcome,
                seconds=5.0,
                exit_code=0,
                version=4 if outcome is Outcome.DONE else None,
            )
        )
    assert recorder.close() is None


def found(**query: object) -> list[str]:
    return [hit.record.id for hit in search(History(), HistoryQuery(**query))]  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def past(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recorder, "_BATCH_SECONDS", 0.0)
    record("a1", "etl", at=1000.0, lines=["Step 1/3 : FROM python", 'said "50%_done" \\ ok'])
    record("b2", "report", at=2000.0, outcome=Outcome.FAILED, problem="no space left")
    record("c3", "etl", at=3000.0, root="/srv/b", lines=["\x1b[31mÜber\x1b[0mraschung"])


def test_without_anything_all_are_found_newest_first() -> None:
    assert found() == ["c3", "b2", "a1"]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("report", ["b2"]),
        ("ETL v4", ["c3", "a1"]),
        ("team failed", ["b2"]),
        ("/srv/b", ["c3"]),
        ("b2", ["b2"]),
        ("nowhere", []),
        ("step 1/3", ["a1"]),
        ("SPACE LEFT", ["b2"]),
        ("mend it", ["b2"]),
        ('"50%_done" \\ ok', ["a1"]),
        ("50%done", []),
        ("überraschung", ["c3"]),
        ("level", []),
        ("deploy_started", []),
    ],
)
def test_a_text_is_looked_for_in_what_it_was_and_in_its_log(text: str, ids: list[str]) -> None:
    assert found(text=text) == ids


def test_the_first_line_with_the_text_is_given_cleaned() -> None:
    (hit,) = search(History(), HistoryQuery(text="überraschung"))
    assert hit.line == "Überraschung"
    (hit,) = search(History(), HistoryQuery(text="report"))
    assert hit.line == ""


def test_folder_flow_outcome_and_time_all_hold() -> None:
    assert found(root="/srv/a") == ["b2", "a1"]
    assert found(root="/srv/a", flow="etl") == ["a1"]
    assert found(outcome="failed") == ["b2"]
    assert found(since=1500.0, flow="etl") == ["c3"]


def test_one_whose_process_died_is_found_as_interrupted() -> None:
    record("d4", outcome=None)
    with closing(sqlite3.connect(History().path)) as db:
        db.execute("UPDATE deploys SET process_started = 'another' WHERE id = 'd4'")
        db.commit()
    assert found(outcome="interrupted") == ["d4"]
    assert found(text="interrupted") == ["d4"]


def test_a_search_stops_when_it_is_no_longer_wanted() -> None:
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) == 2

    hits = list(search(History(), HistoryQuery(), stop=stop))
    assert [hit.record.id for hit in hits] == ["c3"]


def test_times() -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    assert moment("2d", now) == now.timestamp() - 2 * 86_400
    assert moment("2026-11-20T00:00:00+00:00") == datetime(2026, 11, 20, tzinfo=UTC).timestamp()
    for wrong in ("soon", "12x", "", "999999999999w"):
        with pytest.raises(UsageError, match="not a time"):
            moment(wrong)


def many() -> None:
    history = History()
    with history.open() as db, db:
        db.executemany(
            "INSERT INTO deploys (id, started, pid, process_started, root, target, flow, project,"
            " api_url, outcome) VALUES (?, ?, 1, '', ?, 'f.py:f', ?, 'Team', 'u', 'done')",
            [(f"m{n}", 5000.0 + n, f"/work/{n % 2}", f"flow {n % 50}") for n in range(MANY)],
        )


def test_ten_thousand_are_read_by_the_index_and_never_sorted() -> None:
    many()
    assert len(found(root="/work/1")) == MANY // 2
    with History().open() as db:
        for where in ("", "WHERE root = '/work/1'"):
            plan = db.execute(
                f"EXPLAIN QUERY PLAN SELECT * FROM deploys {where}"
                " ORDER BY started DESC, rowid DESC"
            ).fetchall()
            told = " ".join(row["detail"] for row in plan)
            assert "USING INDEX" in told and "TEMP B-TREE" not in told


# ------------------------------------------------------------------------------------- the old ones


def test_the_newest_good_deploy_of_each_flow_is_never_forgotten() -> None:
    record("e5", "etl", at=3500.0, outcome=Outcome.FAILED)
    history = History()
    assert history.forgettable(before=4000.0) == history.forget(before=4000.0) == 3
    assert found() == ["c3"]
    with history.open() as db:
        assert {row["deploy"] for row in db.execute("SELECT deploy FROM events")} == {"c3"}


def test_one_that_may_still_run_is_not_forgotten() -> None:
    record("d4", outcome=None, at=time.time() - 60)
    History().forget(before=time.time())
    assert "d4" in found()


def test_prune_asks_and_does_nothing_without_a_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    assert run(["history", "prune", "--older-than", "1d"]) == 130
    assert len(found()) == 3
    assert run(["history", "prune", "--older-than", "1d", "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"deleted": 2}
    assert found() == ["c3"]


# --------------------------------------------------------------------------------- the command line


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    assert run(["history", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_command_line_searches(capsys: pytest.CaptureFixture[str]) -> None:
    (hit,) = told(capsys, "--search", "step 1/3")
    assert (hit["id"], hit["line"]) == ("a1", "Step 1/3 : FROM python")
    assert [hit["id"] for hit in told(capsys, "--outcome", "failed")] == ["b2"]
    assert [hit["id"] for hit in told(capsys, "--limit", "1")] == ["c3"]
    assert len(told(capsys, "--limit", "0", "--since", "2000-01-01")) == 0
    assert run(["history", "--search", "space"]) == 0
    assert "LINE" in capsys.readouterr().out


def test_a_folder_is_any_path_of_the_project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "flowtui.toml").touch()
    (tmp_path / "inner").mkdir()
    record("f6", root=str(tmp_path))
    hits = told(capsys, "--folder", str(tmp_path / "inner"))
    assert [hit["id"] for hit in hits] == ["f6"]


def test_an_id_is_found_by_its_first_characters(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["history", "a"]) == 0
    assert "Step 1/3" in capsys.readouterr().err
    record("a2")
    assert run(["history", "a"]) == 2
    assert run(["history", "zz"]) == 2
