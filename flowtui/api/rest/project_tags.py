"""A project is a tag of its deployments, `project:NAME`, which their runs inherit."""

from __future__ import annotations

from collections.abc import Collection

from flowtui.models import Json

_PREFIX = "project:"


def tag(project: str) -> str:
    return f"{_PREFIX}{project}"


def project_of(tags: Collection[str]) -> str:
    """Empty for what is in none. Of several the first by name counts."""
    named = sorted(each.removeprefix(_PREFIX) for each in tags if each.startswith(_PREFIX))
    return named[0] if named else ""


def without(tags: Collection[str]) -> list[str]:
    """The tags that name no project."""
    return [each for each in tags if not each.startswith(_PREFIX)]


def only(tags: Collection[str]) -> list[str]:
    return [each for each in tags if each.startswith(_PREFIX)]


def tagged(tags: Collection[str], project: str) -> list[Json]:
    """In this project and in no other, or in none where its name is empty."""
    own: list[Json] = [tag(project)] if project else []
    return [*without(tags), *own]
