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


def test_prefects_address_is_imported_and_its_token_is_not_shown(
    prefect: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["profiles", "import", "--token", "no"]) == ExitCode.OK
    assert listed(capsys)["prefect"]["token"] == []
    assert run(["profiles", "import", "prefect", "--as", "again", "--token", "file"]) == ExitCode.OK
    said = capsys.readouterr()
    assert TOKEN not in said.out + said.err and "auth.toml is kept in" in said.err
    rows = listed(capsys)
    assert rows["again"]["api_url"] == "https://prefect.example.com"
    assert rows["again"]["token"] == ["file"]


def test_without_a_keyring_a_profile_comes_without_its_token(
    prefect: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["profiles", "import"]) == ExitCode.OK
    said = capsys.readouterr().err
    assert "is not taken over" in said and "--token file" in said and TOKEN not in said
    assert listed(capsys)["prefect"]["token"] == []


PROFILES = """
active = "work"
[profiles.work]
PREFECT_API_URL = "https://prefect.example.com/api"
PREFECT_API_AUTH_STRING = "ada:horse-battery"
[profiles.local]
PREFECT_API_URL = "http://127.0.0.1:4200/api"
[profiles.ephemeral]
PREFECT_SERVER_EPHEMERAL_ENABLED = "true"
"""


def test_prefects_profiles_are_imported_and_what_cannot_be_is_said(
    own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (own_home / ".prefect").mkdir()
    (own_home / ".prefect" / "profiles.toml").write_text(PROFILES)
    assert run(["profiles", "import", "--token", "file"]) == ExitCode.OK
    said = capsys.readouterr()
    assert said.out == "" and "battery" not in said.err
    assert "“work” taken over: https://prefect.example.com/api" in said.err
    assert "what Prefect uses now" in said.err
    assert "“ephemeral” is passed over: it has no address" in said.err
    rows = listed(capsys)
    assert set(rows) == {"embedded", "work", "local"} and rows["work"]["token"] == ["file"]
    assert load_user().active is None, "nothing is switched to unasked"

    run(["profiles", "add", "local", "http://127.0.0.1:4201/api"])
    assert run(["profiles", "import", "local"]) == ExitCode.USAGE
    assert "--as gives it another" in capsys.readouterr().err
    assert run(["profiles", "import", "local", "--as", "home"]) == ExitCode.OK
    assert load_user().profiles["home"].api_url == "http://127.0.0.1:4200/api"
    for words in (["ephemeral"], ["nobody"], ["--as", "x"]):
        assert run(["profiles", "import", *words]) == ExitCode.USAGE


def test_nothing_of_prefects_is_told() -> None:
    assert run(["profiles", "import"]) == ExitCode.USAGE


def test_an_address_where_nothing_answers(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert run(["profiles", "check", url]) == ExitCode.CONTROL_PLANE
    assert "connection refused" in capsys.readouterr().err
    assert run(["profiles", "check", "prefect.example.com"]) == ExitCode.USAGE
