from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.config import ProjectConfig, load_project
from flowtui.deploy.flow_object.planner import make_plan, settle
from flowtui.deploy.plan import Lane, Plan
from flowtui.deploy.request import PlanRequest
from flowtui.errors import UsageError
from flowtui.models import (
    DeployTable,
    FlowKind,
    Interpreter,
    JsonObject,
    LoadedFlow,
    LocalFlow,
    LocalModule,
    Origin,
    Package,
    Profile,
    StorageKind,
    StorageOptions,
)

_FLOW = LocalFlow("flow.py", 3, "my flow", FlowKind.FLOW_OBJECT, "f")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "flow.py").write_text("flow")
    (tmp_path / "helper.py").write_text("helper")
    return tmp_path


def _loaded(root: Path, storage: JsonObject | None = None, prefect: str = "1.4.1") -> LoadedFlow:
    return LoadedFlow(
        name="my flow",
        interpreter=Interpreter("python", "3.11.7", prefect, "3.1.2"),
        serialized={},
        storage=storage,
        environment=None,
        run_config=None,
        executor=None,
        modules=(LocalModule("helper", str(root / "helper.py")),),
        packages=(Package("humanize", "4.9.0"),),
    )


def _request(root: Path, config: ProjectConfig | None = None, **storage: object) -> PlanRequest:
    return PlanRequest(
        root,
        config or load_project(root),
        Profile("p", "http://127.0.0.1:4200"),
        _FLOW,
        DeployTable("P", StorageOptions(**storage)),  # type: ignore[arg-type]
    )


async def _plan(request: PlanRequest, loaded: LoadedFlow) -> Plan:
    settled = settle(request, loaded)
    prepared = await make_plan(
        request, loaded, settled, control_plane=None, engine=None, registry=None
    )
    return prepared.plan


async def test_smart_defaults_say_what_they_were_inferred_from(root: Path) -> None:
    plan = await _plan(_request(root, registry_url="r.example.com/x"), _loaded(root))
    assert plan.lane is Lane.IMAGE
    origins = {s.name: (s.value, s.origin) for s in plan.settings}
    assert origins["base_image"] == ("python:3.11-slim", Origin.INFERRED)
    assert origins["python_dependencies"] == (("humanize==4.9.0",), Origin.INFERRED)
    assert origins["modules"] == (["helper"], Origin.INFERRED)
    assert origins["registry_url"] == ("r.example.com/x", Origin.COMMAND_LINE)
    assert plan.image is not None
    assert plan.image == f"r.example.com/x/my-flow:{plan.content_hash[:16]}"


async def test_an_old_prefect_gets_its_pins_and_the_authors_requirement_wins(root: Path) -> None:
    loaded = _loaded(root, prefect="0.6.1")
    plan = await _plan(
        _request(root, registry_url="r", python_dependencies=("Requests==2.31", "pandas")), loaded
    )
    assert plan.dockerfile is not None
    assert "prefect==0.6.1" in plan.dockerfile
    assert "'urllib3<2'" in plan.dockerfile
    assert "requests<2.32" not in plan.dockerfile
    assert "Requests==2.31" in plan.dockerfile


async def test_the_hash_changes_with_what_goes_in_and_with_nothing_else(root: Path) -> None:
    async def content_hash(**storage: object) -> str:
        request = _request(root, registry_url="r", **storage)
        return (await _plan(request, _loaded(root))).content_hash

    first = await content_hash()
    assert await content_hash() == first
    assert await content_hash(env_vars={"A": "1"}) != first
    (root / "unrelated.py").write_text("x")
    assert await content_hash() == first
    (root / "helper.py").write_text("helper, changed")
    assert await content_hash() != first


async def test_the_same_flow_elsewhere_is_another_image(root: Path) -> None:
    request = _request(root, registry_url="r")
    here = await _plan(request, _loaded(root))
    there = await _plan(replace(request, profile=Profile("q", "http://other")), _loaded(root))
    assert here.content_hash != there.content_hash


async def test_force_makes_a_hash_of_its_own(root: Path) -> None:
    request = replace(_request(root, registry_url="r"), force=True)
    hashes = {(await _plan(request, _loaded(root))).content_hash for _ in range(2)}
    assert len(hashes) == 2


async def test_docker_storage_without_a_registry_says_the_three_ways_out(root: Path) -> None:
    with pytest.raises(UsageError) as error:
        await _plan(_request(root), _loaded(root))
    for way in ("--registry-url", "--no-push", "--storage local"):
        assert way in error.value.problem.fix


async def test_no_push_drops_the_registry_so_that_agents_do_not_pull(root: Path) -> None:
    request = replace(_request(root, registry_url="r"), push=False)
    plan = await _plan(request, _loaded(root))
    assert plan.attachment.storage["registry_url"] is None
    assert plan.image is not None
    assert plan.image.startswith("my-flow:")


async def test_another_storage_of_the_authors_is_not_replaced_in_silence(root: Path) -> None:
    plan = await _plan(_request(root, registry_url="r"), _loaded(root, {"type": "S3"}))
    assert [problem.what for problem in plan.problems] == [
        "the flow's own S3 storage is replaced by docker storage"
    ]
    assert (await _plan(_request(root, registry_url="r"), _loaded(root))).problems == ()


async def test_local_storage_shows_only_what_counts_for_it(root: Path) -> None:
    plan = await _plan(_request(root, type=StorageKind.LOCAL), _loaded(root))
    assert {setting.name for setting in plan.settings} == {"project", "type", "modules"}
    assert plan.attachment.source_dir is not None


async def test_the_flows_own_table_of_the_project_file_comes_before_the_rest(root: Path) -> None:
    (root / "flowtui.toml").write_text(
        'project = "All"\n[storage]\nregistry_url = "r"\nbase_image = "a"\n'
        '[flows."my flow"]\nproject = "Own"\n[flows."my flow".storage]\nbase_image = "b"\n'
    )
    request = replace(_request(root), overrides=DeployTable())
    plan = await _plan(request, _loaded(root))
    setting = plan.setting("base_image")
    assert setting is not None
    assert (plan.project, setting.value, setting.origin) == ("Own", "b", Origin.FLOW_TABLE)
    assert "flowtui.toml" in setting.detail


async def test_without_a_project_anywhere_it_is_said_how_to_name_one(root: Path) -> None:
    request = replace(_request(root, registry_url="r"), overrides=DeployTable())
    with pytest.raises(UsageError, match="no project is named"):
        await _plan(request, _loaded(root))
