"""Flows loaded, serialized and pickled by the real Prefects 0.6.1, 0.15.13 and 1.4.1."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.models import Attachment, ExecutionOptions, JsonObject
from flowtui.source.discovery import discover
from flowtui.source.loader import LoadError, inspect, pickle_flow
from tests.source.loading import (
    DOCKER,
    STORAGE_MODULE,
    VERSIONS,
    Project,
    docker,
    in_fresh_process,
    interpreter,
    named,
    prefect_sends,
    sorted_lists,
    without_slugs,
)

pytestmark = pytest.mark.real

ETL = """
    import datetime

    import helper
    from prefect import Flow, Parameter, Task, task
    from prefect.schedules import IntervalSchedule


    class Add(Task):
        def run(self, x, y):
            return x + y


    @task(max_retries=2, retry_delay=datetime.timedelta(seconds=90))
    def extract(day):
        from lazy import inner
        return helper.clean(day)


    def local_function(x):
        return x * 2


    @task
    def load(value):
        return local_function(value)


    schedule = IntervalSchedule(
        start_date=datetime.datetime(2030, 1, 1), interval=datetime.timedelta(hours=1)
    )
    print("making the flow as", __name__)
    with Flow("etl", schedule=schedule) as flow:
        day = Parameter("day", default="monday")
        load(Add()(extract(day), "!"))

    if __name__ == "__main__":
        raise SystemExit("this must not run")
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def etl(project: Project) -> Project:
    project.write("flow.py", ETL)
    project.write("helper.py", "import slugify\ndef clean(text):\n    return text.upper()\n")
    project.write("lazy/__init__.py", "import yaml\n")
    project.write("lazy/inner.py", "")
    project.write("unused.py", "import docker\n")
    return project


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_flow_comes_back_with_everything_about_it(etl: Project, version: str) -> None:
    before = etl.listing()
    lines: list[str] = []
    loaded = await inspect(etl.flow(), etl.root, interpreter(version), on_line=lines.append)
    assert loaded.name == "etl"
    assert loaded.interpreter == interpreter(version)
    assert [task["name"] for task in loaded.serialized["parameters"]] == ["day"]
    assert {task["name"] for task in loaded.serialized["tasks"]} >= {
        "day",
        "extract",
        "load",
        "Add",
    }
    assert len(loaded.serialized["edges"]) >= 3
    assert loaded.serialized["schedule"]["clocks"][0]["interval"] == 3_600_000_000
    assert (loaded.storage, loaded.environment, loaded.run_config, loaded.executor) == (None,) * 4
    assert [module.name for module in loaded.modules] == ["helper", "lazy", "lazy.inner"]
    assert loaded.modules[0].path == str(etl.root / "helper.py")
    packages = {package.name.lower(): package.version for package in loaded.packages}
    assert set(packages) == {"python-slugify", "pyyaml"}
    assert all(packages.values())
    assert "making the flow as flow" in loaded.log
    assert list(loaded.log) == lines
    assert etl.listing() == before


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_pickle_is_the_flow_that_is_registered(
    etl: Project, version: str, tmp_path: Path
) -> None:
    before = etl.listing()
    attachment = Attachment(DOCKER, source_dir=str(etl.root))
    pickled = await pickle_flow(etl.flow(), etl.root, interpreter(version), attachment)
    assert etl.listing() == before
    again = json.loads(in_fresh_process(version, pickled, tmp_path / "away"))
    assert sorted_lists(again) == sorted_lists(pickled.loaded.serialized)
    assert again["storage"]["flows"] == {"etl": DOCKER["path"]}
    slugs = {task["slug"] for task in pickled.loaded.serialized["tasks"]}
    assert len(slugs) == len(pickled.loaded.serialized["tasks"])
    is_json = pickled.pickle.startswith(b'{"flow"')
    assert is_json == (version != "0.6.1")


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_flow_file_travels_by_value_and_helpers_by_reference(
    etl: Project, version: str, tmp_path: Path
) -> None:
    attachment = Attachment(DOCKER, source_dir=str(etl.root))
    pickled = await pickle_flow(etl.flow(), etl.root, interpreter(version), attachment)
    (etl.root / "flow.py").unlink()
    said = in_fresh_process(
        version,
        pickled,
        tmp_path / "away",
        """
        import sys
        flow.schedule = None
        state = flow.run()
        task = next(task for task in flow.tasks if task.name == "load")
        print("RESULT", state.is_successful(), state.result[task].result, flow.name)
        print("HELPER", sys.modules["helper"].__file__)
        """,
    )
    assert "RESULT True MONDAY!MONDAY! etl" in said
    assert f"HELPER {etl.root / 'helper.py'}" in said


