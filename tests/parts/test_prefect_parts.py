"""The parts that other tests stand on: servers and workers that start and leave nothing."""

from __future__ import annotations

import uuid
from pathlib import Path

import httpx
import pytest

from tests.parts.faulty_proxy import faulty_proxy
from tests.parts.fixtures import prefect2_server, prefect3_server
from tests.parts.prefect_server import PrefectServer, prefect_command, prefect_worker

__all__ = ["prefect2_server", "prefect3_server"]
pytestmark = pytest.mark.real


@pytest.mark.parametrize("name", ["prefect3_server", "prefect2_server"])
def test_a_server_and_a_worker_of_the_same_version(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    server: PrefectServer = request.getfixturevalue(name)
    pool = f"parts-{uuid.uuid4().hex[:8]}"
    with server.client() as client:
        assert client.get("/admin/version").json() == server.version
        prefect_command(server, "work-pool", "create", pool, "--type", "process", folder=tmp_path)
        with prefect_worker(server, pool, name="bee") as worker:
            found = client.post(f"/work_pools/{pool}/workers/filter", json={}).json()
            assert [each["name"] for each in found] == ["bee"]
        assert worker.process.poll() is not None


def test_a_proxy_refuses_the_part_it_was_told_and_counts_the_rest(
    prefect3_server: PrefectServer,
) -> None:
    with faulty_proxy(prefect3_server.port, unavailable=0.2) as proxy:
        with httpx.Client(base_url=proxy.api_url) as client:
            statuses = [client.post("/flows/filter", json={}).status_code for _ in range(50)]
        assert 3 <= statuses.count(503) <= 20
        assert set(statuses) == {200, 503}
        assert proxy.requests["POST /api/flows/filter"] == statuses.count(200)
        assert proxy.changes() == {}
