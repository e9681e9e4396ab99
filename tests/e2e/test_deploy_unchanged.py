"""An unchanged deployment is known as such with one request, and only as long as it is."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.e2e.prefect_project import PrefectProject
from tests.parts.base_images import prefect_image
from tests.parts.engine import RunningEngine
from tests.parts.faulty_proxy import FaultyProxy, faulty_proxy
from tests.parts.prefect_server import PrefectServer
from tests.parts.registry import RunningRegistry

pytestmark = [pytest.mark.real, pytest.mark.long(2)]
ONE_LOOK = {"POST /api/deployments/filter": 1}


@pytest.mark.parametrize("generation", ["prefect3_server", "prefect2_server"])
def test_nothing_is_sent_and_nothing_loaded(
    generation: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server: PrefectServer = request.getfixturevalue(generation)
    with faulty_proxy(server.port) as proxy:
        root = tmp_path / "project"
        root.mkdir()
        project = PrefectProject(root, proxy.api_url, server=server)
        project.make_pool()
        project.configure_pool('type = "local"')
        project.write_flow()
        assert project.deploy("flows/etl.py").code == 0
        made = project.deployment
        _unchanged(project, proxy, ONE_LOOK)
        assert project.deployment["updated"] == made["updated"]

        project.edit(description="by somebody")
        edited = project.deployment
        requests = _unchanged(project, proxy, None)
        assert requests != ONE_LOOK and proxy.changes() == {}
        _unchanged(project, proxy, ONE_LOOK)
        assert project.deployment == edited

        project.write_flow(day=2)
        changed = project.deploy("flows/etl.py")
        assert changed.result["outcome"] == "done", changed.stderr
        proxy.forget()
        table = project.run("deploy", "flows/etl.py")
        assert table.code == 0 and "unchanged" in table.stderr
        assert proxy.requests == ONE_LOOK
        proxy.forget()
        assert project.deploy("flows/etl.py", "--force").result["outcome"] == "done"


def _unchanged(
    project: PrefectProject, proxy: FaultyProxy, requests: dict[str, int] | None
) -> dict[str, int]:
    proxy.forget()
    ran = project.deploy("flows/etl.py")
    assert ran.code == 0 and ran.result["outcome"] == "unchanged", ran.stderr
    if requests is not None:
        assert proxy.requests == requests
    return dict(proxy.requests)


def test_an_image_is_looked_for_without_loading_anything(
    tmp_path: Path,
    prefect3_server: PrefectServer,
    docker_engine: RunningEngine,
    plain_registry: RunningRegistry,
) -> None:
    with faulty_proxy(prefect3_server.port) as proxy:
        root = tmp_path / "project"
        root.mkdir()
        project = PrefectProject(root, proxy.api_url, server=prefect3_server)
        project.make_pool("docker")
        base = prefect_image(docker_engine, prefect3_server.version)
        where = f"{plain_registry.host}/{project.name}"
        project.configure_pool(f'base_image = "{base}"\nregistry_url = "{where}"')
        project.write_flow()
        made = project.deploy("flows/etl.py")
        assert made.code == 0, made.stderr
        _unchanged(project, proxy, ONE_LOOK)

        image = project.deployment["job_variables"]["image"]
        repository, _, digest = image.removeprefix(f"{plain_registry.host}/").partition("@")
        path = f"http://{plain_registry.host}/v2/{repository}/manifests/{digest}"
        httpx.delete(path).raise_for_status()
        proxy.forget()
        again = project.deploy("flows/etl.py")
        assert again.result["outcome"] == "done", again.stderr
        assert proxy.requests != ONE_LOOK
