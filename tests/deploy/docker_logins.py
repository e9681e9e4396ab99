"""What `docker login` and credential helpers leave on a machine."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.parts.registry import PASSWORD, USER


def configure(home: Path, **sections: Any) -> Path:
    """Docker's `config.json` with these sections."""
    file = home / ".docker/config.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(sections))
    return file


def entry(user: str = USER, password: str = PASSWORD) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def log_in(home: Path, host: str, password: str = PASSWORD) -> None:
    """What `docker login` writes without a helper."""
    configure(home, auths={host: entry(password=password)})


def with_helper(home: Path, host: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A credential helper on PATH that the Docker configuration names for this registry."""
    configure(home, credHelpers={host: "sample"})
    program = home / "bin/docker-credential-sample"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{home / 'bin'}:{os.environ['PATH']}")
