"""What real servers do not show at will: thousands of rows, half-way failures, late lines."""

from __future__ import annotations

import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowtui.api.http import Patience
from flowtui.api.rest import RestControlPlane, connection
from flowtui.errors import ControlPlaneError
from flowtui.models import Project
from flowtui.run_models import RunRequest
from tests.parts.stand_in import Asked, Reply, StandIn, stand_in

RUN = str(uuid.UUID(int=7))
MOMENT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As often as in earnest, without the waiting."""
    known = connection.PATIENCE
    pauses = tuple(0.001 for _ in known.pauses)
    patience = Patience(pauses, known.longest_pause, known.busy, known.turned_away)
    monkeypatch.setattr(connection, "PATIENCE", patience)


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in(lambda _: Reply(404, {"detail": "Not Found"})) as running:
        yield running


@pytest.fixture
async def plane(server: StandIn) -> AsyncIterator[RestControlPlane]:
    made = RestControlPlane(f"{server.url}/api", None)
    yield made
    await made.close()


Rows = Callable[[dict[str, Any]], list[dict[str, Any]]]


def answering(server: StandIn, tables: dict[str, Rows], **others: Reply) -> None:
    """Filters with limit and offset, and counts, as Prefect has them; PATCH and DELETE say yes."""

    def answer(asked: Asked) -> Reply:
        path = asked.path.removeprefix("/api")
        for place, reply in others.items():
            if place in path:
                return reply
        table, _, action = path.strip("/").partition("/")
        if asked.method in ("PATCH", "DELETE"):
            return Reply(204)
        if path == "/admin/version":
            return Reply(200, "3.9.1")
        rows = tables[table](asked.body or {})
        if action == "count":
            return Reply(200, len(rows))
        assert asked.body["limit"] <= 200
        place = asked.body["offset"]
        return Reply(200, rows[place : place + asked.body["limit"]])

    server.answer = answer


def deployment(number: int, *tags: str) -> dict[str, Any]:
    return {
        "id": str(uuid.UUID(int=number)),
        "flow_id": str(uuid.UUID(int=10_000 + number // 10)),
        "name": f"d{number}",
        "tags": list(tags),
        "schedules": [],
        "paused": False,
        "job_variables": {},
    }


def flow(number: int) -> dict[str, Any]:
    return {"id": str(uuid.UUID(int=10_000 + number)), "name": f"flow-{number}"}


def of_flows(body: dict[str, Any]) -> list[dict[str, Any]]:
    rows = [flow(number) for number in range(300)]
    ids = body.get("flows", {}).get("id", {}).get("any_")
    return rows if ids is None else [row for row in rows if row["id"] in ids]


# ------------------------------------------------------------------------------------ many of them


async def test_thousands_of_deployments_are_told_each_once_with_their_flows(
    server: StandIn, plane: RestControlPlane
) -> None:
    rows = [deployment(number, "project:Big") for number in range(2500)]
    answering(server, {"deployments": lambda _: rows, "flows": of_flows})
    found = await plane.flow_versions()
    assert [version.deployment for version in found] == [f"d{number}" for number in range(2500)]
    assert found[2499].flow_name == "flow-249/d2499"
    asked = len(server.asked)
    assert asked <= 18
    (project,) = await plane.projects()
    assert (project.name, project.flow_count) == ("Big", 250)
    # The names of flows are known by now.
    assert not any("/flows/" in path for path in server.paths()[asked:])


async def test_a_page_of_deployments_is_two_requests(
    server: StandIn, plane: RestControlPlane
) -> None:
    rows = [deployment(number) for number in range(50)]
    answering(server, {"deployments": lambda _: rows, "flows": of_flows})
    assert len(await plane.flow_versions()) == 50
    assert len(server.asked) == 2
    await plane.flow_versions()
    assert len(server.asked) == 3


async def test_a_deployment_made_while_pages_are_read_is_not_told_twice(
    server: StandIn, plane: RestControlPlane
) -> None:
    rows = [deployment(number) for number in range(450)]

    last_page_read = threading.Event()
    made = False

    def growing(body: dict[str, Any]) -> list[dict[str, Any]]:
        nonlocal made
        there = list(rows)
        if body.get("offset") == 400:
            last_page_read.set()
        if body.get("offset") == 200 and not made:
            # The worst moment: the page behind this one is read, this one is not.
            assert last_page_read.wait(60)
            made = True
            rows.insert(0, deployment(999))
            there = list(rows)
        return there

    answering(server, {"deployments": growing, "flows": of_flows})
    found = await plane.flow_versions()
    assert len({version.id for version in found}) == len(found)
    assert {f"d{number}" for number in range(450)} <= {version.deployment for version in found}


async def test_a_run_is_found_by_how_its_id_begins_among_thousands(
    server: StandIn, plane: RestControlPlane
) -> None:
    ids = sorted((str(uuid.uuid5(uuid.NAMESPACE_DNS, str(n))) for n in range(5000)), reverse=True)
    twins = ["aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-ffff-4fff-8fff-ffffffffffff"]
    rows = [
        {"id": each, "flow_id": flow(0)["id"], "name": each, "state_type": "COMPLETED"}
        for each in sorted((*ids, *twins), reverse=True)
    ]
    answering(server, {"flow_runs": lambda _: rows, "flows": of_flows})
    for wanted in (ids[0], ids[2345], ids[-1]):
        server.asked.clear()
        (found,) = await plane.find_runs(wanted[:13])
        assert found.id == wanted
        assert len(server.asked) <= 17
    assert {run.id for run in await plane.find_runs("aaaaaaaa")} == set(twins)
    assert [run.id for run in await plane.find_runs("AAAAAAAA-0000")] == twins[:1]


# --------------------------------------------------------------------------------------------- logs


def line(number: int, moment: datetime) -> dict[str, Any]:
    stamp = moment.isoformat().replace("+00:00", "Z")
    return {"id": str(number), "timestamp": stamp, "level": 20, "message": f"line {number}"}


async def test_a_long_log_is_whole_and_in_order(server: StandIn, plane: RestControlPlane) -> None:
    rows = [line(n, MOMENT + timedelta(milliseconds=n // 7)) for n in range(2345)]
    answering(server, {"logs": lambda _: rows})
    found = await plane.run_log(RUN)
    assert [each.id for each in found] == [str(n) for n in range(2345)]
    assert [each.id for each in await plane.run_log(RUN, limit=450)] == [str(n) for n in range(450)]
    asked = server.asked[-1].body["logs"]
    assert asked == {"flow_run_id": {"any_": [RUN]}}


async def test_lines_that_come_while_pages_are_read_lose_none(
    server: StandIn, plane: RestControlPlane
) -> None:
    rows = [line(n, MOMENT + timedelta(seconds=n)) for n in range(900)]

    def growing(body: dict[str, Any]) -> list[dict[str, Any]]:
        if body["offset"] == 200 and len(rows) == 900:
            rows[0:0] = [line(n, MOMENT) for n in range(1000, 1050)]
        return rows

    answering(server, {"logs": growing})
    found = await plane.run_log(RUN)
    assert {str(n) for n in range(900)} <= {each.id for each in found}
    assert len({each.id for each in found}) == len(found)


# ------------------------------------------------------------------------------ half-way failures


async def test_a_project_that_is_renamed_half_says_how_far_it_came(
    server: StandIn, plane: RestControlPlane
) -> None:
    rows = [deployment(number, "project:Old") for number in range(3)]
    stubborn = rows[1]["id"]

    def of_deployments(body: dict[str, Any]) -> list[dict[str, Any]]:
        tags = body.get("deployments", {}).get("tags", {}).get("all_", [])
        return [row for row in rows if set(tags) <= set(row["tags"])]

    refused = Reply(409, {"detail": "somebody holds it"})
    answering(
        server,
        {"deployments": of_deployments, "flows": of_flows},
        **{f"deployments/{stubborn}": refused},
    )
    with pytest.raises(ControlPlaneError, match=r"2 of 3 deployments .* but not d1") as caught:
        await plane.rename_project(Project("Old", "Old"), "New")
    assert "somebody holds it" in caught.value.problem.what
    changed = [asked.body for asked in server.asked if asked.method == "PATCH"]
    assert changed == [{"tags": ["project:New"]}] * 3


async def test_a_start_whose_answer_is_lost_is_asked_again_with_the_same_key(
    server: StandIn, plane: RestControlPlane
) -> None:
    row = {"id": RUN, "flow_id": flow(0)["id"], "name": "run", "state_type": "SCHEDULED"}
    answering(server, {"flows": of_flows})
    usual = server.answer
    left = [Reply(hang_up=True), Reply(503, {}), Reply(201, row)]
    server.answer = lambda asked: left.pop(0) if "create_flow_run" in asked.path else usual(asked)
    run = await plane.start_run(RunRequest(str(uuid.UUID(int=1)), {}))
    keys = [a.body["idempotency_key"] for a in server.asked if "create_flow_run" in a.path]
    assert run.id == RUN and len(keys) == 3 and len(set(keys)) == 1
    server.answer = lambda asked: (
        Reply(503, {}) if "create_flow_run" in asked.path else usual(asked)
    )
    with pytest.raises(ControlPlaneError) as caught:
        await plane.start_run(RunRequest(str(uuid.UUID(int=1)), {}))
    assert "look whether it was started" in caught.value.problem.fix
