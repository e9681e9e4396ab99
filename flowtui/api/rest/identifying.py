"""Who a Prefect REST API says we are, and what it is: a server, a workspace of Prefect Cloud."""

from __future__ import annotations

from flowtui import addresses
from flowtui.api.rest import cloud
from flowtui.api.rest.connection import Connection
from flowtui.api.rest.refusals import NotRestError, RefusedError
from flowtui.errors import ControlPlaneError
from flowtui.models import Identity
from flowtui.releases import release
from flowtui.text import clean


async def identify(api: Connection) -> Identity:
    """Check the credential, and learn the release or the workspace, with one request.

    Raises NoWorkspaceError for the address of Prefect Cloud itself.
    """
    if workspace := addresses.workspace_in(api.base):
        return _identity(api, "Prefect Cloud", await _member(api, workspace))
    if api.credential.is_cloud:
        raise cloud.NoWorkspaceError(api.base, await cloud.workspaces_of(api))
    version = await api.get("/admin/version", missing_ok=True)
    if version is None:
        raise cloud.NoWorkspaceError(api.base, await _workspaces_anyhow(api))
    api.release = release(str(version))
    return _identity(api, f"Prefect {clean(str(version))}", "")


def _identity(api: Connection, server: str, tenant: str) -> Identity:
    signed_in = api.credential.secret is not None
    return Identity(api.base, server, tenant, signed_in, api.abilities)


async def _member(api: Connection, workspace_id: str) -> str:
    """The handle of this workspace. Who is no member is told 404 by every call, so it is asked
    here which workspaces there are."""
    found = await cloud.workspaces_of(api)
    handle = next((each.handle for each in found if each.workspace_id == workspace_id), None)
    if handle is not None:
        return handle
    known = ", ".join(each.handle for each in found)
    raise ControlPlaneError(
        "this key may not see this workspace of Prefect Cloud, or there is none of this id",
        where=api.base,
        fix=f"ask to be made a member, or choose one with `flowtui login`: {known or 'none yet'}",
    )


async def _workspaces_anyhow(api: Connection) -> tuple[cloud.CloudWorkspace, ...]:
    """Of a Prefect Cloud that has another address than Prefect's own."""
    try:
        return await cloud.workspaces_of(api)
    except RefusedError:
        raise NotRestError(
            "there is no Prefect REST API at this address: it does not tell its version",
            where=api.base,
            fix="check the address: it is the API's, and ends with /api as a rule",
        ) from None
