"""`flowtui server` hands on what it is told about runs whose process is gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from flowtui.cli.server import server
from flowtui.server import main
from flowtui.server.main import ServerSettings
from flowtui.server.services.settings import ServiceSettings


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[ServerSettings]:
    """With what the server would have been started."""
    started: list[ServerSettings] = []

    def serve(settings: ServerSettings, **_more: Any) -> None:
        started.append(settings)

    monkeypatch.setattr(main, "serve", serve)
    return started


def command(
    tmp_path: Path, arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> Result:
    usual = ["--no-containers", "--database", str(tmp_path / "server.db")]
    return CliRunner().invoke(server, [*usual, *arguments], env=environment)


def test_the_servers_own_unless_told_otherwise(
    tmp_path: Path, served: list[ServerSettings]
) -> None:
    assert command(tmp_path, []).exit_code == 0
    assert served[0].services == ServiceSettings()


def test_by_options_and_by_environment(tmp_path: Path, served: list[ServerSettings]) -> None:
    told = ["--silent-after", "90", "--check-every", "2", "--resurrections", "0"]
    told += ["--schedule-every", "5", "--keep-runs", "30", "--keep-logs", "7"]
    assert command(tmp_path, told).exit_code == 0
    environment = {
        "FLOWTUI_SERVER_SILENT_AFTER": "90",
        "FLOWTUI_SERVER_CHECK_EVERY": "2",
        "FLOWTUI_SERVER_RESURRECTIONS": "0",
        "FLOWTUI_SERVER_SCHEDULE_EVERY": "5",
        "FLOWTUI_SERVER_KEEP_RUNS": "30",
        "FLOWTUI_SERVER_KEEP_LOGS": "7",
    }
    assert command(tmp_path, [], environment).exit_code == 0
    for settings in served:
        assert settings.services.silent_after == timedelta(seconds=90)
        assert settings.services.check_every == timedelta(seconds=2)
        assert settings.services.resurrections == 0
        assert settings.services.schedule_every == timedelta(seconds=5)
        assert settings.services.keep_runs == timedelta(days=30)
        assert settings.services.keep_logs == timedelta(days=7)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--silent-after", "0"),
        ("--silent-after", "soon"),
        ("--check-every", "nan"),
        ("--check-every", "-1"),
        ("--resurrections", "-1"),
        ("--schedule-every", "0"),
        ("--keep-runs", "0"),
        ("--keep-logs", "-3"),
    ],
)
def test_nonsense_is_refused(
    tmp_path: Path, served: list[ServerSettings], option: str, value: str
) -> None:
    done = command(tmp_path, [option, value])
    assert done.exit_code == 2
    assert option in done.output
    assert not served
