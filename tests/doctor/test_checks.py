"""The runner: every look gives lines, whatever it does, and no line tells a secret."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from flowtui.doctor.checks import (
    CannotTell,
    Check,
    Examination,
    Finding,
    Group,
    State,
    examine,
    finding,
)
from flowtui.doctor.report import Report
from flowtui.errors import UsageError
from flowtui.text import MASK, redact


def look(title: str, *checks: Check, group: Group = Group.FLOWTUI) -> Examination:
    async def answer() -> Sequence[Check]:
        return checks

    return Examination(group, title, answer)


def ok(name: str, value: str = "x") -> Check:
    return Check(name, State.OK, value)


async def only(examination: Examination) -> Check:
    (check,) = (await finding(examination)).checks
    return check


async def test_a_look_that_never_ends_is_unknown_at_its_limit() -> None:
    async def never() -> Sequence[Check]:
        await asyncio.Event().wait()
        return ()

    check = await only(Examination(Group.DOCKER, "engine", never, 0.01))
    assert (check.name, check.state) == ("engine", State.UNKNOWN)
    assert check.value == "no answer within 0.01 s"


async def test_what_a_look_raises_is_a_line_with_its_fix_and_no_traceback() -> None:
    async def refuses() -> Sequence[Check]:
        raise UsageError("it is wrong", where="here", fix="make it right")

    async def falls() -> Sequence[Check]:
        raise RuntimeError("unforeseen")

    async def has_nothing() -> Sequence[Check]:
        raise CannotTell("nothing to look at")

    check = await only(Examination(Group.PROJECT, "a", refuses))
    assert (check.state, check.value, check.fix) == (
        State.BAD,
        "it is wrong (here)",
        "make it right",
    )
    check = await only(Examination(Group.PROJECT, "b", falls))
    assert check.state is State.BAD and "RuntimeError: unforeseen" in check.value
    assert "Traceback" not in check.value and check.fix
    check = await only(Examination(Group.PROJECT, "c", has_nothing))
    assert (check.state, check.value) == (State.UNKNOWN, "nothing to look at")


async def test_findings_come_as_they_are_there_and_the_report_has_its_own_order() -> None:
    first_may_end = asyncio.Event()

    async def slow() -> Sequence[Check]:
        await first_may_end.wait()
        return (ok("slow"),)

    asked = (Examination(Group.FLOWTUI, "slow", slow), look("quick", ok("quick")))
    found: list[Finding] = []
    async for each in examine(asked):
        found.append(each)
        first_may_end.set()
    assert [each.title for each in found] == ["quick", "slow"]
    assert [check.name for check in Report.of(asked, found).checks] == ["slow", "quick"]


async def test_secrets_home_and_control_sequences_never_reach_the_report(own_home: Path) -> None:
    redact.add("tok-secret-8812")
    shown = await only(
        look(
            "x",
            ok("x", f"{own_home}/a \x1b]52;c;evil\x07tok-secret-8812 tcp://me:pw-123@host:1"),
        )
    )
    assert shown.value == f"~/a {MASK} tcp://{MASK}@host:1"
    beside = await only(look("y", ok("y", f"{own_home}work/a")))
    assert beside.value == f"{own_home}work/a"


def test_the_report_is_text_and_data() -> None:
    checks = (ok("one"), Check("two", State.BAD, "gone\nquite", "fetch it"))
    report = Report((Finding(Group.DOCKER, "d", checks), Finding(Group.FLOWTUI, "f", (ok("f"),))))
    text = report.text()
    assert text.startswith("# flowtui doctor: 1 bad\n")
    assert text.index("## flowtui") < text.index("## docker")
    assert "- BAD     two: gone\n  quite\n  - next: fetch it\n" in text
    data = json.loads(json.dumps(report.data()))
    assert data["ok"] is False
    assert data["checks"][1] == {
        "group": "docker",
        "name": "two",
        "state": "bad",
        "value": "gone\nquite",
        "fix": "fetch it",
    }
    assert Report(()).summary == "everything is well"
