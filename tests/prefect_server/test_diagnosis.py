"""Why a server ended, from what it said."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.models import Interpreter
from flowtui.prefect_server.diagnosis import why_it_ended
from flowtui.prefect_server.launch import PrefectServerLaunch

_INTERPRETER = Interpreter("/p/bin/python", "3.12.1", "3.8.8", None, "the project's .venv")
_LAUNCH = PrefectServerLaunch((), Path("/home/x"), _INTERPRETER, "3.8.8", "http://h/api", {})
# Recorded: Prefect 3.8.8 with FastAPI 0.165.0.
_FASTAPI = """Traceback (most recent call last):
  File "…/prefect/server/api/concurrency_limits_v2.py", line 305, in <module>
    names: List[str] = Body(..., min_items=1),
                       ^^^^^^^^^^^^^^^^^^^^^^
TypeError: Body() got an unexpected keyword argument 'min_items'
An exception occurred."""


@pytest.mark.parametrize(
    ("said", "what", "fix", "lasting"),
    [
        (_FASTAPI, "FastAPI", "/p/bin/python -m pip install 'fastapi<0.151'", True),
        (
            "alembic.util.exc.CommandError: Can't locate revision identified by 'abc'",
            "newer Prefect",
            "--database FILE",
            True,
        ),
        ("Port 4200 is already in use. Please specify", "port is in use", "--port", True),
        ("OSError: [Errno 28] No space left on device", "disk is full", "/home/x", False),
        ("boom: nobody knows", "boom: nobody knows", "log", False),
    ],
)
def test_the_cause_and_what_to_do(said: str, what: str, fix: str, lasting: bool) -> None:
    death = why_it_ended(_LAUNCH, 1, said.splitlines(), "/logs/it.log")
    assert what in death.error.problem.what
    assert fix in death.error.problem.fix
    assert death.lasting is lasting


def test_a_signal_is_named_and_the_exception_is_told_not_the_frame() -> None:
    assert "SIGKILL" in why_it_ended(_LAUNCH, -9, (), "log").error.problem.what
    lines = ["Traceback", "  File x", "ValueError: bad port", "An exception occurred."]
    assert "ValueError: bad port" in why_it_ended(_LAUNCH, 1, lines, "log").error.problem.what
