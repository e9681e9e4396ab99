"""The command line of each action: it exists, it takes such options, and it is filled in."""

from __future__ import annotations

import shlex

import click
import pytest

from flowtui.cli import commands
from flowtui.models import FlowKind, FlowVersion, LocalFlow, Origin, Profile, Project
from flowtui.tui.actions import ACTIONS, Action, Facts, find
from flowtui.tui.actions.commands import FILLED, TYPED, command_line
from flowtui.tui.actions.model import Scope
from tests.tui.driving import running
from tests.tui.memory import MemoryWorkspace

NAMED = [action for action in ACTIONS if action.command]
_FLOW = LocalFlow("flows/my etl.py", 3, "etl", FlowKind.FLOW_OBJECT, variable="flow")


def _parse(words: list[str]) -> click.Command:
    """The command that these words run; fails as the command line itself would."""
    command: click.Command = commands
    context = commands.make_context("flowtui", list(words), resilient_parsing=False)
    while isinstance(command, click.Group) and context._protected_args:
        rest = [*context._protected_args, *context.args]
        name, inner, rest = command.resolve_command(context, rest)
        assert inner is not None
        command = inner
        context = inner.make_context(name, list(rest), parent=context)
    return command


@pytest.mark.parametrize("action", NAMED, ids=lambda action: action.name)
def test_the_command_exists_and_takes_such_options(action: Action) -> None:
    program, *words = shlex.split(action.command.partition(" > ")[0])
    assert program == "flowtui"
    filled = {"SWITCH": "on", "PAUSE": "pause"}
    _parse([filled.get(word, word) for word in words])


@pytest.mark.parametrize("action", NAMED, ids=lambda action: action.name)
def test_every_word_in_capitals_is_known(action: Action) -> None:
    capitals = [word for word in action.command.split() if word.isupper() and len(word) > 1]
    assert set(capitals) <= {*FILLED, *TYPED}


def test_a_wrong_option_would_be_found() -> None:
    with pytest.raises(click.UsageError):
        _parse(["deploy", "x", "--nonsense"])
    with pytest.raises(click.UsageError):
        _parse(["projects", "nonsense"])


@pytest.mark.parametrize(
    ("scope", "action_id", "line"),
    [
        (Scope.PLAN, "force", "flowtui deploy 'some where/flows/my etl.py:etl' --force"),
        (Scope.PROJECTS, "delete", "flowtui projects delete 'it'\"'\"'s; rm -rf /'"),
        (Scope.PROJECTS, "rename", "flowtui projects rename 'it'\"'\"'s; rm -rf /' NEW"),
        (Scope.PROJECTS, "archive", "flowtui versions archive f-1"),
        (Scope.CONNECTION, "use", "flowtui profiles use '$(x)'"),
        (Scope.DEPLOYS, "open", "flowtui history abc"),
        (Scope.APP, "quit", ""),
    ],
)
def test_what_is_in_front_is_filled_in_and_quoted(scope: Scope, action_id: str, line: str) -> None:
    facts = Facts(
        flow=_FLOW,
        folder="some where",
        project=Project("p1", "it's; rm -rf /"),
        version=FlowVersion("f-1", "etl", 1, "My Project", False, None, ""),
        profile=Profile("$(x)", "http://127.0.0.1:1"),
        deploy_id="abc",
    )
    assert command_line(find(scope, action_id), facts) == line


def test_what_is_not_known_stays_in_capitals() -> None:
    assert command_line(find(Scope.FLOWS, "deploy"), Facts()) == "flowtui deploy TARGET"


@pytest.mark.parametrize(
    ("origin", "saved", "words"),
    [
        (Origin.USER_FILE, True, "flowtui history"),
        (Origin.COMMAND_LINE, True, "flowtui --profile team history"),
        (Origin.COMMAND_LINE, False, "flowtui --api-url http://127.0.0.1:1 history"),
    ],
)
def test_a_control_plane_of_the_command_line_is_said_again(
    origin: Origin, saved: bool, words: str
) -> None:
    facts = Facts(
        used_profile=Profile("team", "http://127.0.0.1:1", origin), used_profile_saved=saved
    )
    assert command_line(find(Scope.MAIN, "deploys"), facts) == words


async def test_the_sheet_lists_them_and_copies_one(
    workspace: MemoryWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workspace.root)
    async with running(workspace, size=(130, 36)) as driver:
        await driver.press("dollar_sign")
        await driver.see(
            "deploy flows/etl.py:etl",
            "history --flow etl",
        )
        await driver.press("slash")
        await driver.type("whoami")
        assert "history --flow" not in driver.screen_text()
        await driver.press("enter", "enter")
        assert driver.app.clipboard.endswith("whoami")
        assert len(driver.app.screen_stack) == 1
