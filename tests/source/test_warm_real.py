"""Programs forked from a Python that has imported Prefect: as if each had been started itself."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowtui import child_processes
from flowtui.source.warm import WarmPythons
from tests.parts.prefect_server import PREFECT3
from tests.parts.prefects import prefect_python

pytestmark = pytest.mark.real

_LIMIT = 120.0


@pytest.fixture
async def pythons() -> AsyncIterator[WarmPythons]:
    made = WarmPythons()
    yield made
    await made.close()


def environment(home: Path, **more: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONUNBUFFERED": "1",
        **more,
    }


async def run(
    pythons: WarmPythons, source: str, folder: Path, *arguments: str, limit: float = _LIMIT
) -> tuple[int, str]:
    """Exit status and output of `python -c source`, started by them."""
    said = bytearray()
    before = child_processes.started_by.set(pythons.start)
    try:
        code = await child_processes.run(
            [str(prefect_python(PREFECT3)), "-c", source, *arguments],
            cwd=folder,
            env=environment(folder),
            on_output=said.extend,
            time_limit=limit,
        )
    finally:
        child_processes.started_by.reset(before)
    return code, said.decode()


async def test_a_program_finds_all_that_it_would_find_alone(
    pythons: WarmPythons, tmp_path: Path
) -> None:
    source = (
        "import json, os, sys\n"
        "warm = 'prefect.flows' in sys.modules\n"
        "print(json.dumps([warm, os.getcwd(), sys.argv, os.environ['PREFECT_HOME'], __name__,"
        " os.getsid(0) == os.getpid(), sys.stdin.read(), 'flowtui_warm_up' in sys.modules]))\n"
        "sys.exit(7)"
    )
    code, said = await run(pythons, source, tmp_path, "one", "two")
    assert code == 7, said
    folder = str(tmp_path)
    assert json.loads(said) == [
        *(True, folder, ["-c", "one", "two"], folder, "__main__", True, "", False)
    ]


async def test_what_one_leaves_behind_no_other_finds(pythons: WarmPythons, tmp_path: Path) -> None:
    leave = "import sys, os; sys.modules['left'] = sys; os.environ['LEFT'] = '1'; print('left')"
    look = "import sys, os; print('left' in sys.modules, 'LEFT' in os.environ)"
    assert await run(pythons, leave, tmp_path) == (0, "left\n")
    assert await run(pythons, look, tmp_path) == (0, "False False\n")


async def test_failures_signals_and_limits_are_those_of_a_process(
    pythons: WarmPythons, tmp_path: Path
) -> None:
    code, said = await run(pythons, "raise ValueError('no')", tmp_path)
    assert (code, said.strip().splitlines()[-1]) == (1, "ValueError: no")
    assert (await run(pythons, "import os; os.kill(os.getpid(), 11)", tmp_path))[0] == -11
    with pytest.raises(TimeoutError):
        await run(pythons, "import time; time.sleep(600)", tmp_path, limit=0.5)
    assert await run(pythons, "print('still there')", tmp_path) == (0, "still there\n")


async def test_what_is_not_meant_for_it_is_started_as_ever(
    pythons: WarmPythons, tmp_path: Path
) -> None:
    for command, env in (
        (["git", "--version"], environment(tmp_path)),
        ([str(prefect_python(PREFECT3)), "-c", "print()"], {"PATH": os.environ["PATH"]}),
        ([str(tmp_path / "no-python"), "-c", "print()"], environment(tmp_path)),
    ):
        made = await pythons.start(command, stdin=0, stdout=1, stderr=2, cwd=str(tmp_path), env=env)
        assert made is None
