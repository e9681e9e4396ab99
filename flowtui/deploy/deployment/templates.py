"""`{{ … }}` in a prefect.yaml, as far as they can be filled in at a deploy.

Prefect's own deploy fills in environment variables (`{{ $NAME }}`) and what the build steps gave
(`{{ id.field }}`). `{{ prefect.blocks.… }}` and `{{ prefect.variables.… }}` are left as they are:
job variables and pull steps are filled in by the worker when a run starts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from flowtui.errors import UsageError
from flowtui.models import Json

_PLACE = re.compile(r"\{\{\s*(?P<name>[\w.\-\[\]$]+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Outputs:
    """What can be filled in."""

    environ: Mapping[str, str]
    images: frozenset[str]
    """Ids of steps that build or push an image: flowtui's own image takes their place."""
    not_run: frozenset[str]
    """Ids of steps that flowtui does not run."""
    where: str


def resolved(value: Json, outputs: Outputs) -> Json:
    """With everything filled in that is known; None for what flowtui decides itself.

    Raises UsageError for the output of a step that is not run, and a variable that is not set.
    """
    if isinstance(value, str):
        return _text(value, outputs)
    if isinstance(value, dict):
        pairs = cast("Mapping[str, Any]", value)
        return {key: resolved(each, outputs) for key, each in pairs.items()}
    if isinstance(value, list):
        found = [resolved(each, outputs) for each in cast("list[Any]", value)]
        return [each for each in found if each is not None]
    return value


def _text(text: str, outputs: Outputs) -> Json:
    whole = _PLACE.fullmatch(text.strip())
    if whole is not None and whole["name"].partition(".")[0] in outputs.images:
        return None

    def fill(place: re.Match[str]) -> str:
        name = place["name"]
        if name.startswith("$"):
            if name[1:] not in outputs.environ:
                raise UsageError(
                    f"the environment variable {name[1:]} is not set",
                    where=outputs.where,
                    fix=f"set it, or write what {place[0]} is to be",
                )
            return outputs.environ[name[1:]]
        step = name.partition(".")[0]
        if name.startswith("prefect."):
            return place[0]
        if step in outputs.images or step in outputs.not_run:
            raise UsageError(
                f"{place[0]} is what a build step gives, and flowtui does not run that step",
                where=outputs.where,
                fix="write the value itself, or take it from the environment: {{ $NAME }}",
            )
        return place[0]

    return _PLACE.sub(fill, text)
