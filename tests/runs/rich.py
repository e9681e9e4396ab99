"""Parameters of a flow with every kind of annotation, as Prefect 3.9.1 describes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flowtui.run_models import Parameter

SCHEMA: dict[str, Any] = json.loads(
    Path(__file__).with_name("rich_schema.json").read_text(encoding="utf-8")
)


def parameters(**deployment: Any) -> tuple[Parameter, ...]:
    """`deployment` are values that the deployment gives for parameters."""
    definitions, required = SCHEMA["definitions"], SCHEMA["required"]
    return tuple(
        Parameter(
            name,
            name in required and name not in deployment,
            deployment.get(name, schema.get("default")),
            {**schema, "definitions": definitions},
        )
        for name, schema in SCHEMA["properties"].items()
    )
