"""What goes to the worker of a declaration, and from its answer to a loaded flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from flowtui.models import (
    Declaration,
    Interpreter,
    JsonObject,
    LoadedFlow,
    LocalFlow,
    LocalModule,
    Package,
)


def understand(
    answer: JsonObject, flow: LocalFlow, interpreter: Interpreter, log: tuple[str, ...]
) -> LoadedFlow:
    """The flow as the worker told of it.

    A `@flow` says nothing of a storage, an environment, a run config or an executor.
    """
    told = cast("Mapping[str, Any]", answer)
    own = cast("Mapping[str, Any]", told.get("own", {}))
    return LoadedFlow(
        name=told["name"],
        interpreter=replace(
            interpreter,
            python_version=told["python_version"],
            prefect_version=told["prefect_version"],
            cloudpickle_version=told["cloudpickle_version"],
        ),
        serialized=told["serialized"],
        storage=own.get("storage"),
        environment=own.get("environment"),
        run_config=own.get("run_config"),
        executor=own.get("executor"),
        executor_kwargs=own.get("executor_kwargs"),
        executors=tuple(told.get("executors", ())),
        executor_found=told.get("executor_found"),
        executor_in_force=told.get("executor_in_force"),
        environment_replaced=told.get("environment_replaced"),
        project=own.get("project"),
        modules=tuple(LocalModule(name, path) for name, path in told["modules"]),
        packages=tuple(Package(name, version) for name, version in told["packages"]),
        log=log,
        declared=_worked_out(flow.declared, told.get("declared", {})),
    )


def to_work_out(declared: Declaration | None) -> JsonObject | None:
    """For the worker, None where the declaration is known without it."""
    if declared is None or not declared.dynamic:
        return None
    return {
        "path": declared.path,
        "line": declared.line,
        "name": declared.name,
        "dynamic": list(declared.dynamic),
    }


def _worked_out(declared: Declaration | None, found: Mapping[str, Any]) -> Declaration | None:
    """The declaration with what the worker told; `work_pool.name` is a key inside `work_pool`."""
    if declared is None or not found:
        return declared
    values: dict[str, Any] = dict(declared.values)
    for key, value in found.items():
        outer, _, inner = key.partition(".")
        if inner:
            values[outer] = {**values.get(outer, {}), inner: value}
        elif key != "name" and value is not None:
            values[key] = value
    known = {*found, "**"} if set(found) - set(declared.dynamic) else set(found)
    left = tuple(name for name in declared.dynamic if name not in known)
    return replace(declared, name=found.get("name", declared.name), values=values, dynamic=left)
