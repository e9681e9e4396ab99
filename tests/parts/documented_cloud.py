"""A stand-in for Prefect Cloud of today, which cannot be reached from tests.

A real HTTP server that answers what Prefect's documentation and the source of its 3.9.1 client say
of Cloud, and nothing beyond: `/me/` and `/me/workspaces`; 401 for a key that is none; 403 for a
service account that asks who it is; 404, not 403, below a workspace whose member one is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.parts.stand_in import Asked, Reply, StandIn, stand_in

USER_KEY = "pnu_of_a_person_0123456789abcdef0123"
SERVICE_KEY = "pnb_of_a_service_0123456789abcdef012"

ACME = "11111111-1111-4111-8111-111111111111"
OTHERS = "22222222-2222-4222-8222-222222222222"
PRODUCTION = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
STAGING = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
SIDE = "cccccccc-cccc-4ccc-8ccc-cccccccccccc"
FOREIGN = "dddddddd-dddd-4ddd-8ddd-dddddddddddd"

_BELOW = re.compile(r"/api/accounts/([^/]+)/workspaces/([^/]+)(/.*)")
_NOT_FOUND = Reply(404, {"detail": "Not Found"})


def workspace(account: str, handle: str, workspace_id: str, name: str) -> dict[str, str]:
    """One row of `/me/workspaces`."""
    account_id = ACME if account == "acme" else OTHERS
    return {
        "account_id": account_id,
        "account_name": account.title(),
        "account_handle": account,
        "workspace_id": workspace_id,
        "workspace_name": name,
        "workspace_description": f"where {account} keeps {handle}",
        "workspace_handle": handle,
    }


WORKSPACES = (
    workspace("others", "side", SIDE, "Side projects"),
    workspace("acme", "staging", STAGING, "Staging"),
    workspace("acme", "production", PRODUCTION, "Production"),
)


@dataclass
class DocumentedCloud:
    server: StandIn
    members: dict[str, tuple[dict[str, str], ...]] = field(default_factory=dict)
    """By key: the workspaces that its owner is a member of."""

    @property
    def url(self) -> str:
        """What `https://api.prefect.cloud/api` is of the real one."""
        return f"{self.server.url}/api"

    def address(self, account: str, workspace_id: str) -> str:
        return f"{self.url}/accounts/{account}/workspaces/{workspace_id}"

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/api/health":
            return Reply(200, True)
        key = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if key not in self.members:
            return Reply(401, {"detail": "Invalid authentication credentials"})
        if asked.path == "/api/me/":
            return self._me(key)
        if asked.path == "/api/me/workspaces":
            return Reply(200, list(self.members[key]))
        below = _BELOW.fullmatch(asked.path)
        if below is None:
            return _NOT_FOUND
        mine = {(row["account_id"], row["workspace_id"]) for row in self.members[key]}
        if (below.group(1), below.group(2)) not in mine:
            return _NOT_FOUND
        return self._in_workspace(f"{asked.method} {below.group(3)}")

    def _me(self, key: str) -> Reply:
        if key.startswith("pnb_"):
            return Reply(
                403, {"detail": "Only users (not service accounts) can access this endpoint."}
            )
        return Reply(200, {"id": ACME, "email": "ada@example.com", "handle": "ada"})

    def _in_workspace(self, call: str) -> Reply:
        if call.startswith("POST ") and call.endswith("/filter"):
            return Reply(200, [])
        if call.startswith("POST ") and call.endswith("/count"):
            return Reply(200, 0)
        return _NOT_FOUND


@contextmanager
def documented_cloud() -> Iterator[DocumentedCloud]:
    """A person is a member of three workspaces, a service account of one."""
    with stand_in(lambda _: _NOT_FOUND) as server:
        members = {USER_KEY: WORKSPACES, SERVICE_KEY: (WORKSPACES[2],)}
        cloud = DocumentedCloud(server, members)
        server.answer = cloud.answer
        yield cloud
