"""What is started for which Prefect, and what is refused."""

from __future__ import annotations

import pytest

from flowtui import paths
from flowtui.errors import UsageError
from flowtui.models import Interpreter
from flowtui.prefect_server.launch import PrefectServerLaunch, server_launch

_PYTHON = "/project/.venv/bin/python"


def started(
    prefect: str | None = "3.9.1",
    host: str = "127.0.0.1",
    database: str | None = None,
    **environ: str,
) -> PrefectServerLaunch:
    interpreter = Interpreter(_PYTHON, "3.12.1", prefect, None, "the project's .venv")
    return server_launch(interpreter, host=host, port=4201, database=database, environ=environ)


def test_its_data_are_flowtuis_and_nothing_is_told_to_anybody() -> None:
    launch = started(PATH="/usr/bin", PREFECT_API_URL="http://other/api", PREFECT_HOME="/mine")
    assert launch.command[:3] == (_PYTHON, "-m", "prefect")
    assert launch.command[3:] == ("server", "start", "--host", "127.0.0.1", "--port", "4201")
    assert launch.environment["PREFECT_HOME"] == str(paths.prefect_server_dir("prefect3"))
    assert launch.environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert launch.environment["DO_NOT_TRACK"] == "1"
    assert launch.environment["PATH"] == "/project/.venv/bin:/usr/bin"
    assert "PREFECT_API_URL" not in launch.environment
    assert launch.api_url == "http://127.0.0.1:4201/api"


def test_a_project_of_prefect_2_has_a_server_and_a_profile_of_its_own() -> None:
    launch = started("2.20.27")
    assert launch.profile == "prefect2"
    assert launch.home == paths.prefect_server_dir("prefect2")


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("/data/p.db", "sqlite+aiosqlite:////data/p.db"),
        ("postgresql://me:secret@db/p", "postgresql+asyncpg://me:secret@db/p"),
        ("postgresql+asyncpg://me@db/p", "postgresql+asyncpg://me@db/p"),
    ],
)
def test_a_database_of_the_users_choice(given: str, url: str) -> None:
    launch = started(database=given)
    assert launch.environment["PREFECT_API_DATABASE_CONNECTION_URL"] == url
    assert "secret" not in repr(launch)
    assert not any("secret" in part for part in launch.command)


@pytest.mark.parametrize(
    ("prefect", "says", "fix"),
    [
        (None, "no Prefect", f"{_PYTHON} -m pip install"),
        ("1.4.1", "1.4.1", "without --prefect3"),
        ("2.0.3", "too old", "--upgrade prefect"),
    ],
)
def test_a_prefect_without_a_server_is_refused(prefect: str | None, says: str, fix: str) -> None:
    with pytest.raises(UsageError) as refused:
        started(prefect)
    assert says in refused.value.problem.what
    assert fix in refused.value.problem.fix


def test_an_address_that_others_reach_needs_a_password() -> None:
    with pytest.raises(UsageError, match="needs a password"):
        started(host="0.0.0.0")
    launch = started(host="0.0.0.0", PREFECT_SERVER_API_AUTH_STRING="me:secret")
    assert launch.api_url == "http://127.0.0.1:4201/api"
    with pytest.raises(UsageError, match="knows no password"):
        started("2.20.27", "10.0.0.1", PREFECT_SERVER_API_AUTH_STRING="me:secret")
