"""What the health check must find."""

from __future__ import annotations

from dataclasses import dataclass

from flowtui.json_shapes import items, mapping
from flowtui.models import PickledFlow, StorageOptions


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
    ignore: bool = False
    """`ignore_healthchecks`: nothing is run."""

    @classmethod
    def of(cls, pickled: PickledFlow, *, flow_path: str, options: StorageOptions) -> Expectation:
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
            ignore=bool(options.ignore_healthchecks),
        )
