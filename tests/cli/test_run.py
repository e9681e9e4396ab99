"""`flowtui run`: what is asked of the control plane, and what is refused before."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flowtui.errors import ExitCode
from flowtui.models import Discovery, FlowVersion, Json
from flowtui.run_models import Parameter, RunRequest
from tests.cli.memory_session import MemorySession
from tests.tui.memory import flow


@pytest.fixture
def session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> MemorySession:
    return MemorySession(tmp_path, monkeypatch, capsys)


@pytest.fixture
def etl(session: MemorySession) -> FlowVersion:
    plane = session.control_plane
    plane.add_project("team")
    version = plane.add_version("etl", "team")
    plane.parameter_lists[version.id] = (
        Parameter("day", True),
        Parameter("size", False, 5),
        Parameter("config", False, {"a": "x" * 60}),
    )
    return version


def requested(session: MemorySession, *words: str) -> RunRequest:
    code, _, err = session.run("run", "etl", *words)
    assert code == ExitCode.OK, err
    return session.control_plane.requests[-1]


def refused(session: MemorySession, *words: str) -> str:
    """What is said when nothing may be sent."""
    code, out, err = session.run("run", *words)
    assert code == ExitCode.USAGE, err
    assert out == ""
    assert session.control_plane.requests == []
    return err


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (("-p", "day=5"), 5),
        (("-p", "day=-0.5"), -0.5),
        (("-p", "day=true"), True),
        (("-p", "day=null"), None),
        (("-p", 'day=[1, {"a": "ü"}]'), [1, {"a": "ü"}]),
        (("-p", 'day="5"'), "5"),
        (("-p", "day=2026-11-20"), "2026-11-20"),
        (("-p", "day=NaN"), "NaN"),
        (("-p", "day=a=b"), "a=b"),
        (("-p", "day="), ""),
        (("--param-text", "day=5"), "5"),
        (("--param-text", 'day={"a'), '{"a'),
    ],
)
def test_a_value_is_json_where_it_is_some(
    session: MemorySession, etl: FlowVersion, words: tuple[str, ...], value: Json
) -> None:
    assert requested(session, *words) == RunRequest(etl.id, {"day": value})


def test_the_id_goes_to_stdout_and_the_words_do_not(
    session: MemorySession, etl: FlowVersion
) -> None:
    code, out, err = session.run("run", "etl", "-p", "day=1")
    (run,) = session.control_plane.runs
    assert (code, out) == (ExitCode.OK, f"{run.id}\n")
    assert "“etl” version 1 in “team” is Scheduled" in err
    assert session.json("run", "etl", "-p", "day=2")["parameters"]["day"] == 2


def test_parameters_come_from_a_file_and_from_stdin(
    session: MemorySession, etl: FlowVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "p.json").write_text('{"day": "from file", "size": 1}')
    request = requested(session, "--params", "p.json", "-p", "size=2")
    assert request.parameters == {"day": "from file", "size": 2}
    monkeypatch.setattr("sys.stdin", io.StringIO('{"day": [1]}'))
    assert requested(session, "--params", "-").parameters == {"day": [1]}


def test_everything_else_goes_along(session: MemorySession, etl: FlowVersion) -> None:
    config = '{"type": "DockerRun", "image": "x"}'
    request = requested(
        session,
        "-p",
        "day=1",
        "--label",
        "b",
        "--label",
        "a",
        "--name",
        "n",
        "--run-config",
        config,
    )
    assert (request.labels, request.name, request.start) == (("b", "a"), "n", None)
    assert request.run_config == {"type": "DockerRun", "image": "x"}
    assert requested(session, "-p", "day=1", "--no-labels").labels == ()


@pytest.mark.parametrize("words", [("--in", "2h"), ("--at",)])
def test_a_later_start(session: MemorySession, etl: FlowVersion, words: tuple[str, ...]) -> None:
    now = datetime.now(UTC)
    wanted = now + timedelta(hours=2)
    if words == ("--at",):
        words = ("--at", wanted.isoformat())
    start = requested(session, "-p", "day=1", *words).start
    assert start is not None
    assert wanted <= start <= wanted + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("etl",), "needs a value for “day”"),
        (("etl", "-p", "day=1", "-p", "sise=2"), "no parameter “sise” (did you mean “size”?)"),
        (("etl", "-p", "sise=2"), "no parameter “sise” (did you mean “size”?) and it needs"),
        (("etl", "-p", "day=1", "-p", "day=2"), "“day” is given twice"),
        (("etl", "-p", "day=1", "--param-text", "day=2"), "“day” is given twice"),
        (("etl", "-p", "day"), "write it as NAME=VALUE"),
        (("etl", "-p", 'day={"a"'), "--param-text day=…"),
        (("etl", "--params", "none.json"), "No such file"),
        (("etl", "--params", "list.json"), "must be a JSON object"),
        (("etl", "--params", "broken.json"), "is not JSON"),
        (("etl", "--params", "bytes.json"), "not UTF-8"),
        (("etl", "-p", "day=1", "--label", "a", "--no-labels"), "leave one of them out"),
        (("etl", "-p", "day=1", "--at", "12:00", "--in", "5m"), "leave one of them out"),
        (("etl", "-p", "day=1", "--at", "2020-01-01 00:00"), "is over"),
        (("etl", "-p", "day=1", "--at", "2020-01-01T00:00:00Z"), "is over"),
        (("etl", "-p", "day=1", "--at", "soon"), "write a time as 14:30"),
        (("etl", "-p", "day=1", "--in", "14:30"), "not a length of time"),
        (("etl", "-p", "day=1", "--run-config", "{}"), '"type" is one of'),
        (("etl", "-p", "day=1", "--run-config", "[1"), "--run-config:"),
        (("nothing",), "no flow “nothing” is registered"),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_is_sent(
    session: MemorySession, etl: FlowVersion, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "broken.json").write_text('{"a": 1')
    (tmp_path / "bytes.json").write_bytes(b'{"a": "\xff"}')
    assert said in refused(session, *words)


def test_the_flows_own_parameters_are_listed(session: MemorySession, etl: FlowVersion) -> None:
    err = refused(session, "etl", "-p", "x=1")
    assert "day  (required)" in err
    assert "size = 5" in err
    (line,) = [line for line in err.splitlines() if "config =" in line]
    assert line.endswith("…")


def test_a_flow_is_named_by_its_target_and_its_versions_id(
    session: MemorySession, etl: FlowVersion, tmp_path: Path
) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows/etl.py").write_text("")
    session.workspace.found = Discovery(str(tmp_path), (flow("etl"), flow("new", line=20)), (), 1)
    code, _, err = session.run("run", "flows/etl.py:etl", "-p", "day=1")
    assert code == ExitCode.OK, err
    session.control_plane.requests.clear()
    assert "there are 2 flows in “flows/etl.py”: “etl”, “new”" in refused(session, "flows/etl.py")
    assert "deploy it first: flowtui deploy new" in refused(session, "new")


def test_a_version_that_is_archived(session: MemorySession, etl: FlowVersion) -> None:
    plane = session.control_plane
    plane.version_list[0] = FlowVersion(
        "deadbeef-0000-4000-8000-000000000000", "old", 1, "team", True, None, "1.4.1"
    )
    assert "“old” is archived" in refused(session, "deadbeef")


def test_a_flow_of_two_projects_needs_one_named(session: MemorySession, etl: FlowVersion) -> None:
    other = session.control_plane.add_version("etl", "other")
    assert "add --project NAME" in refused(session, "etl", "-p", "day=1")
    assert requested(session, "--project", "other").version_id == other.id
