"""One server at a time per folder, its port, and the profile that is kept for it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from flowtui import paths
from flowtui.config import load_user, save_profile, set_active
from flowtui.errors import FlowtuiError
from flowtui.models import Interpreter, Origin, Profile
from flowtui.prefect_server.ports import port_for, usual_port
from flowtui.prefect_server.profile import keep_profile
from flowtui.prefect_server.running import claimed, running

_URL = "http://127.0.0.1:4999/api"


def test_a_second_start_says_that_it_runs_and_where(tmp_path: Path) -> None:
    with claimed(tmp_path, _URL):
        with pytest.raises(FlowtuiError, match="running already") as refused, claimed(tmp_path, ""):
            pass
        assert refused.value.problem.where == _URL
        found = running(tmp_path)
        assert found is not None and found.api_url == _URL
    assert running(tmp_path) is None
    with claimed(tmp_path, _URL):
        pass


def test_a_running_one_is_told_before_its_port_is() -> None:
    interpreter = Interpreter("/p", "3.12.1", "3.9.1", None)
    with (
        claimed(paths.prefect_server_dir("prefect3"), _URL),
        pytest.raises(FlowtuiError, match="running already"),
    ):
        port_for(interpreter, "127.0.0.1", None)


def test_a_wanted_port_that_is_taken_is_an_error_and_a_usual_one_is_not() -> None:
    interpreter = Interpreter("/p", "3.12.1", "3.9.1", None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FlowtuiError, match=f"port {port} is in use"):
            port_for(interpreter, "127.0.0.1", port)
        save_profile(Profile("prefect3", f"http://127.0.0.1:{port}/api", Origin.USER_FILE))
        assert usual_port("prefect3", "127.0.0.1") not in (0, port)
    assert usual_port("prefect3", "127.0.0.1") == port


def test_the_profile_is_used_unless_another_control_plane_was_chosen() -> None:
    assert keep_profile("prefect3", _URL)
    assert load_user().active == "prefect3"
    assert keep_profile("prefect3", "http://127.0.0.1:5001/api")
    assert load_user().profiles["prefect3"].api_url == "http://127.0.0.1:5001/api"
    save_profile(Profile("team", "https://prefect.example.com/api", Origin.USER_FILE))
    set_active("team")
    assert not keep_profile("prefect3", _URL)
    assert load_user().active == "team"
