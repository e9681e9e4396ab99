"""Base images made from the interpreters of this machine: no image registry is needed.

An image holds one Python with its libraries, pip, a shell and the machine's CA certificates, and on
request the packages of a Prefect's virtual environment, so that `pip install prefect==…` in a
build is satisfied without a network. Bytecode is copied with its source, whose times stay: without
it, each container would compile all of Prefect first.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.parts.cache import key_of, made_once
from tests.parts.engine import RunningEngine
from tests.parts.need import missing
from tests.parts.prefects import RELEASES, find_python, prefect_venv

_RECIPE = "7"
"""Counted up when the recipe changes: it is part of the cache's key."""
_TOOLS = ("dash", "rm", "mkdir", "sleep", "ls", "cat")
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
_CA = "/etc/ssl/certs/ca-certificates.crt"
_LEFT_OUT = shutil.ignore_patterns(
    "test", "tests", "idlelib", "tkinter", "turtledemo", "*.a", "config-*",
    "site-packages", "dist-packages",
)  # fmt: skip
_PREFECT_COMMAND = """#!/usr/local/bin/python3
import prefect.cli
(getattr(prefect.cli, "app", None) or prefect.cli.cli)()
"""
_DESCRIBE = """
import os, sys, sysconfig
print(os.path.realpath(getattr(sys, '_base_executable', None) or sys.executable))
print(sysconfig.get_paths()['stdlib'])
print(os.path.dirname(__import__('pip').__path__[0]))
"""


def python_image(engine: RunningEngine, minor: str) -> str:
    """The name of a base image with Python `minor` and pip, imported on first use."""
    python = find_python(minor)
    if python is None:
        missing("base image", f"no Python {minor} on PATH or under pyenv")
    return _imported(engine, f"flowtui-test/python:{minor}", python, None)


def prefect_image(engine: RunningEngine, version: str) -> str:
    """The name of a base image with a Prefect and its Python, imported on first use."""
    release = RELEASES[version]
    python = find_python(release.python)
    if python is None:
        missing("base image", f"no Python {release.python} on PATH or under pyenv")
    name = f"flowtui-test/prefect:{version}-python{release.python}"
    return _imported(engine, name, python, prefect_venv(version))


def _imported(engine: RunningEngine, name: str, python: str, venv: Path | None) -> str:
    key = key_of(_RECIPE, os.path.realpath(python), str(venv))
    label = f"flowtui-test={key}"
    if engine.docker("images", "--quiet", "--filter", f"label={label}", name):
        return name
    archive = made_once(
        f"images/{name.replace('/', '-').replace(':', '-')}-{key}",
        lambda folder: _make_archive(Path(python), venv, folder / "root.tar"),
    )
    changes = (
        "ENV PATH=/usr/local/bin:/usr/bin:/bin",
        f"ENV PIP_CERT={_CA}",
        "ENV PIP_ROOT_USER_ACTION=ignore",
        'CMD ["python3"]',
        f"LABEL {label}",
    )
    options = [part for change in changes for part in ("--change", change)]
    engine.docker("import", *options, str(archive / "root.tar"), name)
    return name


def _make_archive(python: Path, venv: Path | None, archive: Path) -> None:
    described = subprocess.run(
        [str(python), "-c", _DESCRIBE], check=True, capture_output=True, text=True
    )
    executable, library, packages = map(Path, described.stdout.split("\n")[:3])
    with tempfile.TemporaryDirectory(prefix="flowtui-base-") as name:
        root = Path(name)
        _make_skeleton(root)
        target = root / "usr/local/lib" / library.name
        _copy_python(root, executable, library, target)
        site = target / "site-packages"
        for item in packages.glob("pip*"):
            if re.fullmatch(r"pip(-.*)?", item.name):
                shutil.copytree(item, site / item.name, symlinks=True)
        if venv is not None:
            _copy_packages(next(venv.glob("lib/python3*/site-packages")), site)
            _write_prefect_command(root)
        _copy_libraries(root, executable, library, target)
        subprocess.run(
            ["tar", "-C", str(root), "--owner=0", "--group=0", "-cf", str(archive), "."], check=True
        )


def _make_skeleton(root: Path) -> None:
    for folder in (
        "usr/local/bin",
        "usr/local/lib",
        "etc/ssl/certs",
        "bin",
        "root",
        "lib64",
        "tmp",
    ):
        (root / folder).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    for tool in _TOOLS:
        shutil.copy(f"/bin/{tool}", root / "bin" / tool)
    (root / "bin/sh").symlink_to("dash")
    bundle = next((bundle for bundle in _BUNDLES if Path(bundle).exists()), None)
    if bundle is not None:
        shutil.copy(bundle, root / _CA.lstrip("/"))
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "etc/nsswitch.conf").write_text("hosts: files dns\n")
    (root / "etc/ld.so.conf").write_text("/usr/local/lib\n")


def _copy_python(root: Path, executable: Path, library: Path, target: Path) -> None:
    minor = target.name
    shutil.copy(executable, root / f"usr/local/bin/{minor}")
    for link in ("python3", "python"):
        (root / "usr/local/bin" / link).symlink_to(minor)
    shutil.copytree(library, target, symlinks=True, ignore=_LEFT_OUT)
    (target / "site-packages").mkdir(exist_ok=True)


def _copy_packages(source: Path, site: Path) -> None:
    """All of a virtual environment's packages but its pip: the image's own stays."""
    for item in source.iterdir():
        if re.fullmatch(r"pip(-.*)?", item.name):
            continue
        if item.is_dir():
            shutil.copytree(item, site / item.name, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy2(item, site / item.name)


def _write_prefect_command(root: Path) -> None:
    """What agents and workers start in a container: `prefect execute …`, `prefect flow-run …`."""
    command = root / "usr/local/bin/prefect"
    command.write_text(_PREFECT_COMMAND)
    command.chmod(0o755)


def _copy_libraries(root: Path, executable: Path, library: Path, target: Path) -> None:
    """The shared libraries of everything that was copied, where the loader looks for them."""
    programs = [executable, *(Path("/bin") / tool for tool in _TOOLS)]
    programs += [path for path in target.rglob("*.so*") if not path.is_symlink()]
    prefix = library.parent.parent
    wanted: set[str] = set()
    for start in range(0, len(programs), 50):
        listed = subprocess.run(
            ["ldd", *map(str, programs[start : start + 50])],
            capture_output=True,
            text=True,
            check=False,
        )
        wanted.update(re.findall(r"(?:=> |\t)(/\S+) \(0x", listed.stdout))
    wanted.update(_companions(wanted))
    for name in sorted(wanted):
        if name.startswith(f"{root}/"):
            continue
        place = (
            Path("usr/local/lib") / Path(name).name
            if name.startswith(f"{prefix}/")
            else Path(name[1:])
        )
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, root / place)
    subprocess.run(["ldconfig", "-r", str(root)], check=True)


def _companions(libraries: set[str]) -> set[str]:
    """Stubs and runtimes beside libc that wheels from the package index link against."""
    libc = next((Path(name) for name in libraries if Path(name).name == "libc.so.6"), None)
    if libc is None:
        return set()
    names = ("libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1", "libm.so.6")
    runtimes = ("libgcc_s.so.1", "libstdc++.so.6")
    folders = (libc.parent, Path("/usr") / libc.parent.relative_to("/"))
    found = (folder / name for name in (*names, *runtimes) for folder in folders)
    return {str(path) for path in found if path.exists()}
