"""What keeps an old Prefect installable and importable today.

Measured on Prefect 0.6.1 to 1.4.1 with the packages of November 2026.
"""

from __future__ import annotations

from flowtui.releases import release


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


def installer_pin_for(prefect_version: str) -> str | None:
    """The pip that still installs this Prefect: 0.15's metadata is refused from 24.1 on."""
    return "pip<24.1" if (0, 15) <= release(prefect_version) < (1,) else None
