"""What keeps an old Prefect installable and importable today.

Measured on Prefect 0.6.1 to 1.4.1 with the packages of November 2026.
"""

from __future__ import annotations

from flowtui import executors
from flowtui.models import ExecutionOptions
from flowtui.releases import release

OLD_DASK = ("dask<2.6", "distributed<2.6", "msgpack<1")
"""What the DaskExecutor before Prefect 0.6.7 needs to connect to a scheduler: from 2.6.0 on the
client refuses keywords that it is given, and releases before that need the earlier msgpack."""


def pins_for(prefect_version: str, python_minor: str) -> tuple[str, ...]:
    """Requirements that keep this old Prefect importable, beside `prefect==…` itself."""
    prefect = release(prefect_version)
    python = release(python_minor)
    pins: list[str] = []
    if prefect < (0, 12):
        pins.append("requests<2.32")  # docker<5 breaks on a newer one
    if prefect < (0, 15):
        pins.append("urllib3<2")  # Retry(method_whitelist=…) is gone
    if (0, 12) <= prefect < (2,):
        pins.append("marshmallow<4")
    if (0, 15) <= prefect < (1,) and python >= (3, 12):
        pins.append("setuptools<81")  # distutils is gone from the standard library
    return tuple(pins)


def reaches(prefect_version: str, distributed_version: str) -> bool:
    """Whether this Prefect's DaskExecutor can connect to a scheduler with this `distributed`."""
    return release(prefect_version) >= (0, 6, 7) or release(distributed_version) < (2, 6)


def dask_pins_for(prefect_version: str, execution: ExecutionOptions) -> tuple[str, ...]:
    """Requirements that let this old Prefect connect to a Dask scheduler, where it has to."""
    address = (execution.executor_kwargs or {}).get("address")
    if not address or not executors.is_of(execution.executor, "dask"):
        return ()
    return () if reaches(prefect_version, "2.6") else OLD_DASK


def installer_pin_for(prefect_version: str) -> str | None:
    """The pip that still installs this Prefect: 0.15's metadata is refused from 24.1 on."""
    return "pip<24.1" if (0, 15) <= release(prefect_version) < (1,) else None
