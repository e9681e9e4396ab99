"""A workspace in memory with flows in every state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

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


@pytest.fixture(scope="session", autouse=True)
def styles_parsed_once() -> Iterator[None]:
    """Every app has the same styles: parsing them again took a third of a test's time."""
    parse = Stylesheet._parse_rules
    parsed: dict[tuple[object, ...], list[RuleSet]] = {}

    def parse_once(self: Stylesheet, *source: object, **more: object) -> list[RuleSet]:
        key = (frozenset(self._variables.items()), source, frozenset(more.items()))
        if key not in parsed:
            parsed[key] = parse(self, *source, **more)  # type: ignore[arg-type]
        return parsed[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parse_once)
        yield
