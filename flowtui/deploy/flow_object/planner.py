"""Makes the plan of a deploy: which settings win, which lane is taken, and why."""

from __future__ import annotations

from dataclasses import replace

from flowtui.api.base import ControlPlane
from flowtui.deploy.docker.engine import Engine
from flowtui.deploy.docker.registry import Registry
from flowtui.deploy.flow_object.draft import Draft
from flowtui.deploy.layers import inferred, known_execution, own_layers
from flowtui.deploy.plan import Setting
from flowtui.deploy.request import PlanRequest, Prepared
from flowtui.deploy.settings import (
    Layer,
    Resolved,
    flow_layer,
    resolve,
    with_options,
)
from flowtui.errors import UsageError
from flowtui.models import (
    DeployTable,
    LoadedFlow,
    Origin,
    StorageKind,
    StorageOptions,
)

__all__ = ["PlanRequest", "Prepared", "make_plan", "settle"]


def settle(request: PlanRequest, loaded: LoadedFlow) -> Resolved:
    """Which settings win for this flow: known before an engine or a control plane is asked."""
    layers = (
        *own_layers(request, loaded.name),
        flow_layer(loaded),
        *inferred(loaded),
        Layer(Origin.DEFAULT, DeployTable(storage=StorageOptions(type=StorageKind.DOCKER))),
    )
    resolved = _with_class_found(resolve(layers), request, loaded)
    if resolved.execution.executor is None and resolved.execution.executor_kwargs:
        raise UsageError(
            "executor_kwargs are given without an executor",
            where=request.flow.target,
            fix="say which: --executor NAME, or `executor` beside executor_kwargs",
        )
    if request.push or resolved.options.registry_url is None:
        return resolved
    return with_options(resolved, Origin.COMMAND_LINE, "--no-push", registry_url=None)


async def make_plan(
    request: PlanRequest,
    loaded: LoadedFlow,
    settled: Resolved,
    *,
    control_plane: ControlPlane | None,
    engine: Engine | None,
    registry: Registry | None,
) -> Prepared:
    """Decide everything. Without a control plane, engine or registry the plan says what it lacks.

    Raises UsageError for settings that cannot work, ControlPlaneError and EngineError when one of
    those given does not answer.
    """
    projects = await control_plane.projects() if control_plane is not None else None
    if settled.project is None:
        settled = _with_only_project(settled, [p.name for p in projects or ()], request)
    project = settled.project or ""
    known = any(p.name == project for p in projects) if projects is not None else None
    versions = (
        await control_plane.flow_versions(project=project, name=loaded.name, archived=True)
        if control_plane is not None and known
        else ()
    )
    draft = Draft(request, loaded, settled, project, known, versions)
    if settled.options.type is StorageKind.LOCAL:
        return await draft.local()
    return await draft.image(engine, registry)


def _with_class_found(resolved: Resolved, request: PlanRequest, loaded: LoadedFlow) -> Resolved:
    """With the class that the executor's name means in the flow's Prefect, where it was found."""
    found, wanted = loaded.executor_found, resolved.execution.executor
    if found is None or wanted != known_execution(request).executor:
        return resolved
    settings = tuple(
        replace(setting, value=found) if setting.name == "executor" else setting
        for setting in resolved.settings
    )
    execution = replace(resolved.execution, executor=found)
    return replace(resolved, execution=execution, settings=settings)


def _with_only_project(settled: Resolved, names: list[str], request: PlanRequest) -> Resolved:
    """No setting names a project: where there is just one, it is meant."""
    if len(names) == 1:
        only = Setting("project", names[0], Origin.INFERRED, "the only one of the control plane")
        return replace(settled, project=names[0], settings=(only, *settled.settings))
    shown = ", ".join(f"“{name}”" for name in names[:5])
    raise UsageError(
        "no project is named for this flow",
        where=request.flow.target,
        fix='say --project NAME, or write project = "NAME" in flowtui.toml'
        + (f"; there are {shown}" if names else ""),
    )
