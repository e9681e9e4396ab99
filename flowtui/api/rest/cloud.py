"""Prefect Cloud: the workspaces that a key may see, and which of them an address means.

Cloud is one API with a workspace's own below `/accounts/{id}/workspaces/{id}`. Mirrors what Prefect
3.9 asks of it; service accounts (`pnb_…`) are refused `/me/`, and may ask for their workspaces.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from flowtui import addresses
from flowtui.api.rest.connection import Connection
from flowtui.api.rest.refusals import RefusedError
from flowtui.config import load_user
from flowtui.credentials import Secret
from flowtui.errors import ControlPlaneError, UsageError
from flowtui.json_shapes import items, mapping
from flowtui.models import Origin, Profile
from flowtui.text import clean


@dataclass(frozen=True, slots=True)
class CloudWorkspace:
    """One workspace of Prefect Cloud."""

    account_id: str
    account: str
    """The account's handle, which is unique."""
    account_name: str
    workspace_id: str
    workspace: str
    """Its handle, unique in the account."""
    name: str
    description: str = ""

    @property
    def handle(self) -> str:
        """`ACCOUNT/WORKSPACE`, as Prefect's own commands take it."""
        return f"{self.account}/{self.workspace}"

    def api_url(self, cloud: str) -> str:
        """Its address in the Cloud at that address."""
        return f"{cloud}/accounts/{self.account_id}/workspaces/{self.workspace_id}"


class NoWorkspaceError(ControlPlaneError):
    """The address is Prefect Cloud's, and one of its workspaces has to be chosen."""

    def __init__(self, cloud: str, found: tuple[CloudWorkspace, ...]) -> None:
        known = ", ".join(each.handle for each in found)
        super().__init__(
            "this is Prefect Cloud: one of its workspaces has to be chosen",
            where=cloud,
            fix=f"flowtui login --workspace ACCOUNT/WORKSPACE, here one of: {known}"
            if known
            else "this key may see none yet: make one in Cloud's UI, or ask to be made a member",
        )
        self.cloud, self.workspaces = cloud, found


async def workspaces(
    cloud: str, secret: Secret | None, *, ca_file: Path | None = None, timeout: float = 15.0
) -> tuple[CloudWorkspace, ...]:
    """All workspaces that this key may see, by their handles.

    `cloud` is Prefect Cloud's address. Raises CredentialsError for a key that is not taken, and
    ControlPlaneError where no Prefect Cloud answers.
    """
    api = Connection(cloud, secret, ca_file=ca_file, timeout=timeout, is_cloud=True)
    try:
        return await workspaces_of(api)
    except RefusedError as error:
        if error.status != 404:
            raise
        raise ControlPlaneError(
            "this is no Prefect Cloud: it has no workspaces",
            where=cloud,
            fix=f"Prefect Cloud is at {addresses.prefect_cloud()}",
        ) from None
    finally:
        await api.close()


async def workspaces_of(api: Connection) -> tuple[CloudWorkspace, ...]:
    """Over a connection to Prefect Cloud, or to one of its workspaces."""
    rows = [mapping(row) for row in items(await api.get("/me/workspaces", root=True))]
    return tuple(sorted(api.understood(rows, _workspace), key=lambda each: each.handle))


def profile_of(chosen: CloudWorkspace, cloud: str, ca_file: str | None = None) -> Profile:
    """The user's profile for this workspace, or a new one, not saved yet, under its handle.

    Blocking. Raises UsageError for a bad user's file.
    """
    address, known = chosen.api_url(cloud), load_user().profiles
    for profile in known.values():
        if profile.api_url == address:
            return profile
    others = (f"{chosen.handle}-{number}" for number in itertools.count(2))
    name = next(name for name in itertools.chain((chosen.handle,), others) if name not in known)
    return Profile(name, address, Origin.USER_FILE, ca_file)


def named(found: tuple[CloudWorkspace, ...], handle: str, *, cloud: str) -> CloudWorkspace:
    """The one of this handle (`ACCOUNT/WORKSPACE`; the second half is enough where it is unique),
    or of this id. Raises UsageError."""
    fitting = [each for each in found if handle in (each.handle, each.workspace_id)]
    fitting = fitting or [each for each in found if each.workspace == handle]
    if len(fitting) == 1:
        return fitting[0]
    what = "several workspaces are" if fitting else "there is no workspace"
    known = ", ".join(each.handle for each in found) or "none at all"
    raise UsageError(
        f"{what} named “{handle}” among those that this key may see",
        where=cloud,
        fix=f"give ACCOUNT/WORKSPACE: {known}",
    )


def _workspace(row: Mapping[str, Any]) -> CloudWorkspace:
    return CloudWorkspace(
        account_id=str(UUID(row["account_id"])),
        account=clean(str(row["account_handle"])),
        account_name=clean(str(row.get("account_name") or "")),
        workspace_id=str(UUID(row["workspace_id"])),
        workspace=clean(str(row["workspace_handle"])),
        name=clean(str(row.get("workspace_name") or "")),
        description=clean(str(row.get("workspace_description") or "")),
    )
