"""Commands on a control plane in memory, in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowtui.cli import run
from flowtui.workspace import Workspace
from tests.tui.memory import MemoryControlPlane, MemoryWorkspace


class MemorySession:
    """Runs commands; `control_plane` is what they talk to."""

    def __init__(
        self, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.workspace = MemoryWorkspace(root)
        self._capsys = capsys

        async def opened(*_: object, **__: object) -> Workspace:
            return self.workspace

        monkeypatch.setattr(Workspace, "open", opened)
        monkeypatch.chdir(root)

    @property
    def control_plane(self) -> MemoryControlPlane:
        return self.workspace.server

    def run(self, *words: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        self._capsys.readouterr()
        try:
            code = run(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def json(self, *words: str) -> Any:
        code, out, err = self.run(*words, "--json")
        assert code == 0, err
        return json.loads(out)
