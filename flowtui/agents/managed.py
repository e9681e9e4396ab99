"""Environments of flowtui's own with a Prefect whose agent runs what the project's cannot.

Made once with a Python found on this machine, kept under flowtui's cache folder, named by what they
are made from.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from flowtui import child_processes, paths
from flowtui.byte_lines import ByteLines
from flowtui.deploy.docker.prefect_pins import installer_pin_for, pins_for
from flowtui.errors import FlowtuiError, UsageError
from flowtui.text import clean, redact

DOCKER_AGENT = "1.4.1"
"""Its Docker agent starts images of every Prefect from 0.6.1 on, each by its own command."""
LOCAL_AGENT = "0.9.8"
"""Its local agent runs `prefect execute cloud-flow` as PATH finds it: also that of 0.6.1."""

DOCKER_WORKER = "3.9.1"
"""Its Docker worker starts images of every Prefect 3."""

_PYTHONS = {
    DOCKER_WORKER: ("3.12", "3.11", "3.13", "3.10"),
    DOCKER_AGENT: ("3.11", "3.12", "3.10", "3.13", "3.9", "3.8"),
    LOCAL_AGENT: ("3.7", "3.8", "3.6", "3.9"),
}
_VENV_SECONDS = 300.0
_PIP_SECONDS = 1800.0
_LONGEST_LINE = 500
_PIP_OPTIONS = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off")
_STEPS = ("Collecting ", "Installing ", "Building ", "Running ", "Successfully ")
"""What pip says that shows how far it is; all of it is kept for the case of an error."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BasePython:
    """A Python that an environment can be made with."""

    executable: str
    minor: str
    """For example `3.11`."""


async def managed_python(version: str, say: Say, first: BasePython | None = None) -> str:
    """The Python of the environment with this Prefect, made now if there is none yet.

    `first` is tried before the ones that are looked for. Raises UsageError when there is no Python
    that this Prefect runs on, FlowtuiError when the environment cannot be made.
    """
    bases = await asyncio.to_thread(_bases, version, first)
    if not bases:
        raise UsageError(
            f"an environment with Prefect {version} needs a Python {_range(version)}, and none "
            "was found",
            where="PATH and pyenv",
            fix=f"install one of them, for example: pyenv install {_PYTHONS[version][0]}",
        )
    problem: FlowtuiError | None = None
    for base in bases:
        folder = _folder(version, base)
        if await asyncio.to_thread(_marker(folder).exists):
            return str(folder / "bin" / "python")
    for base in bases:
        try:
            return await _made(version, base, say)
        except _NoVenvError as error:
            problem = error  # this Python came without its venv module: the next one may have it
    raise problem or AssertionError


def is_made(version: str) -> bool:
    """Whether there is an environment with this Prefect already. Blocking."""
    return any(_marker(_folder(version, base)).exists() for base in _bases(version, None))


class _NoVenvError(FlowtuiError):
    pass


def _bases(version: str, first: BasePython | None) -> list[BasePython]:
    minors = _PYTHONS[version]
    own = BasePython(sys.executable, "{}.{}".format(*sys.version_info[:2]))
    found = [base for base in (first, own) if base is not None and base.minor in minors]
    for minor in minors:
        on_path = shutil.which(f"python{minor}")
        if on_path is not None:
            found.append(BasePython(on_path, minor))
        pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
        installed = sorted(pyenv.glob(f"{minor}.*/bin/python{minor}"), reverse=True)
        found += [BasePython(str(python), minor) for python in installed]
    return found


def _range(version: str) -> str:
    minors = sorted(_PYTHONS[version], key=lambda minor: int(minor.partition(".")[2]))
    return f"{minors[0]} to {minors[-1]}"


_BESIDE = {DOCKER_WORKER: ("prefect-docker==0.7.4",)}
"""What is installed beside Prefect, exactly as it was tried."""


def _requirements(version: str, base: BasePython) -> list[str]:
    return [f"prefect=={version}", *_BESIDE.get(version, ()), *pins_for(version, base.minor)]


def _folder(version: str, base: BasePython) -> Path:
    inputs = "\0".join((base.executable, *_requirements(version, base)))
    key = hashlib.sha256(inputs.encode()).hexdigest()[:12]
    return paths.cache_dir() / "agents" / f"prefect-{version}-py{base.minor}-{key}"


def _marker(folder: Path) -> Path:
    """Tells a whole environment from one whose making was interrupted."""
    return folder / ".complete"


async def _made(version: str, base: BasePython, say: Say) -> str:
    folder = _folder(version, base)
    async with _alone(folder, say):
        if not await asyncio.to_thread(_marker(folder).exists):
            say(f"making an environment with Prefect {version} for Python {base.minor}: {folder}")
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            await _make_venv(base, folder, say)
            await _install(version, base, folder, say)
            await asyncio.to_thread(_marker(folder).touch)
            say(f"the environment with Prefect {version} is ready")
    return str(folder / "bin" / "python")


@asynccontextmanager
async def _alone(folder: Path, say: Say) -> AsyncGenerator[None]:
    """One process at a time makes an environment; the others wait for it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("w") as lock:
        told = False
        while not _locked(lock.fileno()):
            if not told:
                say("another flowtui is making the environment: waiting for it")
                told = True
            await asyncio.sleep(0.5)
        yield


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _make_venv(base: BasePython, folder: Path, say: Say) -> None:
    status, said = await _run([base.executable, "-m", "venv", str(folder)], say, _VENV_SECONDS)
    if status != 0:
        raise _NoVenvError(
            f"Python {base.minor} cannot make a virtual environment: {_reason(said)}",
            where=base.executable,
            fix=f"install its venv module (Debian: apt install python{base.minor}-venv)",
        )


async def _install(version: str, base: BasePython, folder: Path, say: Say) -> None:
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", *_PIP_OPTIONS]
    installer = installer_pin_for(version)
    steps = [[installer]] if installer else []
    for requirements in (*steps, _requirements(version, base)):
        status, said = await _run([*pip, *requirements], say, _PIP_SECONDS)
        if status != 0:
            raise FlowtuiError(
                f"pip cannot install Prefect {version}: {_reason(said)}",
                where=str(folder),
                fix="the package index must be reachable (pip's own settings, such as "
                "PIP_INDEX_URL and HTTPS_PROXY, are used); then start the agent again",
            )


async def _run(command: Sequence[str], say: Say, seconds: float) -> tuple[int, list[str]]:
    said: list[str] = []

    def take(line: str) -> None:
        text = redact(clean(line)).strip()
        if text:
            said.append(text)
        if text.startswith(_STEPS):
            say(text)

    lines = ByteLines(take, _LONGEST_LINE)
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    try:
        status = await child_processes.run(
            command, cwd="/", env=kept, on_output=lines.feed, time_limit=seconds
        )
    except TimeoutError:
        return 1, [*said, f"it was not done within {seconds / 60:.0f} minutes"]
    except OSError as error:
        return 1, [str(error)]
    lines.end()
    return status, said


def _reason(said: Sequence[str]) -> str:
    """pip's own last error, else its last line."""
    errors = [line for line in said if line.startswith("ERROR:")]
    found = errors or list(said)
    return found[-1].removeprefix("ERROR:").strip() if found else "it said nothing"
