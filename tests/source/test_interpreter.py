from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from flowtui.errors import UsageError
from flowtui.source.interpreter import find_interpreter
from tests.parts.processes import gone

THIS = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "PYENV_ROOT"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def environment(folder: Path, executable: str = sys.executable) -> Path:
    """A folder that looks like an environment and whose Python works."""
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin" / "python"
    python.symlink_to(executable)
    return python


def distribution(folder: Path, name: str, version: str) -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n")


async def test_the_order_from_the_configured_one_to_our_own(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = await find_interpreter(root, None)
    assert (own.executable, own.python_version) == (sys.executable, THIS)
    assert own.origin == "the Python flowtui runs on"

    home_pyenv = Path.home() / ".pyenv" / "versions"
    for version in ("3.9.2", "3.9.18"):
        environment(home_pyenv / version)
    (root / ".python-version").write_text("# team\n2.1\n3.9\n")
    found = await find_interpreter(root, None)
    assert found.executable == str(home_pyenv / "3.9.18" / "bin" / "python")
    assert "pyenv" in found.origin
    (root / ".python-version").write_text("3.9.2\n")
    exact = await find_interpreter(root, None)
    assert exact.executable == str(home_pyenv / "3.9.2" / "bin" / "python")

    monkeypatch.setenv("CONDA_PREFIX", str(environment(tmp_path / "conda").parent.parent))
    assert "conda" in (await find_interpreter(root, None)).origin
    monkeypatch.setenv("VIRTUAL_ENV", str(environment(tmp_path / "active").parent.parent))
    assert (await find_interpreter(root, None)).origin == "the active virtualenv"

    environment(root / "venv")
    assert (await find_interpreter(root, None)).origin == "the project's venv"
    python = environment(root / ".venv")
    found = await find_interpreter(root, None)
    assert (found.executable, found.origin) == (str(python), "the project's .venv")

    other = environment(root / "other")
    for configured in ("other/bin/python", "other", str(other), "./other/bin/python"):
        found = await find_interpreter(root, configured)
        assert found.executable == str(other)
        assert found.origin == f"configured: {configured}"


async def test_a_configured_command_is_looked_up_on_path(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = environment(tmp_path / "tools")
    python.rename(python.with_name("team-python"))
    monkeypatch.setenv("PATH", f"{python.parent}:{os.environ['PATH']}")
    found = await find_interpreter(root, "team-python")
    assert found.executable == str(python.with_name("team-python"))


@pytest.mark.parametrize(
    "configured",
    ["missing/bin/python", "/nowhere/python", "no-such-python", "~no-such-user/bin/python"],
)
async def test_a_wrong_setting_is_an_error_not_a_fallback(root: Path, configured: str) -> None:
    environment(root / ".venv")
    with pytest.raises(UsageError) as caught:
        await find_interpreter(root, configured)
    assert configured in caught.value.problem.what
    assert "python =" in caught.value.problem.where


async def test_a_file_that_is_no_python_is_an_error(root: Path) -> None:
    for name, content in (
        ("silent", "#!/bin/sh\nexit 0\n"),
        ("failing", "#!/bin/sh\necho 'no libpython' >&2\nexit 127\n"),
        ("odd", "#!/bin/sh\necho '[1]'\n"),
    ):
        (root / name).write_text(content)
        (root / name).chmod(0o755)
    with pytest.raises(UsageError, match="not a working Python"):
        await find_interpreter(root, "./silent")
    with pytest.raises(UsageError, match="exit status 127: no libpython"):
        await find_interpreter(root, "./failing")
    with pytest.raises(UsageError, match="not a working Python"):
        await find_interpreter(root, "./odd")
    (root / "text").write_text("not a program")
    (root / "text").chmod(0o755)
    with pytest.raises(UsageError, match="does not start"):
        await find_interpreter(root, "./text")


async def test_a_broken_environment_of_the_project_is_an_error(root: Path) -> None:
    python = root / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(UsageError) as caught:
        await find_interpreter(root, None)
    assert "the project's .venv" in caught.value.problem.where


async def test_versions_are_read_without_importing(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "packages"
    distribution(packages, "prefect", "1.4.1")
    distribution(packages, "cloudpickle", "9.9.9")
    distribution(packages, "prefect_extras", "7")
    (packages / "prefect").mkdir()
    (packages / "prefect" / "__init__.py").write_text("raise SystemExit('imported')")
    monkeypatch.setenv("PYTHONPATH", str(packages))
    found = await find_interpreter(root, sys.executable)
    assert (found.prefect_version, found.cloudpickle_version) == ("1.4.1", "9.9.9")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "nothing"))
    assert (await find_interpreter(root, None)).prefect_version is None


async def test_a_python_that_hangs_is_ended_with_its_children_when_cancelled(root: Path) -> None:
    os.mkfifo(root / "pids")
    (root / "hanging").write_text(f"#!/bin/sh\nsleep 600 &\necho $$ $! > '{root}/pids'\nwait\n")
    (root / "hanging").chmod(0o755)
    asking = asyncio.create_task(find_interpreter(root, "./hanging"))
    pids = await asyncio.to_thread((root / "pids").read_text)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    for pid in pids.split():
        await gone(int(pid))
