"""What the README promises of a fresh clone: `make demo` does its own set-up and the whole job."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.parts.prefects import find_python

pytestmark = [pytest.mark.real, pytest.mark.long(2)]

_ROOT = Path(__file__).parents[2]


def test_make_demo_in_a_fresh_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(_ROOT), str(clone)], check=True)
    ran = subprocess.run(
        ["make", "demo", f"PYTHON={find_python('3.11')}"],
        cwd=clone,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={
            **os.environ,
            "FLOWTUI_HOME": str(tmp_path / "home"),
            "DOCKER_HOST": f"unix://{tmp_path}/no.sock",
        },
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("up to date") == 3
    assert "is broken, on purpose" in ran.stderr
    status = subprocess.run(
        ["git", "status", "--short"], cwd=clone, capture_output=True, text=True, check=True
    )
    assert status.stdout == ""
