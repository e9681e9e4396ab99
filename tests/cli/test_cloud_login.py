"""Logging in to Prefect Cloud from the command line, against a server of the documented shapes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator

import pytest

from flowtui.cli import run
from flowtui.config import load_user
from flowtui.errors import ExitCode
from tests.parts.documented_cloud import (
    ACME,
    FOREIGN,
    OTHERS,
    PRODUCTION,
    SERVICE_KEY,
    SIDE,
    STAGING,
    USER_KEY,
    DocumentedCloud,
    documented_cloud,
)

Flowtui = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[DocumentedCloud]:
    """Prefect Cloud, as far as Prefect's own setting says."""
    with documented_cloud() as running:
        monkeypatch.setenv("PREFECT_CLOUD_API_URL", running.url)
        yield running


@pytest.fixture
def flowtui(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Flowtui:
    def call(*words: str, key: str = "") -> tuple[int, str, str]:
        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{key}\n"))
        code = run(words)
        said = capsys.readouterr()
        assert USER_KEY not in said.out + said.err and SERVICE_KEY not in said.out + said.err
        return code, said.out, said.err

    return call


def test_a_named_workspace_gets_a_profile_and_is_used(
    cloud: DocumentedCloud, flowtui: Flowtui
) -> None:
    login = ("login", "--save", "file", "--workspace", "acme/production")
    code, out, err = flowtui(*login, key=USER_KEY)
    assert (code, out) == (ExitCode.OK, "") and "“acme/production” is the active profile" in err
    user = load_user()
    assert user.active == "acme/production"
    assert user.profiles["acme/production"].api_url == cloud.address(ACME, PRODUCTION)

    code, out, _ = flowtui("whoami", "--json")
    who = json.loads(out)
    assert (who["server"], who["tenant"]) == ("Prefect Cloud", "acme/production")
    assert who["authenticated"] and who["token"].startswith("file")
    assert "workspace acme/production" in flowtui("whoami")[1]


def test_the_key_of_a_person_takes_another_workspace_without_being_typed_again(
    cloud: DocumentedCloud, flowtui: Flowtui
) -> None:
    flowtui("login", "--save", "file", "--workspace", "acme/production", key=USER_KEY)
    rows = json.loads(flowtui("workspaces", "list", "--json")[1])
    assert [(row["workspace"], row["profile"], row["in_use"]) for row in rows] == [
        ("acme/production", "acme/production", True),
        ("acme/staging", "", False),
        ("others/side", "", False),
    ]
    assert "others/side" in flowtui("workspaces", "list")[1]
    assert flowtui("workspaces", "use", "side")[0] == ExitCode.OK
    assert load_user().active == "others/side"
    assert load_user().profiles["others/side"].api_url == cloud.address(OTHERS, SIDE)
    assert json.loads(flowtui("whoami", "--json")[1])["tenant"] == "others/side"
    assert set(load_user().profiles) == {"embedded", "acme/production", "others/side"}
    flowtui("workspaces", "use", "acme/production")
    assert set(load_user().profiles) == {"embedded", "acme/production", "others/side"}


def test_which_of_several_has_to_be_said(cloud: DocumentedCloud, flowtui: Flowtui) -> None:
    code, _, err = flowtui("login", "--save", "file", "--api-url", cloud.url, key=USER_KEY)
    assert code == ExitCode.USAGE and "acme/production or acme/staging or others/side" in err
    code, _, err = flowtui("login", "--save", "file", "--workspace", "acme/nowhere", key=USER_KEY)
    assert code == ExitCode.USAGE and "no workspace" in err
    assert flowtui("workspaces", "list")[0] == ExitCode.CREDENTIALS
    assert set(load_user().profiles) == {"embedded"}


def test_on_a_terminal_one_is_picked_from_the_list(
    cloud: DocumentedCloud, flowtui: Flowtui, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    flowtui("login", "--save", "file", "--workspace", "acme/production", key=USER_KEY)
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr("sys.stdin", Terminal("9\n2\n"))
    assert run(["workspaces", "use"]) == ExitCode.OK
    shown = screen.getvalue()
    assert "  1  acme/production  Production" in shown and "  3  others/side" in shown
    assert load_user().active == "acme/staging"


def test_a_service_account_has_the_one_it_is_in(cloud: DocumentedCloud, flowtui: Flowtui) -> None:
    assert flowtui("login", "--save", "file", "--api-url", cloud.url, key=SERVICE_KEY)[0] == 0
    assert load_user().active == "acme/production"
    assert json.loads(flowtui("whoami", "--json")[1])["authenticated"]
    # The key of a service account stays with its workspace.
    staging = cloud.address(ACME, STAGING)
    assert flowtui("whoami", "--api-url", staging)[0] == ExitCode.CREDENTIALS


@pytest.mark.parametrize("key", ["pnu_revoked_9876543210", "ada:correct-horse"])
def test_a_key_that_is_not_taken_is_not_kept(
    cloud: DocumentedCloud, flowtui: Flowtui, key: str
) -> None:
    code, _, err = flowtui("login", "--save", "file", "--workspace", "acme/production", key=key)
    assert code == ExitCode.CREDENTIALS and "API key" in err
    assert flowtui("whoami", "--api-url", cloud.url)[0] == ExitCode.CREDENTIALS


def test_a_workspace_one_is_no_member_of(cloud: DocumentedCloud, flowtui: Flowtui) -> None:
    foreign = cloud.address(OTHERS, FOREIGN)
    code, _, err = flowtui("login", "--save", "file", "--api-url", foreign, key=USER_KEY)
    assert code == ExitCode.CONTROL_PLANE and "may not see this workspace" in err


def test_a_cloud_that_nothing_names_is_found_by_its_answers(
    cloud: DocumentedCloud, flowtui: Flowtui, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_CLOUD_API_URL")
    login = ("login", "--save", "file", "--api-url", cloud.url)
    code, _, err = flowtui(*login, key=SERVICE_KEY)
    assert code == ExitCode.OK and cloud.address(ACME, PRODUCTION) in err


def test_a_key_that_may_see_nothing(cloud: DocumentedCloud, flowtui: Flowtui) -> None:
    cloud.members[USER_KEY] = ()
    code, _, err = flowtui("login", "--save", "file", "--api-url", cloud.url, key=USER_KEY)
    assert code == ExitCode.USAGE and "may see no workspace" in err
