"""A real PostgreSQL, on a unix socket in a temporary folder."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.parts.need import missing

_START_SECONDS = 60
_UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class PostgresServer:
    """A running server; every test takes a database of its own."""

    socket_folder: str
    commands: Path
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new_database(self) -> str:
        """Create an empty database and return its URL."""
        name = f"flowtui_{next(self._numbers)}"
        connection = ["-h", self.socket_folder, "-U", "postgres"]
        subprocess.run([self.commands / "createdb", *connection, name], check=True)
        return f"postgresql://postgres@/{name}?host={self.socket_folder}"


def _commands() -> Path:
    """Debian keeps the server's commands out of PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if versions:
        return versions[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        missing("PostgreSQL", "no initdb; install the package postgresql")
    return Path(on_path).resolve().parent


def _as_other_user(folder: Path) -> Sequence[str]:
    """PostgreSQL refuses to run as root: the command prefix that makes it somebody else."""
    if os.geteuid() != 0:
        return []
    others = [user for user in pwd.getpwall() if user.pw_name in _UNPRIVILEGED]
    if not others:
        missing("PostgreSQL", "running as root, and there is no other user to run it as")
    os.chown(folder, others[0].pw_uid, others[0].pw_gid)
    return ["runuser", "-u", others[0].pw_name, "--"]


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    commands = _commands()
    folder = Path(tempfile.mkdtemp(prefix="flowtui-pg-", dir="/tmp"))
    prefix = _as_other_user(folder)
    data = folder / "data"
    control = [*prefix, str(commands / "pg_ctl"), "-D", str(data), "-w", "-s"]
    try:
        subprocess.run(
            [*prefix, commands / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
        )
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=60"
        start = [*control, "-t", str(_START_SECONDS), "-l", str(folder / "log"), "-o", options]
        subprocess.run([*start, "start"], check=True, cwd=folder)
        try:
            yield PostgresServer(str(folder), commands)
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, cwd=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
