"""`flowtui executor`: what it writes, tells and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flowtui.cli import run
from flowtui.config import load_project
from flowtui.errors import ExitCode


@pytest.fixture
def flow(tmp_path: Path) -> str:
    (tmp_path / "etl.py").write_text('from prefect import Flow\nflow = Flow("etl")\n')
    return str(tmp_path / "etl.py")


def test_it_is_chosen_told_and_taken_away(
    flow: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["executor", flow, "dask", "--arg", "address=tcp://c:1", "--arg", "debug=true"]) == 0
    assert "dask address=tcp://c:1 debug=True (flow's table in the project file)" in (
        capsys.readouterr().out
    )
    assert load_project(tmp_path).flows["etl"].execution.executor == "dask"
    assert run(["executor", flow, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "target": "etl.py:etl",
        "flow": "etl",
        "executor": "dask",
        "executor_kwargs": {"address": "tcp://c:1", "debug": True},
        "origin": "flow's table in the project file",
    }
    assert run(["executor", flow, "--clear"]) == 0
    assert "etl.py:etl: the flow's own" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [["dusk"], ["--arg", "a=1"], ["dask", "--clear"], ["dask", "--arg", "address"]],
    ids=lambda words: " ".join(words),
)
def test_what_makes_no_sense_is_refused_and_writes_nothing(
    flow: str, tmp_path: Path, words: list[str]
) -> None:
    assert run(["executor", flow, *words]) == ExitCode.USAGE
    assert [each.name for each in tmp_path.iterdir()] == ["etl.py"]
