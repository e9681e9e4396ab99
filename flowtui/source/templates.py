"""The templates `{{ … }}` in values of a prefect.yaml: which there are, and those that are known.

Mirrors `prefect.utilities.templating` of Prefect 3.9. Environment variables and outputs of build
steps are known on the machine that deploys; blocks and variables are kept by the control plane.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import cast

from flowtui.models import Json

_TEMPLATE = re.compile(r"\{\{\s*([\w.\-\[\]$]+)\s*\}\}")


class TemplateKind(Enum):
    """Where the value of a template comes from."""

    ENVIRONMENT = "environment variable"
    """`{{ $NAME }}`"""
    BLOCK = "block"
    """`{{ prefect.blocks.type.name }}`: the control plane has it."""
    VARIABLE = "variable"
    """`{{ prefect.variables.name }}`: the control plane has it."""
    AT_RUN_TIME = "value of the run"
    """`{{ ctx.… }}`: the worker has it."""
    OUTPUT = "output of a step"
    """`{{ build_image.image }}`: a build or push step has it."""


@dataclass(frozen=True, slots=True)
class Template:
    """One template in a text."""

    text: str
    """As it stands there, with its braces."""
    name: str
    """What is inside the braces; of an environment variable without the `$`."""
    kind: TemplateKind


def templates_in(value: Json) -> tuple[Template, ...]:
    """Every template in a value and in what it holds, each once, in the order of the text."""
    return tuple(dict.fromkeys(_found(value)))


def resolve(
    value: Json, *, environ: Mapping[str, str], outputs: Mapping[str, Json] | None = None
) -> Json:
    """The value with its environment variables and outputs put in; the rest stays as written.

    `outputs` are by what the template says, such as `build_image.image`. A text that is nothing
    but one template becomes the output itself, whatever its type; an environment variable that is
    not set stays as written.
    """
    if isinstance(value, str):
        return _resolve_text(value, environ, outputs or {})
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Json]", value)
        return {
            key: resolve(inner, environ=environ, outputs=outputs) for key, inner in entries.items()
        }
    if isinstance(value, Sequence):
        return [resolve(inner, environ=environ, outputs=outputs) for inner in value]
    return value


def resolve_environment(text: str, environ: Mapping[str, str]) -> str:
    """The text with its environment variables put in."""
    return str(resolve(text, environ=environ))


def remaining(value: Json, kind: TemplateKind) -> tuple[str, ...]:
    """Names of the templates of one kind that are left in a value."""
    return tuple(each.name for each in templates_in(value) if each.kind is kind)


def _found(value: Json) -> Iterator[Template]:
    if isinstance(value, str):
        for match in _TEMPLATE.finditer(value):
            yield _template(match)
    elif isinstance(value, Mapping):
        for inner in cast("Mapping[str, Json]", value).values():
            yield from _found(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _found(inner)


def _template(match: re.Match[str]) -> Template:
    name = match.group(1)
    if name.startswith("$"):
        return Template(match.group(), name[1:], TemplateKind.ENVIRONMENT)
    if name.startswith("prefect.blocks."):
        return Template(match.group(), name, TemplateKind.BLOCK)
    if name.startswith("prefect.variables."):
        return Template(match.group(), name, TemplateKind.VARIABLE)
    if name.startswith("ctx."):
        return Template(match.group(), name, TemplateKind.AT_RUN_TIME)
    return Template(match.group(), name, TemplateKind.OUTPUT)


def _resolve_text(text: str, environ: Mapping[str, str], outputs: Mapping[str, Json]) -> Json:
    whole = _TEMPLATE.fullmatch(text.strip())
    if whole is not None:
        template = _template(whole)
        if template.kind is TemplateKind.OUTPUT and template.name in outputs:
            return outputs[template.name]

    def put_in(match: re.Match[str]) -> str:
        template = _template(match)
        if template.kind is TemplateKind.ENVIRONMENT:
            return environ.get(template.name, template.text)
        if template.kind is TemplateKind.OUTPUT and template.name in outputs:
            return str(outputs[template.name])
        return template.text

    return _TEMPLATE.sub(put_in, text)
