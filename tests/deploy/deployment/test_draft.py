"""The plan of a deployment: its lane, and why; nothing is built or sent here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from flowtui.config import load_project
from flowtui.deploy.applied import Applied
from flowtui.deploy.deployment.draft import look_up, make_plan, name_of
from flowtui.deploy.deployment.settle import settle
from flowtui.deploy.deployment.snapshot import Snapshot, store
from flowtui.deploy.plan import Lane, Plan
from flowtui.deploy.request import PlanRequest, Prepared
from flowtui.errors import UsageError
from flowtui.models import (
    Declaration,
    DeploymentOptions,
    DeployTable,
    FlowKind,
    FlowVersion,
    Interpreter,
    LoadedFlow,
    LocalFlow,
    LocalModule,
    Origin,
    Profile,
    RegisteredDeployment,
    StorageKind,
    StorageOptions,
)
from flowtui.run_models import WorkPool

IMAGES = {"variables": {"properties": {"image": {}}}}
POOLS = (
    WorkPool("1", "local", "process"),
    WorkPool("2", "images", "docker", base_job_template=IMAGES),
)
FLOW = LocalFlow("flows/etl.py", 3, "etl", FlowKind.FLOW_FUNCTION, "etl", deployment="default")
LOCAL = DeployTable(storage=StorageOptions(type=StorageKind.LOCAL))
SCHEMA = {"type": "object", "properties": {"day": {"type": "integer", "default": 1}}}


@dataclass
class Server:
    """What is registered; tells it as a control plane does."""

    payload: dict[str, Any] | None = None
    project: str = ""
    asked: list[str] = field(default_factory=list)

    async def deployments(self, flow_name: str) -> tuple[RegisteredDeployment, ...]:
        self.asked.append(flow_name)
        if self.payload is None:
            return ()
        version = FlowVersion(
            "d1",
            "etl",
            0,
            self.project,
            False,
            None,
            "",
            deployment="default",
            label=str(self.payload["version"]),
        )
        return (RegisteredDeployment(version, self.payload),)


@dataclass
class Memory:
    past: tuple[Applied, ...] = ()

    def applied(self, version_id: str) -> tuple[Applied, ...]:
        return tuple(each for each in self.past if each.version_id == version_id)

    def made_from(self, content_hash: str) -> tuple[Applied, ...]:
        return tuple(each for each in self.past if each.content_hash == content_hash)

    def took(self, prepared: Prepared, image: str | None = None) -> None:
        """A deploy of this plan was made."""
        assert prepared.registration is not None
        wanted = prepared.registration.wanted
        if image is not None:
            wanted = {**wanted, "job_variables": {"image": image}}
        applied = Applied("x", 1.0, "d1", wanted, prepared.plan.content_hash)
        self.past = (applied, *self.past)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLOWTUI_HOME", str(tmp_path / "home"))
    folder = tmp_path / "project"
    (folder / "flows").mkdir(parents=True)
    (folder / "flows/etl.py").write_text("import helper\n")
    (folder / "flows/helper.py").write_text("")
    return folder


def loaded(root: Path, **changes: Any) -> LoadedFlow:
    serialized = {
        "name": "etl",
        "entrypoint": "flows/etl.py:etl",
        "module_entrypoint": "",
        "description": "What it does.",
        "parameter_openapi_schema": SCHEMA,
        **changes,
    }
    return LoadedFlow(
        name="etl",
        interpreter=Interpreter("python", "3.12.1", "3.9.1", "3.1.2"),
        serialized=serialized,
        storage=None,
        environment=None,
        run_config=None,
        executor=None,
        modules=(LocalModule("helper", str(root / "flows/helper.py")),),
        packages=(),
    )


async def prepared(
    root: Path,
    overrides: DeployTable = LOCAL,
    *,
    server: Server | None = None,
    memory: Memory | None = None,
    flow: LocalFlow = FLOW,
    told: Mapping[str, Any] | None = None,
    **more: Any,
) -> Prepared:
    request = PlanRequest(
        root,
        load_project(root),
        Profile("p", "http://127.0.0.1:4200/api"),
        flow,
        overrides,
        memory=memory or Memory(),
        **more,
    )
    there = loaded(root, **(told or {}))
    known = await look_up(request, there, (server or Server()).deployments)
    settled = settle(request, there, POOLS, known.version)
    return await make_plan(request, there, settled, known, engine=None, registry=None)


async def plan(root: Path, overrides: DeployTable = LOCAL, **more: Any) -> Plan:
    return (await prepared(root, overrides, **more)).plan


def kept(of: Prepared) -> Snapshot:
    assert of.snapshot is not None
    store(of.snapshot)
    return of.snapshot


async def test_a_first_deploy_stores_what_the_flow_needs(root: Path) -> None:
    found = await prepared(root)
    assert found.plan.lane is Lane.LOCAL
    assert found.plan.reasons == ("it was never deployed",)
    assert found.snapshot is not None
    assert set(found.snapshot.files) == {"flows/etl.py", "flows/helper.py"}
    payload = found.plan.payload or {}
    assert payload["entrypoint"] == "flows/etl.py:etl"
    assert payload["work_pool_name"] == "local"
    assert payload["description"] == "What it does."
    assert str(payload["version"]).startswith(found.plan.content_hash[:12])
    pool = found.plan.setting("work_pool")
    assert pool is not None and pool.origin is Origin.INFERRED


async def test_exactly_this_is_nothing_to_do_and_sends_nothing(root: Path) -> None:
    memory, first = Memory(), await prepared(root)
    memory.took(first)
    kept(first)
    assert first.registration is not None
    server = Server(dict(first.registration.wanted))
    again = await plan(root, server=server, memory=memory)
    assert (again.lane, again.fields) == (Lane.NOTHING, {})


async def test_a_new_commit_alone_is_no_change(root: Path) -> None:
    memory, first = Memory(), await prepared(root)
    memory.took(first)
    kept(first)
    assert first.registration is not None
    wanted = {**first.registration.wanted}
    wanted["version"] = f"{first.plan.content_hash[:12]}+0000000"
    memory.past = (replace(memory.past[0], payload=wanted),)
    again = await plan(root, server=Server(wanted), memory=memory)
    assert again.lane is Lane.NOTHING


async def test_a_field_alone_is_an_update_and_names_it(root: Path) -> None:
    memory, first = Memory(), await prepared(root)
    memory.took(first)
    kept(first)
    assert first.registration is not None
    server = Server(dict(first.registration.wanted))
    changed = replace(LOCAL, deployment=DeploymentOptions(tags=("a",), description="Other"))
    found = await plan(root, changed, server=server, memory=memory)
    assert found.lane is Lane.UPDATE
    assert found.fields == {"tags": ["a"], "description": "Other"}
    assert "tags" in found.reasons[0] or "description" in found.reasons[0]
    assert found.changes is not None and len(found.changes.found) == 2


async def test_another_project_is_an_update(root: Path) -> None:
    memory, first = Memory(), await prepared(root)
    memory.took(first)
    kept(first)
    assert first.registration is not None
    server = Server(dict(first.registration.wanted), project="here")
    assert (await plan(root, server=server, memory=memory)).lane is Lane.NOTHING
    moved = await plan(root, replace(LOCAL, project="there"), server=server, memory=memory)
    assert moved.lane is Lane.UPDATE and "project" in moved.reasons[0]


async def test_a_changed_module_is_stored_anew(root: Path) -> None:
    memory, first = Memory(), await prepared(root)
    memory.took(first)
    kept(first)
    assert first.registration is not None
    (root / "flows/helper.py").write_text("WORD = 1\n")
    server = Server(dict(first.registration.wanted))
    found = await plan(root, server=server, memory=memory)
    assert found.lane is Lane.LOCAL
    assert set(found.fields) == {"pull_steps", "version"}


async def test_files_that_are_gone_are_stored_again(root: Path) -> None:
    memory, first = Memory(), await prepared(root)
    memory.took(first)
    assert first.registration is not None
    found = await plan(root, server=Server(dict(first.registration.wanted)), memory=memory)
    assert found.lane is Lane.LOCAL and "gone" in found.reasons[0]


async def test_what_was_checked_before_is_only_registered(root: Path) -> None:
    memory, first = Memory(), await prepared(root)
    memory.took(first)
    kept(first)
    other = await plan(root, memory=memory, flow=replace(FLOW, deployment="other"))
    assert other.lane is Lane.REGISTER


async def test_a_deployment_of_another_machine_is_told_so(root: Path) -> None:
    first = await prepared(root)
    assert first.registration is not None
    theirs = {**first.registration.wanted, "version": "theirs", "description": "Theirs"}
    found = await plan(root, server=Server(theirs))
    assert found.lane is Lane.LOCAL
    assert "deployed from elsewhere" in found.reasons[0]
    assert "description" not in found.fields and "version" in found.fields


async def test_force_makes_everything_anew(root: Path) -> None:
    memory, first = Memory(), await prepared(root)
    memory.took(first)
    kept(first)
    assert first.registration is not None
    server = Server(dict(first.registration.wanted))
    found = await plan(root, server=server, memory=memory, force=True)
    assert found.lane is Lane.LOCAL
    assert found.content_hash != first.plan.content_hash


async def test_an_image_that_is_known_by_its_payload_is_not_built_again(root: Path) -> None:
    docker = DeployTable(storage=StorageOptions(type=StorageKind.DOCKER, registry_url="r.io/team"))
    memory, first = Memory(), await prepared(root, docker)
    assert first.plan.lane is Lane.IMAGE
    assert first.plan.image == f"r.io/team/etl:{first.plan.content_hash[:16]}"
    shared = "r.io/team/all@sha256:" + "1" * 64
    memory.took(first, image=shared)
    other = await plan(root, docker, memory=memory, flow=replace(FLOW, deployment="other"))
    assert other.lane is Lane.REGISTER
    assert (other.payload or {})["job_variables"] == {"image": shared}


async def test_a_declaration_is_weaker_than_the_project_file(root: Path) -> None:
    (root / "flowtui.toml").write_text(
        '[deployment]\ntags = ["all"]\n'
        '[flows."etl".deployment]\ndescription = "flow"\njob_variables = {env = {A = "1"}}\n'
        '[flows."etl/nightly".deployment]\njob_variables = {env = {B = "2"}}\n'
    )
    values = {"tags": ["declared"], "parameters": {"day": 3}, "description": "declared"}
    flow = replace(
        FLOW, deployment="nightly", declared=Declaration("nightly", "prefect.yaml:4", values)
    )
    found = await plan(root, flow=flow)
    payload = found.payload or {}
    assert payload["name"] == "nightly"
    assert payload["tags"] == ["all"]
    assert payload["description"] == "flow"
    assert payload["parameters"] == {"day": 3}
    assert payload["job_variables"] == {"env": {"A": "1", "B": "2"}}
    origins = {each.name: (each.origin, each.detail) for each in found.settings}
    assert origins["parameters"] == (Origin.DECLARATION, "prefect.yaml:4")
    assert origins["job_variables"][0] is Origin.FLOW_TABLE


async def test_a_bad_schedule_stops_before_anything_is_built(root: Path) -> None:
    bad = DeploymentOptions(schedules=({"cron": "now and then"},))
    with pytest.raises(UsageError, match="not a cron expression") as error:
        await plan(root, replace(LOCAL, deployment=bad))
    assert error.value.problem.where == "command line"


async def test_without_a_registry_the_ways_out_are_said(root: Path) -> None:
    with pytest.raises(UsageError) as error:
        await plan(root, DeployTable(storage=StorageOptions(type=StorageKind.DOCKER)))
    for way in ("--registry-url", "--no-push", "--storage local"):
        assert way in error.value.problem.fix


async def test_the_type_of_the_pool_says_the_storage(root: Path) -> None:
    named = DeployTable(deployment=DeploymentOptions(work_pool="local"))
    found = await plan(root, named)
    assert found.storage is StorageKind.LOCAL
    kind = found.setting("type")
    assert kind is not None and "of type process" in kind.detail


async def test_a_file_in_a_package_that_imports_relatively_goes_by_its_module(root: Path) -> None:
    (root / "flows/__init__.py").write_text("")
    (root / "flows/etl.py").write_text("from . import helper\n")
    found = await prepared(root, told={"module_entrypoint": "flows.etl.etl"})
    payload = found.plan.payload or {}
    assert payload["entrypoint"] == "flows.etl.etl"
    assert found.snapshot is not None
    assert payload["job_variables"] == {"env": {"PYTHONPATH": str(found.snapshot.folder)}}


def test_the_name_of_a_deployment_is_the_loaded_ones() -> None:
    dynamic = Declaration("<NAME>", "flows/etl.py:9 .deploy(…)", dynamic=("name",))
    flow = replace(FLOW, deployment="<NAME>", declared=dynamic)
    assert name_of(FLOW, _told(None)) == "default"
    assert name_of(flow, _told(replace(dynamic, name="nightly", dynamic=()))) == "nightly"
    with pytest.raises(UsageError, match="is not known before it is made: <NAME>") as caught:
        name_of(flow, _told(dynamic))
    assert caught.value.problem.where == dynamic.where


def _told(declared: Declaration | None) -> LoadedFlow:
    python = Interpreter("python", "3.12.1", "3.9.1", "3.1.2")
    return LoadedFlow("etl", python, {}, None, None, None, None, (), (), declared=declared)
