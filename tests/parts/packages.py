"""The Debian packages behind the real parts, and which of their programs are missing here."""

from __future__ import annotations

import shutil
from pathlib import Path

PROGRAMS = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "docker-registry": "docker-registry",
    "gnome-keyring-daemon": "gnome-keyring",
    "dbus-run-session": "dbus",
    "secret-tool": "libsecret-tools",
    "tmux": "tmux",
    "ip": "iproute2",
    "iptables": "iptables",
    "ssh": "openssh-client",
    "sshd": "openssh-server",
    "openssl": "openssl",
    "git": "git",
    "initdb": "postgresql",
}
"""Program to Debian package; `install.sh` beside this file reads it."""

_POSTGRESQL = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")))
_ALSO = ":".join(["/usr/local/sbin", "/usr/sbin", "/sbin", *_POSTGRESQL])


def program(name: str) -> str | None:
    """The full path of a program, also where root's programs are."""
    return shutil.which(name) or shutil.which(name, path=_ALSO)


def missing_packages() -> list[str]:
    """Debian packages whose programs are not here, sorted."""
    return sorted({package for name, package in PROGRAMS.items() if program(name) is None})


if __name__ == "__main__":
    print(" ".join(missing_packages()))
