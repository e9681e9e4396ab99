import json
from dataclasses import replace

import pytest

from flowtui.deploy.events import (
    DeployFinished,
    DeployStarted,
    Event,
    Level,
    LogLine,
    Outcome,
    Planned,
    ProblemFound,
    Progress,
    Stage,
    StageFinished,
    StageStarted,
    from_json,
    log_line,
    problem_found,
    tidied,
    to_json,
)
from flowtui.models import Problem
from flowtui.text import MASK, redact

_EVENTS: list[Event] = [
    DeployStarted(deploy="d", flow="f", target="f.py:f", project="p", api_url="http://x"),
    Planned(
        deploy="d",
        flow="f",
        project="p",
        storage="docker",
        lane="docker image",
        reasons=("new",),
        content_hash="ab",
        image="r/f:ab",
    ),
    StageStarted(deploy="d", stage=Stage.BUILD),
    LogLine(deploy="d", stage=Stage.BUILD, text="Step 1", level=Level.WARNING),
    Progress(deploy="d", stage=Stage.PUSH, item="layer", current=1, total=None, unit="bytes"),
    StageFinished(deploy="d", stage=Stage.HEALTH_CHECK, outcome=Outcome.SKIPPED, seconds=0.1),
    ProblemFound(deploy="d", stage=None, what="w", where="x", fix="f"),
    DeployFinished(
        deploy="d", flow="f", outcome=Outcome.DONE, seconds=1.0, exit_code=0, version=3, digest="s"
    ),
]


@pytest.mark.parametrize("event", _EVENTS, ids=lambda event: event.kind)
def test_every_event_survives_json(event: Event) -> None:
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


def test_events_of_a_newer_flowtui_are_read_without_what_is_unknown() -> None:
    data = {**to_json(_EVENTS[2]), "invented": 1}
    assert from_json(data) == _EVENTS[2]


def test_outside_text_is_made_safe_at_the_border() -> None:
    redact.add("s3cr3t-token")
    hostile = "\x1b[31mred\x1b[0m s3cr3t-token\x1b]52;c;eA==\x07"
    line = tidied(log_line("d", Stage.BUILD, hostile))
    assert isinstance(line, LogLine)
    assert line.text == f"\x1b[31mred\x1b[0m {MASK}"
    problem = tidied(problem_found("d", None, Problem(hostile, "a\nb", "fix")))
    assert isinstance(problem, ProblemFound)
    assert (problem.what, problem.where) == (f"red {MASK}", "a\nb")
    planned = tidied(replace(_EVENTS[1], flow=hostile, reasons=(hostile,)))
    assert isinstance(planned, Planned)
    assert (planned.flow, planned.reasons) == (f"red {MASK}", (f"red {MASK}",))


@pytest.mark.parametrize("event", _EVENTS, ids=lambda event: event.kind)
def test_making_safe_changes_nothing_that_is_safe(event: Event) -> None:
    assert tidied(event) == event
