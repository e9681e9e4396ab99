"""What is shown and kept of an error nobody handled: no local variables, no tokens."""

from __future__ import annotations

import os
import traceback
from datetime import datetime
from pathlib import Path

from flowtui import paths
from flowtui.text import clean, redact

_LONGEST = 400


def log_file() -> Path:
    return paths.logs_dir() / "tui.log"


def report(error: BaseException) -> str:
    """The traceback as text: frames and messages only, cleaned, secrets masked."""
    lines = "".join(traceback.TracebackException.from_exception(error).format()).splitlines()
    return "\n".join(redact(clean(line))[:_LONGEST] for line in lines)


def keep(text: str) -> Path | None:
    """Appends a report to the log, readable by this user only. None when it cannot be written."""
    file = log_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as stream:
            stream.write(f"--- {datetime.now().astimezone().isoformat()}\n{text}\n")
    except OSError:
        return None
    return file


def headline(error: BaseException) -> str:
    """One line: the kind of the error and what it says."""
    text = redact(clean(" ".join(str(error).split())))[:_LONGEST]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
