"""Parameters, schedule and tasks in words, and when a registered flow is asked for them."""

from __future__ import annotations

from typing import Any

import pytest

from flowtui.tui.view_models.described import Described, described, schedule_words
from tests.tui.driving import running
from tests.tui.memory import MemoryWorkspace

HOUR = 3_600_000_000


def clocks(*clocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"clocks": list(clocks), "filters": [], **more}


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (clocks({"interval": 24 * HOUR}), "every day"),
        (clocks({"interval": 6 * HOUR}), "every 6 hours"),
        (clocks({"interval": HOUR * 3 // 2}), "every 90 minutes"),
        (clocks({"interval": 1_500_000}), "every 1.5 seconds"),
        (clocks({"cron": "30 2 * * *", "start_date": None}), "daily at 02:30 UTC"),
        (
            clocks({"cron": "0 7 * * *", "start_date": {"dt": "x", "tz": "Europe/Berlin"}}),
            "daily at 07:00 Europe/Berlin",
        ),
        (clocks({"cron": "15 * * * *"}), "hourly at :15"),
        (clocks({"cron": "0 2 * * 1-5"}), "cron 0 2 * * 1-5"),
        (clocks({"dates": [{"dt": "a"}, {"dt": "b"}]}), "on 2 dates"),
        (clocks({"interval": HOUR}, {"dates": [1]}), "every hour; on 1 date"),
        (clocks({"interval": HOUR}, not_filters=[{"fn": "x"}]), "every hour, with filters"),
        ({"type": "CronSchedule"}, "CronSchedule"),
        (clocks({"type": "SomeClock\x1b[2J"}), "SomeClock"),
    ],
)
def test_a_schedule_in_words(schedule: dict[str, Any], words: str) -> None:
    assert schedule_words(schedule) == words


def test_parameters_are_named_and_not_counted_as_tasks() -> None:
    parameter = "prefect.core.parameter.Parameter"
    found = described(
        {
            "parameters": [
                {"name": "table", "default": "orders", "required": False},
                {"name": "limit", "required": True},
            ],
            "tasks": [
                {"name": "table", "type": parameter},
                {"name": "limit", "type": parameter},
                {"name": "load", "type": "prefect.core.task.FunctionTask"},
            ],
            "schedule": None,
        }
    )
    assert found == Described(("table = orders", "limit (required)"), "", 1)


def test_nothing_of_it_has_to_be_there() -> None:
    assert described({}) == Described((), "", 0)
    assert described({"tasks": None, "parameters": "x", "schedule": []}) == Described((), "", 0)


@pytest.mark.slow
async def test_the_flow_under_the_cursor_is_asked_for_once_it_rests(
    workspace: MemoryWorkspace,
) -> None:
    schedule = clocks({"interval": 24 * HOUR})
    workspace.server.serialized["v2"] = {
        "parameters": [{"name": "table", "default": "orders"}],
        "tasks": [{"name": "load", "type": "prefect.core.task.FunctionTask"}],
        "schedule": schedule,
    }
    async with running(workspace, size=(120, 40)) as driver:
        await driver.see("table = orders", "every day")
        assert workspace.server.asked_for == ["v2"]
        for key in "jkjkjk":
            driver.app.simulate_key(key)
        await driver.idle()
        await driver.see("table = orders")
        assert workspace.server.asked_for == ["v2"]
        await driver.press("j")
        await driver.until(lambda: workspace.server.asked_for == ["v2", "v3"])
        await driver.idle()
        assert "table = orders" not in driver.screen_text()
