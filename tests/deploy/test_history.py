import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flowtui.deploy.events import DeployFinished, DeployStarted, Outcome, Stage, StageStarted
from flowtui.deploy.history import INTERRUPTED, RUNNING, History
from flowtui.errors import FlowtuiError


def _started(deploy: str, at: float = 1.0) -> DeployStarted:
    return DeployStarted(
        deploy=deploy, at=at, flow="f", target="f.py:f", project="p", api_url="http://x"
    )


def _finished(deploy: str, version_id: str) -> DeployFinished:
    return DeployFinished(
        deploy=deploy,
        flow="f",
        outcome=Outcome.DONE,
        seconds=1.5,
        exit_code=0,
        version=1,
        version_id=version_id,
    )


def test_a_recorded_deploy_is_read_back_whole(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite")
    events = [
        _started("a"),
        StageStarted(deploy="a", stage=Stage.BUILD),
        _finished("a", "v1"),
    ]
    recorder = history.recorder(tmp_path, "print")
    for event in events:
        recorder(event)
    recorder.close()
    assert list(history.events("a")) == events
    (record,) = history.recent()
    assert (record.outcome, record.version_id, record.fingerprint) == ("done", "v1", "print")
    assert history.by_version(["v1", "v2"]) == {"v1": record}


def test_newest_first_and_by_flow(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite")
    for number in range(3):
        recorder = history.recorder(tmp_path, "")
        recorder(_started(str(number), at=float(number)))
        recorder.close()
    assert [record.id for record in history.recent(limit=2)] == ["2", "1"]
    assert history.recent(flow="other") == ()


def test_a_deploy_in_this_process_runs_and_one_of_a_killed_process_is_interrupted(
    tmp_path: Path,
) -> None:
    path = tmp_path / "h.sqlite"
    script = f"""
import pathlib, sys
from flowtui.deploy.history import History
from flowtui.deploy.events import DeployStarted
recorder = History(pathlib.Path({str(path)!r})).recorder(pathlib.Path("/"), "")
recorder(DeployStarted(deploy="killed", flow="f", target="t", project="p", api_url="u"))
import time
while not History(pathlib.Path({str(path)!r})).recent():
    time.sleep(0.01)
print("written", flush=True)
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    history = History(path)
    assert history.recent()[0].outcome == RUNNING
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert history.recent()[0].outcome == INTERRUPTED


def test_a_file_that_is_no_database_is_a_clear_error_before_the_deploy(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    path.write_text("not a database, but long enough to be looked at as one" * 50)
    with pytest.raises(FlowtuiError, match="history cannot be used"):
        History(path).recorder(tmp_path, "")


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FlowtuiError, match="history cannot be used") as error:
        History(tmp_path / "file" / "h.sqlite").recorder(tmp_path, "")
    assert "FLOWTUI_HOME" in error.value.problem.fix


def test_what_could_not_be_written_is_told_when_the_deploy_ends(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite"
    recorder = History(path).recorder(tmp_path, "")
    recorder(_started("a"))
    recorder(_started("a"))  # The same id twice cannot be stored.
    unwritten = recorder.close()
    assert unwritten is not None
    assert "UNIQUE" in unwritten.problem.what
