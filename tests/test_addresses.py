"""Addresses as a person copies them, and what they come to."""

from __future__ import annotations

import pytest

from flowtui import addresses
from flowtui.errors import UsageError

ACCOUNT = "11111111-1111-4111-8111-111111111111"
SPACE = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
WORKSPACE = f"{addresses.CLOUD}/accounts/{ACCOUNT}/workspaces/{SPACE}"


@pytest.mark.parametrize(
    "typed",
    [
        WORKSPACE,
        f"{WORKSPACE}/",
        f"https://app.prefect.cloud/account/{ACCOUNT}/workspace/{SPACE}",
        f"https://app.prefect.cloud/account/{ACCOUNT}/workspace/{SPACE}/dashboard?range=7d#top",
        f"https://app.prefect.cloud/account/{ACCOUNT}/workspaces/{SPACE}",
        f"https://APP.prefect.cloud/account/{ACCOUNT}/workspace/{SPACE}/runs/flow-run/x",
    ],
)
def test_a_page_of_a_workspace_is_its_api(typed: str) -> None:
    assert addresses.normalise(typed) == WORKSPACE
    assert addresses.normalise(WORKSPACE) == WORKSPACE
    assert addresses.is_cloud(WORKSPACE)
    assert addresses.workspace_in(WORKSPACE) == SPACE
    assert addresses.cloud_of(WORKSPACE) == addresses.CLOUD


@pytest.mark.parametrize(
    "typed",
    [
        "https://app.prefect.cloud",
        "https://app.prefect.cloud/my/profile?x=1",
        "https://api.prefect.cloud",
        "https://api.prefect.cloud/api/",
        f"https://app.prefect.cloud/account/{ACCOUNT}/settings",
    ],
)
def test_every_other_page_of_cloud_is_cloud(typed: str) -> None:
    assert addresses.normalise(typed) == addresses.CLOUD
    assert addresses.is_cloud(addresses.CLOUD)
    assert not addresses.workspace_in(addresses.CLOUD)


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:4200/api", "https://prefect.example.com", "https://api.prefect.io"],
)
def test_a_server_is_no_cloud(address: str) -> None:
    assert addresses.normalise(address) == address
    assert not addresses.is_cloud(address)
    assert addresses.cloud_of(address) == address


def test_a_workspace_of_a_cloud_elsewhere() -> None:
    address = f"https://prefect.example.com/api/accounts/{ACCOUNT}/workspaces/{SPACE.upper()}"
    assert addresses.is_cloud(address)
    assert addresses.workspace_in(address) == SPACE
    assert addresses.cloud_of(address) == "https://prefect.example.com/api"


@pytest.mark.parametrize("typed", ["https://me:pw@app.prefect.cloud", "https://x.example.com/?a=1"])
def test_what_is_no_address_stays_none(typed: str) -> None:
    with pytest.raises(UsageError):
        addresses.normalise(typed)
