"""What never goes into a build context, and `.dockerignore` with Docker's own semantics."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

NEVER_SENT = (
    # secrets
    ".env*",
    "*.env",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "id_*",
    ".netrc",
    "_netrc",
    ".pypirc",
    ".git-credentials",
    ".htpasswd",
    ".pgpass",
    ".my.cnf",
    "credentials.json",
    "profiles.toml",
    "auth.toml",
    ".prefect",
    ".docker",
    ".dockercfg",
    ".aws",
    ".azure",
    ".gcloud",
    ".kube",
    ".ssh",
    ".gnupg",
    # what is made anew, or belongs to the editor and the version control
    ".git",
    ".hg",
    ".svn",
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    "*.pyc",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".tox",
    ".nox",
    ".ipynb_checkpoints",
    ".idea",
    ".vscode",
    ".DS_Store",
)
"""Patterns for one name at any depth, compared without regard to case."""

_HARMLESS = ("*.pub", ".env.example", ".env.sample", ".env.template")


def never_sent(path: str) -> bool:
    """True when a part of this path (relative, forward slashes) is on the never-send list."""
    return any(_on_the_list(part.lower()) for part in PurePosixPath(path).parts)


def _on_the_list(name: str) -> bool:
    if any(fnmatchcase(name, pattern) for pattern in _HARMLESS):
        return False
    return any(fnmatchcase(name, pattern.lower()) for pattern in NEVER_SENT)


class DockerIgnore:
    """The rules of a `.dockerignore`, as the Docker engine reads them (moby/patternmatcher).

    The last rule that matches a path or one of its parent folders decides; `!` takes back. Not
    docker-py's PatternMatcher (7.2): it ignores case, takes `[^a]` for a list and knows no `\\*`.
    """

    def __init__(self, text: str) -> None:
        self._rules = tuple(_rules(text.removeprefix("\ufeff").splitlines()))
        self.has_exceptions = any(negated for negated, _ in self._rules)

    def ignores(self, path: str) -> bool:
        """True when this path (relative to the context, forward slashes) is not sent."""
        parts = path.split("/")
        candidates = ["/".join(parts[: end + 1]) for end in range(len(parts))]
        ignored = False
        for negated, pattern in self._rules:
            if negated == ignored and any(pattern.fullmatch(name) for name in candidates):
                ignored = not negated
        return ignored


def _rules(lines: Iterable[str]) -> Iterable[tuple[bool, re.Pattern[str]]]:
    for line in lines:
        if line.startswith("#"):
            continue
        rule = line.strip()
        negated = rule.startswith("!")
        cleaned = _cleaned(rule[1:].strip() if negated else rule)
        if cleaned:
            yield negated, re.compile(_translated(cleaned), re.DOTALL)


def _cleaned(rule: str) -> str:
    parts: list[str] = []
    for part in rule.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return "/".join(parts)


def _translated(pattern: str) -> str:
    result = ""
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*" and pattern[at : at + 1] == "*":
            at += 1
            if pattern[at : at + 1] == "/":
                at += 1
            result += "(?:.*/)?" if at < len(pattern) else ".*"
        elif char == "*":
            result += "[^/]*"
        elif char == "?":
            result += "[^/]"
        elif char == "[" and (end := pattern.find("]", at + 1)) > 0:
            inner = pattern[at:end].replace("\\", "\\\\").replace("[", "\\[")
            result += f"[{inner}]"
            at = end + 1
        elif char == "\\" and at < len(pattern):
            result += re.escape(pattern[at])
            at += 1
        else:
            result += re.escape(char)
    return result
