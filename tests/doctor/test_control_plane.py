"""What the doctor says of control planes of both generations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowtui.doctor.checks import Check, State
from flowtui.doctor.control_plane import connection
from flowtui.doctor.subject import Subject
from tests.api.test_opening import guarded, prefect_server
from tests.parts.documented_cloud import ACME, PRODUCTION, USER_KEY, documented_cloud
from tests.parts.stand_in import StandIn, stand_in

OLD = 'from prefect import Flow\nwith Flow("a") as flow:\n    pass\n'
NEW = "from prefect import flow\n@flow\ndef b():\n    pass\n"


@pytest.fixture
def server() -> Iterator[StandIn]:
    with stand_in(prefect_server) as running:
        yield running


async def told(folder: Path, address: str) -> dict[str, Check]:
    subject = Subject(folder, api_url=address)
    try:
        return {check.name: check for check in await connection(subject)}
    finally:
        await subject.close()


async def test_where_the_api_was_found_is_said(server: StandIn, tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text(NEW)
    checks = await told(tmp_path, server.url)
    assert checks["reached"].state is State.OK
    assert f"Prefect 3.9.1, at {server.url}/api, in" in checks["reached"].value
    assert checks["token"].value == "none in use (it takes a user and password)"


async def test_a_password_that_is_wanted(server: StandIn, tmp_path: Path) -> None:
    server.answer = guarded
    checks = await told(tmp_path, server.url)
    assert checks["reached"].state is State.BAD and "user:password" in checks["reached"].fix


async def test_a_workspace_of_prefect_cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWTUI_API_KEY", USER_KEY)
    with documented_cloud() as cloud:
        checks = await told(tmp_path, cloud.address(ACME, PRODUCTION))
    assert "Prefect Cloud, workspace acme/production, in" in checks["reached"].value
    assert checks["token"].value.endswith("(it takes an API key)")


async def test_flows_of_the_other_generation_are_told(server: StandIn, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(OLD)
    check = (await told(tmp_path, server.url))["flows it takes"]
    assert check.state is State.WARNING and "flowtui server" in check.fix
    assert check.value == "1 flow here of Prefect 0.6 to 1.4 cannot be deployed to it"
