"""What the health check must find."""

from __future__ import annotations

from dataclasses import dataclass

from flowtui.json_shapes import items, mapping
from flowtui.models import ExecutionOptions, PickledFlow, StorageOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the probe must find: the flow as it will be registered."""

    flow_name: str
    flow_path: str
    """File of the pickle: in the image, or on this machine's disk for `check_local`."""
    task_slugs: frozenset[str]
    python_minor: str
    prefect_version: str
    cloudpickle_version: str | None
    local_modules: tuple[str, ...] = ()
    """Dotted names of the project's modules that the flow imports."""
    executor: str | None = None
    """Dotted path of the executor that the flow has; None where it is not compared."""
    connects: bool = False
    """Whether that executor is given the address of a scheduler."""
    ignore: bool = False
    """`ignore_healthchecks`: nothing is run."""

    @classmethod
    def of(
        cls,
        pickled: PickledFlow,
        *,
        flow_path: str,
        options: StorageOptions,
        execution: ExecutionOptions,
    ) -> Expectation:
        """From the worker's report of the very pickle that is checked."""
        loaded = pickled.loaded
        slugs = (mapping(task).get("slug") for task in items(loaded.serialized.get("tasks")))
        return cls(
            flow_name=loaded.name,
            flow_path=flow_path,
            task_slugs=frozenset(str(slug) for slug in slugs),
            python_minor=loaded.interpreter.python_minor,
            prefect_version=loaded.interpreter.prefect_version or "",
            cloudpickle_version=loaded.interpreter.cloudpickle_version,
            local_modules=tuple(module.name for module in loaded.modules),
            executor=loaded.executor_in_force,
            connects=bool((execution.executor_kwargs or {}).get("address")),
            ignore=bool(options.ignore_healthchecks),
        )
