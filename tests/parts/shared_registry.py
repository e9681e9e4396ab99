"""One plain registry for all processes of a test run: the layers of base images are pushed once."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.parts.registry import RunningRegistry, running_registry


@contextmanager
def shared_registry(place: Path) -> Iterator[RunningRegistry]:
    """The registry of those who name the same place, a path that files are made beside.

    Who comes first starts it, and stops it when nobody uses it any more.
    """
    state = place.with_suffix(".host")
    with ExitStack() as stack:
        users = stack.enter_context(place.with_suffix(".users").open("w"))
        with place.with_suffix(".lock").open("w") as alone:
            fcntl.flock(alone, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)
            if state.exists():
                registry = RunningRegistry(state.read_text())
            else:
                registry = stack.enter_context(running_registry())
                state.write_text(registry.host)
                stack.callback(state.unlink)
                stack.callback(fcntl.flock, users, fcntl.LOCK_EX)  # waits for the others
        yield registry
