"""Which executor a flow gets, from which layer, and what is said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.config import ProjectConfig
from flowtui.deploy.docker.prefect_pins import OLD_DASK
from flowtui.deploy.flow_object.planner import make_plan, settle
from flowtui.deploy.layers import known_execution
from flowtui.deploy.plan import Plan
from flowtui.deploy.request import PlanRequest
from flowtui.deploy.stages.healthcheck.answer import FoundExecutor, Raised
from flowtui.deploy.stages.healthcheck.checks import executor_check
from flowtui.deploy.stages.healthcheck.expectation import Expectation
from flowtui.deploy.stages.healthcheck.place import Place
from flowtui.errors import UsageError
from flowtui.models import (
    DeployTable,
    ExecutionOptions,
    FlowKind,
    Interpreter,
    Json,
    LoadedFlow,
    LocalFlow,
    Origin,
    Profile,
    StorageKind,
    StorageOptions,
)

_FLOW = LocalFlow("flow.py", 3, "my flow", FlowKind.FLOW_OBJECT, "f")
_DASK = "prefect.executors.DaskExecutor"
_CLUSTER = {"address": "tcp://cluster:8786"}


def _loaded(prefect: str = "1.4.1", **known: object) -> LoadedFlow:
    loaded = LoadedFlow(
        name="my flow",
        interpreter=Interpreter("python", "3.11.7", prefect, "3.1.2"),
        serialized={},
        storage=None,
        environment=None,
        run_config=None,
        executor=None,
        modules=(),
        packages=(),
    )
    return replace(loaded, **known)  # type: ignore[arg-type]


def _table(executor: str | None = None, kwargs: Mapping[str, Json] | None = None) -> DeployTable:
    return DeployTable(execution=ExecutionOptions(executor, kwargs))


def _request(
    root: Path,
    *,
    command_line: DeployTable | None = None,
    flow: DeployTable | None = None,
    project: DeployTable | None = None,
    storage: StorageKind = StorageKind.DOCKER,
) -> PlanRequest:
    (root / "flow.py").write_text("flow")
    config = ProjectConfig(
        root,
        root / "flowtui.toml",
        table=project or DeployTable(),
        flows={"my flow": flow} if flow is not None else {},
    )
    overrides = replace(
        command_line or DeployTable(),
        project="P",
        storage=StorageOptions(type=storage, registry_url="r.example.com"),
    )
    return PlanRequest(root, config, Profile("p", "http://127.0.0.1:4200"), _FLOW, overrides)


async def _plan(request: PlanRequest, loaded: LoadedFlow) -> Plan:
    settled = settle(request, loaded)
    prepared = await make_plan(
        request, loaded, settled, control_plane=None, engine=None, registry=None
    )
    return prepared.plan


def _said(plan: Plan) -> dict[str, tuple[object, Origin]]:
    names = ("executor", "executor_kwargs")
    return {each.name: (each.value, each.origin) for each in plan.settings if each.name in names}


async def test_the_flows_table_wins_over_the_projects_and_the_command_line_over_both(
    tmp_path: Path,
) -> None:
    project, flow = _table("local"), _table("dask", _CLUSTER)
    plan = await _plan(
        _request(tmp_path, flow=flow, project=project), _loaded(executor_found=_DASK)
    )
    assert _said(plan) == {
        "executor": (_DASK, Origin.FLOW_TABLE),
        "executor_kwargs": (_CLUSTER, Origin.FLOW_TABLE),
    }
    assert plan.attachment.execution == ExecutionOptions(_DASK, _CLUSTER)
    request = _request(
        tmp_path, command_line=_table(None, {"debug": True}), flow=flow, project=project
    )
    plan = await _plan(request, _loaded(executor_found=_DASK))
    assert plan.attachment.execution == ExecutionOptions(_DASK, {**_CLUSTER, "debug": True})


async def test_arguments_below_the_executor_that_wins_are_another_executors(
    tmp_path: Path,
) -> None:
    request = _request(
        tmp_path, command_line=_table("local"), project=_table("dask", {"address": "tcp://x"})
    )
    assert known_execution(request) == ExecutionOptions("local")
    plan = await _plan(
        request, _loaded(executor=_DASK, executor_kwargs=_CLUSTER, executor_found="p.LocalExecutor")
    )
    assert plan.execution == ExecutionOptions("p.LocalExecutor")


async def test_the_authors_own_executor_is_shown_and_left_as_it_is(tmp_path: Path) -> None:
    own = _loaded(executor=_DASK, executor_kwargs=_CLUSTER)
    plan = await _plan(_request(tmp_path), own)
    assert _said(plan) == {
        "executor": (_DASK, Origin.FLOW_OBJECT),
        "executor_kwargs": (_CLUSTER, Origin.FLOW_OBJECT),
    }
    assert plan.attachment.execution == ExecutionOptions()
    assert plan.problems == ()
    told = await _plan(_request(tmp_path, command_line=_table(None, {"debug": True})), own)
    assert told.attachment.execution == ExecutionOptions(_DASK, {**_CLUSTER, "debug": True})


async def test_a_run_config_of_the_authors_is_left_alone_too(tmp_path: Path) -> None:
    plan = await _plan(_request(tmp_path), _loaded(run_config={"type": "DockerRun"}))
    assert plan.execution.run_config == {"type": "DockerRun"}
    assert plan.attachment.execution.run_config is None


async def test_what_is_replaced_of_the_authors_is_said(tmp_path: Path) -> None:
    request = _request(tmp_path, flow=_table("dask", _CLUSTER))
    own = _loaded(executor="prefect.executors.LocalDaskExecutor", executor_found=_DASK)
    (problem,) = (await _plan(request, own)).problems
    assert problem.what == (
        "the flow's own executor prefect.executors.LocalDaskExecutor is replaced by "
        "prefect.executors.DaskExecutor"
    )
    assert problem.where == 'flowtui.toml [flows."my flow"]'
    environment = _loaded("0.9.8", environment_replaced="LocalEnvironment", executor_found=_DASK)
    (problem,) = (await _plan(request, environment)).problems
    assert "own LocalEnvironment is replaced by a RemoteEnvironment" in problem.what


async def test_an_address_that_is_the_container_itself_is_said(tmp_path: Path) -> None:
    here = _table("dask", {"address": "tcp://127.0.0.1:8786"})
    plan = await _plan(_request(tmp_path, flow=here), _loaded(executor_found=_DASK))
    assert [problem.what for problem in plan.problems] == [
        "tcp://127.0.0.1:8786 is inside the flow's container itself, where no scheduler runs"
    ]
    local = _request(tmp_path, flow=here, storage=StorageKind.LOCAL)
    assert (await _plan(local, _loaded(executor_found=_DASK))).problems == ()


async def test_changing_only_the_executor_makes_another_version(tmp_path: Path) -> None:
    async def content_hash(table: DeployTable | None, storage: StorageKind) -> str:
        found = _DASK if table is not None else None
        request = _request(tmp_path, flow=table, storage=storage)
        return (await _plan(request, _loaded(executor_found=found))).content_hash

    for storage in StorageKind:
        plain = await content_hash(None, storage)
        dask = await content_hash(_table("dask", _CLUSTER), storage)
        assert plain != dask
        assert await content_hash(_table("dask"), storage) not in (plain, dask)
        assert await content_hash(_table(_DASK, _CLUSTER), storage) == dask


async def test_arguments_without_an_executor_are_refused_before_anything_is_built(
    tmp_path: Path,
) -> None:
    request = _request(tmp_path, flow=_table(None, _CLUSTER))
    with pytest.raises(UsageError, match="without an executor"):
        settle(request, _loaded())


@pytest.mark.parametrize(
    ("prefect", "kwargs", "pinned"),
    [
        ("0.6.1", _CLUSTER, True),
        ("0.6.1", None, False),
        ("0.6.7", _CLUSTER, False),
        ("1.4.1", _CLUSTER, False),
    ],
)
async def test_the_earliest_prefects_need_an_old_dask_to_reach_a_scheduler(
    tmp_path: Path, prefect: str, kwargs: Mapping[str, Json] | None, pinned: bool
) -> None:
    request = _request(tmp_path, flow=_table("dask", kwargs))
    plan = await _plan(
        request, _loaded(prefect, executor_found="prefect.engine.executors.DaskExecutor")
    )
    assert plan.dockerfile is not None
    assert all((f"'{pin}'" in plan.dockerfile) is pinned for pin in OLD_DASK)


_OLD = "prefect.engine.executors.DaskExecutor"


@pytest.mark.parametrize(
    ("found", "expected", "words", "fix"),
    [
        (FoundExecutor(_DASK, {"dask": "2026.8", "distributed": "2026.8"}), _DASK, "", ""),
        (FoundExecutor(_DASK), None, "", ""),
        (None, None, "", ""),
        (None, _DASK, "has the executor None, and not prefect.executors.DaskExecutor", "--force"),
        (
            FoundExecutor("prefect.executors.LocalExecutor"),
            _DASK,
            "has the executor prefect.executors.LocalExecutor, and not",
            "--force",
        ),
        (
            FoundExecutor(_DASK, {"dask": "2026.8", "distributed": None}),
            _DASK,
            "needs distributed, which is missing in the image",
            "add distributed to `python_dependencies`",
        ),
        (
            FoundExecutor("mine.Careful", raised=Raised("ImportError", "no", "", "mine", True)),
            "mine.Careful",
            "needs the module mine",
            "`python_dependencies`",
        ),
        (
            FoundExecutor("mine.Careful", raised=Raised("AttributeError", "no Careful", "")),
            "mine.Careful",
            "mine.Careful cannot be imported: AttributeError: no Careful",
            "`executor`",
        ),
    ],
)
def test_the_health_check_says_what_is_wrong_with_an_executor(
    found: FoundExecutor | None, expected: str | None, words: str, fix: str
) -> None:
    check = executor_check(found, _expectation("1.4.1", expected), _IMAGE)
    assert check.ok is (words == "")
    assert words in check.message
    assert check.problem is None or fix in check.problem.fix


@pytest.mark.parametrize(
    ("prefect", "distributed", "fine"),
    [("0.6.1", "2.16.0", False), ("0.6.1", "2.5.2", True), ("0.6.7", "2.16.0", True)],
)
def test_a_dask_that_the_earliest_prefects_cannot_connect_with_is_an_error(
    prefect: str, distributed: str, fine: bool
) -> None:
    found = FoundExecutor(_OLD, {"dask": "2", "distributed": distributed})
    check = executor_check(found, replace(_expectation(prefect, _OLD), connects=True), _IMAGE)
    assert check.ok is fine
    assert executor_check(found, _expectation(prefect, _OLD), _IMAGE).ok
    assert check.problem is None or "distributed<2.6" in check.problem.fix


_IMAGE = Place("in the image", in_image=True, seconds=1, memory=1)


def _expectation(prefect: str, executor: str | None) -> Expectation:
    return Expectation(
        flow_name="x",
        flow_path="/x",
        task_slugs=frozenset(),
        python_minor="3.11",
        prefect_version=prefect,
        cloudpickle_version=None,
        executor=executor,
    )
