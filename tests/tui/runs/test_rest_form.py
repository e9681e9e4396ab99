"""The form of a run of a deployment: fields from JSON schemas, tags and job variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.errors import ControlPlaneError
from flowtui.run_models import RunRequest
from flowtui.tui.asking_runs import new_run, target_of
from flowtui.tui.screens.flow_run import FlowRunScreen
from flowtui.tui.screens.run_form import RunForm
from flowtui.tui.widgets.form.field import Field
from tests.runs.rich import parameters
from tests.tui.driving import Driver, running
from tests.tui.memory import MemoryWorkspace
from tests.tui.memory_rest import rest_workspace
from tests.tui.runs.test_run_form import go_to, in_field

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(tmp_path: Path) -> MemoryWorkspace:
    made = rest_workspace(tmp_path)
    version = made.server.version_list[0]
    made.server.parameter_lists[version.id] = parameters()
    return made


async def open_form(driver: Driver) -> RunForm:
    await driver.until(lambda: driver.app.session.connected)
    new_run(driver.app, target_of(driver.workspace.server.version_list[0]))
    await driver.until(lambda: bool(driver.app.screen.query(Field)))
    await driver.settled()
    form = driver.app.screen
    assert isinstance(form, RunForm)
    return form


def field(driver: Driver, label: str) -> Field:
    return next(
        each for each in driver.app.screen.query(Field) if each.asked.label.strip() == label
    )


async def fill_in(driver: Driver) -> None:
    await go_to(driver, "  name")
    await driver.type("sales")
    await go_to(driver, "when")
    await driver.type("2026-12-24 08:00")


async def started(driver: Driver) -> RunRequest:
    await driver.press("enter")
    requests = driver.workspace.server.requests
    await driver.until(lambda: len(requests) == 1)
    await driver.until(lambda: isinstance(driver.app.screen, FlowRunScreen))
    return requests[0]


async def test_objects_are_fields_under_a_heading(workspace: MemoryWorkspace) -> None:
    async with running(workspace, size=(120, 50)) as driver:
        await open_form(driver)
        assert in_field(driver) == "  name"
        screen = driver.screen_text()
        for words in (
            "Run etl/nightly 4f2a9c1+ab12cd3",
            "config *",
            "  inner",
            "    port",
            "whole number, 1 to 65535: the default",
            "TCP port",
            "required: date and time",
            "(•) fast",
        ):
            assert words in screen, words


async def test_one_leaf_and_what_is_required_is_sent(workspace: MemoryWorkspace) -> None:
    async with running(workspace, size=(120, 50)) as driver:
        await open_form(driver)
        await fill_in(driver)
        await go_to(driver, "    port")
        await driver.press(*["backspace"] * 4)
        await driver.type("80")
        await go_to(driver, "mode")
        await driver.press("space")
        await go_to(driver, "Tags")
        await driver.type("urgent, by hand")
        request = await started(driver)
    assert request.parameters == {
        "config": {
            "name": "sales",
            "inner": {"host": "localhost", "port": 80, "password": None},
        },
        "when": "2026-12-24T08:00:00",
        "mode": "slow",
    }
    assert request.tags == ("urgent", "by hand")
    assert (request.labels, request.run_config, request.job_variables) == (None, None, None)


async def test_a_secret_is_not_shown_and_sent_as_it_was_typed(workspace: MemoryWorkspace) -> None:
    async with running(workspace, size=(120, 50)) as driver:
        await open_form(driver)
        await fill_in(driver)
        await go_to(driver, "    password")
        await driver.type("geheim")
        await driver.settled()
        screen = driver.screen_text()
        assert "geheim" not in screen and "******" in screen
        request = await started(driver)
    config = request.parameters["config"]
    assert isinstance(config, dict) and config["inner"]["password"] == "geheim"


async def test_what_does_not_fit_is_said_at_its_field_and_nothing_is_sent(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace, size=(120, 50)) as driver:
        await open_form(driver)
        await fill_in(driver)
        await go_to(driver, "    port")
        await driver.type("0000")
        await driver.see("greater than the maximum of 65535")
        await go_to(driver, "Run name")
        await driver.press("enter")
        await driver.until(lambda: in_field(driver) == "    port")
        assert driver.workspace.server.requests == []


async def test_the_field_that_the_control_plane_names_has_the_keys(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace, size=(120, 50)) as driver:
        form = await open_form(driver)
        await fill_in(driver)
        refusal = ControlPlaneError(
            "the run was not started: Validation failed for field 'config.inner.port'",
            where="http://memory",
        )
        form.refused(refusal.problem)
        await driver.until(lambda: in_field(driver) == "    port")
        await driver.see("Validation failed for field")
        assert field(driver, "name").typed.text == "sales"


async def test_job_variables_are_asked_for_where_they_are_wanted(
    workspace: MemoryWorkspace,
) -> None:
    async with running(workspace, size=(120, 50)) as driver:
        await open_form(driver)
        await fill_in(driver)
        await go_to(driver, "more")
        await driver.press("enter")
        await driver.until(lambda: in_field(driver) == "Job variables")
        await driver.type('{"env": {"A": "1"}}')
        await driver.see("instead of the deployment's: env")
        request = await started(driver)
    assert request.job_variables == {"env": {"A": "1"}}
