"""Connects to a warm Python, starts it where there is none, sends it a program. Blocking."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import socket
import struct
import time
import zlib

from flowtui.warm import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEEP = 600.0
"""Seconds that one waits for the next program, where nothing else is said."""
VARIABLE = "FLOWTUI_KEEP_WARM"
READY_SECONDS = 60.0
PREFECT = "prefect"
FLOWTUI = "flowtui"

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_PARENT = os.path.join(_PACKAGE, "warm", "parent.py")
_READ_AT_START = ("PYTHON", "PREFECT_", "PYDANTIC_", "OTEL_", "LD_", "LANG", "LC_", "SSL_CERT_")
_HARMLESS = ("PREFECT_HOME", "PYTHON_KEYRING_BACKEND")
"""Differ from one program to the next without a difference to what has been imported."""
_LOCAL_SECONDS = 0.2
"""Longer than that a warm Python that can take one more does not let anybody wait."""
_TRIED_AGAIN = 3600.0
"""Seconds after which a Python that could not be kept warm is tried again."""
_PASSED_ON = ("PATH", "HOME", "USER")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class Warm:
    """Which one: what it has imported, for which Python, and what it read when it started."""

    def __init__(self, kind: str, executable: str, env: Mapping[str, str], keep: float) -> None:
        """`kind` is PREFECT or FLOWTUI; `keep` is in seconds."""
        self.kind = kind
        self.executable = executable
        self.keep = keep
        self.env = read_at_start(env)
        said = repr((_PACKAGE, kind, executable, sorted(self.env.items()))).encode()
        self.name = f"{kind}-{zlib.crc32(said):08x}{zlib.adler32(said):08x}"

    def connect(self) -> socket.socket | None:
        """To one that runs; it may still be starting."""
        folder = place.folder()
        return _connect(os.path.join(folder, self.name)) if folder is not None else None

    def connect_or_start(self) -> socket.socket | None:
        """None where none can be had."""
        folder = place.folder()
        if folder is None:
            return None
        address = os.path.join(folder, self.name)
        found = _connect(address)
        if found is not None or _failed(address):
            return found
        # Two that need the same one start one.
        lock = os.open(f"{address}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return _connect(address) or self._start(address)
        finally:
            os.close(lock)

    def _start(self, address: str) -> socket.socket | None:
        import subprocess
        from contextlib import suppress

        home = f"{address}.home"
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            try:
                os.makedirs(home, 0o700, exist_ok=True)
                with suppress(FileNotFoundError):
                    os.unlink(address)
                listener.bind(address)
                listener.listen(128)
                started = subprocess.run(
                    [
                        *(self.executable, "-u", _PARENT),
                        *(self.kind, str(listener.fileno()), str(self.keep)),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[listener.fileno()],
                    cwd=home,
                    env={**passed_on, **self.env, "PREFECT_HOME": home},
                    start_new_session=True,
                    timeout=READY_SECONDS,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired):
                return None
            return _connect(address) if started.returncode == 0 else None


def read_at_start(env: Mapping[str, str]) -> dict[str, str]:
    """What Python and the packages around Prefect read once, when they start."""
    return {
        name: value
        for name, value in env.items()
        if (name.startswith(_READ_AT_START) or name == "TZ") and name not in _HARMLESS
    }


def is_ready(channel: socket.socket, seconds: float) -> bool:
    """False where it ended or is about to: what it imported is not what is on disk any more."""
    ready, _, _ = select.select([channel], [], [], seconds)
    try:
        return bool(ready and channel.recv(1))
    except OSError:
        return False


def request(
    argv: Sequence[str], source: str, folder: str, cwd: str, env: Mapping[str, str]
) -> bytes:
    """See `parent`."""
    ignored = [int(each) for each in _SIGNALS if signal.getsignal(each) is signal.SIG_IGN]
    asked = {
        "argv": list(argv),
        "source": source,
        "folder": folder,
        "cwd": cwd,
        "env": dict(env),
        "umask": _umask(),
        "ignored": ignored,
    }
    return json.dumps(asked).encode()


def send_head(channel: socket.socket, content: bytes, descriptors: Sequence[int]) -> int:
    """Ask for a fork: the `content` has to follow. Gives the descriptor that its pid and its exit
    status are read from.

    `descriptors` are standard input, output and errors. Raises OSError.
    """
    status, tells = os.pipe()
    try:
        head = struct.pack("!I", len(content))
        socket.send_fds(channel, [head], [*descriptors, tells])
    except OSError:
        os.close(status)
        raise
    finally:
        os.close(tells)
    return status


def _connect(address: str) -> socket.socket | None:
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        channel.settimeout(_LOCAL_SECONDS)
        channel.connect(address)
    except OSError:
        channel.close()
        return None
    return channel


def _failed(address: str) -> bool:
    """Whether one could not be made ready a short while ago; the file says why."""
    try:
        return time.time() - os.stat(f"{address}.failed").st_mtime < _TRIED_AGAIN
    except OSError:
        return False


def _umask() -> int:
    with open("/proc/self/status", encoding="utf-8") as told:
        return next((int(line.split()[1], 8) for line in told if line.startswith("Umask:")), 0o022)
