"""When a real part is missing: fail where nothing may be skipped, skip loudly elsewhere."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def strict() -> bool:
    """True in CI: every real part must be there."""
    return os.environ.get("FLOWTUI_TEST_STRICT") == "1"


def missing(part: str, reason: str) -> NoReturn:
    """Skip the test because a real part cannot be had here; in CI fail instead."""
    message = f"real part missing: {part}: {reason}"
    if strict():
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
