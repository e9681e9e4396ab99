"""The real parts that these tests use."""

from __future__ import annotations

from tests.parts.fixtures import (  # noqa: F401  (fixtures of these tests)
    docker_engine,
    plain_registry,
    running_docker,
)
