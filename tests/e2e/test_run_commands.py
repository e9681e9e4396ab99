"""`flowtui run --follow`, `logs --follow` and their kin: the real binary, server and agent."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flowtui.errors import ExitCode
from tests.e2e.conftest import Ran
from tests.e2e.deployed import Deployed, deploy_flow
from tests.parts.agents import RunningAgent, local_agent
from tests.parts.control_plane import (
    RunningServer,
    embedded_server,
    start_server,
    stop_server,
)
from tests.parts.prefects import prefect_python

pytestmark = [pytest.mark.real, pytest.mark.long(2)]

_SECONDS = 180


@dataclass(frozen=True)
class Shop:
    deployed: Deployed
    agent: RunningAgent

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command, once it started: an idle agent is told to look for runs."""
        return self.deployed.project.start(*words)

    def run(self, *words: str) -> Ran:
        process = self.start(*words)
        # Woken once more than needed: the run is there a moment after the command starts.
        while True:
            try:
                out, err = process.communicate(timeout=3)
            except subprocess.TimeoutExpired:
                self.agent.wake()
                continue
            return Ran(process.returncode, out, err)

    def until_said(self, process: subprocess.Popen[str], text: str) -> list[str]:
        """Lines of stdout up to the one with this text. What comes after it is read by this too,
        never by `communicate`: that does not know of lines that were read ahead."""
        assert process.stdout is not None
        lines: list[str] = []
        limit = threading.Timer(_SECONDS, process.kill)
        limit.start()
        for line in process.stdout:
            lines.append(line)
            self.agent.wake()
            if text in line:
                limit.cancel()
                return lines
        raise AssertionError(f"“{text}” was never said: {lines} {process.communicate()[1]}")


def deploy_shop(folder: Path, server: RunningServer) -> Deployed:
    deployed = deploy_flow(
        folder,
        server,
        "1.4.1",
        prefect_python("1.4.1"),
        source="shop_1x.py",
        storage='type = "local"',
    )
    deployed.witness.act("set_secret", "success", name="SHOP_KEY", value="hush")
    return deployed


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    with embedded_server(folder / "server.db") as server:
        deployed = deploy_shop(folder, server)
        quick = ("PREFECT__CLOUD__CHECK_CANCELLATION_INTERVAL=1",)
        with local_agent("1.4.1", server.url, flow_environment=quick) as agent:
            yield Shop(deployed, agent)


def test_followed_to_success_every_line_comes_once(shop: Shop) -> None:
    ran = shop.run("run", "shop", "-p", "mode=well", "--name", "good", "--follow", "--json")
    assert ran.code == ExitCode.OK, ran.stderr
    started, ended = ran.of("run_started")[0], ran.of("run_ended")[0]
    assert (started["name"], started["parameters"]["mode"]) == ("good", "well")
    assert (ended["id"], ended["state"], ended["exit_code"]) == (started["id"], "Success", 0)
    assert [each["state"] for each in ran.of("state")] == [
        "Scheduled", "Submitted", "Running", "Success",
    ]  # fmt: skip
    lines = [each["text"] for each in ran.of("log")]
    assert sorted(lines) == sorted(shop.deployed.witness.logs(started["id"]))
    assert ran.events[-1]["event"] == "run_ended"

    shown = json.loads(shop.run("runs", "show", "good", "--json").stdout)
    assert sum(task["task"] == "double" for task in shown["task_runs"]) == 4
    assert "3 mapped: 3 done" in shop.run("runs", "show", "good").stdout
    log = shop.run("logs", "good", "--task", "total").stdout
    assert "total 6, a key of 4 letters" in log
    assert "really computed" not in log


