"""What to warn of when an executor was chosen for a flow, before anything is built."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flowtui.deploy.plan import Setting
from flowtui.deploy.settings import Resolved
from flowtui.models import LoadedFlow, Origin, Problem, StorageKind

_LOOPBACK = re.compile(r"^[a-z]+://(localhost|127\.[0-9.]+|\[::1\])(:|$)")


def executor_problems(
    loaded: LoadedFlow, settled: Resolved, storage: StorageKind
) -> tuple[Problem, ...]:
    """What of the author's own is replaced, and addresses that cannot be reached."""
    chosen = next((each for each in settled.settings if each.name == "executor"), None)
    if chosen is None or chosen.origin is Origin.FLOW_OBJECT:
        return ()
    arguments = settled.execution.executor_kwargs or {}
    return (
        *_replaced(loaded, chosen),
        *_unreachable(str(arguments.get("address", "")), storage),
    )


def _replaced(loaded: LoadedFlow, chosen: Setting) -> Iterator[Problem]:
    where = chosen.detail or str(chosen.origin)
    if loaded.environment_replaced:
        yield Problem(
            f"the flow's own {loaded.environment_replaced} is replaced by a RemoteEnvironment: "
            "it has no place for an executor",
            where,
            "take the setting `executor` away to keep the flow's own environment",
        )
    elif loaded.executor and loaded.executor != chosen.value:
        yield Problem(
            f"the flow's own executor {loaded.executor} is replaced by {chosen.value}",
            where,
            "take the setting `executor` away to keep the flow's own",
        )


def _unreachable(address: str, storage: StorageKind) -> Iterator[Problem]:
    if storage is StorageKind.DOCKER and _LOOPBACK.match(address):
        yield Problem(
            f"{address} is inside the flow's container itself, where no scheduler runs",
            "executor_kwargs",
            "give an address of the Dask scheduler that containers can reach",
        )
