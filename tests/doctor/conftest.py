"""Fixtures over the real parts that the doctor looks at."""

from __future__ import annotations

from tests.parts.fixtures import docker_engine, password_registry, running_docker  # noqa: F401
