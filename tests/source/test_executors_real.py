"""The executor that settings name, in the flow of each Prefect."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.models import ExecutionOptions
from flowtui.source.loader import LoadError, inspect, pickle_flow
from tests.source.loading import VERSIONS, Project, docker, in_fresh_process, interpreter

pytestmark = pytest.mark.real

_HOME = {
    "0.6.1": "prefect.engine.executors",
    "0.15.13": "prefect.executors",
    "1.4.1": "prefect.executors",
}
_SAY = (
    "e = getattr(flow, 'executor', None) or flow.environment; "
    "print(getattr(e, 'executor', type(e).__name__), getattr(e, 'address', None) "
    "or e.executor_kwargs)"
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project")
    project.write("flow.py", "from prefect import Flow\nflow = Flow('x')\n")
    return project


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "name", ["dask", "prefect.executors.DaskExecutor", "prefect.engine.executors.DaskExecutor"]
)
async def test_a_name_is_the_class_of_each_prefect(
    project: Project, version: str, name: str
) -> None:
    execution = ExecutionOptions(name, {"address": "tcp://127.0.0.1:1"})
    loaded = await inspect(project.flow(), project.root, interpreter(version), execution=execution)
    assert loaded.executor_found == f"{_HOME[version]}.DaskExecutor"
    assert loaded.executor_found in loaded.executors
    assert loaded.executor is None


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_is_pickled_has_the_executor(
    project: Project, version: str, tmp_path: Path
) -> None:
    attachment = replace(
        docker(), execution=ExecutionOptions("dask", {"address": "tcp://127.0.0.1:1"})
    )
    pickled = await pickle_flow(project.flow(), project.root, interpreter(version), attachment)
    path = f"{_HOME[version]}.DaskExecutor"
    assert pickled.loaded.executor_in_force == path
    said = in_fresh_process(version, pickled, tmp_path / "away", _SAY)
    if version == "0.6.1":
        assert said.strip() == f"{path} {{'address': 'tcp://127.0.0.1:1'}}"
        assert pickled.loaded.serialized["environment"] == {
            "type": "RemoteEnvironment",
            "executor": path,
            "executor_kwargs": {"address": "tcp://127.0.0.1:1"},
            "__version__": "0.6.1",
        }
    else:
        assert said.strip() == "DaskExecutor tcp://127.0.0.1:1"


async def test_each_prefect_says_which_executors_it_has(project: Project) -> None:
    names = {}
    for version in VERSIONS:
        loaded = await inspect(project.flow(), project.root, interpreter(version))
        names[version] = [path.rpartition(".")[2] for path in loaded.executors]
    assert names["0.6.1"] == ["DaskExecutor", "LocalExecutor", "SynchronousExecutor"]
    assert names["0.15.13"] == ["DaskExecutor", "LocalDaskExecutor", "LocalExecutor"]
    assert names["1.4.1"] == names["0.15.13"]


@pytest.mark.parametrize(
    ("version", "execution", "message", "fix"),
    [
        (
            "0.6.1",
            ExecutionOptions("local-dask"),
            "Prefect 0.6.1 has no executor LocalDaskExecutor",
            "it has DaskExecutor, LocalExecutor, SynchronousExecutor",
        ),
        ("1.4.1", ExecutionOptions("my.Executor"), "'my.Executor' cannot be imported", "executor"),
        ("0.6.1", ExecutionOptions("my.Executor"), "'my.Executor' cannot be imported", "executor"),
        (
            "1.4.1",
            ExecutionOptions("prefect.Task"),
            "'prefect.Task' is not an executor class",
            "prefect.executors.Executor",
        ),
        (
            "1.4.1",
            ExecutionOptions("local", {"speed": 3}),
            "executor LocalExecutor does not take these arguments",
            "executor_kwargs",
        ),
        (
            "0.6.1",
            ExecutionOptions("local", {"speed": 3}),
            "executor LocalExecutor does not take these arguments",
            "executor_kwargs",
        ),
        (
            "1.4.1",
            ExecutionOptions("local-dask", {"scheduler": "quantum"}),
            "Unknown scheduler 'quantum'",
            "executor_kwargs",
        ),
    ],
)
async def test_what_this_prefect_cannot_do_is_said_before_a_build(
    project: Project, version: str, execution: ExecutionOptions, message: str, fix: str
) -> None:
    with pytest.raises(LoadError) as caught:
        await inspect(project.flow(), project.root, interpreter(version), execution=execution)
    assert caught.value.kind == "BadSettings"
    assert message in caught.value.problem.what
    assert fix in caught.value.problem.fix


@pytest.mark.parametrize("version", ["0.15.13", "1.4.1"])
async def test_the_authors_own_executor_keeps_its_arguments(
    project: Project, version: str, tmp_path: Path
) -> None:
    project.write(
        "flow.py",
        """
        from prefect import Flow
        from prefect.executors import DaskExecutor
        flow = Flow("x", executor=DaskExecutor(address="tcp://127.0.0.1:1"))
        flow.executor.address = "tcp://127.0.0.1:2"
        """,
    )
    loaded = await inspect(project.flow(), project.root, interpreter(version))
    assert loaded.executor == "prefect.executors.DaskExecutor"
    assert loaded.executor_kwargs == {"address": "tcp://127.0.0.1:2"}
    pickled = await pickle_flow(project.flow(), project.root, interpreter(version), docker())
    said = in_fresh_process(version, pickled, tmp_path / "away", _SAY)
    assert said.strip() == "DaskExecutor tcp://127.0.0.1:2"


async def test_an_executor_of_the_projects_own_brings_its_module_along(project: Project) -> None:
    project.write(
        "runners.py",
        """
        from prefect.executors import LocalExecutor
        class Careful(LocalExecutor):
            pass
        """,
    )
    loaded = await inspect(
        project.flow(),
        project.root,
        interpreter("1.4.1"),
        execution=ExecutionOptions("runners.Careful"),
    )
    assert loaded.executor_found == "runners.Careful"
    assert [module.name for module in loaded.modules] == ["runners"]


async def test_an_environment_without_a_place_for_an_executor_is_replaced_and_said(
    project: Project,
) -> None:
    project.write(
        "flow.py",
        """
        from prefect import Flow
        from prefect.environments import LocalEnvironment
        flow = Flow("x", environment=LocalEnvironment())
        """,
    )
    execution = ExecutionOptions("local")
    loaded = await inspect(project.flow(), project.root, interpreter("0.6.1"), execution=execution)
    assert loaded.environment_replaced == "LocalEnvironment"
    plain = await inspect(project.flow(), project.root, interpreter("0.6.1"))
    assert plain.environment_replaced is None
    pickled = await pickle_flow(
        project.flow(),
        project.root,
        interpreter("0.6.1"),
        replace(docker(), execution=execution),
    )
    environment = pickled.loaded.serialized["environment"]
    assert environment["type"] == "RemoteEnvironment"  # type: ignore[index, call-overload]
    assert any("LocalEnvironment is replaced" in line for line in pickled.loaded.log)
