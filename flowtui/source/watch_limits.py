"""How many files and folders this user may watch on Linux, and how many are watched already."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WatchLimits:
    watches: int
    most_watches: int
    """fs.inotify.max_user_watches."""
    instances: int
    most_instances: int
    """fs.inotify.max_user_instances."""


def read(proc: Path = Path("/proc")) -> WatchLimits | None:
    """Counts those of this user's own processes; None where the system does not tell. Blocking."""
    try:
        limits = proc / "sys/fs/inotify"
        most_watches = int((limits / "max_user_watches").read_text(encoding="ascii"))
        most_instances = int((limits / "max_user_instances").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    watches = instances = 0
    for process in proc.iterdir():
        if process.name.isdigit():
            for count in _watches_of(process):
                instances += 1
                watches += count
    return WatchLimits(watches, most_watches, instances, most_instances)


def _watches_of(process: Path) -> list[int]:
    """Watches of each watcher of a process of ours; processes end while we look."""
    counts: list[int] = []
    try:
        if process.stat().st_uid != os.geteuid():
            return []
        for link in (process / "fd").iterdir():
            if os.readlink(link) == "anon_inode:inotify":  # noqa: PTH115  (the target is no path)
                info = (process / "fdinfo" / link.name).read_text(encoding="ascii")
                counts.append(info.count("inotify wd:"))
    except OSError:
        return counts
    return counts
