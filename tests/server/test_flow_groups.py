"""What is set for all versions of a flow, and what it means for runs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import Api


def settings(api: Api, flow: str) -> dict[str, Any]:
    row = api.row("flow", flow, "settings flow_group {settings}")
    assert row["settings"] == row["flow_group"]["settings"]
    return row["settings"]


@pytest.mark.parametrize(
    ("mutation", "key", "default"),
    [
        ("flow_heartbeat", "heartbeat_enabled", True),
        ("flow_lazarus_process", "lazarus_enabled", True),
        ("flow_version_lock", "version_locking_enabled", False),
    ],
)
def test_safeguards(api: Api, mutation: str, key: str, *, default: bool) -> None:
    project = api.project()
    flow = api.flow(project)
    before = settings(api, flow)
    assert before[key] is default
    group = api.row("flow", flow, "flow_group_id")["flow_group_id"]
    for switch, given, is_on in (
        ("enable", {"flow_id": flow}, True),
        ("disable", {"flow_id": flow}, False),
        ("enable", {"flow_group_id": group}, True),
    ):
        api.mutate(f"{switch}_{mutation}", given, "success")
        assert settings(api, flow)[key] is is_on
        assert {**before, key: is_on}.items() <= settings(api, flow).items()
    newer = api.flow(project)
    assert settings(api, newer)[key] is True
    assert "flow_id" in api.refused(f"enable_{mutation}", {}, "success")
    assert "no flow" in api.refused(f"enable_{mutation}", {"flow_id": group}, "success")


def test_processes_are_told_not_to_send_heartbeats(api: Api) -> None:
    """Old ones read `disable_heartbeat`, newer ones `heartbeat_enabled`."""
    flow = api.flow(api.project())
    api.mutate("disable_flow_heartbeat", {"flow_id": flow}, "success")
    found = settings(api, flow)
    assert (found["disable_heartbeat"], found["heartbeat_enabled"]) == (True, False)
    api.mutate("enable_flow_heartbeat", {"flow_id": flow}, "success")
    found = settings(api, flow)
    assert (found["disable_heartbeat"], found["heartbeat_enabled"]) == (False, True)


def test_description_and_default_parameters(api: Api) -> None:
    flow = api.flow(api.project())
    group = api.row("flow", flow, "flow_group_id")["flow_group_id"]
    for text in ("of every version", None):
        given = {"flow_group_id": group, "description": text}
        api.mutate("set_flow_group_description", given, "success")
        assert api.row("flow_group", group, "description") == {"description": text}
    given = {"flow_group_id": group, "parameters": {"x": 5}}
    api.mutate("set_flow_group_default_parameters", given, "success")
    for wanted, value in (({}, 5), ({"parameters": {"x": 7}}, 7)):
        run = api.run(flow, **wanted)
        assert api.row("flow_run", run, "parameters") == {"parameters": {"x": value}}
    for parameters in ([], "x"):
        given = {"flow_group_id": group, "parameters": parameters}
        assert "object" in api.refused("set_flow_group_default_parameters", given, "success")
