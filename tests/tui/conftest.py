"""A workspace in memory with flows in every state."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.models import Discovery, FlowState
from tests.tui.memory import MemoryWorkspace, broken, flow


@pytest.fixture
def workspace(tmp_path: Path) -> MemoryWorkspace:
    """Two projects, one of them empty; an up-to-date, a changed, a new and a broken flow."""
    made = MemoryWorkspace(tmp_path)
    made.server.add_project("Empty")
    made.server.add_project("My Project")
    made.server.add_version("etl", "My Project")
    made.server.add_version("etl", "My Project")
    made.server.add_version("report", "My Project")
    made.found = Discovery(
        str(tmp_path),
        (flow("etl"), flow("report", "flows/report.py", 4), flow("hello", "hello.py", 9)),
        (broken(),),
        12,
    )
    made.states = {"report": (FlowState.CHANGED, "sources differ from version 1")}
    return made
