"""The health check against everything that can be wrong with a flow in its image."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flowtui.deploy.docker.engine import Engine
from flowtui.deploy.events import Stage
from flowtui.deploy.stages.healthcheck.checks import HealthReport
from flowtui.deploy.stages.healthcheck.stage import check_image, check_local
from flowtui.errors import DeployError
from flowtui.models import Interpreter, LocalModule
from tests.deploy.stage_helpers import (
    Recorder,
    built,
    cancelled_within,
    expectation_for,
    no_containers,
    recipe_for,
)
from tests.parts.base_images import prefect_image, python_image
from tests.parts.engine import RunningEngine
from tests.parts.pickles import SIMPLE, PickledSample, pickled_flow

pytestmark = [pytest.mark.real, pytest.mark.long(2)]

_AT_UNPICKLE = """
class At:
    def __reduce__(self):
        return (exec, ({code!r},))

flow.at_unpickle = At()
"""


def with_code_at_unpickle(code: str) -> str:
    """A flow file whose flow runs `code` when it is unpickled."""
    return SIMPLE + _AT_UNPICKLE.format(code=code)


async def checked(
    engine: RunningEngine,
    sample: PickledSample,
    folder: Path,
    *,
    seconds: float = 60,
    **options: Any,
) -> tuple[HealthReport, Recorder]:
    """The health check of this sample in an image of its own."""
    recorder = Recorder(Stage.HEALTH_CHECK)
    base = options.pop("base", None) or prefect_image(engine, "1.4.1")
    modules = options.pop("modules", ())
    memory = options.pop("memory", 2**30)
    dependencies = options.pop("python_dependencies", ())
    commands = options.pop("extra_dockerfile_commands", ())
    recipe = recipe_for(
        sample,
        folder,
        base,
        modules=modules,
        python_dependencies=dependencies,
        extra_dockerfile_commands=commands,
    )
    image = await built(recipe, sample.pickle)
    try:
        async with await Engine.connect() as client:
            report = await check_image(
                recorder.ctx,
                client,
                image.id,
                expectation_for(sample, recipe, **options),
                time_limit=seconds,
                memory=memory,
            )
    finally:
        left = engine.containers(recorder.deploy)
    assert left == []
    return report, recorder


async def test_what_the_flow_prints_is_log_and_confuses_nothing(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    code = (
        'import os, sys; print(\'{"python": "9"}\', flush=True);'
        "os.write(1, b'raw\\x1b]0;title\\x07\\n'); sys.stderr.write('err')"
    )
    sample = pickled_flow("1.4.1", tmp_path, with_code_at_unpickle(code))
    report, recorder = await checked(docker_engine, sample, tmp_path)
    assert report.failed is None
    assert '{"python": "9"}' in recorder.lines
    assert "raw" in recorder.lines
    assert "err" in recorder.lines


async def test_a_local_module_in_the_image_is_found_under_its_own_name(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "__init__.py").write_text("")
    (tmp_path / "helpers" / "dates.py").write_text("def today():\n    return 1\n")
    sample = pickled_flow(
        "1.4.1",
        tmp_path,
        "import sys; sys.path.insert(0, '.')\n"
        "from prefect import Flow, task\nfrom helpers.dates import today\n"
        "with Flow('uses a helper') as flow:\n    task(today)()\n",
    )
    missing = {"local_modules": ("helpers", "helpers.dates")}
    with pytest.raises(DeployError) as caught:
        await checked(docker_engine, sample, tmp_path, **missing)
    assert "module helpers of your project" in caught.value.problem.what
    assert "`files`" in caught.value.problem.fix
    modules = (
        LocalModule("helpers", str(tmp_path / "helpers/__init__.py")),
        LocalModule("helpers.dates", str(tmp_path / "helpers/dates.py")),
    )
    report, _ = await checked(docker_engine, sample, tmp_path, modules=modules, **missing)
    assert report.failed is None


async def test_a_missing_package_is_named(docker_engine: RunningEngine, tmp_path: Path) -> None:
    sample = pickled_flow("1.4.1", tmp_path, with_code_at_unpickle("import leftpad.core"))
    with pytest.raises(DeployError) as caught:
        await checked(docker_engine, sample, tmp_path)
    assert "the module leftpad, and it is missing in the image" in caught.value.problem.what
    assert "python_dependencies" in caught.value.problem.fix


async def test_an_executor_that_lacks_what_it_needs_in_the_image_is_named(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    sample = pickled_flow(
        "1.4.1",
        tmp_path,
        f"{SIMPLE}\nfrom prefect.executors import DaskExecutor\n"
        "flow.executor = DaskExecutor(address='tcp://127.0.0.1:1')\n",
    )
    path = "prefect.executors.DaskExecutor"
    report, recorder = await checked(docker_engine, sample, tmp_path, executor=path)
    assert report.failed is None
    assert any(f"ok: executor: {path}, dask 20" in line for line in recorder.lines)

    without = ("RUN rm -r $(python -c 'import distributed as d; print(d.__path__[0])')",)
    with pytest.raises(DeployError) as caught:
        await checked(
            docker_engine, sample, tmp_path, executor=path, extra_dockerfile_commands=without
        )
    assert caught.value.problem.what == f"{path} needs distributed, which is missing in the image"
    assert "add distributed to `python_dependencies`" in caught.value.problem.fix


async def test_another_python_in_the_image_is_refused_before_it_crashes(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    sample = pickled_flow("1.4.1", tmp_path)
    base = prefect_image(docker_engine, "0.6.1")
    with pytest.raises(DeployError) as caught:
        await checked(docker_engine, sample, tmp_path, base=base)
    assert "pickled by Python 3.11, and Python 3.7 is in the image" in caught.value.problem.what
    assert "python:3.11-slim" in caught.value.problem.fix


async def test_an_image_without_prefect_is_told_what_to_add(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    sample = pickled_flow("1.4.1", tmp_path)
    with pytest.raises(DeployError) as caught:
        await checked(docker_engine, sample, tmp_path, base=python_image(docker_engine, "3.11"))
    assert caught.value.problem.what == "Prefect is missing in the image"
    assert "prefect==1.4.1" in caught.value.problem.fix


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import ctypes; ctypes.string_at(0)", "died by a segmentation fault"),
        ("import os; os._exit(3)", "ended with exit code 3"),
        ("import time; time.sleep(60)", "not unpickled within 3 s"),
        ("x = bytearray(600 * 2**20); x[::4096] = x[::4096]", "needs more than 256 MiB"),
        ("raise ValueError('broken here')", "ValueError: broken here"),
        ("open('/etc/new', 'w')", "Read-only file system"),
        ("import socket; socket.create_connection(('1.1.1.1', 53), 2)", "Network is unreachable"),
        ("import os; os.setuid(0)", "Operation not permitted"),
    ],
)
async def test_each_way_to_fail_has_its_own_words(
    code: str, said: str, docker_engine: RunningEngine, tmp_path: Path
) -> None:
    sample = pickled_flow("1.4.1", tmp_path, with_code_at_unpickle(code))
    with pytest.raises(DeployError) as caught:
        await checked(
            docker_engine,
            sample,
            tmp_path,
            seconds=3 if "sleep" in code else 60,
            memory=256 * 2**20,
        )
    assert said in caught.value.problem.what
    assert caught.value.problem.fix


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ({"flow_name": "other"}, "'other' would be registered"),
        ({"task_slugs": frozenset({"add-1"})}, "task slugs in the image differ"),
        ({"prefect_version": "1.4.0"}, "Prefect 1.4.1 is in the image, and 1.4.0 loaded the flow"),
        ({"flow_path": "/opt/prefect/flows/none.prefect"}, "there is no flow in the image"),
    ],
)
async def test_what_would_be_registered_must_be_in_the_image(
    expected: dict[str, Any], said: str, docker_engine: RunningEngine, tmp_path: Path
) -> None:
    sample = pickled_flow("1.4.1", tmp_path)
    with pytest.raises(DeployError) as caught:
        await checked(docker_engine, sample, tmp_path, **expected)
    assert said in caught.value.problem.what


async def test_retries_without_results_are_a_warning_today(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    code = (
        "import datetime\nfrom prefect import Flow, task\n"
        "first = task(lambda: 1, name='first')\n"
        "again = task(lambda x: x, name='again', max_retries=2,"
        " retry_delay=datetime.timedelta(seconds=1))\n"
        "with Flow('retries') as flow:\n    again(first())\n"
    )
    sample = pickled_flow("1.4.1", tmp_path, code)
    report, _ = await checked(docker_engine, sample, tmp_path)
    assert [check.name for check in report.warnings] == ["results"]
    assert "again retries without a result of its inputs" in report.warnings[0].message


async def test_an_old_cloudpickle_is_a_warning(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    sample = pickled_flow("1.4.1", tmp_path)
    report, _ = await checked(docker_engine, sample, tmp_path, cloudpickle_version="2.0.0")
    assert [check.name for check in report.warnings] == ["cloudpickle"]


async def test_ignore_healthchecks_runs_nothing(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    sample = pickled_flow("1.4.1", tmp_path, with_code_at_unpickle("import leftpad"))
    report, recorder = await checked(docker_engine, sample, tmp_path, ignore=True)
    assert report.checks == ()
    assert recorder.lines == ["not checked: ignore_healthchecks is set"]


async def test_an_image_without_python_says_so(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    sample = pickled_flow("1.4.1", tmp_path)
    recipe = recipe_for(
        sample,
        tmp_path,
        python_image(docker_engine, "3.11"),
        python_dependencies=(),
        extra_dockerfile_commands=("RUN rm /usr/local/bin/python /usr/local/bin/python3",),
    )
    image = await built(recipe, sample.pickle)
    recorder = Recorder(Stage.HEALTH_CHECK)
    async with await Engine.connect() as client:
        with pytest.raises(DeployError, match="the image has no `python`"):
            await check_image(recorder.ctx, client, image.id, expectation_for(sample, recipe))
    assert docker_engine.containers(recorder.deploy) == []


async def test_a_cancelled_check_leaves_no_container(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    code = "import time; print('sleeping', flush=True); time.sleep(60)"
    sample = pickled_flow("1.4.1", tmp_path, with_code_at_unpickle(code))
    recipe = recipe_for(
        sample, tmp_path, prefect_image(docker_engine, "1.4.1"), python_dependencies=()
    )
    image = await built(recipe, sample.pickle)
    recorder = Recorder(Stage.HEALTH_CHECK)
    sleeping = recorder.when_line("sleeping")
    async with await Engine.connect() as client:
        task = asyncio.create_task(
            check_image(recorder.ctx, client, image.id, expectation_for(sample, recipe))
        )
        await asyncio.wait_for(sleeping.wait(), 30)
        await cancelled_within(task, 1.0)
        assert await no_containers(docker_engine, recorder.deploy, 0.5)


async def test_a_cancel_before_the_container_runs_leaves_none(
    docker_engine: RunningEngine, tmp_path: Path
) -> None:
    sample = pickled_flow("1.4.1", tmp_path)
    recipe = recipe_for(
        sample, tmp_path, prefect_image(docker_engine, "1.4.1"), python_dependencies=()
    )
    image = await built(recipe, sample.pickle)
    recorder = Recorder(Stage.HEALTH_CHECK)
    expectation = expectation_for(sample, recipe)
    async with await Engine.connect() as client:
        for steps in range(0, 12, 2):
            task = asyncio.create_task(check_image(recorder.ctx, client, image.id, expectation))
            for _ in range(steps):
                await asyncio.sleep(0)
            await cancelled_within(task, 2.0)
        assert await no_containers(docker_engine, recorder.deploy, 1)


def _local(sample: PickledSample, folder: Path) -> Path:
    path = folder / "stored.prefect"
    path.write_bytes(sample.pickle)
    return path


@pytest.mark.parametrize("version", ["0.6.1", "1.4.1"])
async def test_local_storage_is_checked_in_a_fresh_process(version: str, tmp_path: Path) -> None:
    sample = pickled_flow(version, tmp_path)
    path = _local(sample, tmp_path)
    recorder = Recorder(Stage.HEALTH_CHECK)
    recipe = recipe_for(sample, tmp_path, "none")
    report = await check_local(
        recorder.ctx, sample.interpreter, path, expectation_for(sample, recipe)
    )
    assert report.failed is None


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sample_flow", "the module sample_flow of your project, and it is missing"),
        ("import ctypes; ctypes.string_at(0)", "died by a segmentation fault"),
        ("import time; time.sleep(60)", "not unpickled within 2 s"),
        ("import os; os._exit(3)", "ended with exit code 3"),
        ("import os; raise ValueError(os.environ.get('PYTHONPATH'))", "ValueError: None"),
    ],
)
async def test_local_failures_have_their_own_words(
    code: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = pickled_flow("1.4.1", tmp_path, with_code_at_unpickle(code))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    recipe = recipe_for(sample, tmp_path, "none")
    with pytest.raises(DeployError) as caught:
        await check_local(
            Recorder(Stage.HEALTH_CHECK).ctx,
            sample.interpreter,
            _local(sample, tmp_path),
            expectation_for(sample, recipe, local_modules=("sample_flow",)),
            time_limit=2,
        )
    assert said in caught.value.problem.what


async def test_a_child_that_the_flow_leaves_behind_does_not_hold_the_check(
    tmp_path: Path,
) -> None:
    code = "import subprocess; subprocess.Popen(['sleep', '300']); print('left one')"
    sample = pickled_flow("1.4.1", tmp_path, with_code_at_unpickle(code))
    recipe = recipe_for(sample, tmp_path, "none")
    async with asyncio.timeout(30):
        report = await check_local(
            Recorder(Stage.HEALTH_CHECK).ctx,
            sample.interpreter,
            _local(sample, tmp_path),
            expectation_for(sample, recipe),
        )
    assert report.failed is None


async def test_a_cancelled_local_check_ends_its_process(tmp_path: Path) -> None:
    code = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(60)"
    sample = pickled_flow("1.4.1", tmp_path, with_code_at_unpickle(code))
    recipe = recipe_for(sample, tmp_path, "none")
    recorder = Recorder(Stage.HEALTH_CHECK)
    running = recorder.when_line("pid ")
    task = asyncio.create_task(
        check_local(
            recorder.ctx,
            sample.interpreter,
            _local(sample, tmp_path),
            expectation_for(sample, recipe),
        )
    )
    await asyncio.wait_for(running.wait(), 30)
    await cancelled_within(task, 1.0)
    pid = recorder.lines[-1].split()[1]
    assert not await asyncio.to_thread(Path(f"/proc/{pid}").exists)


async def test_an_interpreter_that_is_gone_is_named(tmp_path: Path) -> None:
    sample = pickled_flow("1.4.1", tmp_path)
    recipe = recipe_for(sample, tmp_path, "none")
    gone = replace(sample.interpreter, executable=str(tmp_path / "no/python"))
    with pytest.raises(DeployError, match="the interpreter does not start"):
        await check_local(
            Recorder(Stage.HEALTH_CHECK).ctx,
            gone,
            _local(sample, tmp_path),
            expectation_for(sample, recipe),
        )


async def test_another_interpreter_is_refused(tmp_path: Path) -> None:
    sample = pickled_flow("1.4.1", tmp_path)
    recipe = recipe_for(sample, tmp_path, "none")
    other = Interpreter(sys.executable, "3.12.1", None, None)
    expectation = expectation_for(sample, recipe, python_minor="3.6")
    with pytest.raises(DeployError, match=r"pickled by Python 3\.6"):
        await check_local(
            Recorder(Stage.HEALTH_CHECK).ctx, other, _local(sample, tmp_path), expectation
        )
