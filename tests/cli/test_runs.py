"""`flowtui runs` and `flowtui logs` on a control plane in memory."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flowtui.errors import ControlPlaneError, ExitCode
from flowtui.models import FlowVersion
from flowtui.run_models import Parameter
from tests.cli.memory_session import MemorySession
from tests.tui.memory_runs import MemoryRuns

HOSTILE = "\x1b]0;title\x07\x1b[2Jname"


@pytest.fixture
def session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> MemorySession:
    return MemorySession(tmp_path, monkeypatch, capsys)


@pytest.fixture
def plane(session: MemorySession) -> MemoryRuns:
    return session.control_plane


@pytest.fixture
def etl(session: MemorySession) -> FlowVersion:
    session.control_plane.add_project("team")
    return session.control_plane.add_version("etl", "team")


# ------------------------------------------------------------------------------------------- list


def names(found: list[dict[str, str]]) -> list[str]:
    return [run["name"] for run in found]


def test_the_latest_first_and_those_of_later_only_when_asked_for(
    session: MemorySession, plane: MemoryRuns, etl: FlowVersion
) -> None:
    plane.add_run(etl, name="first")
    plane.add_run(etl, name="later", start=datetime.now(UTC) + timedelta(hours=3))
    plane.add_run(etl, name="second")
    assert names(session.json("runs")) == ["second", "first"]
    assert names(session.json("runs", "--upcoming")) == ["later"]
    assert names(session.json("runs", "etl", "--limit", "1")) == ["second"]
    assert "--limit" in session.run("runs", "etl", "--limit", "1")[2]
    assert session.json("runs", "other") == []
    code, out, err = session.run("runs")
    assert (code, err) == (ExitCode.OK, "")
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["STATE", "RUN"], ["Scheduled", "second"], ["Scheduled", "first"],
    ]  # fmt: skip


def test_states_by_flowtuis_words_and_by_prefects(
    session: MemorySession, plane: MemoryRuns, etl: FlowVersion
) -> None:
    for state in ("Success", "Failed", "TimedOut", "Running", "Cancelled"):
        plane.move_run(plane.add_run(etl, name=state).id, state)
    assert set(names(session.json("runs", "--state", "failed"))) == {"Failed", "TimedOut"}
    assert names(session.json("runs", "--state", "TimedOut")) == ["TimedOut"]
    both = session.json("runs", "--state", "succeeded", "--state", "running")
    assert set(names(both)) == {"Success", "Running"}
    code, _, err = session.run("runs", "--state", "fialed")
    assert code == ExitCode.USAGE
    assert "waiting, running, failed" in err


def test_since(session: MemorySession, plane: MemoryRuns, etl: FlowVersion) -> None:
    now = datetime.now(UTC)
    plane.add_run(etl, name="old", start=now - timedelta(days=3))
    plane.add_run(etl, name="new", start=now - timedelta(minutes=3))
    assert names(session.json("runs", "--since", "2h")) == ["new"]
    day = (now - timedelta(days=5)).date().isoformat()
    assert names(session.json("runs", "--since", day)) == ["new", "old"]
    assert session.run("runs", "--since", "yesterday")[0] == ExitCode.USAGE


def test_nothing_to_list_says_what_to_do(session: MemorySession) -> None:
    assert "flowtui run FLOW" in session.run("runs")[2]
    assert "--upcoming" in session.run("runs", "etl")[2]
    assert "planned for later" in session.run("runs", "--upcoming")[2]


# ------------------------------------------------------------------------------------------- show


def test_mapped_task_runs_are_folded_to_counts(
    session: MemorySession, plane: MemoryRuns, etl: FlowVersion
) -> None:
    run = plane.add_run(etl, name=HOSTILE, parameters={"day": "ü"}, labels=("a", "b"))
    plane.move_run(run.id, "Running", "Running flow.")
    plane.add_task_run(run.id, "extract", "Success")
    plane.add_task_run(run.id, "load", "Mapped")
    for index in range(130):
        plane.add_task_run(run.id, "load", "Failed" if index < 2 else "Success", map_index=index)
    plane.move_run(run.id, "Failed", "Some reference tasks failed.")
    code, out, _ = session.run("runs", "show", run.id[:8])
    assert code == ExitCode.OK
    assert "\x1b" not in out
    assert "130 mapped: 128 done, 2 failed" in out
    assert '{"day": "ü"}' in out
    assert "a, b" in out
    lines = out.splitlines()
    states = [line.split()[0] for line in lines if line.split()[:1] and "2026-" in line[:40]]
    assert [each for each in states if each in ("Scheduled", "Running", "Failed")] == [
        "Scheduled", "Running", "Failed",
    ]  # fmt: skip
    assert sum("load" in line for line in lines) == 1
    told = session.json("runs", "show", run.id)
    assert len(told["task_runs"]) == 132
    assert [state["state"] for state in told["states"]] == ["Scheduled", "Running", "Failed"]


def test_a_run_that_is_meant_must_be_the_only_one(
    session: MemorySession, plane: MemoryRuns, etl: FlowVersion
) -> None:
    first, second = plane.add_run(etl, name="same"), plane.add_run(etl, name="same")
    code, out, err = session.run("runs", "show", "same")
    assert (code, out) == (ExitCode.USAGE, "")
    assert first.id in err
    assert second.id in err
    assert session.run("runs", "show", second.id)[0] == ExitCode.OK
    code, _, err = session.run("runs", "show", "nobody")
    assert code == ExitCode.USAGE
    assert "there is no run “nobody”" in err


# ----------------------------------------------------------------------------------------- cancel


def test_cancelling_needs_a_yes(
    session: MemorySession, plane: MemoryRuns, etl: FlowVersion
) -> None:
    run = plane.add_run(etl, name="one")
    code, _, err = session.run("runs", "cancel", "one")
    assert code == ExitCode.USAGE
    assert "--yes" in err
    assert plane.cancelled == []
    assert session.run("runs", "cancel", "one", "--yes")[0] == ExitCode.OK
    assert plane.runs[0].state == "Cancelled"
    assert plane.cancelled == [run.id]
    code, _, err = session.run("runs", "cancel", "one")
    assert code == ExitCode.OK, "there is nothing to ask about"
    assert "was over already (Cancelled)" in err


def test_several_are_cancelled_and_each_result_is_told(
    session: MemorySession, plane: MemoryRuns, etl: FlowVersion
) -> None:
    plane.add_run(etl, name="waits")
    old = plane.add_run(replace(etl, core_version="0.12.6"), name="old")
    plane.move_run(old.id, "Running")
    results = session.json("runs", "cancel", "waits", "old", "old", "--yes")
    assert [each["state"] for each in results] == ["Cancelled", "Cancelling"]
    plane.move_run(old.id, "Running")
    _, _, err = session.run("runs", "cancel", "old", "--yes")
    assert "Prefect 0.12.6 does not look for that" in err


def test_a_name_that_is_wrong_cancels_none(
    session: MemorySession, plane: MemoryRuns, etl: FlowVersion
) -> None:
    plane.add_run(etl, name="one")
    assert session.run("runs", "cancel", "one", "two", "--yes")[0] == ExitCode.USAGE
    assert plane.cancelled == []


def test_one_that_is_refused_does_not_keep_the_others(
    session: MemorySession,
    plane: MemoryRuns,
    etl: FlowVersion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad, good = plane.add_run(etl, name="bad"), plane.add_run(etl, name="good")
    cancel = plane.cancel_run

    async def refusing(run_id: str) -> str:
        if run_id == bad.id:
            raise ControlPlaneError("not this one")
        return await cancel(run_id)

    monkeypatch.setattr(plane, "cancel_run", refusing)
    code, _, err = session.run("runs", "cancel", "bad", "good", "--yes")
    assert code == ExitCode.CONTROL_PLANE
    assert "not this one" in err
    assert plane.cancelled == [good.id]


# ------------------------------------------------------------------------------------ again, why


def test_again_is_the_same_run_once_more(
    session: MemorySession, plane: MemoryRuns, etl: FlowVersion
) -> None:
    before = plane.add_run(etl, name="one", parameters={"a": [1]}, labels=("x",))
    assert session.run("runs", "again", "one")[0] == ExitCode.OK
    request = plane.requests[0]
    assert (request.version_id, request.parameters, request.labels) == (etl.id, {"a": [1]}, ("x",))
    assert plane.runs[0].id != before.id


def test_again_of_an_archived_version_offers_the_newest(
    session: MemorySession, plane: MemoryRuns, etl: FlowVersion
) -> None:
    archived = replace(etl, archived=True)
    plane.version_list[0] = archived
    plane.add_run(archived, name="one", parameters={"a": 1})
    newest = session.control_plane.add_version("etl", "team")
    code, _, err = session.run("runs", "again", "one")
    assert code == ExitCode.USAGE
    assert "version 1 of “etl” is archived" in err
    assert "--newest" in err
    plane.parameter_lists[newest.id] = (Parameter("b", False, 1),)
    code, _, err = session.run("runs", "again", "one", "--newest")
    assert code == ExitCode.USAGE
    assert "no parameter “a”" in err
    assert plane.requests == []
    plane.parameter_lists[newest.id] = (Parameter("a", False, 1),)
    assert session.run("runs", "again", "one", "--newest")[0] == ExitCode.OK
    assert plane.requests[0].version_id == newest.id


def test_why_a_run_waits(session: MemorySession, plane: MemoryRuns, etl: FlowVersion) -> None:
    run = plane.add_run(etl, name="one")
    code, out, _ = session.run("runs", "why", "one")
    assert code == ExitCode.OK
    assert "no agent" in out
    assert "flowtui agent start" in out
    (reason,) = session.json("runs", "why", "one")["waiting"]
    assert reason["kind"] == "no agent"
    plane.move_run(run.id, "Success")
    assert "does not wait" in session.run("runs", "why", "one")[1]


# ------------------------------------------------------------------------------------------- logs


@pytest.fixture
def logged(plane: MemoryRuns, etl: FlowVersion) -> str:
    run = plane.add_run(etl, name="one")
    load = plane.add_task_run(run.id, "load", "Mapped")
    child = plane.add_task_run(run.id, "load", "Success", map_index=3)
    plane.add_line(run.id, "begin")
    plane.add_line(run.id, "\x1b[31mred\x1b[0m \x1b]0;t\x07\nsecond", "ERROR", task_run_id=child.id)
    plane.add_line(run.id, "of load", "DEBUG", task_run_id=load.id)
    return run.id


def texts(session: MemorySession, *words: str) -> list[str]:
    code, out, err = session.run("logs", "one", *words, "--json")
    assert code == ExitCode.OK, err
    return [json.loads(line)["text"] for line in out.splitlines()]


def test_a_log_is_cleaned_and_filtered(session: MemorySession, logged: str) -> None:
    assert texts(session) == ["begin", "red \nsecond", "of load"]
    assert texts(session, "--level", "info") == ["begin", "red \nsecond"]
    assert texts(session, "--task", "load") == ["red \nsecond", "of load"]
    assert texts(session, "--task", "load[3]") == ["red \nsecond"]
    code, out, _ = session.run("logs", "one")
    assert code == ExitCode.OK
    assert "\x1b" not in out
    lines = out.splitlines()
    assert len(lines) == 4
    assert lines[1].index("red") > lines[2].index("second") > 10


def test_a_task_that_is_not_there(session: MemorySession, logged: str) -> None:
    code, _, err = session.run("logs", "one", "--task", "laod")
    assert code == ExitCode.USAGE
    assert "its tasks: load" in err


def test_no_lines(session: MemorySession, plane: MemoryRuns, etl: FlowVersion) -> None:
    plane.add_run(etl, name="one")
    assert "no lines yet" in session.run("logs", "one")[2]
    assert "no such lines" in session.run("logs", "one", "--level", "ERROR")[2]


def test_following_what_is_over_ends_at_once_with_its_code(
    session: MemorySession, plane: MemoryRuns, etl: FlowVersion
) -> None:
    codes = {"Success": 0, "Failed": 1, "TimedOut": 1, "Cancelled": ExitCode.RUN_CANCELLED}
    for state, expected in codes.items():
        run = plane.add_run(etl, name=state)
        plane.move_run(run.id, state, "the end")
        code, out, err = session.run("logs", state, "--follow")
        assert code == expected
        assert [line.split()[2] for line in out.splitlines()] == ["Scheduled", state]
        assert f"ended as {state}" in err
