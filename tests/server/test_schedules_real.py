"""The moments of a schedule are those that real Prefects give."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flowtui.server.schedules import next_events, read_schedule
from tests.parts.prefects import prefect_python
from tests.server.schedule_cases import cases

pytestmark = pytest.mark.real
CLIENT = Path(__file__).parent / "clients" / "next_moments.py"
NUMBER = 300
PENDULUM_2 = "pendulum<3"
"""Without it a cron clock of 0.15 and later fails: it needs a part that pendulum 3 took away."""


def real_answers(core_version: str, asked: list[dict[str, Any]]) -> list[Any]:
    extra = () if core_version == "0.6.1" else (PENDULUM_2,)
    done = subprocess.run(
        [str(prefect_python(core_version, *extra)), str(CLIENT)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def our_answer(core_version: str, case: dict[str, Any]) -> list[Any]:
    schedule = read_schedule(case["schedule"], core_version)
    after = datetime.fromisoformat(case["after"])
    return [
        [
            event.start.astimezone(UTC).isoformat(),
            event.defaults.parameters,
            None if event.defaults.labels is None else list(event.defaults.labels),
        ]
        for event in next_events(schedule, case["number"], after)
    ]


def goes_on_for_ever(answer: Any) -> bool:
    return isinstance(answer, dict) and "goes on for ever" in answer["error"]


def not_before(answer: Any, after: str) -> Any:
    """Prefect up to 0.9 also gives the last moments before the one asked for."""
    return [event for event in answer if event[0] >= after] if isinstance(answer, list) else answer


@pytest.mark.parametrize("core_version", ["0.6.1", "0.15.13", "1.4.1"])
def test_moments_are_those_of_the_flow_s_own_prefect(core_version: str) -> None:
    asked = cases(NUMBER, core_version)
    compared = 0
    for case, answer in zip(asked, real_answers(core_version, asked), strict=True):
        ours = our_answer(core_version, case)
        if goes_on_for_ever(answer):
            continue
        theirs = not_before(answer, case["after"])
        assert ours[: len(theirs)] == theirs, case
        assert len(ours) == len(theirs) or len(answer) == case["number"], case
        compared += 1
    assert compared > NUMBER * 0.95
