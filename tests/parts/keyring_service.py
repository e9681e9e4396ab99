"""A real Secret Service (gnome-keyring on a bus of its own) around a piece of Python.

Each body runs in a fresh process with a home of its own, so no keyring of the developer is touched.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.parts.cache import key_of, made_once
from tests.parts.need import missing

PASSWORD = "password-of-the-test-keyring"
_LIMIT = 60
"""Seconds for one body, with starting the bus."""

_ALTERNATIVE = ("keyrings.alt==5.0.2", "pycryptodome==3.23.0")

_UNLOCK = (
    f"printf %s {PASSWORD} | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1"
)


@dataclass(frozen=True)
class KeyringHome:
    """A home folder with a keyring in it."""

    path: Path

    def run(
        self,
        body: str,
        *,
        unlocked: bool = True,
        service: bool = True,
        environ: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run Python in a session with this keyring: unlocked, locked, or with no service at all.

        Python's stdout is the answer, its stderr what would have reached the terminal.
        """
        script = self.path / "body.py"
        script.write_text(body)
        command = ["dbus-run-session"]
        if not service:
            command.append(f"--config-file={self._bus_without_services()}")
        unlock = f"{_UNLOCK}; " if unlocked and service else ""
        # The bus and the daemons it starts keep the first two; Python gets its own.
        output, errors = self.path / "stdout", self.path / "stderr"
        shell = f'{unlock}exec "{sys.executable}" "{script}" >"{output}" 2>"{errors}"'
        done = subprocess.run(
            [*command, "--", "sh", "-c", shell],
            capture_output=True,
            text=True,
            check=False,
            timeout=_LIMIT,
            env=self._environment(environ or {}),
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, output.read_text(), errors.read_text()
        )

    def command(self, *arguments: str) -> list[str]:
        """A program in a session with this keyring, unlocked, for a terminal of the caller's."""
        return ["dbus-run-session", "--", "sh", "-c", f"{_UNLOCK}; exec {shlex.join(arguments)}"]

    def run_without_bus(
        self, body: str, environ: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run Python as over plain SSH: no session bus."""
        return subprocess.run(
            [sys.executable, "-c", body],
            capture_output=True,
            text=True,
            check=False,
            timeout=_LIMIT,
            env=self._environment(environ or {}),
        )

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        root = Path(__file__).parents[2]
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.path),
            "FLOWTUI_HOME": str(self.path / "flowtui"),
            **more,
            "PYTHONPATH": os.pathsep.join(
                filter(None, (str(root), str(self.path), more.get("PYTHONPATH")))
            ),
        }

    def _bus_without_services(self) -> Path:
        config = self.path / "bus.conf"
        config.write_text(
            '<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" '
            '"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">'
            "<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen>"
            '<policy context="default"><allow send_destination="*" eavesdrop="true"/>'
            '<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>'
        )
        return config


def alternative_backends() -> Path:
    """keyrings.alt with what it needs, for PYTHONPATH: not among the dependencies."""

    def make(folder: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--target", str(folder), *_ALTERNATIVE], check=True)

    return made_once(f"keyrings-alt-{key_of(*_ALTERNATIVE)}", make)


def keyring_home(folder: Path) -> KeyringHome:
    """A new, empty home; skips loudly where the real parts are not installed."""
    for program in ("dbus-run-session", "gnome-keyring-daemon", "secret-tool"):
        if shutil.which(program) is None:
            missing("keyring", f"{program} is not installed (gnome-keyring, dbus, libsecret-tools)")
    folder.mkdir(mode=0o700, exist_ok=True)
    return KeyringHome(folder)
