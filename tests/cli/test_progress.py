import io
import sys

import pytest

from flowtui.cli.progress import EventPrinter
from flowtui.deploy.events import (
    DeployFinished,
    DeployStarted,
    Event,
    Outcome,
    Progress,
    Stage,
    StageFinished,
    StageStarted,
    log_line,
    problem_found,
)
from flowtui.models import Problem


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _failing() -> list[Event]:
    return [
        DeployStarted(deploy="d", flow="f", target="f.py:f", project="p", api_url="u"),
        StageStarted(deploy="d", stage=Stage.BUILD),
        *[log_line("d", Stage.BUILD, f"line {number}") for number in range(30)],
        Progress(
            deploy="d",
            stage=Stage.BUILD,
            item="step",
            current=2,
            total=7,
            unit="steps",
            status="RUN",
        ),
        StageFinished(
            deploy="d", stage=Stage.BUILD, outcome=Outcome.FAILED, seconds=1.0, detail="no space"
        ),
        problem_found("d", Stage.BUILD, Problem("no space", "engine", "prune")),
        DeployFinished(
            deploy="d",
            flow="f",
            outcome=Outcome.FAILED,
            seconds=1.0,
            exit_code=1,
            reason="no space",
        ),
    ]


def test_a_failure_is_said_once_with_the_end_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    printer = EventPrinter()
    for event in _failing():
        printer(event)
    text = capsys.readouterr().err
    assert text.count("no space") == 1
    assert "line 29" in text
    assert "line 3\n" not in text
    assert "\x1b" not in text


def test_verbose_prints_every_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    printer = EventPrinter(verbose=True)
    for event in _failing():
        printer(event)
    text = capsys.readouterr().err
    assert [text.count(f"| line {number}\n") for number in range(30)] == [1] * 30


def test_on_a_terminal_the_last_line_is_live_and_gone_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    printer = EventPrinter()
    for event in _failing():
        printer(event)
    text = terminal.getvalue()
    assert "step 2/7 steps" in text
    screen = [part.rpartition("\r\x1b[K")[2] for part in text.split("\n")]
    assert not any("step 2/7" in line for line in screen)
