"""A run of a deployment in an image, by a docker worker that flowtui started."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.prefect_project import PrefectProject
from tests.parts.base_images import prefect_image
from tests.parts.engine import RunningEngine
from tests.parts.own_agents import own_agent
from tests.parts.prefect_server import PrefectServer

pytestmark = pytest.mark.real


def test_a_docker_worker_runs_an_image_to_its_end(
    tmp_path: Path, prefect3_server: PrefectServer, docker_engine: RunningEngine
) -> None:
    root = tmp_path / "project"
    root.mkdir()
    project = PrefectProject(root, prefect3_server.api_url, server=prefect3_server)
    project.make_pool("docker")
    base = prefect_image(docker_engine, prefect3_server.version)
    project.configure_pool(f'base_image = "{base}"')
    project.write_flow(
        body="get_run_logger().info('in a container: %s', Path('/.dockerenv').exists())",
        head="from pathlib import Path\nfrom prefect import get_run_logger",
    )
    deployed = project.deploy("flows/etl.py", "--no-push")
    assert deployed.code == 0, deployed.stderr
    quick = {"PREFECT_WORKER_QUERY_SECONDS": "1"}
    with own_agent(root, project.api_url, "--log-level", "DEBUG", environment=quick) as worker:
        ran = project.run("run", project.name, "--follow")
        assert ran.code == 0, f"{ran.stdout}\n{ran.stderr}\n{worker.told}"
        assert "in a container: True" in ran.stdout
        assert worker.stop() == 0