async def test_without_a_source_folder_the_helper_is_missing_elsewhere(
    etl: Project, tmp_path: Path
) -> None:
    pickled = await pickle_flow(etl.flow(), etl.root, interpreter("1.4.1"), docker())
    with pytest.raises(AssertionError, match="No module named 'helper'"):
        in_fresh_process("1.4.1", pickled, tmp_path / "away")


_ATTACH = {
    "Docker": """
        from {storage} import Docker
        flow.storage = Docker(registry_url="registry.example.com/team", image_name="etl",
                              image_tag="abc123")
        flow.storage.flows = {{flow.name: "/opt/prefect/flows/etl.prefect"}}
        """,
    "Local": """
        from {storage} import Local
        flow.storage = Local(directory={directory!r})
        flow.storage.flows = {{flow.name: {directory!r} + "/etl.prefect"}}
        """,
}


@pytest.mark.parametrize("kind", ["Docker", "Local"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_the_serialization_is_what_prefect_itself_sends(
    etl: Project, version: str, kind: str, tmp_path: Path
) -> None:
    directory = str(tmp_path / "storage")
    attach = _ATTACH[kind].format(storage=STORAGE_MODULE[version], directory=directory)
    expected = prefect_sends(version, etl, attach)
    local: JsonObject = {
        "type": "Local",
        "directory": directory,
        "path": directory + "/etl.prefect",
    }
    attachment = Attachment(local if kind == "Local" else DOCKER)
    pickled = await pickle_flow(etl.flow(), etl.root, interpreter(version), attachment)
    assert without_slugs(pickled.loaded.serialized) == without_slugs(expected)
    labels = (pickled.loaded.serialized.get("run_config") or {}).get("labels")
    has_host_label = kind == "Local" and version != "0.6.1"
    assert labels == (
        [socket.gethostname()] if has_host_label else None if version == "0.6.1" else []
    )


async def test_the_guides_examples_in_the_guides_own_version(project: Project) -> None:
    project.write(
        "flow.py",
        """
        from prefect import Flow, task
        from prefect.environments import RemoteEnvironment
        from prefect.environments.storage import Docker

        @task
        def hello():
            return 1

        one = Flow("example-env",
                   environment=RemoteEnvironment(executor="prefect.engine.executors.LocalExecutor"))
        two = Flow("assigned")
        two.environment = RemoteEnvironment(executor="prefect.engine.executors.LocalExecutor")
        three = Flow("example-storage", storage=Docker(registry_url="prefecthq/storage-example"))
        four = Flow("assigned-storage")
        four.storage = Docker(registry_url="prefecthq/storage-example",
                              python_dependencies=["pandas"], files={"/etc/hosts": "/hosts"})
        four.storage.env_vars["A"] = "1"
        five = Flow("example-easy-storage")
        five.deploy("My First Project", registry_url="prefecthq/storage-example")
        six = Flow("plain", tasks=[hello])
        six.deploy(project_name="My Prefect Cloud Project Name")
        """,
    )
    loaded = {
        name: await inspect(project.flow(name), project.root, interpreter("0.6.1"))
        for name in (
            "example-env",
            "assigned",
            "example-storage",
            "assigned-storage",
            "example-easy-storage",
            "plain",
        )
    }
    remote = {
        "type": "RemoteEnvironment",
        "executor": "prefect.engine.executors.LocalExecutor",
        "executor_kwargs": {},
        "__version__": "0.6.1",
    }
    registry = {"type": "Docker", "registry_url": "prefecthq/storage-example"}
    assert loaded["example-env"].environment == remote
    assert loaded["assigned"].environment == remote
    assert loaded["plain"].environment is None
    assert loaded["plain"].serialized["environment"]["type"] == "RemoteEnvironment"
    assert loaded["example-storage"].storage == registry
    assert loaded["assigned-storage"].storage == {
        **registry,
        "python_dependencies": ["pandas"],
        "files": {"/etc/hosts": "/hosts"},
        "env_vars": {"A": "1"},
    }
    assert loaded["example-easy-storage"].storage == registry
    assert loaded["example-easy-storage"].project == "My First Project"
    assert loaded["plain"].project == "My Prefect Cloud Project Name"
    assert loaded["plain"].storage is None
    assert any("flow.deploy() ignored" in line for line in loaded["plain"].log)


@pytest.mark.parametrize("version", ["0.15.13", "1.4.1"])
async def test_the_authors_own_storage_and_run_config(project: Project, version: str) -> None:
    project.write(
        "flow.py",
        """
        from prefect import Flow, Parameter
        from prefect.executors import LocalDaskExecutor
        from prefect.run_configs import DockerRun
        from prefect.storage import Docker

        class TeamDocker(Docker):
            def __init__(self, team):
                super().__init__(registry_url="registry.example.com/" + team,
                                 base_image="python:3.9", secrets=["TOKEN"], labels=["gpu"],
                                 build_kwargs={"buildargs": {"A": "1"}}, local_image=True)

        flow = Flow("own", storage=TeamDocker("data"), run_config=DockerRun(env={"A": "1"}),
                    executor=LocalDaskExecutor(scheduler="threads"))
        flow.storage.build()
        flow.register("P", labels=["late"])
        state = flow.run()
        assert state.is_successful() and state.result[Parameter("x")].is_successful()
        """,
    )
    loaded = await inspect(project.flow(), project.root, interpreter(version))
    assert loaded.storage == {
        "type": "Docker",
        "registry_url": "registry.example.com/data",
        "base_image": "python:3.9",
        "secrets": ["TOKEN"],
        "labels": ["gpu"],
        "build_kwargs": {"buildargs": {"A": "1"}},
        "local_image": True,
    }
    assert loaded.executor == "prefect.executors.LocalDaskExecutor"
    assert loaded.run_config is not None
    assert (loaded.run_config["type"], loaded.run_config["env"]) == ("DockerRun", {"A": "1"})
    pickled = await pickle_flow(project.flow(), project.root, interpreter(version), docker())
    serialized = pickled.loaded.serialized
    assert serialized["storage"]["secrets"] == ["TOKEN"]
    assert sorted(serialized["run_config"]["labels"]) == ["gpu", "late"]


async def test_an_executor_is_put_where_each_version_keeps_it(
    project: Project, tmp_path: Path
) -> None:
    project.write("flow.py", "from prefect import Flow\nflow = Flow('x')\n")

    async def pickled(version: str, execution: ExecutionOptions) -> JsonObject:
        attachment = replace(docker(), execution=execution)
        result = await pickle_flow(project.flow(), project.root, interpreter(version), attachment)
        said = in_fresh_process(
            version,
            result,
            tmp_path / "away",
            "e = getattr(flow, 'executor', None) or flow.environment; print(type(e).__name__, "
            "getattr(e, 'executor_kwargs', None) or getattr(e, 'scheduler', None))",
        )
        return {"said": said.strip(), **result.loaded.serialized}

    dask = ExecutionOptions(
        executor="prefect.engine.executors.DaskExecutor",
        executor_kwargs={"address": "tcp://127.0.0.1:1"},
    )
    old = await pickled("0.6.1", dask)
    assert old["environment"] == {
        "type": "RemoteEnvironment",
        "executor": "prefect.engine.executors.DaskExecutor",
        "executor_kwargs": {"address": "tcp://127.0.0.1:1"},
        "__version__": "0.6.1",
    }
    assert old["said"] == "RemoteEnvironment {'address': 'tcp://127.0.0.1:1'}"
    local = ExecutionOptions(
        executor="prefect.engine.executors.LocalDaskExecutor",
        executor_kwargs={"scheduler": "threads"},
    )
    for version in ("0.15.13", "1.4.1"):
        new = await pickled(version, local)
        assert new["said"] == "LocalDaskExecutor threads"
        assert new["run_config"]["type"] == "UniversalRun"


@pytest.mark.parametrize(
    "run_config",
    [
        {"type": "UniversalRun", "labels": ["a"], "env": {"A": "1"}},
        {"type": "LocalRun", "working_dir": "/srv"},
        {"type": "DockerRun", "image": "python:3.9", "env": {"A": "1"}},
        {"type": "KubernetesRun", "cpu_request": 2, "image": "x:1"},
    ],
    ids=lambda options: options["type"],
)
@pytest.mark.parametrize("version", ["0.15.13", "1.4.1"])
async def test_run_configs_are_made_from_data(
    project: Project, version: str, run_config: JsonObject
) -> None:
    project.write("flow.py", "from prefect import Flow\nflow = Flow('x')\n")
    attachment = replace(docker(), execution=ExecutionOptions(run_config=run_config))
    pickled = await pickle_flow(project.flow(), project.root, interpreter(version), attachment)
    made = pickled.loaded.serialized["run_config"]
    assert made["type"] == run_config["type"]
    for key, value in run_config.items():
        assert str(made[key]) == str(value)


@pytest.mark.parametrize(
    ("version", "execution", "message"),
    [
        ("0.6.1", ExecutionOptions(run_config={"type": "LocalRun"}), "run configs came with"),
        ("1.4.1", ExecutionOptions(run_config={"type": "SpaceRun"}), "DockerRun, ECSRun"),
        (
            "1.4.1",
            ExecutionOptions(run_config={"type": "LocalRun", "imagee": "x"}),
            "unexpected keyword argument 'imagee'",
        ),
        ("1.4.1", ExecutionOptions(executor_kwargs={"a": 1}), "without an executor"),
    ],
)
async def test_settings_that_this_prefect_cannot_follow(
    project: Project, version: str, execution: ExecutionOptions, message: str
) -> None:
    project.write("flow.py", "from prefect import Flow\nflow = Flow('x')\n")
    attachment = replace(docker(), execution=execution)
    with pytest.raises(LoadError) as caught:
        await pickle_flow(project.flow(), project.root, interpreter(version), attachment)
    assert caught.value.kind == "BadSettings"
    assert message in caught.value.problem.what
    assert caught.value.problem.fix


async def test_storage_keywords_this_prefect_does_not_have(project: Project) -> None:
    project.write("flow.py", "from prefect import Flow\nflow = Flow('x')\n")
    with pytest.raises(LoadError, match="no dockerfile"):
        await pickle_flow(
            project.flow(), project.root, interpreter("0.6.1"), docker(dockerfile="x")
        )


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_schedule_with_required_parameters_is_refused(
    project: Project, version: str
) -> None:
    project.write(
        "flow.py",
        """
        import datetime
        from prefect import Flow, Parameter
        from prefect.schedules import IntervalSchedule
        with Flow("x", schedule=IntervalSchedule(
            start_date=datetime.datetime(2030, 1, 1), interval=datetime.timedelta(days=1))) as flow:
            flow.add_task(Parameter("needed"))
        """,
    )
    await inspect(project.flow(), project.root, interpreter(version))
    with pytest.raises(LoadError, match="required parameters: needed"):
        await pickle_flow(project.flow(), project.root, interpreter(version), docker())


async def test_flows_are_chosen_by_name_variable_or_line(project: Project) -> None:
    project.write(
        "flow.py",
        """
        import os
        from prefect import Flow
        name = "dynamic-" + str(len("abc"))
        one = Flow(
            name,
        )
        flows = [Flow("listed-%d" % n) for n in range(2)]
        Flow("kept " + os.sep)
        def build():
            return Flow("built")
        built = build()
        if True:
            from prefect import task
        """,
    )
    python = interpreter("0.15.13")
    found = {flow.line: flow for flow in discover(project.root).flows}
    assert (await inspect(found[5], project.root, python)).name == "dynamic-3"
    assert (await inspect(replace(found[5], variable=None), project.root, python)).name == (
        "dynamic-3"
    )
    assert (await inspect(found[9], project.root, python)).name == "kept /"
    assert (await inspect(found[11], project.root, python)).name == "built"
    with pytest.raises(LoadError, match=r"makes several flows: .*'listed-0', 'listed-1'") as caught:
        await inspect(found[8], project.root, python)
    assert caught.value.kind == "SeveralFlows"
    assert (await inspect(named("listed-1"), project.root, python)).name == "listed-1"
    with pytest.raises(LoadError, match=r"no flow named 'nope' in flow.py") as caught:
        await inspect(named("nope"), project.root, python)
    assert "'built'" in caught.value.problem.what


@pytest.mark.parametrize("version", VERSIONS)
async def test_two_flows_of_one_name_are_refused_with_both_lines(
    project: Project, version: str
) -> None:
    project.write(
        "flow.py",
        "from prefect import Flow\none = Flow('twin')\nother = Flow('other')\ntwo = Flow('twin')\n",
    )
    with pytest.raises(LoadError) as caught:
        await inspect(project.flow("twin"), project.root, interpreter(version))
    assert caught.value.kind == "DuplicateFlow"
    assert "lines 2 and 4" in caught.value.problem.what
    assert [frame.line for frame in caught.value.frames] == [2, 4]
    assert (await inspect(project.flow("other"), project.root, interpreter(version))).name == (
        "other"
    )


async def test_a_flow_that_nobody_makes_is_explained(project: Project) -> None:
    project.write("flow.py", "from prefect import Flow\ndef build():\n    return Flow('hidden')\n")
    with pytest.raises(LoadError, match=r"made inside the function build\(\)") as caught:
        await inspect(project.flow(), project.root, interpreter("1.4.1"))
    assert caught.value.problem.where == "flow.py:3: return Flow('hidden')"
    assert caught.value.problem.fix == "call it at module level: flow = build()"


async def test_the_flow_files_names_do_not_clash_with_installed_ones(project: Project) -> None:
    """A flow file named like a package that Prefect uses, in a folder that is not the root."""
    project.write("flows/docker.py", ETL)
    project.write("flows/helper.py", "def clean(x): return x")
    project.write("lazy.py", "inner = 1")
    loaded = await inspect(project.flow(), project.root, interpreter("1.4.1"))
    assert loaded.name == "etl"
    assert "making the flow as docker_flow_file" in loaded.log


async def test_relative_imports_in_a_package(project: Project, tmp_path: Path) -> None:
    project.write("team/__init__.py", "")
    project.write("team/tools.py", "def double(x): return 2 * x\n")
    project.write(
        "team/flow.py",
        """
        from prefect import Flow, task
        from .tools import double
        @task
        def work():
            return double(2)
        with Flow("relative") as flow:
            work()
        """,
    )
    attachment = Attachment(DOCKER, source_dir=str(project.root))
    pickled = await pickle_flow(project.flow(), project.root, interpreter("1.4.1"), attachment)
    assert [module.name for module in pickled.loaded.modules] == ["team", "team.tools"]
    (project.root / "team" / "flow.py").unlink()
    code = "s = flow.run(); print('RESULT', s.result[list(flow.tasks)[0]].result)"
    assert "RESULT 4" in in_fresh_process("1.4.1", pickled, tmp_path / "away", code)
