"""Where the server's own token comes from."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flowtui.errors import UsageError
from flowtui.server import tokens
from flowtui.server.main import ServerSettings


def test_no_token_is_configured_by_default() -> None:
    assert tokens.configured_token() is None


def test_the_environment_gives_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tokens.VARIABLE, " a-token-long-enough\n")
    assert tokens.configured_token() == "a-token-long-enough"


@pytest.mark.parametrize("token", ["short", "x" * 15, "a token with a\x07bell", "pässword" * 4])
def test_a_weak_or_unsendable_one_is_refused_unshown(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv(tokens.VARIABLE, token)
    with pytest.raises(UsageError) as caught:
        tokens.configured_token()
    assert token not in str(caught.value)


def test_a_file_gives_one(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("a-token-long-enough\n")
    assert tokens.read_token(file) == "a-token-long-enough"
    with pytest.raises(UsageError, match="cannot be read"):
        tokens.read_token(tmp_path / "none")
    file.write_bytes(b"\xff" * 20)
    with pytest.raises(UsageError, match="cannot be read"):
        tokens.read_token(file)


def test_one_is_made_on_first_use_and_kept() -> None:
    token = tokens.generated_token()
    assert tokens.generated_token() == token
    assert len(token) >= 32
    assert stat.S_IMODE(tokens.token_file().stat().st_mode) == 0o600
    assert [file.name for file in tokens.token_file().parent.iterdir()] == ["server-token"]


def test_one_that_cannot_be_kept_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FLOWTUI_HOME", str(tmp_path / "file"))
    with pytest.raises(UsageError, match="cannot be kept: Not a directory") as caught:
        tokens.generated_token()
    assert tokens.VARIABLE in caught.value.problem.fix


def test_two_first_uses_agree() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: tokens.generated_token(), range(8)))) == 1


def test_settings_do_not_show_it() -> None:
    assert "a-token-long-enough" not in repr(ServerSettings(token="a-token-long-enough"))
