"""Prefects of all generations, each unmodified in a virtual environment of its own."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.parts.cache import REAL_HOME, key_of, made_once
from tests.parts.need import missing


@dataclass(frozen=True)
class PrefectRelease:
    """A Prefect version, the Python it runs on, and the pins that keep it working today."""

    version: str
    python: str
    pins: tuple[str, ...] = ()
    pip: str = "pip"


RELEASES = {
    release.version: release
    for release in (
        PrefectRelease("0.6.1", "3.7", ("urllib3<2", "requests<2.32")),
        PrefectRelease("0.6.2", "3.7", ("urllib3<2", "requests<2.32")),
        PrefectRelease("0.15.13", "3.9", ("marshmallow<4",), pip="pip<24.1"),
        PrefectRelease("1.4.1", "3.11", ("marshmallow<4",)),
        PrefectRelease("2.20.27", "3.11"),
        PrefectRelease("3.9.1", "3.12", ("prefect-docker==0.7.4",)),
    )
}


def find_python(minor: str) -> str | None:
    """An interpreter of this minor version: on PATH, else one of pyenv's."""
    on_path = shutil.which(f"python{minor}")
    candidates = [on_path] if on_path else []
    candidates += sorted(
        str(path) for path in REAL_HOME.glob(f".pyenv/versions/{minor}.*/bin/python{minor}")
    )
    for candidate in candidates:
        answer = subprocess.run(
            [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.stdout.strip() == minor:
            return candidate
    return None


def prefect_venv(version: str, *extra: str) -> Path:
    """The virtual environment of a Prefect; `extra` requirements are installed beside it."""
    release = RELEASES[version]
    python = find_python(release.python)
    if python is None:
        missing(f"Prefect {version}", f"no Python {release.python} on PATH or under pyenv")
    requirements = [f"prefect=={version}", *release.pins, *extra]

    def make(folder: Path) -> None:
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        if release.pip != "pip":
            subprocess.run([*pip, release.pip], check=True)
        subprocess.run([*pip, *requirements], check=True)

    key = key_of(python, release.pip, *requirements)
    return made_once(f"venvs/prefect-{version}-py{release.python}-{key}", make)


def prefect_python(version: str, *extra: str) -> Path:
    """The interpreter of a Prefect's virtual environment."""
    return prefect_venv(version, *extra) / "bin" / "python"


def client_environment(version: str, url: str, token: str | None) -> dict[str, str]:
    """The variables that point a client or an agent at a server, and nothing else.

    Those up to 0.9 want a token even where the server has none.
    """
    if _numbers(version) < (0, 10):
        return {
            "PREFECT__CLOUD__API": url,
            "PREFECT__CLOUD__GRAPHQL": f"{url}/graphql/alpha",
            "PREFECT__CLOUD__AUTH_TOKEN": token or "none",
            "PREFECT__CLOUD__AGENT__AUTH_TOKEN": token or "none",
        }
    if token:
        return {
            "PREFECT__BACKEND": "cloud",
            "PREFECT__CLOUD__API": url,
            "PREFECT__CLOUD__API_KEY": token,
        }
    return {"PREFECT__BACKEND": "server", "PREFECT__SERVER__ENDPOINT": url}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))
