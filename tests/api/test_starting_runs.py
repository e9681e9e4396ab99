"""Starting runs on the stand-ins of Prefect Cloud 0.6 and 1.x: once, whatever becomes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from graphql import build_schema, print_schema

from flowtui.api.causes import OutcomeUnknownError
from flowtui.api.graphql import GraphQLControlPlane
from flowtui.credentials import Secret
from flowtui.errors import ControlPlaneError
from flowtui.models import Json
from flowtui.run_models import Parameter, RunRequest
from tests.api.test_graphql import failing, flow, mutations
from tests.parts.recorded_cloud import TOKEN, Fault, RecordedCloud, recorded_cloud

pytestmark = pytest.mark.slow

Connect = Callable[[RecordedCloud], GraphQLControlPlane]


@pytest.fixture(params=["camel", "snake"])
def cloud(request: pytest.FixtureRequest) -> Iterator[RecordedCloud]:
    with recorded_cloud(camel=request.param == "camel") as running:
        yield running


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    made: list[GraphQLControlPlane] = []

    def make(cloud: RecordedCloud) -> GraphQLControlPlane:
        made.append(GraphQLControlPlane(cloud.url, Secret(TOKEN)))
        return made[-1]

    yield make
    for plane in made:
        await plane.close()


def create_run(cloud: RecordedCloud) -> str:
    return "createFlowRun" if cloud.camel else "create_flow_run"


def without(cloud: RecordedCloud, field: str) -> None:
    """The API loses an input field of create_flow_run."""
    lines = print_schema(cloud.schema).splitlines()
    cloud.schema = build_schema("\n".join(line for line in lines if line.strip() != field))


def registered(cloud: RecordedCloud, **more: Any) -> dict[str, Any]:
    return cloud.add_flow(cloud.add_project("team"), flow(**more))


async def test_a_run_is_started_with_what_was_asked(cloud: RecordedCloud, connect: Connect) -> None:
    row = registered(cloud)
    run = await connect(cloud).start_run(RunRequest(row["id"], {"n": [1, "ü"]}))
    assert (run.flow, run.project, run.version, run.state) == ("etl", "team", 1, "Scheduled")
    assert run.parameters == {"n": [1, "ü"]}
    assert [each["id"] for each in cloud.runs] == [run.id]
    (request,) = mutations(cloud, create_run(cloud))
    key = "idempotencyKey" if cloud.camel else "idempotency_key"
    assert len(request.input.pop(key)) == 32
    expected = {"flowId" if cloud.camel else "flow_id": row["id"], "parameters": {"n": [1, "ü"]}}
    assert request.input == expected


async def test_a_later_start_is_sent_as_utc(cloud: RecordedCloud, connect: Connect) -> None:
    row = registered(cloud)
    noon = datetime(2026, 12, 1, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    run = await connect(cloud).start_run(RunRequest(row["id"], {}, start=noon))
    assert run.scheduled == datetime(2026, 12, 1, 10, 0, tzinfo=UTC)


async def test_a_lost_answer_makes_no_second_run(cloud: RecordedCloud, connect: Connect) -> None:
    row = registered(cloud)
    cloud.fault = failing(create_run(cloud), Fault(after=True), times=1)
    run = await connect(cloud).start_run(RunRequest(row["id"], {}))
    assert len(mutations(cloud, create_run(cloud))) == 2
    assert [each["id"] for each in cloud.runs] == [run.id]


async def test_where_no_answer_comes_at_all_it_may_have_been_started(
    cloud: RecordedCloud, connect: Connect
) -> None:
    row = registered(cloud)
    cloud.fault = failing(create_run(cloud), Fault(after=True))
    with pytest.raises(ControlPlaneError) as caught:
        await connect(cloud).start_run(RunRequest(row["id"], {}))
    assert "look whether it was started" in caught.value.problem.fix
    assert len(cloud.runs) == 1


async def test_the_same_request_twice_is_two_runs_and_the_same_key_one(
    cloud: RecordedCloud, connect: Connect
) -> None:
    plane, row = connect(cloud), registered(cloud)
    request = RunRequest(row["id"], {})
    first, second = await plane.start_run(request), await plane.start_run(request)
    assert first.id != second.id
    keyed = RunRequest(row["id"], {}, idempotency_key="k")
    assert (await plane.start_run(keyed)).id == (await plane.start_run(keyed)).id
    assert len(cloud.runs) == 3


async def test_an_api_without_the_key_is_asked_once(cloud: RecordedCloud, connect: Connect) -> None:
    row = registered(cloud)
    without(cloud, "idempotencyKey: String" if cloud.camel else "idempotency_key: String")
    plane = connect(cloud)
    await plane.start_run(RunRequest(row["id"], {}))
    assert len(cloud.runs) == 1
    before = len(mutations(cloud, create_run(cloud)))
    cloud.fault = failing(create_run(cloud), Fault(after=True), times=1)
    with pytest.raises(OutcomeUnknownError) as caught:
        await plane.start_run(RunRequest(row["id"], {}))
    assert "look whether it was started" in caught.value.problem.fix
    assert len(mutations(cloud, create_run(cloud))) == before + 1
    assert len(cloud.runs) == 2


LABELS = {"labels": ("x",)}
CONFIG = {"run_config": {"type": "UniversalRun"}}


@pytest.mark.parametrize(
    ("more", "words"),
    [({"name": "nightly"}, "name a run"), (LABELS, "labels of its own"), (CONFIG, "run config")],
)
async def test_what_an_old_api_does_not_take_is_not_left_out_silently(
    connect: Connect, more: dict[str, Any], words: str
) -> None:
    with recorded_cloud(camel=True) as cloud:
        row = registered(cloud)
        with pytest.raises(ControlPlaneError, match=words):
            await connect(cloud).start_run(RunRequest(row["id"], {}, **more))
        assert cloud.runs == []


async def test_name_labels_and_run_config_go_along_where_they_are_taken(connect: Connect) -> None:
    with recorded_cloud() as cloud:
        row = registered(cloud)
        config: dict[str, Json] = {"type": "LocalRun", "env": {"snake_case": "1"}}
        await connect(cloud).start_run(
            RunRequest(row["id"], {}, name="nightly", labels=(), run_config=config)
        )
        (request,) = mutations(cloud, "create_flow_run")
        assert request.input["labels"] == []
        assert request.input["run_config"] == config
        assert cloud.runs[0]["name"] == "nightly"


async def test_an_archived_version_is_refused_in_words(
    cloud: RecordedCloud, connect: Connect
) -> None:
    row = registered(cloud)
    row["archived"] = True
    with pytest.raises(ControlPlaneError, match="not started: Flow is archived") as caught:
        await connect(cloud).start_run(RunRequest(row["id"], {}))
    assert "version that is in use" in caught.value.problem.fix


async def test_an_api_that_cannot_cancel_says_so(cloud: RecordedCloud, connect: Connect) -> None:
    run = cloud.add_run(registered(cloud))
    with pytest.raises(ControlPlaneError, match="this API cannot cancel runs"):
        await connect(cloud).cancel_run(run["id"])
    with pytest.raises(ControlPlaneError, match="log of a run"):
        await connect(cloud).run_log(run["id"])
    with pytest.raises(ControlPlaneError, match="which agents there are"):
        await connect(cloud).agents()


async def test_parameters_come_out_of_the_serialization_where_there_is_no_column(
    connect: Connect,
) -> None:
    declared = [
        {"name": "day", "required": True, "default": None, "slug": "day"},
        {"name": "size", "required": False, "default": {"a": 1}},
    ]
    with recorded_cloud() as cloud:
        row = registered(cloud, parameters=declared)
        assert await connect(cloud).flow_parameters(row["id"]) == (
            Parameter("day", True),
            Parameter("size", False, {"a": 1}),
        )
    with recorded_cloud(camel=True) as cloud:
        row = registered(cloud, parameters=declared)
        with pytest.raises(ControlPlaneError, match="parameters of a flow"):
            await connect(cloud).flow_parameters(row["id"])


async def test_runs_are_found_by_id_its_beginning_and_name(
    cloud: RecordedCloud, connect: Connect
) -> None:
    row = registered(cloud)
    ids = [f"{digits}-1111-4111-8111-111111111111" for digits in ("deadbee1", "deadbee2")]
    for run_id in ids:
        cloud.add_run(row, name="brave-heron", id=run_id)
    cloud.add_run(row, name="deadbee1", id="0badcafe-1111-4111-8111-111111111111")
    plane = connect(cloud)

    async def found(text: str) -> set[str]:
        return {run.id for run in await plane.find_runs(text)}

    assert (
        await found(ids[0]) == await found("DEADBEE1-11") == await found("deadbee111") == {ids[0]}
    )
    assert await found("deadbee1") == {ids[0]}, "an id goes before a name"
    assert await found("brave-heron") == set(ids)
    assert await found("deadbee") == await found("0badcaff") == set()
    assert (await plane.flow_run(ids[1])) is not None
    assert await plane.flow_run("22222222-1111-4111-8111-111111111111") is None


async def test_states_choose_runs(cloud: RecordedCloud, connect: Connect) -> None:
    row = registered(cloud)
    for state in ("Success", "Failed", "TimedOut", "Scheduled"):
        cloud.add_run(row, name=state, state=state)
    found = await connect(cloud).flow_runs(states={"Failed", "TimedOut"})
    assert {run.name for run in found} == {"Failed", "TimedOut"}
    assert await connect(cloud).flow_runs(states=()) == ()
