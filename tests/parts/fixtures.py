"""Fixtures over the real parts; a `conftest.py` imports those that its tests use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.parts.engine import RunningEngine, running_engine
from tests.parts.prefect_server import (
    PREFECT2,
    PREFECT3,
    PrefectServer,
    running_prefect_server,
)
from tests.parts.registry import RunningRegistry, running_registry
from tests.parts.shared_registry import shared_registry


@pytest.fixture(scope="session")
def running_docker() -> Iterator[RunningEngine]:
    """The engine of this test session."""
    with running_engine() as engine:
        yield engine


@pytest.fixture
def docker_engine(running_docker: RunningEngine, monkeypatch: pytest.MonkeyPatch) -> RunningEngine:
    """A real engine, and DOCKER_HOST pointing at it."""
    monkeypatch.setenv("DOCKER_HOST", running_docker.url)
    return running_docker


@pytest.fixture(scope="session")
def plain_registry(
    tmp_path_factory: pytest.TempPathFactory, testrun_uid: str
) -> Iterator[RunningRegistry]:
    """A real registry that takes everything from everybody, and is shared with other processes."""
    place = tmp_path_factory.getbasetemp().parent / f"registry-{testrun_uid}"
    with shared_registry(place) as registry:
        yield registry


@pytest.fixture(scope="session")
def password_registry() -> Iterator[RunningRegistry]:
    """A real registry that wants the user and password of `tests.parts.registry`."""
    with running_registry(password=True) as registry:
        yield registry


@pytest.fixture(scope="session")
def prefect3_server() -> Iterator[PrefectServer]:
    """The Prefect 3 server of this test session: each test makes flows and pools of its own."""
    with running_prefect_server(PREFECT3) as server:
        yield server


@pytest.fixture(scope="session")
def prefect2_server() -> Iterator[PrefectServer]:
    """The Prefect 2 server of this test session; the same holds."""
    with running_prefect_server(PREFECT2) as server:
        yield server
