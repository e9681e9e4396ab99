"""Which value of a setting wins, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from flowtui.deploy.plan import Setting
from flowtui.errors import UsageError
from flowtui.models import (
    DeploymentOptions,
    DeployTable,
    ExecutionOptions,
    LoadedFlow,
    Origin,
    StorageKind,
    StorageOptions,
)

_MERGED = frozenset(
    {"env_vars", "files", "build_args", "executor_kwargs", "job_variables", "parameters"}
)
"""Mappings whose entries add up over the layers; a stronger layer wins per key."""

_EXCLUSIVE = (("base_image", "dockerfile"),)
"""Of each pair only the one from the stronger layer counts."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of settings. Layers are given strongest first."""

    origin: Origin
    table: DeployTable
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The winning values and, for each that is set, where it came from."""

    project: str | None
    options: StorageOptions
    execution: ExecutionOptions
    settings: tuple[Setting, ...]
    deployment: DeploymentOptions = field(default_factory=DeploymentOptions)


_DEPLOYMENT_NAMES = tuple(each.name for each in fields(DeploymentOptions))
DEPLOYMENT_SETTINGS = frozenset(_DEPLOYMENT_NAMES)
EXECUTION_SETTINGS = frozenset(each.name for each in fields(ExecutionOptions))


def resolve(layers: Sequence[Layer]) -> Resolved:
    """Merge the layers, strongest first. Raises UsageError when one layer sets both of a pair."""
    storage = {each.name: _pick(layers, "storage", each.name) for each in fields(StorageOptions)}
    execution = _execution(layers)
    deployment = {name: _pick(layers, "deployment", name) for name in _DEPLOYMENT_NAMES}
    for pair in _EXCLUSIVE:
        _keep_stronger(storage, pair, layers)
    project = _pick(layers, "", "project")
    found = [project, *storage.values(), *execution.values(), *deployment.values()]
    return Resolved(
        project=str(project.value) if project is not None else None,
        options=StorageOptions(**_values(storage)),
        execution=ExecutionOptions(**_values(execution)),
        settings=tuple(setting for setting in found if setting is not None),
        deployment=DeploymentOptions(**_values(deployment)),
    )


def execution_of(layers: Sequence[Layer]) -> ExecutionOptions:
    """What these layers alone say of the execution, as `resolve` merges it."""
    return ExecutionOptions(**_values(_execution(layers)))


def attached_execution(resolved: Resolved) -> ExecutionOptions:
    """What has to be attached to the flow: all but what its own object says already.

    An object of the author's can be more than what is known of it, so it is left alone.
    """
    strange = {
        setting.name for setting in resolved.settings if setting.origin is not Origin.FLOW_OBJECT
    }
    execution = resolved.execution
    run_config = execution.run_config if "run_config" in strange else None
    if not strange & {"executor", "executor_kwargs"}:
        return ExecutionOptions(run_config=run_config)
    return replace(execution, run_config=run_config)


def flow_layer(loaded: LoadedFlow) -> Layer:
    """What the flow's own `storage=`, `environment=`, `run_config=` and `executor=` say.

    The project is the one its file names in a `flow.deploy(...)` or `flow.register(...)`.
    """
    own: Mapping[str, Any] = loaded.storage or {}
    kind = {"Docker": StorageKind.DOCKER, "Local": StorageKind.LOCAL}.get(str(own.get("type")))
    known = {each.name for each in fields(StorageOptions)} - {"type", "build_args"}
    values = {key: value for key, value in own.items() if key in known and value not in (None, "")}
    build_kwargs: Mapping[str, Any] = own.get("build_kwargs") or {}
    if build_kwargs.get("buildargs"):
        values["build_args"] = build_kwargs["buildargs"]
    if kind is StorageKind.LOCAL:
        # Prefect fills in ~/.prefect/flows; flowtui keeps its own folder unless told otherwise.
        values.pop("directory", None)
    for name in ("python_dependencies", "extra_dockerfile_commands"):
        if name in values:
            values[name] = tuple(values[name]) or None
    for name in _MERGED:
        if not values.get(name):
            values.pop(name, None)
    # False is how Prefect spells "not set" for these.
    for name in ("local_image", "ignore_healthchecks"):
        if not values.get(name):
            values.pop(name, None)
    table = DeployTable(
        project=loaded.project,
        storage=StorageOptions(type=kind, **values),
        execution=ExecutionOptions(
            executor=loaded.executor,
            executor_kwargs=loaded.executor_kwargs,
            run_config=loaded.run_config,
        ),
    )
    return Layer(Origin.FLOW_OBJECT, table)


def _execution(layers: Sequence[Layer]) -> dict[str, Setting | None]:
    """Arguments go with an executor: those of layers below the one that names it do not count."""
    named = [n for n, layer in enumerate(layers, 1) if layer.table.execution.executor is not None]
    above = layers[: named[0]] if named else layers
    return {
        "executor": _pick(layers, "execution", "executor"),
        "executor_kwargs": _pick(above, "execution", "executor_kwargs"),
        "run_config": _pick(layers, "execution", "run_config"),
    }


def _pick(layers: Sequence[Layer], part: str, name: str) -> Setting | None:
    values: list[tuple[Layer, Any]] = [
        (layer, value)
        for layer in layers
        if (value := getattr(getattr(layer.table, part) if part else layer.table, name)) is not None
    ]
    if not values:
        return None
    strongest, value = values[0]
    if name in _MERGED:
        value: Any = {}
        for _, weaker in reversed(values):
            value = _over(value, weaker, nested=name == "job_variables")
    return Setting(name, value, strongest.origin, strongest.detail)


def _over(weaker: dict[str, Any], stronger: Mapping[str, Any], *, nested: bool) -> dict[str, Any]:
    """Entries by key; nested, those of mappings in it too (`env` of job variables)."""
    merged = {**weaker, **stronger}
    for key in weaker.keys() & stronger.keys() if nested else ():
        if isinstance(weaker[key], dict) and isinstance(stronger[key], dict):
            merged[key] = {**weaker[key], **stronger[key]}
    return merged


def _keep_stronger(
    found: dict[str, Setting | None], pair: tuple[str, str], layers: Sequence[Layer]
) -> None:
    first, second = (found[name] for name in pair)
    if first is None or second is None:
        return
    order = [layer.origin for layer in layers]
    if first.origin == second.origin:
        raise UsageError(
            f"{pair[0]} and {pair[1]} are both set",
            where=first.detail or str(first.origin),
            fix=f"keep one of them: {pair[1]} replaces {pair[0]}",
        )
    weaker = first if order.index(first.origin) > order.index(second.origin) else second
    found[weaker.name] = None


def _values(found: Mapping[str, Setting | None]) -> dict[str, Any]:
    return {name: setting.value if setting is not None else None for name, setting in found.items()}


def with_options(resolved: Resolved, origin: Origin, detail: str, **values: Any) -> Resolved:
    """The same settings with values that were decided later, for example the image's tag."""
    kept = tuple(setting for setting in resolved.settings if setting.name not in values)
    added = tuple(Setting(name, value, origin, detail) for name, value in values.items())
    return replace(resolved, options=replace(resolved.options, **values), settings=(*kept, *added))
