"""`flowtui profiles` from end to end, without a network but loopback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flowtui.cli import run
from flowtui.config import load_user
from flowtui.errors import ExitCode
from tests.parts.registry import free_port

TOKEN = "tok-of-prefect-99812"


@pytest.fixture
def prefect(own_home: Path) -> Path:
    folder = own_home / ".prefect"
    folder.mkdir()
    (folder / "config.toml").write_text('[cloud]\napi = "https://prefect.example.com"\n')
    (folder / "auth.toml").write_text(f'api_key = "{TOKEN}"\n')
    return folder


def listed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    capsys.readouterr()
    assert run(["profiles", "list", "--json"]) == ExitCode.OK
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)}


def test_renaming_keeps_address_and_choice(capsys: pytest.CaptureFixture[str]) -> None:
    run(["profiles", "add", "team", "https://prefect.example.com"])
    run(["profiles", "use", "team"])
    assert run(["profiles", "rename", "team", "crew"]) == ExitCode.OK
    assert load_user().active == "crew" and set(load_user().profiles) == {"embedded", "crew"}
    assert run(["profiles", "rename", "team", "x"]) == ExitCode.USAGE
    assert run(["profiles", "rename", "crew", "embedded"]) == ExitCode.USAGE
    assert listed(capsys)["crew"]["active"] is True


def test_prefects_address_is_imported_and_its_token_only_when_asked(
    prefect: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["profiles", "import"]) == ExitCode.OK
    assert listed(capsys)["prefect"]["token"] == []
    assert run(["profiles", "import"]) == ExitCode.USAGE
    assert run(["profiles", "import", "again", "--token", "file"]) == ExitCode.OK
    said = capsys.readouterr()
    assert TOKEN not in said.out + said.err
    rows = listed(capsys)
    assert rows["again"]["api_url"] == "https://prefect.example.com"
    assert rows["again"]["token"] == ["file"]


def test_nothing_of_prefects_is_told() -> None:
    assert run(["profiles", "import"]) == ExitCode.USAGE


def test_an_address_where_nothing_answers(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert run(["profiles", "check", url]) == ExitCode.CONTROL_PLANE
    assert "connection refused" in capsys.readouterr().err
    assert run(["profiles", "check", "prefect.example.com"]) == ExitCode.USAGE
