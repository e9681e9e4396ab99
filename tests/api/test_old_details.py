"""Runs from the inside on an API with few columns and 100 rows at once, as Prefect Cloud 0.6."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowtui.api.graphql import GraphQLControlPlane
from flowtui.api.log_tail import LogTail
from flowtui.credentials import Secret
from flowtui.models import Ability
from tests.api.test_graphql import flow
from tests.parts.recorded_cloud import ROW_CAP, TOKEN, RecordedCloud, recorded_cloud

pytestmark = pytest.mark.slow

START = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def cloud() -> Iterator[RecordedCloud]:
    with recorded_cloud(camel=True) as running:
        running.tell_details()
        yield running


@pytest.fixture
def run(cloud: RecordedCloud) -> dict[str, Any]:
    return cloud.add_run(cloud.add_flow(cloud.add_project("team"), flow()))


@pytest.fixture
async def plane(cloud: RecordedCloud) -> AsyncIterator[GraphQLControlPlane]:
    plane = GraphQLControlPlane(cloud.url, Secret(TOKEN))
    yield plane
    await plane.close()


def line(text: str, seconds: int) -> dict[str, Any]:
    moment = (START + timedelta(seconds=seconds)).isoformat()
    return {"timestamp": moment, "message": text, "level": "INFO"}


async def test_it_is_found_out_though_introspection_is_off(plane: GraphQLControlPlane) -> None:
    abilities = (await plane.identify()).abilities
    assert Ability.TELL_RUN_DETAILS in abilities
    assert Ability.TELL_AGENTS not in abilities


async def test_a_log_is_read_whole_though_a_page_is_cut_and_moments_are_equal(
    cloud: RecordedCloud, plane: GraphQLControlPlane, run: dict[str, Any]
) -> None:
    count = 3 * ROW_CAP + 7
    lines = [line(f"line {n}", n // 130) for n in range(count)]
    cloud.add_logs(run, lines)
    found = await plane.run_log(run["id"])
    assert [each.text for each in found] == [f"line {n}" for n in range(count)]
    assert len({each.id for each in found}) == count
    assert len(await plane.run_log(run["id"], limit=150)) == 150
    (only,) = {each.moment for each in found[:130]}
    later = await plane.run_log(run["id"], since=only + timedelta(microseconds=1))
    assert len(later) == count - 130


async def test_lines_without_an_id_are_followed_too(
    cloud: RecordedCloud, plane: GraphQLControlPlane, run: dict[str, Any]
) -> None:
    lines = [line("one", 1), line("two", 1)]
    cloud.add_logs(run, lines)
    tail = LogTail(plane, run["id"])
    assert [each.text for each in await tail.more()] == ["one", "two"]
    lines[:0] = [line("late", 0)]
    lines.append(line("one", 2))
    assert [each.text for each in await tail.more()] == ["late", "one"]
    assert await tail.rest() == ()


async def test_states_and_task_runs_have_what_there_is(
    cloud: RecordedCloud, plane: GraphQLControlPlane, run: dict[str, Any]
) -> None:
    run["states"] = [
        {"timestamp": START.isoformat(), "state": "Scheduled"},
        {"timestamp": "2020-01-01T00:00:01", "state": "Running"},
    ]
    cloud.task_runs = [
        {
            "id": f"00000000-0000-4000-8000-{index:012}",
            "flow_run_id": run["id"],
            "map_index": index - 1,
            "state": "Success",
            "task": {"name": "load", "slug": "load-1"},
        }
        for index in range(ROW_CAP + 20)
    ]
    changes = await plane.run_states(run["id"])
    assert [(each.state, each.moment) for each in changes] == [
        ("Scheduled", START),
        ("Running", START + timedelta(seconds=1)),
    ]
    tasks = await plane.task_runs(run["id"])
    assert sorted(task.map_index for task in tasks) == list(range(-1, ROW_CAP + 19))
    assert {(task.task, task.state, task.started) for task in tasks} == {("load", "Success", None)}