def test_followed_to_failure_and_run_again(shop: Shop) -> None:
    ran = shop.run("run", "shop", "-p", "mode=fail", "--name", "bad", "--follow")
    assert ran.code == ExitCode.FAILED, ran.stderr
    assert "ValueError: the price is negative" in ran.stdout
    assert "ended as Failed" in ran.stderr
    again = shop.run("runs", "again", "bad", "--follow", "--json")
    assert again.code == ExitCode.FAILED, again.stderr
    assert again.of("run_started")[0]["parameters"]["mode"] == "fail"
    failed = json.loads(shop.run("runs", "shop", "--state", "failed", "--json").stdout)
    assert len(failed) == 2


def test_ctrl_c_leaves_the_run_alone_and_cancelling_ends_the_next_follower(shop: Shop) -> None:
    following = shop.start("run", "shop", "-p", "mode=sleep", "--name", "long", "--follow")
    shop.until_said(following, "asleep")
    following.send_signal(signal.SIGINT)
    _, said = following.communicate(timeout=_SECONDS)
    assert following.returncode == ExitCode.CANCELLED, said
    assert "the run goes on" in said
    (run,) = json.loads(shop.run("runs", "--state", "Running", "--json").stdout)
    assert f"flowtui logs {run['id'][:8]} --follow" in said
    assert f"flowtui runs cancel {run['id'][:8]}" in said

    following = shop.start("logs", run["id"][:8], "--follow")
    shop.until_said(following, "asleep")
    assert shop.run("runs", "cancel", "long", "--yes").code == ExitCode.OK
    out, err = following.communicate(timeout=_SECONDS)
    assert following.returncode == ExitCode.RUN_CANCELLED, out + err
    assert "ended as Cancelled" in err


def test_what_the_flow_does_not_take_starts_nothing(shop: Shop) -> None:
    before = shop.run("runs", "--json").stdout
    ran = shop.run("run", "flow.py", "-p", "mod=well")
    assert ran.code == ExitCode.USAGE
    assert "no parameter “mod” (did you mean “mode”?)" in ran.stderr
    assert "count = 3" in ran.stderr
    assert [each["id"] for each in json.loads(shop.run("runs", "--json").stdout)] == [
        each["id"] for each in json.loads(before)
    ]


def test_a_run_that_no_agent_takes_says_why(shop: Shop) -> None:
    ran = shop.run("run", "shop", "-p", "mode=well", "--label", "gpu", "--json")
    run = json.loads(ran.stdout)
    why = shop.run("runs", "why", run["id"])
    assert "“gpu”" in why.stdout
    following = shop.start("logs", run["id"], "--follow", "--json")
    shop.until_said(following, '"waiting"')
    assert shop.run("runs", "cancel", run["id"], "--yes").code == ExitCode.OK
    following.communicate(timeout=_SECONDS)
    assert following.returncode == ExitCode.RUN_CANCELLED


def test_a_server_that_is_killed_and_comes_back_does_not_end_following(tmp_path: Path) -> None:
    server = start_server(tmp_path / "server.db")
    port = int(server.url.rpartition(":")[2])
    try:
        deployed = deploy_shop(tmp_path, server)
        with local_agent("1.4.1", server.url) as agent:
            shop = Shop(deployed, agent)
            following = shop.start(
                "run", "shop", "-p", "mode=steps", "-p", "count=100", "--follow", "--json"
            )
            before = shop.until_said(following, "Task 'step[5]': Finished")
            server.kill()
            stop_server(server)
            server = start_server(tmp_path / "server.db", port=port)
            after = shop.until_said(following, '"run_ended"')
            _, err = following.communicate(timeout=_SECONDS)
    finally:
        stop_server(server)
    ran = Ran(following.returncode, "".join(before + after), err)
    assert ran.code == ExitCode.OK, ran.stdout + ran.stderr
    finished = re.compile(r"Task 'step\[(\d+)\]': Finished")
    steps = [finished.match(each["text"]) for each in ran.of("log")]
    assert [int(step[1]) for step in steps if step] == list(range(100))
    assert ran.of("state")[-1]["state"] == "Success"
