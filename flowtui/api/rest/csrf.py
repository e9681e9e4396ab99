"""The CSRF tokens of a `prefect server` that wants them (PREFECT_SERVER_CSRF_PROTECTION_ENABLED).

Found out by what it refuses: nothing is asked for where it is off. Mirrors Prefect 2.20 and 3.9.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable

from flowtui.api.http import Answer
from flowtui.api.rest.refusals import reason_of
from flowtui.json_shapes import mapping

_REFUSALS = ("Missing CSRF token", "Missing client identifier", "Invalid CSRF token")


class CsrfTokens:
    """One client's token, got when it is needed and again when it has expired."""

    def __init__(self) -> None:
        self._client = str(uuid.uuid4())
        self._token = ""
        self._renewing = asyncio.Lock()

    @property
    def path(self) -> str:
        return f"/csrf-token?client={self._client}"

    @property
    def headers(self) -> dict[str, str]:
        """For every POST, PATCH and DELETE, reading ones too; empty while none is wanted."""
        if not self._token:
            return {}
        return {"Prefect-Csrf-Token": self._token, "Prefect-Csrf-Client": self._client}

    @staticmethod
    def asked_for(answer: Answer) -> bool:
        """Whether a request was refused for want of a valid token; then nothing of it was done."""
        return answer.status == 403 and reason_of(answer).startswith(_REFUSALS)

    async def renew(self, sent: dict[str, str], ask: Callable[[], Awaitable[Answer]]) -> bool:
        """Get a token in place of the one that was `sent`, once for all that wait for it.

        False where the server gives none.
        """
        async with self._renewing:
            if self.headers == sent:
                answer = await ask()
                if answer.status != 200:
                    return False
                self._token = str(mapping(answer.json()).get("token") or "")
        return bool(self._token)
