"""Addresses of databases and of the server itself that cannot work, each with one clear error."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from flowtui.errors import FlowtuiError, UsageError
from flowtui.server.database import open_database
from flowtui.server.main import ServerSettings, serve


def refused(settings: ServerSettings) -> str:
    with pytest.raises(FlowtuiError) as caught:
        serve(settings, on_ready=lambda ready: pytest.fail(f"it serves on {ready.url}"))
    return str(caught.value)


def test_postgresql_without_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError) as caught:
        open_database("postgresql://localhost/x")
    assert "psycopg" in str(caught.value)
    assert "pip install 'flowtui[postgresql]'" in str(caught.value)


@pytest.mark.parametrize(
    "url", ["mysql://localhost/x", "://", "postgresql://h:port/x", "sqlite://"]
)
def test_other_urls(url: str) -> None:
    with pytest.raises(UsageError, match="postgresql://user@host/database"):
        open_database(url)


def test_a_relative_file_and_a_sqlite_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_database("here.db").close()
    open_database(f"sqlite:///{tmp_path}/there.db").close()
    assert {file.name for file in tmp_path.iterdir()} == {"here.db", "there.db"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_no_token_beyond_loopback(host: str, tmp_path: Path) -> None:
    settings = ServerSettings(host, 0, tmp_path / "server.db")
    assert "needs a token" in refused(settings)
    assert not settings.database.exists()  # type: ignore[union-attr]


def test_a_name_counts_as_the_address_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: elsewhere)
    settings = ServerSettings("localhost", 0, tmp_path / "server.db")
    assert "needs a token" in refused(settings)


def test_a_port_that_is_none(tmp_path: Path) -> None:
    assert "70000" in refused(ServerSettings("127.0.0.1", 70000, tmp_path / "server.db"))


@pytest.mark.parametrize("name", ["what?.db", "a#b%41.db", "~no-such-user.db"])
def test_a_file_of_any_name_is_the_one_that_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    open_database(Path(name)).close()
    assert (tmp_path / name).stat().st_size > 0
    assert {file.name.removesuffix("-wal").removesuffix("-shm") for file in tmp_path.iterdir()} == {
        name
    }
