"""What is examined: one folder under one profile, opened once for all looks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from flowtui.doctor.checks import CannotTell
from flowtui.errors import FlowtuiError
from flowtui.models import Discovery
from flowtui.workspace import Workspace


class Subject:
    def __init__(
        self,
        path: Path,
        *,
        profile: str | None = None,
        api_url: str | None = None,
        workspace: Workspace | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """`workspace` is the one of a running app: its settings and its session's tokens."""
        self.path = path
        self.environ = environ
        self._profile, self._api_url = profile, api_url
        self._given = workspace
        self._opening = asyncio.Lock()
        self._opened: Workspace | None = None
        self._discovery: Discovery | None = None

    async def open(self) -> Workspace:
        """A workspace of its own: what is done with it disturbs nobody. Raises UsageError."""
        async with self._opening:
            if self._opened is None:
                given = self._given
                if given is not None:
                    self._opened = given.use(given.profile, given.credentials)
                else:
                    self._opened = await Workspace.open(
                        self.path, profile=self._profile, api_url=self._api_url
                    )
            return self._opened

    async def workspace(self) -> Workspace:
        """The same, for looks that cannot say more about settings that are broken."""
        try:
            return await self.open()
        except FlowtuiError:
            raise CannotTell("the settings cannot be read, see above") from None

    async def discovery(self) -> Discovery:
        """What the folder holds, looked at once."""
        workspace = await self.workspace()
        async with self._opening:
            if self._discovery is None:
                self._discovery = await asyncio.to_thread(workspace.discover)
            return self._discovery

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()
