"""The server's own token: from the environment, a file, or made on first use."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from flowtui import paths
from flowtui.errors import UsageError

VARIABLE = "FLOWTUI_SERVER_TOKEN"
_SHORTEST = 16


def token_file() -> Path:
    """Where a generated token is kept, mode 0600."""
    return paths.server_token_file()


def configured_token() -> str | None:
    """The token of the environment, or None.

    Raises UsageError for one that is too short to keep anyone out.
    """
    token = os.environ.get(VARIABLE, "").strip()
    return _checked(token, f"the environment variable {VARIABLE}") if token else None


def read_token(file: Path) -> str:
    """The token in a file. Raises UsageError when it cannot be read or is too short."""
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"the token file cannot be read: {error}",
            where=str(file),
            fix="check its path and mode",
        ) from None
    return _checked(token, str(file))


def generated_token() -> str:
    """The token that was made for this machine's server, made now if there is none yet.

    Raises UsageError when it cannot be kept or read.
    """
    file = token_file()
    try:
        if not file.exists():
            _create(file, secrets.token_urlsafe(32))
    except OSError as error:
        raise UsageError(
            f"a token cannot be kept: {error.strerror}",
            where=str(file),
            fix=f"set {VARIABLE}, or FLOWTUI_HOME to a folder that can be written",
        ) from None
    return read_token(file)


def _create(file: Path, token: str) -> None:
    """Whole or not at all, readable by the owner only; the first of two processes wins."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(f"{token}\n")
        file.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _checked(token: str, where: str) -> str:
    if len(token) < _SHORTEST or not token.isascii() or not token.isprintable():
        raise UsageError(
            f"the server's token must have {_SHORTEST} printable ASCII characters or more",
            where=where,
            fix="make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    return token
