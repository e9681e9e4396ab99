"""One image for the source of several deployments: which can share it, and what is in it.

Only deployments of Prefect 2 and 3 can: their image holds source. That of a flow object holds its
own pickle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from flowtui.deploy.docker.image_spec import ImageSpec
from flowtui.deploy.slug import slug

_Member = TypeVar("_Member")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one deploy would build."""

    spec: ImageSpec
    registry_url: str | None = None
    image_name: str | None = None
    image_tag: str | None = None
    """Name and tag as settings say them; None where flowtui chooses them."""
    force: bool = False
    """Another image than any before."""
    entrypoint: str = ""
    """What the health check loads in it; empty where there is none."""


def share(wanted: Sequence[tuple[_Member, Wanted]]) -> list[list[_Member]]:
    """Those that can be in one image stand together, in the order of their first.

    They can where everything but the source is the same: base image or Dockerfile, versions,
    dependencies, environment, build arguments, commands, files, registry, name; and where no path
    means one file to one of them and another file to another.
    """
    groups: list[tuple[ImageSpec, Wanted, list[_Member]]] = []
    for member, each in wanted:
        place = next(
            (
                number
                for number, (union, first, _) in enumerate(groups)
                if _inputs(each) == _inputs(first) and _agree(each.spec, union)
            ),
            None,
        )
        if place is None or not each.spec.code_folder:
            groups.append((each.spec, each, [member]))
            continue
        union, first, members = groups[place]
        groups[place] = (_both(union, each.spec), first, [*members, member])
    return [members for _, _, members in groups]


def union(specs: Sequence[ImageSpec]) -> ImageSpec:
    """The image with the source of them all; called after the project, not after one of them."""
    first, *others = specs
    for spec in others:
        first = _both(first, spec)
    return replace(first, flow_name=project_name(first.project_root)) if others else first


def project_name(root: Path) -> str:
    """What the shared image of a project folder is called."""
    return slug(root.resolve().name or "project")


def image_named(wanted: Wanted, tag: str) -> str:
    """`registry/name:tag`; `tag` where no setting says another."""
    name = wanted.image_name or project_name(wanted.spec.project_root)
    named = f"{name}:{wanted.image_tag or tag}"
    return f"{wanted.registry_url.rstrip('/')}/{named}" if wanted.registry_url else named


def _inputs(wanted: Wanted) -> Wanted:
    """All that has to be the same."""
    bare = replace(wanted.spec, flow_name="", tree={}, import_roots=())
    return replace(wanted, spec=bare, entrypoint="")


def _agree(one: ImageSpec, other: ImageSpec) -> bool:
    return all(one.tree[path] == other.tree[path] for path in one.tree.keys() & other.tree.keys())


def _both(one: ImageSpec, other: ImageSpec) -> ImageSpec:
    roots = tuple(sorted({*one.import_roots, *other.import_roots}))
    tree = dict(sorted({**one.tree, **other.tree}.items()))
    return replace(one, tree=tree, import_roots=roots)
