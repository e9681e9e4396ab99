"""The layers of settings that flows of every generation have."""

from __future__ import annotations

from typing import Any

from flowtui.deploy.docker.image_spec import default_base_image
from flowtui.deploy.request import PlanRequest
from flowtui.deploy.settings import Layer, execution_of
from flowtui.deploy.slug import slug
from flowtui.models import DeployTable, ExecutionOptions, LoadedFlow, Origin, StorageOptions


def own_layers(request: PlanRequest, name: str | None) -> tuple[Layer, ...]:
    """What a person said outside of the flow's file, strongest first."""
    config = request.config
    file = config.file.name if config.file is not None else ""
    own = [
        Layer(Origin.FLOW_TABLE, table, f'{file} [flows."{key}"]')
        for key, table in config.tables_of(name, request.flow.deployment)
    ]
    return (
        Layer(Origin.COMMAND_LINE, request.overrides),
        *own,
        Layer(Origin.PROJECT_FILE, config.table, file),
    )


def known_execution(request: PlanRequest) -> ExecutionOptions:
    """What settings say of the execution before the flow is loaded."""
    return execution_of(own_layers(request, request.flow.name))


def inferred(loaded: LoadedFlow) -> tuple[Layer, ...]:
    """Smart defaults, each with what it was inferred from."""
    python, prefect = loaded.interpreter.python_minor, loaded.interpreter.prefect_version
    pinned = tuple(f"{package.name}=={package.version}" for package in loaded.packages)

    def layer(detail: str, **values: Any) -> Layer:
        return Layer(Origin.INFERRED, DeployTable(storage=StorageOptions(**values)), detail)

    return (
        layer(f"Python {python} of the project", base_image=default_base_image(python)),
        layer("what the flow imports, as installed", python_dependencies=pinned),
        layer("installed in the project's Python", prefect_version=prefect),
        layer("the flow's name", image_name=slug(loaded.name)),
    )
