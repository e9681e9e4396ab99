"""The form of a run: from the keys to what the control plane is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from textual.events import Paste

from flowtui.errors import ControlPlaneError
from flowtui.models import Ability
from flowtui.run_models import Parameter, RunRequest
from flowtui.tui.screens.flow_run import FlowRunScreen
from flowtui.tui.screens.run_form import RunForm
from flowtui.tui.widgets.form.field import Field
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace
from tests.tui.runs.acting import etl, with_flow
from tests.tui.test_managing import at_flow

pytestmark = pytest.mark.slow


async def open_form(driver: Driver) -> RunForm:
    await driver.press("g", "x")
    await driver.until(lambda: bool(driver.app.screen.query(Field)))
    await driver.settled()
    form = driver.app.screen
    assert isinstance(form, RunForm)
    return form


def in_field(driver: Driver) -> str:
    """The label of the field that has the keys."""
    focused = driver.app.screen.focused
    assert focused is not None
    field = next((each for each in focused.ancestors if isinstance(each, Field)), None)
    return field.asked.label if field is not None else focused.id or ""


async def go_to(driver: Driver, label: str) -> None:
    for _ in range(20):
        if in_field(driver) == label:
            return
        await driver.press("tab")
    raise AssertionError(f"no field {label}")


async def started(driver: Driver) -> RunRequest:
    await driver.press("enter")
    requests = driver.workspace.server.requests
    await driver.until(lambda: len(requests) == 1)
    await driver.until(lambda: isinstance(driver.app.screen, FlowRunScreen))
    return requests[0]


async def test_the_parameters_are_asked_for_required_ones_first(
    workspace: MemoryWorkspace,
) -> None:
    async with running(with_flow(workspace)) as driver:
        await open_form(driver)
        labels = [field.asked.label for field in driver.app.screen.query(Field)]
        assert labels[:6] == ["country", "limit", "dry run", "tags", "note", "extra"]
        assert in_field(driver) == "country"
        screen = driver.screen_text()
        for words in ("country *", "required: text or JSON", "number: the default", '["a", "b"]'):
            assert words in screen


async def test_only_what_was_changed_is_sent(workspace: MemoryWorkspace) -> None:
    async with running(with_flow(workspace)) as driver:
        await open_form(driver)
        await driver.type("north")
        request = await started(driver)
        assert request.parameters == {"country": "north"}
        assert (request.version_id, request.name) == (etl(workspace).id, "")
        assert (request.start, request.labels, request.run_config) == (None, None, None)
        assert request.idempotency_key


async def test_each_kind_of_field(workspace: MemoryWorkspace) -> None:
    async with running(with_flow(workspace), size=(100, 40)) as driver:
        await open_form(driver)
        await driver.type('{"a": [1]}')
        await go_to(driver, "limit")
        await driver.press("backspace")
        await driver.type("2.5")
        await go_to(driver, "dry run")
        await driver.press("space")
        await go_to(driver, "tags")
        await driver.press("ctrl+n")
        await go_to(driver, "note")
        await driver.press(*["backspace"] * 4)
        await go_to(driver, "extra")
        await driver.type("5")
        await go_to(driver, "Run name")
        await driver.type("my run")
        await go_to(driver, "Labels")
        await driver.type("gpu, eu")
        screen = await driver.see("only gpu, eu")
        assert "empty text" in screen
        request = await started(driver)
        assert request.parameters == {
            "country": {"a": [1]},
            "limit": 12.5,
            "dry run": True,
            "tags": None,
            "note": "",
            "extra": 5,
        }
        assert (request.name, request.labels) == ("my run", ("gpu", "eu"))


async def test_what_is_wrong_is_said_below_its_field_and_keeps_the_form(
    workspace: MemoryWorkspace,
) -> None:
    async with running(with_flow(workspace)) as driver:
        await open_form(driver)
        await driver.press("enter")
        await driver.see("it has no default: type a value")
        await driver.type("north")
        await go_to(driver, "tags")
        await driver.press("backspace")
        await driver.see('column 10: a comma is missing  ["a", "b"▸')
        await go_to(driver, "Run name")
        await driver.press("enter")
        assert in_field(driver) == "tags", "the keys go to what is wrong"
        assert workspace.server.requests == []
        await driver.press("ctrl+r")
        assert (await started(driver)).parameters == {"country": "north"}


async def test_an_answer_that_refuses_it_loses_nothing(workspace: MemoryWorkspace) -> None:
    async with running(with_flow(workspace)) as driver:
        form = await open_form(driver)
        await driver.type("north")
        refusal = ControlPlaneError("the parameter “limit” is too low", fix="try a higher one")
        workspace.server.refusal = refusal
        await driver.press("enter")
        await driver.see("“limit” is too low", "try a higher one")
        assert driver.app.screen is form
        assert "north" in driver.screen_text()
        assert in_field(driver) == "limit"
        workspace.server.refusal = None
        assert (await started(driver)).parameters == {"country": "north"}


async def test_the_same_contents_are_the_same_run(workspace: MemoryWorkspace) -> None:
    """An answer that was lost and another Enter must not make two runs; other contents do."""
    keys: list[str] = []

    async def lost(request: RunRequest) -> None:
        keys.append(request.idempotency_key)
        raise ControlPlaneError("the answer was lost")

    workspace.server.start_run = lost  # type: ignore[method-assign, assignment]
    async with running(with_flow(workspace)) as driver:
        await open_form(driver)
        await driver.type("north")
        for times in (1, 2):
            await driver.press("enter")
            await driver.until(lambda times=times: len(keys) == times)  # type: ignore[misc]
            await driver.see("the answer was lost")
        await driver.type("!")
        await driver.press("enter")
        await driver.until(lambda: len(keys) == 3)
        assert keys[0] == keys[1]
        assert keys[2] != keys[0]


async def test_a_flow_without_parameters_is_one_enter(workspace: MemoryWorkspace) -> None:
    async with running(workspace) as driver:
        await open_form(driver)
        await driver.see("takes no parameters: Enter starts it")
        assert (await started(driver)).parameters == {}


async def test_escape_starts_nothing(workspace: MemoryWorkspace) -> None:
    async with running(with_flow(workspace)) as driver:
        await open_form(driver)
        await driver.type("north")
        await driver.press_and_settle("escape")
        assert not isinstance(driver.app.screen, RunForm)
        assert workspace.server.requests == []


async def test_a_later_start(workspace: MemoryWorkspace) -> None:
    async with running(with_flow(workspace), size=(100, 40)) as driver:
        await open_form(driver)
        await driver.type("north")
        await go_to(driver, "input-when")
        await driver.press("right", "right", "tab")
        await driver.type("nonsense")
        await driver.see("not a time")
        await driver.press("enter")
        assert workspace.server.requests == []
        await driver.press(*["backspace"] * 8)
        await driver.type("2h")
        await driver.see("in 2h")
        before = datetime.now(UTC)
        request = await started(driver)
        assert request.start is not None
        assert request.start >= before + timedelta(hours=2)


async def test_the_run_config_is_under_more(workspace: MemoryWorkspace) -> None:
    async with running(with_flow(workspace), size=(100, 40)) as driver:
        await open_form(driver)
        await driver.type("north")
        await go_to(driver, "more")
        await driver.press("enter")
        assert in_field(driver) == "Run config"
        await driver.type('{"type": "NoRun"}')
        await driver.see('its "type" is one of UniversalRun')
        await driver.press(*["backspace"] * len('NoRun"}'))
        await driver.type('DockerRun"}')
        assert (await started(driver)).run_config == {"type": "DockerRun"}


async def test_run_again_takes_over_what_that_run_had(workspace: MemoryWorkspace) -> None:
    server = with_flow(workspace).server
    run = server.add_run(
        etl(workspace),
        name="before",
        parameters={"country": "5", "limit": "many", "gone": 1, "note": "none", "extra": None},
        labels=("eu",),
    )
    async with running(workspace, size=(100, 40)) as driver:
        await driver.press("7")
        await driver.see("before")
        await driver.press("R")
        await driver.see('"5"', "1 parameter of that run left out", "gone")
        request = await started(driver)
        assert request.parameters == {"country": "5", "limit": "many"}
        assert request.labels == ("eu",)
        assert run.id != driver.app.screen.run_id  # type: ignore[attr-defined]


async def test_pasted_lines_stay_together(workspace: MemoryWorkspace) -> None:
    async with running(with_flow(workspace), size=(100, 40)) as driver:
        await open_form(driver)
        await driver.type("north")
        await go_to(driver, "tags")
        await driver.press("ctrl+r", *["backspace"] * len('["a", "b"]'))
        driver.app.post_message(Paste('[\n  "x",\x1b[2J\n  "y"\n]'))
        await driver.see("list, 2 items")
        assert (await started(driver)).parameters["tags"] == ["x", "y"]


async def test_fifty_parameters_scroll(workspace: MemoryWorkspace) -> None:
    many = tuple(Parameter(f"p{number}", required=False, default=number) for number in range(50))
    with_flow(workspace).server.parameter_lists[etl(workspace).id] = many
    async with running(workspace) as driver:
        await open_form(driver)
        await go_to_last(driver)
        await driver.see("Labels")
        await driver.press("shift+tab")
        await started(driver)


async def go_to_last(driver: Driver) -> None:
    await driver.press("shift+tab", "shift+tab")


async def test_hostile_names_and_defaults_are_shown_as_text(workspace: MemoryWorkspace) -> None:
    evil = (
        Parameter("[b]x[/b]\x1b[2J\nsecond", required=True),
        Parameter("y", required=False, default="\x1b]0;title\x07[red]"),
    )
    with_flow(workspace).server.parameter_lists[etl(workspace).id] = evil
    async with running(workspace) as driver:
        await open_form(driver)
        screen = await driver.see("[b]x[/b]", '"\\u001b]0;title\\u0007[red]"')
        assert "\x1b" not in screen
        await driver.type("v")
        assert (await started(driver)).parameters == {evil[0].name: "v"}


async def test_a_flow_of_the_tree_that_is_not_on_disk(workspace: MemoryWorkspace) -> None:
    server = with_flow(workspace).server
    server.add_version("elsewhere", "My Project")
    async with running(workspace) as driver:
        await at_flow(driver, "elsewhere")
        await driver.press("R")
        await driver.see("Run elsewhere v1", "takes no parameters")
        request = await started(driver)
        assert request.version_id == server.version_list[-1].id


async def test_read_only_and_what_the_control_plane_cannot(workspace: MemoryWorkspace) -> None:
    async with running(with_flow(workspace), read_only=True) as driver:
        await driver.press("g", "x")
        assert "started with --read-only" in driver.said()
    workspace.server.abilities = frozenset(Ability) - {Ability.START_RUNS}
    async with running(workspace) as driver:
        await driver.press("g", "x")
        assert "this control plane cannot start runs" in driver.said()
        await driver.press("j", "j", "j", "x")
        assert not isinstance(driver.app.screen, RunForm)


async def test_without_knowing_the_parameters_its_defaults_count(
    workspace: MemoryWorkspace,
) -> None:
    workspace.server.abilities = frozenset(Ability) - {Ability.TELL_PARAMETERS}
    async with running(workspace) as driver:
        await open_form(driver)
        await driver.see("cannot tell the parameters of a flow")
        assert (await started(driver)).parameters == {}


async def test_a_flow_that_is_not_registered_cannot_run(workspace: MemoryWorkspace) -> None:
    async with running(with_flow(workspace)) as driver:
        await driver.press("G", "x")
        assert "no version of it is registered" in driver.said()


async def test_parameters_that_cannot_be_read_are_a_problem_in_the_form(
    workspace: MemoryWorkspace,
) -> None:
    async with running(with_flow(workspace)) as driver:
        workspace.server.refusal = ControlPlaneError("gone away", fix="try again later")
        await driver.press("g", "x")
        await driver.see("gone away", "try again later")
        await driver.press("enter")
        await driver.press_and_settle("escape")
        assert not isinstance(driver.app.screen, RunForm)
