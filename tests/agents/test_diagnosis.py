"""What an agent's last words mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.agents.diagnosis import why_it_died
from flowtui.agents.launch import Launch
from flowtui.errors import ExitCode

LAUNCH = Launch(("/venv/bin/python",), Path("/p"), "1.4.1", "http://127.0.0.1:4200", {})


@pytest.mark.parametrize(
    ("line", "what", "code"),
    [
        ("ModuleNotFoundError: No module named 'prefect'", "Prefect is not installed", 2),
        (
            "prefect.exceptions.AuthorizationError: Provided token does not have a RUNNER scope.",
            "does not take the agent's token",
            3,
        ),
        (
            "prefect.exceptions.ClientError: [{'message': 'this server needs a token; none was "
            "sent', 'extensions': {'code': 'UNAUTHENTICATED'}}]",
            "does not take the agent's token",
            3,
        ),
        (
            "docker.errors.DockerException: Error while fetching server API version: "
            "('Connection aborted.', FileNotFoundError(2, 'No such file or directory'))",
            "does not reach the Docker engine",
            5,
        ),
        (
            "requests.exceptions.ConnectionError: HTTPConnectionPool(host='127.0.0.1', port=1): "
            "Max retries exceeded with url: / (Caused by NewConnectionError('Connection refused'))",
            "does not reach the control plane",
            4,
        ),
        (
            "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='no.invalid'): "
            "Max retries exceeded (Caused by NameResolutionError('no.invalid'))",
            "the name of the control plane's machine is not known",
            4,
        ),
        ("Error: no such option: --base-url", "does not know an option", 2),
    ],
)
def test_known_causes(line: str, what: str, code: int) -> None:
    error = why_it_died(LAUNCH, 1, ("Traceback (most recent call last):", "  x", line))
    assert what in error.problem.what
    assert error.exit_code == ExitCode(code)
    assert line[:100] in error.problem.where
    assert error.problem.fix


def test_an_unknown_end_says_the_last_words() -> None:
    error = why_it_died(LAUNCH, 3, ("first", "ValueError: strange", ""))
    assert error.problem.what == "the agent ended (exit status 3): ValueError: strange"


@pytest.mark.parametrize(("status", "words"), [(-9, "killed by SIGKILL"), (-999, "signal 999")])
def test_an_end_by_a_signal(status: int, words: str) -> None:
    assert words in why_it_died(LAUNCH, status, ()).problem.what
