"""Fixtures of the deploy tests: the real parts, and a flow as its own Prefect pickles it."""

from __future__ import annotations

from tests.parts.fixtures import (  # noqa: F401
    docker_engine,
    password_registry,
    plain_registry,
    running_docker,
)
