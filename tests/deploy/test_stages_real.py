"""Build, check and push with a real engine and registry, for the oldest and the newest Prefect."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.deploy.docker import registry as registries
from flowtui.deploy.docker.engine import Engine
from flowtui.deploy.docker.registry import Registry
from flowtui.deploy.events import Stage
from flowtui.deploy.stages.build import build_image
from flowtui.deploy.stages.healthcheck.stage import check_image
from flowtui.deploy.stages.push import push_image
from tests.deploy.stage_helpers import Recorder, expectation_for, no_containers, recipe_for
from tests.parts.base_images import prefect_image
from tests.parts.engine import RunningEngine
from tests.parts.pickles import pickled_flow
from tests.parts.registry import RunningRegistry

pytestmark = pytest.mark.real

_RUN = "import cloudpickle, prefect; print(prefect.__version__)"


@pytest.mark.parametrize("version", ["0.6.1", "1.4.1"])
async def test_a_flow_is_built_checked_and_pushed(
    version: str, docker_engine: RunningEngine, plain_registry: RunningRegistry, tmp_path: Path
) -> None:
    sample = pickled_flow(version, tmp_path)
    base = prefect_image(docker_engine, version)
    recipe = recipe_for(sample, tmp_path, base, env_vars={"GREETING": 'two words, "quoted" $HOME'})
    image = f"{plain_registry.host}/flows/two-task:{recipe.tag}"
    build, check, push = Recorder(Stage.BUILD), Recorder(Stage.HEALTH_CHECK), Recorder(Stage.PUSH)
    async with await Engine.connect() as engine:
        made = await build_image(build.ctx, engine, recipe, sample.pickle, image=image, pull=False)
        report = await check_image(check.ctx, engine, made.id, expectation_for(sample, recipe))
        async with await Registry.open(plain_registry.host) as registry:
            pushed = await push_image(push.ctx, engine, registry, image_id=made.id, image=image)
    assert report.failed is None and report.warnings == ()
    assert [c.name for c in report.checks][:3] == ["Python", "Prefect", "cloudpickle"]
    assert build.progress[-1].current == build.progress[-1].total
    assert await registries.manifest_digest(image) == pushed.digest
    assert await no_containers(docker_engine, check.deploy, 1)
    docker_engine.docker("rmi", "--force", made.id)
    out = docker_engine.docker(
        "run",
        "--rm",
        pushed.by_digest,
        "python",
        "-c",
        _RUN + "; import os; print(os.environ['GREETING'])",
    )
    assert out.splitlines() == [version, 'two words, "quoted" $HOME']
