"""`flowtui config`: what is in force and why, one value changed, the file opened."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from flowtui.cli import run
from flowtui.config import user_file
from flowtui.errors import ExitCode


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flowtui.toml").write_text(
        'project = "Nightly"\n[storage]\ntype = "local"\n[flows."a b"]\nstorage.type = "docker"\n'
    )
    return tmp_path


def _write(text: str) -> None:
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_text(text)


def _rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, Any]]:
    assert run([*arguments, "config", "--json"]) == ExitCode.OK
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)}


def test_every_setting_with_its_origin(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _write('[ui]\nmouse = "off"\n[keys]\nflows.deploy = ["f8", "f5"]\n')
    monkeypatch.setenv("FLOWTUI_READ_ONLY", "1")
    rows = _rows(capsys, "--api-url", "http://127.0.0.1:9")
    own = str(folder / "flowtui.toml")
    said = {name: (row["value"], row["origin"], row["detail"]) for name, row in rows.items()}
    assert said["api_url"] == ("http://127.0.0.1:9", "command line", "--api-url")
    assert said["project"] == ("Nightly", "project file", own)
    assert said["storage.type"] == ("local", "project file", own)
    assert said['flows."a b".storage.type'] == ("docker", "project file", own)
    assert said["storage.registry_url"] == (None, "default", "")
    assert said["ui.mouse"] == ("off", "user configuration", str(user_file()))
    assert said["ui.read_only"] == (True, "environment", "FLOWTUI_READ_ONLY")
    assert said["keys.flows.deploy"] == (["f8", "f5"], "user configuration", str(user_file()))


def test_the_table_has_a_line_for_each(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "SETTING" in out
    assert ["profile", "embedded", "default"] in [line.split() for line in out.splitlines()]


def test_what_does_not_count_is_said_and_the_code_is_2(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write('[keys]\nflows.depoy = "D"\n')
    with pytest.raises(SystemExit) as caught:
        run(["config"])
    assert caught.value.code == ExitCode.USAGE
    assert "did you mean flows.deploy?" in capsys.readouterr().err


def test_path_and_get(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "path"]) == ExitCode.OK
    assert run(["config", "path", "--project"]) == ExitCode.OK
    assert run(["config", "get", "storage.type"]) == ExitCode.OK
    out = capsys.readouterr().out.splitlines()
    assert out == [str(user_file()), str(folder / "flowtui.toml"), "local"]
    assert run(["config", "get", "storage.typ"]) == ExitCode.USAGE
    assert "did you mean storage.type?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("ui.mouse", "off", 'mouse = "off"'),
        ("ui.color", "16", 'color = "16"'),
        ("ui.read_only", "true", "read_only = true"),
        ("ui.log_rate", "4", "log_rate = 4"),
        ("ui.theme", "nord", 'theme = "nord"'),
        ("keys.flows.deploy", "f8", '"flows.deploy" = "f8"'),
        ("keys.flows.deploy", '["f8", "f5"]', '"flows.deploy" = ["f8", "f5"]'),
        ("keys.flows.filter", "5", '"flows.filter" = "5"'),
        ("active", "embedded", 'active = "embedded"'),
    ],
)
def test_one_value_is_set_and_taken_out(folder: Path, key: str, value: str, line: str) -> None:
    before = "# mine\n" if key == "active" else "# mine\n[ui]\n\n[keys]\n"
    _write(before)
    if key == "keys.flows.filter":
        assert run(["config", "set", key, value]) == ExitCode.USAGE
        assert user_file().read_text() == before
        return
    assert run(["config", "set", key, value]) == ExitCode.OK
    assert line in user_file().read_text().splitlines()
    assert run(["config", "unset", key]) == ExitCode.OK
    assert user_file().read_text().replace("\n", "") == before.replace("\n", "")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("ui.mouse", "maybe", "ui.mouse must be"),
        ("ui.log_rate", "fast", "ui.log_rate must be"),
        ("ui.them", "x", "did you mean ui.theme?"),
        ("keys.flows.deploy", "ctrl+j", "cannot tell it from Enter"),
        ("keys.flows.deploy", "/", "two things at once"),
        ("keys.flows.nonsense", "D", "there is no action"),
        ("storage.type", "local", "not written from here"),
        ("active", "nowhere", "there is no profile"),
    ],
)
def test_a_bad_value_is_not_written(
    folder: Path, capsys: pytest.CaptureFixture[str], key: str, value: str, words: str
) -> None:
    _write('[ui]\nmouse = "off" # so\n')
    assert run(["config", "set", key, value]) == ExitCode.USAGE
    assert words in capsys.readouterr().err
    assert user_file().read_text() == '[ui]\nmouse = "off" # so\n'


def test_edit_opens_the_editor_at_the_key(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _write('[ui]\n\nmouse = "off"\n')
    script = folder / "vim"
    script.write_text(
        f'#!{sys.executable}\nimport sys\nopen("asked", "w").write(repr(sys.argv[1:]))\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("EDITOR", f"'{script}' -u NONE")
    assert run(["config", "edit", "ui.mouse"]) == ExitCode.OK
    assert (folder / "asked").read_text() == repr(["-u", "NONE", "+3", str(user_file())])
    assert run(["config", "edit", "--project"]) == ExitCode.OK
    assert (folder / "asked").read_text() == repr(["-u", "NONE", str(folder / "flowtui.toml")])


def test_edit_says_what_the_person_left_wrong(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _write("[ui\n")
    monkeypatch.setenv("EDITOR", "true")
    assert run(["config", "edit"]) == ExitCode.USAGE
    assert "not valid TOML" in capsys.readouterr().err
