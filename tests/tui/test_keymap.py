"""Keys of the user's file: what counts, what does not and why, and what is printed then."""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.keys import _character_to_key

from flowtui.config import user_file
from flowtui.tui.actions import ACTIONS, DEFAULT_KEYS, key_name, keymap_of
from flowtui.tui.actions.key_names import EATEN, parse_key
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], object]:
    """Writes the user's file."""
    monkeypatch.setenv("FLOWTUI_HOME", str(tmp_path / "home"))
    user_file().parent.mkdir(parents=True)
    return user_file().write_text


# ---------------------------------------------------------------------------------- names of keys


@pytest.mark.parametrize("character", string.punctuation + string.ascii_letters + string.digits)
def test_a_printed_character_is_the_key_that_textual_hears(character: str) -> None:
    assert parse_key(character) == _character_to_key(character)


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("ctrl+x", "ctrl+x"),
        ("Ctrl+X", "ctrl+x"),
        ("CTRL + x", "ctrl+x"),
        ("Esc", "escape"),
        ("escape", "escape"),
        ("Enter", "enter"),
        ("PgDn", "pagedown"),
        ("f5", "f5"),
        ("F5", "f5"),
        ("shift+d", "D"),
        ("D", "D"),
        ("Shift+Tab", "shift+tab"),
        ("→", "right"),
        ("shift+←", "shift+left"),
        ("slash", "slash"),
        ("alt+ctrl+x", "ctrl+alt+x"),
        ("ctrl+/", "ctrl+slash"),
    ],
)
def test_keys_are_written_as_they_are_printed(written: str, key: str) -> None:
    assert parse_key(written) == key


@pytest.mark.parametrize(
    "written", ["", "  ", "ctrl+", "crtl+x", "f13", "entr", "xy", "ctrl+ctrl+x"]
)
def test_what_is_no_key(written: str) -> None:
    assert parse_key(written) is None


def test_every_key_in_use_can_be_written_as_it_is_printed() -> None:
    keys = {key for action in ACTIONS for key in action.keys}
    assert {key: parse_key(key_name(key)) for key in keys} == {key: key for key in keys}


# ------------------------------------------------------------------------------- what is in force


def test_without_a_file_the_defaults_are_in_force() -> None:
    keymap, problems = keymap_of({})
    assert (dict(keymap.by_name), keymap.changed, problems) == (dict(DEFAULT_KEYS), set(), ())


def test_a_key_and_a_list_of_keys() -> None:
    keymap, problems = keymap_of({"flows.deploy": ("ctrl+g", "ctrl+y"), "flows.filter": ("f5",)})
    assert problems == ()
    assert keymap.keys("flows.deploy") == ("ctrl+g", "ctrl+y")
    assert keymap.shown("flows.deploy") == "Ctrl+G Ctrl+Y"
    assert keymap.key("flows.filter") == "F5"
    assert keymap.key("flows.last_deploy") == "o"


@pytest.mark.parametrize(
    ("name", "keys", "what", "fix"),
    [
        ("flows.depoy", ("D",), "no action “flows.depoy”", "did you mean flows.deploy?"),
        ("flows.deploy", ("entr",), "“entr” is not a key", "did you mean Enter?"),
        ("flows.deploy", ("F13",), "“F13” is not a key", "did you mean F"),
        ("flows.deploy", ("ctrl+j",), "cannot tell it from Enter", "flows.deploy keeps Enter d"),
        ("flows.deploy", ("Ctrl+Q",), "always leaves flowtui", "choose another key"),
        ("flows.deploy", ("/",), "flows.deploy and flows.filter", "keeps Enter d"),
        ("flows.deploy", ("?",), "flows.deploy and app.help", "keeps Enter d"),
    ],
)
def test_a_bad_entry_is_a_problem_and_the_default_stays(
    name: str, keys: tuple[str, ...], what: str, fix: str
) -> None:
    keymap, problems = keymap_of({name: keys, "flows.last_deploy": ("f9",)}, file="/x/config.toml")
    assert dict(keymap.by_name) == {**DEFAULT_KEYS, "flows.last_deploy": ("f9",)}
    assert len(problems) == 1
    assert what in problems[0].what
    assert problems[0].where == f"/x/config.toml, key keys.{name}"
    assert fix in problems[0].fix


def test_two_actions_can_swap_their_keys() -> None:
    swapped = {"flows.filter": ("o",), "flows.last_deploy": ("/",)}
    keymap, problems = keymap_of(swapped)
    assert problems == ()
    assert keymap.keys("flows.filter") == ("o",)
    assert keymap.keys("flows.last_deploy") == ("slash",)


def test_a_swap_with_one_bad_half_falls_back_whole() -> None:
    swapped = {"flows.filter": ("o",), "flows.last_deploy": ("ctrl+j",)}
    keymap, problems = keymap_of(swapped)
    assert dict(keymap.by_name) == dict(DEFAULT_KEYS)
    assert len(problems) == 2


def test_scopes_that_are_never_heard_together_may_share_a_key() -> None:
    keymap, problems = keymap_of({"run.again": ("f9",), "flows.deploy": ("f9",)})
    assert problems == ()
    assert keymap.keys("run.again") == keymap.keys("flows.deploy") == ("f9",)


def test_leaving_cannot_be_lost() -> None:
    keymap, problems = keymap_of({"app.quit": ("f10",)})
    assert problems == ()
    assert keymap.keys("app.quit") == ("f10", "ctrl+q")
    assert "ctrl+q" in EATEN


# ------------------------------------------------------------------------------------- in the app


@pytest.mark.slow
async def test_the_app_hears_and_prints_the_keys_of_the_file(
    workspace: MemoryWorkspace, written: Callable[[str], object]
) -> None:
    written('[keys]\nflows.filter = "f5"\n"app.help" = ["f1"]\n')
    async with running(workspace, size=(120, 30)) as driver:
        await driver.see("F5 filter")
        await driver.see("F1 keys")
        await driver.press("slash")
        assert not _filter_open(driver)
        await driver.press("f5")
        assert _filter_open(driver)
        await driver.press("escape", "f1")
        await driver.see("Keys")
        assert driver.app.session.settings_problems == ()


async def test_a_bad_file_is_a_problem_and_the_app_starts(
    workspace: MemoryWorkspace, written: Callable[[str], object]
) -> None:
    written('[ui]\nmouse = "maybe"\nthem = "x"\n[keys]\nflows.filter = "ctrl+m"\n')
    async with running(workspace, size=(120, 40)) as driver:
        await driver.press("slash")
        assert _filter_open(driver)
        await driver.press("escape", "exclamation_mark")
        await driver.see(
            "ui.mouse must be",
            "did you mean ui.theme?",
            "cannot tell it from Enter",
        )


async def test_ctrl_q_leaves_from_a_dialog_whatever_the_file_says(
    workspace: MemoryWorkspace, written: Callable[[str], object]
) -> None:
    written('[keys]\n"app.quit" = "f10"\n')
    async with running(workspace) as driver:
        await driver.press("1", "n")
        await driver.see("New project")
        await driver.press("ctrl+q")
        await driver.until(lambda: not driver.app.is_running)


def _filter_open(driver: Driver) -> bool:
    return driver.app.screen.query_one("#filter").has_class("-open")
