"""The templates of a prefect.yaml at a deploy: filled in, left to the worker, or refused.

Environment variables are filled in here, as Prefect's own deploy does. Blocks and variables are
left as they are in what the worker fills in when a run starts: job variables and pull steps. What
a build step would give is not known, since flowtui runs none of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from flowtui.errors import UsageError
from flowtui.models import Json
from flowtui.source.templates import TemplateKind, remaining, resolve

_LATER = frozenset({"work_pool", "pull"})
"""Keys in which the worker fills in blocks and variables."""


def filled_in(
    name: str, value: Json, environ: Mapping[str, str], *, where: str, known: bool = False
) -> Json:
    """The value of a key of a deployment. Raises UsageError for what is not known at a deploy.

    With `known` outputs of steps stay: they are what another step of the file uses.
    """
    found = resolve(value, environ=environ)
    missing = remaining(found, TemplateKind.ENVIRONMENT)
    if missing:
        raise UsageError(
            f"the environment variable {missing[0]} is not set, and {name} needs it",
            where=where,
            fix=f"export {missing[0]}=…, or write its value into the file",
        )
    outputs = () if known else remaining(found, TemplateKind.OUTPUT)
    if outputs:
        raise UsageError(
            f"{name} needs {outputs[0]}, which a build step gives, and flowtui runs none",
            where=where,
            fix="write the value itself, or take it from the environment: {{ $NAME }}",
        )
    if name not in _LATER:
        kept = (
            *remaining(found, TemplateKind.BLOCK),
            *remaining(found, TemplateKind.VARIABLE),
        )
        if kept:
            raise UsageError(
                f"{name} needs {kept[0]}, which only Prefect's own deploy asks for",
                where=where,
                fix="write the value itself, or take it from the environment: {{ $NAME }}",
            )
    return found
