"""How flows on disk compare with what is registered: flow objects and deployments."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flowtui.deploy.history import DeployRecord
from flowtui.flow_rows import FlowRow, Folder, Registered, flow_rows
from flowtui.models import (
    BrokenFile,
    Declaration,
    Discovery,
    FlowKind,
    FlowState,
    FlowVersion,
    LocalFlow,
)
from tests.tui.memory import GRAPHQL_ABILITIES, REST_ABILITIES

OBJECT = LocalFlow("etl.py", 3, "etl", FlowKind.FLOW_OBJECT)
FUNCTION = LocalFlow("etl.py", 3, "etl", FlowKind.FLOW_FUNCTION, deployment="default")
NIGHTLY = replace(FUNCTION, deployment="nightly", declared=Declaration("nightly", "prefect.yaml:3"))
HOURLY = replace(FUNCTION, deployment="hourly", declared=Declaration("hourly", "prefect.yaml:9"))


def folder(project: str | None = None, fingerprint: str = "now", scope: str = ".") -> Folder:
    return Folder("/p", scope, lambda _: project, lambda _: fingerprint)


def version(
    deployment: str = "", *, number: int = 0, label: str = "", project: str = ""
) -> FlowVersion:
    identity = f"{deployment}{number}{project}"
    return FlowVersion(
        identity, "etl", number, project, False, None, "", deployment=deployment, label=label
    )


def record(
    of: FlowVersion, *, fingerprint: str = "now", target: str = "", label: str | None = None
) -> DeployRecord:
    name = f"etl/{of.deployment}" if of.deployment else "etl"
    return DeployRecord(
        id="1",
        started=0.0,
        root="/p",
        target=target or f"etl.py:{name}",
        flow="etl",
        project="",
        api_url="u",
        storage=None,
        image=None,
        content_hash=None,
        fingerprint=fingerprint,
        outcome="done",
        seconds=1.0,
        reason="",
        version=of.version or None,
        version_id=of.id,
        digest=None,
        label=of.label if label is None else label,
    )


def rows(
    *flows: LocalFlow,
    versions: tuple[FlowVersion, ...] = (),
    records: tuple[DeployRecord, ...] = (),
    rest: bool = True,
    where: Folder | None = None,
    broken: tuple[BrokenFile, ...] = (),
) -> tuple[FlowRow, ...]:
    abilities = REST_ABILITIES if rest else GRAPHQL_ABILITIES
    known = Registered(versions, {each.version_id or "": each for each in records}, abilities)
    return flow_rows(where or folder(), Discovery("/p", flows, broken), known)


def test_deployments_of_one_flow_are_rows_of_their_own() -> None:
    nightly, hourly = version("nightly", label="a"), version("hourly", label="b")
    found = rows(
        NIGHTLY,
        HOURLY,
        versions=(nightly, hourly),
        records=(record(nightly), record(hourly, fingerprint="before")),
    )
    assert [(row.name, row.state) for row in found] == [
        ("etl/hourly", FlowState.CHANGED),
        ("etl/nightly", FlowState.UP_TO_DATE),
    ]
    assert found[0].note == "sources or settings differ from version b"
    assert len({row.key for row in found}) == 2


def test_a_deployment_is_found_in_whatever_project_it_is() -> None:
    registered = version("default", project="Elsewhere")
    (row,) = rows(
        FUNCTION, versions=(registered,), records=(record(registered),), where=folder("Team")
    )
    assert (row.state, row.project) == (FlowState.UP_TO_DATE, "Elsewhere")


def test_a_flow_object_is_another_one_in_another_project() -> None:
    registered = version(number=3, project="Elsewhere")
    (row,) = rows(OBJECT, versions=(registered,), rest=False, where=folder("Team"))
    assert (row.state, row.project) == (FlowState.NOT_DEPLOYED, "Team")


def test_a_deployment_that_another_machine_changed_is_not_compared() -> None:
    registered = version("default", label="new")
    (row,) = rows(FUNCTION, versions=(registered,), records=(record(registered, label="old"),))
    assert row.state is FlowState.ELSEWHERE
    assert row.note == "version new took the place of version old"


def test_one_that_was_deployed_elsewhere_says_so() -> None:
    (row,) = rows(FUNCTION, versions=(version("default"),))
    assert row.state is FlowState.ELSEWHERE
    assert row.note == "the deployment was not deployed from this machine"


@pytest.mark.parametrize(
    ("flow", "rest", "says"),
    [
        (FUNCTION, False, "registers flows of Prefect 0.6 to 1.4"),
        (OBJECT, True, "registers deployments of Prefect 2 and 3"),
    ],
)
def test_a_flow_of_the_other_generation_says_what_is_wrong(
    flow: LocalFlow, rest: bool, says: str
) -> None:
    (row,) = rows(flow, rest=rest)
    assert row.state is FlowState.NOT_DEPLOYED
    assert says in row.note


def test_names_clash_within_flow_and_deployment_only() -> None:
    twin = replace(NIGHTLY, path="other.py")
    states = {(row.location, row.name): row.state for row in rows(NIGHTLY, HOURLY, twin)}
    assert states == {
        ("etl.py:3", "etl/hourly"): FlowState.NOT_DEPLOYED,
        ("etl.py:3", "etl/nightly"): FlowState.BROKEN,
        ("other.py:3", "etl/nightly"): FlowState.BROKEN,
    }


def test_a_deployment_that_is_declared_no_more_is_told() -> None:
    nightly = version("nightly", label="a")
    found = rows(HOURLY, versions=(nightly,), records=(record(nightly),))
    gone = next(row for row in found if row.state is FlowState.DELETED)
    assert (gone.name, gone.location) == ("etl/nightly", "etl.py")
    assert gone.note == "version a is registered, but no deployment of it is here now"


def test_of_a_folder_within_only_what_was_deployed_from_it_is_told_gone() -> None:
    nightly = version("nightly")
    made = (record(nightly, target="flows/etl.py:etl/nightly"),)
    assert rows(versions=(nightly,), records=made, where=folder(scope="other")) == ()
    (row,) = rows(versions=(nightly,), records=made, where=folder(scope="flows"))
    assert row.location == "flows/etl.py"


def test_nothing_is_gone_from_a_file_that_does_not_parse() -> None:
    nightly = version("nightly")
    found = rows(
        versions=(nightly,),
        records=(record(nightly),),
        broken=(BrokenFile("etl.py", 1, 1, "invalid syntax"),),
    )
    assert [row.state for row in found] == [FlowState.BROKEN]


def test_without_a_control_plane_nothing_is_known() -> None:
    found = flow_rows(folder(), Discovery("/p", (OBJECT, FUNCTION)), None)
    assert {(row.state, row.note) for row in found} == {(FlowState.UNKNOWN, "not connected")}


def test_a_flow_that_no_run_can_reach_says_why() -> None:
    def note(variable: str, function: str) -> str:
        kind = FlowKind.FLOW_FUNCTION
        flow = LocalFlow("flow.py", 3, "etl", kind, variable, function=function)
        (row,) = flow_rows(folder(), Discovery("/p", (flow,)), None)
        return row.note

    assert note("Jobs.etl", "Jobs") == "a method that needs an object of Jobs: no run has one"
    assert note("etl", "main").startswith("made inside main(): only flows at module level")


def test_what_is_broken_in_a_file_is_a_row_of_its_own() -> None:
    broken = (
        BrokenFile("prefect.yaml", 3, 1, "it has no entrypoint", "nightly"),
        BrokenFile("prefect.yaml", 9, 1, "it has no entrypoint", "weekly"),
        BrokenFile("flow.py", 1, 1, "invalid syntax"),
    )
    rows = flow_rows(folder(), Discovery("/p", (), broken), None)
    assert [row.name for row in rows] == ["flow.py", "nightly", "weekly"]
    assert len({row.key for row in rows}) == 3
    assert rows[1].location == "prefect.yaml:3"
