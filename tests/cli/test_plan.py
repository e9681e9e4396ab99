"""`flowtui plan`: what it prints, and its exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flowtui.deploy.change import Aspect, Change, Changes, Sign, Unknown
from flowtui.deploy.plan import Lane, Plan
from flowtui.errors import ControlPlaneError, DeployError
from flowtui.models import DeployTable, Discovery, LocalFlow
from tests.cli.memory_session import MemorySession
from tests.tui.memory import flow, plan_for

CHANGES = Changes(
    found=(
        Change(Aspect.PARAMETERS, Sign.CHANGED, "limit", "1", "2", field="parameters.limit"),
        Change(Aspect.PARAMETERS, Sign.ADDED, "country", after='"de"'),
        Change(Aspect.SCHEDULE, Sign.CHANGED, "nightly", "0 5 * * *", "0 2 * * *", kept=True),
        Change(Aspect.TAGS, Sign.REMOVED, "old"),
        Change(Aspect.SOURCES, Sign.CHANGED, "etl.py", lines=("@@ -1 +1 @@", "-x = 1", "+x = 2")),
    ),
    unknown=(Unknown(Aspect.EXECUTION, "not told"),),
    same=(Aspect.DEPENDENCIES, Aspect.STORAGE),
)


@pytest.fixture
def session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> MemorySession:
    return MemorySession(tmp_path, monkeypatch, capsys)


def planning(
    session: MemorySession, monkeypatch: pytest.MonkeyPatch, **plans: Plan | DeployError
) -> None:
    """A folder with flows of these names, each with its plan or the error of making it."""
    flows = tuple(flow(name, f"{name}.py") for name in plans)
    session.workspace.found = Discovery(str(session.workspace.root), flows)

    async def plan(each: LocalFlow, overrides: DeployTable | None = None, **_: object) -> Plan:
        made = plans[each.name or ""]
        if isinstance(made, DeployError):
            raise made
        return replace(made, flow=each)

    monkeypatch.setattr(session.workspace, "plan", plan)


def unchanged(name: str) -> Plan:
    return replace(plan_for(flow(name), Lane.NOTHING), changes=Changes(same=(Aspect.SOURCES,)))


def changed(name: str) -> Plan:
    current = replace(plan_for(flow(name), Lane.LOCAL), changes=CHANGES)
    return replace(current, project_exists=True)


def test_nothing_to_do_is_0_and_any_change_is_10(
    session: MemorySession, monkeypatch: pytest.MonkeyPatch
) -> None:
    planning(session, monkeypatch, same=unchanged("same"), other=changed("other"))
    code, out, err = session.run("plan", "same")
    assert (code, "lane: nothing to do" in out) == (0, True), err
    assert session.run("plan", "other")[0] == 10
    code, out, err = session.run("plan", "--all")
    assert code == 10
    assert out.index("same") < out.index("other")
    assert "1 flow changes, 1 is unchanged" in err


def test_a_plan_that_cannot_be_made_counts_more_than_a_change_and_stops_no_other(
    session: MemorySession, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = DeployError("it does not import", where="bad.py:1", fix="mend it")
    planning(session, monkeypatch, bad=bad, other=changed("other"))
    code, out, err = session.run("plan", "--all")
    assert code == 1
    assert "other  →  My Project" in out
    assert "it does not import" in err
    assert "1 flow changes, 1 cannot be planned" in err


def test_each_change_is_told_with_its_sign_and_what_stays_with_why(
    session: MemorySession, monkeypatch: pytest.MonkeyPatch
) -> None:
    planning(session, monkeypatch, other=changed("other"))
    _, out, _ = session.run("plan", "other")
    lines = out.splitlines()
    assert "    ~ limit    1 → 2" in lines
    assert '    + country  "de"' in lines
    stays = "    = nightly  0 5 * * *  edited elsewhere, stays (the project says 0 2 * * *)"
    assert stays in lines
    assert "        +x = 2" in lines
    assert "  same: dependencies, storage" in lines
    assert "  ? execution: not compared, not told" in lines
    assert "settings:" not in out
    assert "settings:" in session.run("plan", "other", "-v")[1]


def test_as_json_a_line_for_each_flow_and_one_at_the_end(
    session: MemorySession, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = DeployError("it does not import", where="bad.py:1")
    planning(session, monkeypatch, bad=bad, other=changed("other"))
    code, out, _ = session.run("plan", "--all", "--json")
    error, plan, result = (json.loads(line) for line in out.splitlines())
    assert (code, result["exit_code"]) == (1, 1)
    assert (error["event"], error["target"]) == ("error", "bad.py:bad")
    kept = [each["name"] for each in plan["changes"] if each["kept"]]
    assert (plan["event"], plan["lane"], kept) == ("plan", "local storage", ["nightly"])


@pytest.mark.parametrize("words", [[], ["--all", "other"]])
def test_targets_or_all_of_them(
    session: MemorySession, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    planning(session, monkeypatch, other=changed("other"))
    code, _, err = session.run("plan", *words)
    assert code == 2
    assert "--all" in err


def test_without_the_control_plane_nothing_is_planned(
    session: MemorySession, monkeypatch: pytest.MonkeyPatch
) -> None:
    planning(session, monkeypatch, other=changed("other"))

    async def connect() -> Any:
        raise ControlPlaneError("nothing answers")

    monkeypatch.setattr(session.workspace, "connect", connect)
    assert session.run("plan", "other")[0] == 4
