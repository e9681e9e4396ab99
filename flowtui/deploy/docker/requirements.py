"""What is installed into an image, as pip takes it."""

from __future__ import annotations

import re


def with_needed(needed: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[str, ...]:
    """What Prefect needs before what the flow wants; a requirement of the author's own wins."""
    own = {_requirement_name(requirement) for requirement in wanted}
    return (*(each for each in needed if _requirement_name(each) not in own), *wanted)


def _requirement_name(requirement: str) -> str:
    """`Prefect[aws]>=1` is about `prefect` (PEP 503)."""
    name = re.match(r"\s*([A-Za-z0-9._-]+)", requirement)
    return re.sub(r"[-_.]+", "-", name.group(1)).lower() if name else requirement
