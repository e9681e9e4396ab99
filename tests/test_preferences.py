"""[ui] of the user's file and the environment: what counts and where it came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui import preferences
from flowtui.config import user_file
from flowtui.models import Origin


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLOWTUI_HOME", str(tmp_path))
    user_file().parent.mkdir(parents=True)


def test_every_key_of_the_table_has_a_default_and_a_variable() -> None:
    names = {key.name for key in preferences.config_keys.UI}
    assert names == set(preferences.DEFAULTS) == set(preferences.VARIABLES)


def test_without_anything_the_defaults_count() -> None:
    found = preferences.load({})
    assert found.problems == ()
    assert {each.origin for each in found.origins} == {Origin.DEFAULT}
    assert {each.name: each.value for each in found.origins} == dict(preferences.DEFAULTS)


def test_the_environment_beats_the_file_and_the_command_line_both() -> None:
    user_file().write_text('[ui]\nmouse = "off"\nread_only = false\nlog_rate = 4\n')
    found = preferences.load({"FLOWTUI_MOUSE": "1", "FLOWTUI_READ_ONLY": "0"}, read_only=True)
    assert (found.mouse, found.read_only, found.log_rate) == ("on", True, 4)
    origins = {each.name: (each.origin, each.detail) for each in found.origins}
    assert origins["mouse"] == (Origin.ENVIRONMENT, "FLOWTUI_MOUSE")
    assert origins["read_only"] == (Origin.COMMAND_LINE, "--read-only")
    assert origins["log_rate"] == (Origin.USER_FILE, str(user_file()))


@pytest.mark.parametrize(("said", "value"), [("1", True), ("true", True), ("0", False)])
def test_read_only_by_the_environment(said: str, value: bool) -> None:
    assert preferences.load({"FLOWTUI_READ_ONLY": said}).read_only is value


def test_no_color_beats_everything() -> None:
    user_file().write_text('[ui]\ncolor = "16"\n')
    assert preferences.load({}).color == "16"
    found = preferences.load({"NO_COLOR": "1", "FLOWTUI_COLOR": "16"})
    assert found.color == "none"
    assert ("color", "NO_COLOR") in [(each.name, each.detail) for each in found.origins]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[ui]\nmouse = true\n", 'ui.mouse must be "auto" or "on" or "off"'),
        ("[ui]\nlog_rate = 0\n", "ui.log_rate must be number from 1 to 30"),
        ("[ui]\nread_only = 1\n", "ui.read_only must be true or false"),
        ("[ui]\ncolour = 1\n", "unknown key 'ui.colour'"),
        ("ui = 1\n", "ui must be a table"),
        ("keys = 1\n", "keys must be a table"),
        ("[keys]\nflows.deploy = 1\n", "keys.flows.deploy must be a key or a list of keys"),
        ("[keys]\nflows.deploy = []\n", "keys.flows.deploy must be a key or a list of keys"),
        ("[ui\n", "not valid TOML"),
    ],
)
def test_what_is_wrong_is_a_problem_and_its_default_counts(text: str, words: str) -> None:
    user_file().write_text(text)
    found = preferences.load({})
    assert words in "\n".join(problem.what for problem in found.problems)
    assert str(user_file()) in found.problems[0].where
    assert {each.name: each.value for each in found.origins} == dict(preferences.DEFAULTS)
    assert found.keys == {}


def test_a_bad_variable_leaves_the_file_in_force() -> None:
    user_file().write_text('[ui]\nmouse = "off"\n')
    found = preferences.load({"FLOWTUI_MOUSE": "perhaps"})
    assert found.mouse == "off"
    assert "FLOWTUI_MOUSE" in found.problems[0].what


def test_keys_are_read_in_every_spelling_that_toml_has() -> None:
    user_file().write_text(
        '[keys]\nflows.deploy = "D"\n"flows.filter" = ["f5", "/"]\n[keys.run]\ncancel = "ctrl+k"\n'
    )
    assert preferences.load({}).keys == {
        "flows.deploy": ("D",),
        "flows.filter": ("f5", "/"),
        "run.cancel": ("ctrl+k",),
    }


@pytest.mark.parametrize(
    ("mouse", "ssh", "wanted"),
    [("auto", "", True), ("auto", "1 2 3", False), ("on", "1 2 3", True), ("off", "", False)],
)
def test_the_mouse_is_off_over_ssh_unless_it_is_wanted(mouse: str, ssh: str, wanted: bool) -> None:
    found = preferences.Preferences(mouse=mouse)
    assert found.mouse_wanted({"SSH_CONNECTION": ssh} if ssh else {}) is wanted
