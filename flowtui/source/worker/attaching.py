"""Gives a flow object the storage and the way of execution that flowtui decided."""

import copy
import importlib
import inspect
import sys

from .executors import find_executor, make_executor
from .recorder import storage_module
from .refusals import RefusalError


def attach(flow, attachment, recorder, notice):
    """Give the flow its storage and its way of execution, then do what `Flow.register` does."""
    flow.storage = make_storage(flow, attachment["storage"])
    execution = attachment.get("execution") or {}
    if execution.get("run_config"):
        flow.run_config = make_run_config(flow, execution["run_config"])
    if execution.get("executor"):
        set_executor(
            flow, execution["executor"], execution.get("executor_kwargs") or {}, recorder, notice
        )
    elif execution.get("executor_kwargs"):
        raise RefusalError(
            "BadSettings", "executor_kwargs are given without an executor", "set `executor` too"
        )
    as_registered(flow, recorder)


def make_storage(flow, options):
    """The storage object, with the author's secrets, labels and result where it has them."""
    options = dict(options)
    kind, path = options.pop("type"), options.pop("path")
    cls = getattr(storage_module(), kind)
    names = inspect.signature(cls.__init__).parameters
    known = {key: value for key, value in options.items() if key in names}
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise RefusalError(
            "BadSettings",
            "%s storage of this Prefect has no %s" % (kind, ", ".join(unknown)),
            "leave it out, or use a newer Prefect",
        )
    storage = cls(**known)
    author = flow.storage
    for name in ("secrets", "_labels", "add_default_labels"):
        if hasattr(author, name) and hasattr(storage, name):
            setattr(storage, name, getattr(author, name))
    if type(author) is type(storage) and kind != "Local" and hasattr(author, "result"):
        storage.result = author.result
    storage.flows = {flow.name: path}
    return storage


def make_run_config(flow, options):
    options = dict(options)
    kind = options.pop("type", None)
    if not hasattr(flow, "run_config"):
        raise RefusalError(
            "BadSettings",
            "run configs came with Prefect 0.13; this flow's Prefect has none",
            "leave run_config out, or set an executor",
        )
    module = importlib.import_module("prefect.run_configs")
    cls = getattr(module, str(kind), None)
    if not (isinstance(cls, type) and issubclass(cls, module.RunConfig)):
        known = [name for name in sorted(vars(module)) if name.endswith("Run")]
        raise RefusalError(
            "BadSettings",
            "run_config type %r is not one of %s" % (kind, ", ".join(known)),
            'set run_config.type, for example "UniversalRun"',
        )
    options.pop("__version__", None)
    try:
        return cls(**options)
    except (TypeError, ValueError) as error:
        raise RefusalError(
            "BadSettings", "run_config %s: %s" % (kind, error), "see run_config"
        ) from error


def set_executor(flow, wanted, keywords, recorder, notice):
    cls, found = find_executor(wanted)
    if found != wanted:
        notice("the executor %s is %s in this Prefect" % (wanted, found))
    executor = make_executor(cls, keywords)
    environment = getattr(flow, "environment", None)
    if hasattr(flow, "executor"):
        flow.executor = executor
    if environment is None:
        return
    replaced = replaced_environment(flow, recorder)
    if replaced is not None:
        notice("%s is replaced by RemoteEnvironment: it has no place for an executor" % replaced)
    if hasattr(environment, "executor_kwargs"):
        environment = copy.copy(environment)
        environment.executor = found
        environment.executor_kwargs = dict(keywords)
        flow.environment = environment
    elif hasattr(environment, "executor"):
        environment = copy.copy(environment)
        environment.executor = executor
        flow.environment = environment
    else:
        flow.environment = remote_environment(environment, found, keywords)


def replaced_environment(flow, recorder):
    """Name of the author's own environment when an executor cannot be put into it."""
    environment = getattr(flow, "environment", None)
    if environment is None or hasattr(environment, "executor"):
        return None
    return type(environment).__name__ if recorder.made_by_author(flow, environment) else None


def remote_environment(before, executor, keywords):
    """A RemoteEnvironment with what the one before says beside how tasks are run."""
    cls = importlib.import_module("prefect.environments").RemoteEnvironment
    taken = {
        name: getattr(before, name)
        for name in ("labels", "on_start", "on_exit", "metadata")
        if name in inspect.signature(cls.__init__).parameters and hasattr(before, name)
    }
    return cls(executor=executor, executor_kwargs=dict(keywords), **taken)


def tried_executor(flow, execution, recorder):
    """(dotted path, environment it replaces) of the executor that the settings name."""
    wanted = execution.get("executor")
    if not wanted:
        return None, None
    cls, found = find_executor(wanted)
    make_executor(cls, execution.get("executor_kwargs") or {})
    return found, replaced_environment(flow, recorder)


def as_registered(flow, recorder):
    """What each version's `Flow.register` changes before it serializes (0.6.1 changes nothing)."""
    run_configs = sys.modules.get("prefect.run_configs")
    if (
        hasattr(flow, "run_config")
        and flow.run_config is None
        and getattr(flow, "environment", None) is None
    ):
        flow.run_config = run_configs.UniversalRun()
    _, keywords = recorder.call_on(flow)
    labels = set(getattr(flow.storage, "labels", None) or ()) | set(keywords.get("labels") or ())
    for thing in (getattr(flow, "environment", None), getattr(flow, "run_config", None)):
        if isinstance(getattr(thing, "labels", None), set):
            thing.labels.update(labels)
    for name in ("result", "result_handler"):
        if hasattr(flow, name) and hasattr(flow.storage, name) and not getattr(flow, name):
            setattr(flow, name, getattr(flow.storage, name))


def refuse_unschedulable(flow):
    required = {parameter.name for parameter in flow.parameters() if parameter.required}
    if flow.schedule is None or not required:
        return
    clocks = getattr(flow.schedule, "clocks", None) or [None]
    missing = set()
    for clock in clocks:
        missing |= required - set(getattr(clock, "parameter_defaults", None) or {})
    if missing:
        raise RefusalError(
            "UnschedulableFlow",
            "flow %r has a schedule and required parameters: %s"
            % (flow.name, ", ".join(sorted(missing))),
            "give these parameters a default, or take the schedule away",
        )
