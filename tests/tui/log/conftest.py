"""What was copied, without a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.models import Discovery
from flowtui.tui.terminal import clipboard
from flowtui.tui.terminal.clipboard import Copied
from tests.tui.memory import MemoryWorkspace, flow


@pytest.fixture
def workspace(tmp_path: Path) -> MemoryWorkspace:
    """One flow in one project."""
    made = MemoryWorkspace(tmp_path)
    made.server.add_project("My Project")
    made.found = Discovery(str(tmp_path), (flow("etl"),), (), 1)
    return made


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that goes to the clipboard."""
    texts: list[str] = []

    async def copy(text: str, what: str, **_: object) -> Copied:
        texts.append(text)
        return Copied(f"Copied {what}.", sure=True)

    monkeypatch.setattr(clipboard, "copy", copy)
    return texts
