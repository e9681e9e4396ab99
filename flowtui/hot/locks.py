"""One redeployer for each hot flow: who else has it is told instead of deploying twice."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path

from flowtui import private_files, project_state


class HotLocks:
    """The flows of one folder that this process redeploys. Blocking; kept until released.

    The system releases them when the process ends, however it ends.
    """

    def __init__(self, root: Path, owner: str) -> None:
        """`owner` is what others are told: `flowtui watch`."""
        self._folder = project_state.state_file(root).with_suffix(".hot")
        self._owner = owner
        self._held: dict[str, int] = {}

    def take(self, target: str) -> str:
        """Empty when the flow is ours now, else who has it, in words. Raises OSError."""
        if target in self._held:
            return ""
        private_files.make_folder(self._folder)
        name = hashlib.sha256(target.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        descriptor = os.open(self._folder / name, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 200).decode("utf-8", "replace") or "another flowtui"
            os.close(descriptor)
            return f"hot elsewhere already: {holder}"
        except BaseException:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{self._owner}, process {os.getpid()}".encode(), 0)
        self._held[target] = descriptor
        return ""

    def keep_only(self, targets: tuple[str, ...]) -> None:
        """Release all others."""
        for target in [each for each in self._held if each not in targets]:
            os.close(self._held.pop(target))

    def release(self) -> None:
        self.keep_only(())
