"""What a deployment calls its version, and what is known of the commit it was made from.

`version_info` is what Prefect 3 takes on Cloud and drops on a server of one's own: type `vcs:git`
with `commit_sha`, `message`, `branch`, `repository`, `url`, or `prefect:simple`
(`prefect/_internal/versioning.py` of 3.9).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from flowtui import child_processes
from flowtui.models import JsonObject
from flowtui.text import redact

HASH_LENGTH = 12
"""Digits of the content hash in a version."""
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Commit:
    """Where the project's repository stands."""

    sha: str
    branch: str
    message: str
    """First line."""
    url: str
    """Of the remote `origin`, without credentials; empty where there is none."""
    dirty: bool
    """Whether files of the flow differ from the commit."""

    @property
    def short(self) -> str:
        return self.sha[:7]


def version_of(content_hash: str, commit: Commit | None) -> str:
    """`4f2a9c10ab12`, `4f2a9c10ab12+1b2c3d4`, `4f2a9c10ab12+1b2c3d4-dirty`."""
    if commit is None:
        return content_hash[:HASH_LENGTH]
    return f"{content_hash[:HASH_LENGTH]}+{commit.short}{'-dirty' if commit.dirty else ''}"


def is_of(version: str, content_hash: str) -> bool:
    """Whether a version of flowtui's own was made from this content, at whatever commit."""
    return version.partition("+")[0] == content_hash[:HASH_LENGTH]


def version_info(version: str, commit: Commit | None) -> JsonObject:
    """As Prefect's own deploys write it: git only with a remote."""
    if commit is None or not commit.url:
        return {"type": "prefect:simple", "version": version}
    return {
        "type": "vcs:git",
        "version": version,
        "commit_sha": commit.sha,
        "message": commit.message,
        "branch": commit.branch,
        "repository": urlsplit(commit.url).path.strip("/").removesuffix(".git"),
        "url": commit.url,
    }


async def commit_of(root: Path, files: Sequence[str]) -> Commit | None:
    """The commit that is checked out; None outside of a repository, and without git.

    `files` are those of the flow, relative to `root` or absolute. Raises nothing.
    """
    if not await asyncio.to_thread(_in_repository, root):
        return None  # four processes that say so take longer than looking
    head, branch, url, changed = await asyncio.gather(
        _git(root, "log", "-1", "--format=%H%n%s"),
        _git(root, "rev-parse", "--abbrev-ref", "HEAD"),
        _git(root, "config", "--get", "remote.origin.url"),
        _git(root, "status", "--porcelain", "--", *files),
    )
    if head is None:
        return None
    sha, _, message = head.partition("\n")
    return Commit(sha, branch or "", message.strip(), _public(url or ""), dirty=bool(changed))


def _in_repository(root: Path) -> bool:
    inherited = any(os.environ.get(name) for name in ("GIT_DIR", "GIT_WORK_TREE"))
    return inherited or any((folder / ".git").exists() for folder in (root, *root.parents))


async def _git(root: Path, *arguments: str) -> str | None:
    """What git prints; None where it says no."""
    out = bytearray()
    try:
        status = await child_processes.run(
            ["git", "--no-optional-locks", "-C", str(root), *arguments],
            cwd=root,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            on_output=out.extend,
            on_errors=_unread,
            time_limit=_SECONDS,
        )
    except (OSError, TimeoutError):
        return None
    return out.decode("utf-8", "replace").strip() if status == 0 else None


def _unread(_: bytes) -> None:
    """What git says of a folder that is no repository is no news."""


def _public(url: str) -> str:
    """Without user and password, which a remote may have in its address."""
    scheme, separator, rest = url.partition("://")
    return redact(f"{scheme}{separator}{rest.rpartition('@')[2]}" if separator else url)
