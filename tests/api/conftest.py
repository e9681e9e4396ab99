"""Real Prefect servers, one of each for all tests of a process."""

from __future__ import annotations

from tests.parts.fixtures import (  # noqa: F401  (fixtures of these tests)
    prefect2_server,
    prefect3_server,
)
