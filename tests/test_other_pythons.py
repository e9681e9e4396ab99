"""The newest Python that is supported runs the unit tests too."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.parts.cache import key_of, made_once
from tests.parts.need import missing
from tests.parts.prefects import find_python

pytestmark = [pytest.mark.real, pytest.mark.long(6)]

_ROOT = Path(__file__).parent.parent
_NEWEST = "3.13"


def test_unit_tests_pass_on_the_newest_python() -> None:
    if sys.version_info[:2] == tuple(map(int, _NEWEST.split("."))):
        pytest.skip("this is the newest Python already")
    python = find_python(_NEWEST)
    if python is None:
        missing(f"Python {_NEWEST}", "not on PATH and not under pyenv")
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())
    wanted = (*project["project"]["dependencies"], *project["dependency-groups"]["dev"])

    def make(folder: Path) -> None:
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)
        subprocess.run([*pip, "--group", "dev", str(_ROOT)], check=True, cwd=_ROOT)
        # The tests run on the source tree; only the dependencies are wanted here.
        uninstall = [str(folder / "bin" / "python"), "-m", "pip", "uninstall", "--quiet", "--yes"]
        subprocess.run([*uninstall, "flowtui"], check=True)

    venv = made_once(f"venvs/flowtui-py{_NEWEST}-{key_of(python, *wanted)}", make)
    ran = subprocess.run(
        [
            *(str(venv / "bin" / "python"), "-m", "pytest", "-q", "-m", "not real", "-n", "2"),
            *("--tb=short", "--disable-warnings"),
        ],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT), "FLOWTUI_TEST_WITHIN": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
