"""Changing the user's file keeps whatever else is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.config import (
    load_user,
    remove_profile,
    remove_user_value,
    save_profile,
    set_active,
    set_user_value,
    user_file,
)
from flowtui.errors import UsageError
from flowtui.models import Profile
from flowtui.user_document import line_of

_WRITTEN = """\
# mine
active = "team"  # the one at work

[ui]
theme = "nord"  # calm

[profiles."team"]
api_url = "https://a.example/graphql" # behind the proxy
ca_file = "/ca.pem"

[keys]
flows.deploy = ["D"]
# the end
"""


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLOWTUI_HOME", str(tmp_path))
    user_file().parent.mkdir(parents=True)
    user_file().write_text(_WRITTEN)


def test_a_profile_is_added_between_comments_and_tables() -> None:
    save_profile(Profile("home", "http://127.0.0.1:4200"))
    written = user_file().read_text()
    assert all(line in written.splitlines() for line in _WRITTEN.splitlines())
    assert load_user().profiles["home"].api_url == "http://127.0.0.1:4200"


def test_a_profile_is_changed_in_place() -> None:
    save_profile(Profile("team", "https://b.example/graphql"))
    written = user_file().read_text()
    assert 'api_url = "https://b.example/graphql" # behind the proxy' in written
    assert "ca_file" not in written
    assert 'theme = "nord"  # calm' in written


def test_a_profile_is_removed_alone() -> None:
    remove_profile("team")
    written = user_file().read_text()
    assert "team" not in written
    assert 'theme = "nord"  # calm' in written
    assert 'flows.deploy = ["D"]\n# the end\n' in written


def test_the_active_profile_is_named_before_all_tables() -> None:
    user_file().write_text('[ui]\ntheme = "nord"\n')
    set_active("embedded")
    assert load_user().active == "embedded"
    assert 'theme = "nord"' in user_file().read_text()


def test_single_values_are_set_and_removed() -> None:
    set_user_value(("ui", "mouse"), "off")
    set_user_value(("keys", "flows.filter"), ["f5", "/"])
    assert 'mouse = "off"' in user_file().read_text()
    assert '"flows.filter" = ["f5", "/"]' in user_file().read_text()
    remove_user_value(("ui", "mouse"))
    remove_user_value(("keys", "flows.filter"))
    remove_user_value(("nowhere", "at", "all"))
    assert user_file().read_text() == _WRITTEN


def test_what_is_no_table_is_not_written_into() -> None:
    with pytest.raises(UsageError, match="active must be a table"):
        set_user_value(("active", "x"), 1)
    assert user_file().read_text() == _WRITTEN


def test_a_value_that_makes_the_file_bad_is_not_written() -> None:
    with pytest.raises(UsageError):
        set_user_value(("profiles", "team", "api_url"), "not an address")
    assert user_file().read_text() == _WRITTEN


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("active", 2),
        ("ui.theme", 5),
        ("profiles.team", 7),
        ('profiles."team".ca_file', 9),
        ("keys.flows.deploy", 12),
        ('keys."flows.deploy"', 12),
        ("ui.mouse", 4),
        ("keys.flows.filter", 11),
        ("nowhere", None),
    ],
)
def test_the_line_of_a_value(key: str, line: int | None) -> None:
    assert line_of(_WRITTEN, key) == line
