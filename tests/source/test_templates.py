"""Templates in values of a prefect.yaml. Expected values are those of Prefect 3.9.1's own."""

from __future__ import annotations

import pytest

from flowtui.models import Json
from flowtui.source.templates import Template, TemplateKind, remaining, resolve, templates_in

ENVIRON = {"STAGE": "prod", "EMPTY": ""}
OUTPUTS: dict[str, Json] = {"build_image.image": "r/x@sha256:1", "step.number": 3}


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ("{{ $STAGE }}", "prod"),
        ("{{$STAGE}}-{{ $STAGE }}", "prod-prod"),
        ("x{{ $EMPTY }}", "x"),
        ("{{ $UNSET }}", "{{ $UNSET }}"),
        ("{{ build_image.image }}", "r/x@sha256:1"),
        ("{{ step.number }}", 3),
        ("no {{ step.number }}", "no 3"),
        ("{{ build_image.tag }}", "{{ build_image.tag }}"),
        ("{{ prefect.blocks.secret.x }}", "{{ prefect.blocks.secret.x }}"),
        ("{{ prefect.variables.x }}", "{{ prefect.variables.x }}"),
        ("{{ ctx.flow_run.id }}", "{{ ctx.flow_run.id }}"),
        ("{{ two words }} {single}", "{{ two words }} {single}"),
        ({"a": ["{{ $STAGE }}", 1, None], "b": {"c": True}},
         {"a": ["prod", 1, None], "b": {"c": True}}),
    ],
)  # fmt: skip
def test_what_is_known_is_put_in_and_the_rest_stays(value: Json, resolved: Json) -> None:
    assert resolve(value, environ=ENVIRON, outputs=OUTPUTS) == resolved


def test_what_is_put_in_is_not_read_for_templates_again() -> None:
    assert resolve("{{ $A }}", environ={"A": "{{ $B }}", "B": "x"}) == "{{ $B }}"


def test_each_kind_is_told() -> None:
    value: Json = {
        "a": "{{ $E }} {{ o.p }}",
        "b": ["{{ prefect.blocks.s3.x }}", "{{ prefect.variables.v }}", "{{ ctx.x }}"],
        "c": "{{ $E }}",
    }
    assert templates_in(value) == (
        Template("{{ $E }}", "E", TemplateKind.ENVIRONMENT),
        Template("{{ o.p }}", "o.p", TemplateKind.OUTPUT),
        Template("{{ prefect.blocks.s3.x }}", "prefect.blocks.s3.x", TemplateKind.BLOCK),
        Template("{{ prefect.variables.v }}", "prefect.variables.v", TemplateKind.VARIABLE),
        Template("{{ ctx.x }}", "ctx.x", TemplateKind.AT_RUN_TIME),
    )
    assert remaining(value, TemplateKind.ENVIRONMENT) == ("E",)
