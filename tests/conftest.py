"""Every test is cut off from the developer's own home, configuration and keyring."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import flowtui
from flowtui.text import redact
from tests.parts import cache as _cache  # noqa: F401  (takes the real home before it is replaced)
from tests.parts.processes import end_all_of

# A busy machine is no fault of what is tested.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

_WITHIN = "FLOWTUI_TEST_WITHIN"
"""Set by a test that runs tests."""
_PRIVATE = ("FLOWTUI_", "PREFECT_", "DOCKER_")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh home: no profile, history or credential of the developer is seen or touched."""
    for name in list(os.environ):
        if name.startswith(_PRIVATE) and not name.startswith("FLOWTUI_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(redact, "_secrets", ())  # tokens of other tests may be plain words here
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("FLOWTUI_HOME", str(home / "flowtui"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # nothing beside sources that are compared
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    for name in (
        "NO_COLOR",
        "SSH_CONNECTION",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_CACHE_HOME",
        "XDG_STATE_HOME",
    ):
        monkeypatch.delenv(name, raising=False)
    return home


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "long(minutes): of a module; the longest are begun first, so that nothing waits for them",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules that take long come first: they are shared out in this order."""

    def minutes(item: pytest.Item) -> float:
        marker = item.get_closest_marker("long")
        return marker.args[0] if marker is not None else 0

    items.sort(key=minutes, reverse=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Nothing of the tests waits for a next deploy when they are over."""
    alone = not hasattr(session.config, "workerinput") and _WITHIN not in os.environ
    if alone and sys.platform == "linux":
        end_all_of(Path(flowtui.__file__).parent / "warm" / "parent.py")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Skipped real parts are counted, with the reason, where nobody can miss them."""
    counts: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if "real part missing" in reason:
            counts[reason] = counts.get(reason, 0) + 1
    if counts:
        terminalreporter.section("NOT TESTED: real parts missing", sep="!", red=True, bold=True)
        for reason, count in sorted(counts.items()):
            terminalreporter.line(f"{count:4} tests: {reason.removeprefix('Skipped: ')}")
