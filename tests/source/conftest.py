from __future__ import annotations

from tests.parts.fixtures import prefect2_server, prefect3_server

__all__ = ["prefect2_server", "prefect3_server"]
