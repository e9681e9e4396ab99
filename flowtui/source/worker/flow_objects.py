"""Loads, serializes and pickles the flow objects of Prefect 0.6 to 1.4."""

import importlib
import sys

from .attaching import attach, refuse_unschedulable, tried_executor
from .executors import executor_classes, path_of
from .installed import packages
from .pickling import pickled
from .project import (
    NotImportable,
    as_module,
    enclosing_function,
    frame_at,
    imported_since,
    local_modules,
    merged,
    newest_import,
    place,
    prepare_path,
    run,
)
from .recorder import Recorder, storage_module
from .refusals import RefusalError
from .values import plain


def load(project, prefect):
    """Run the flow file as a module that cannot be imported afterwards; returns its globals."""
    name, module, code = as_module(project)
    try:
        with loading_context(prefect, project):
            run(code, module, project)
    finally:
        sys.modules.pop(name, None)
        sys.meta_path.insert(0, NotImportable(name))
    return module.__dict__


def loading_context(prefect, project):
    return prefect.context(loading_flow=True, local_script_path=project.file)


def choose(request, project, recorder, values, prefect):
    """The one flow the request means. Refuses when there is none or more than one."""
    flows = flows_of(values, recorder, prefect)
    name, variable, line = request["name"], request.get("variable"), request.get("line") or 0
    if name is not None:
        chosen = [flow for flow in flows if flow.name == name][:1]
    elif variable and isinstance(values.get(variable), prefect.Flow):
        chosen = [values[variable]]
    else:
        chosen = flows_at(line, flows, recorder) if line else flows
    if len(chosen) == 1:
        refuse_twins(chosen[0], flows, project, recorder)
        return chosen[0]
    listing = ", ".join("%r" % flow.name for flow in flows)
    if chosen:
        raise RefusalError(
            "SeveralFlows",
            "%s makes several flows: %s" % (place(project, line), listing),
            "name the one you mean: %s:NAME" % project.path,
        )
    function = enclosing_function(project, line)
    if function and not flows_at(line, flows, recorder):
        raise RefusalError(
            "FlowInsideFunction",
            "%s is made inside the function %s(), which nothing calls while the file is loaded"
            % ("flow %r" % name if name is not None else "the flow", function),
            "call it at module level: flow = %s()" % function,
            [frame_at(project, line)],
        )
    wanted = "no flow named %r" % name if name is not None else "no flow at line %d" % line
    raise RefusalError(
        "NoSuchFlow",
        "%s in %s; flows found there: %s" % (wanted, project.path, listing or "none"),
        "create the flow at module level, outside of functions and of `if __name__ ==` blocks"
        if not flows
        else "use one of the names above",
    )


def flows_of(values, recorder, prefect):
    """Flows the file made or holds, in the order they were made."""
    held = [value for value in list(values.values()) if isinstance(value, prefect.Flow)]
    made = [flow for flow in recorder.flows if recorder.line_of(flow) is not None]
    flows = []
    for flow in made + held:
        if not any(flow is known for known in flows):
            flows.append(flow)
    return flows


def flows_at(line, flows, recorder):
    """Flows made by the statement at this line: Python reports any line of a long call."""
    exact = [flow for flow in flows if recorder.line_of(flow) == line]
    if exact:
        return exact
    later = [flow for flow in flows if (recorder.line_of(flow) or 0) > line]
    return sorted(later, key=recorder.line_of)[:1]


def refuse_twins(chosen, flows, project, recorder):
    twins = [flow for flow in flows if flow.name == chosen.name]
    if len(twins) == 1:
        return
    lines = sorted(recorder.line_of(flow) or 0 for flow in twins)
    raise RefusalError(
        "DuplicateFlow",
        "%d flows are named %r in %s: lines %s"
        % (len(twins), chosen.name, project.path, " and ".join(str(line) for line in lines)),
        "give each flow a name of its own",
        [frame_at(project, line) for line in lines if line],
    )


def own_storage(flow, recorder):
    if flow.storage is not None:
        return storage_report(flow.storage, recorder)
    _, keywords = recorder.call_on(flow)
    keywords = {key: value for key, value in keywords.items() if key != "labels"}
    if not keywords:
        return None
    return dict(plain(keywords), type=default_storage_class().__name__)


def default_storage_class():
    module = storage_module()
    chooser = getattr(module, "get_default_storage_class", None)
    return chooser() if chooser is not None else module.Docker


def storage_report(storage, recorder):
    report = plain(recorder.arguments_of(storage))
    report["type"] = prefect_class(type(storage)).__name__
    flows = getattr(storage, "flows", None)
    if flows:
        report["flows"] = plain(flows)
    return report


def prefect_class(cls):
    for base in cls.__mro__:
        if base.__module__.split(".")[0] == "prefect":
            return base
    return cls


def own_environment(flow, recorder):
    environment = getattr(flow, "environment", None)
    if not recorder.made_by_author(flow, environment):
        return None
    return environment.serialize()


def own_run_config(flow):
    run_config = getattr(flow, "run_config", None)
    return None if run_config is None else run_config.serialize()


def own_executor(flow, recorder):
    """(dotted path, keywords) of the executor the author gave, (None, None) for none."""
    executor = getattr(flow, "executor", None)
    environment = getattr(flow, "environment", None)
    if executor is None and recorder.made_by_author(flow, environment):
        executor = getattr(environment, "executor", None)
    if isinstance(executor, str):
        return executor, plain(environment.executor_kwargs) or None
    if executor is None:
        return None, None
    known = type(executor) in executor_classes().values()
    keywords = plain(recorder.arguments_of(executor)) if known else None
    return path_of(type(executor)), keywords or None


def executor_in_force(flow):
    """Dotted path of the executor that a run will use, None where the run's own settings say it."""
    environment = getattr(flow, "environment", None)
    if environment is None or getattr(flow, "run_config", None) is not None:
        executor = getattr(flow, "executor", None)
    else:
        executor = getattr(environment, "executor", None)
    return executor if executor is None or isinstance(executor, str) else path_of(type(executor))


def answer(request, project, notice, installed):
    prefect = importlib.import_module("prefect")
    recorder = Recorder(project, notice)
    recorder.watch(prefect)
    mark = newest_import()
    prepare_path(project)
    values = load(project, prefect)
    flow = choose(request, project, recorder, values, prefect)
    executor, executor_kwargs = own_executor(flow, recorder)
    own = {
        "storage": own_storage(flow, recorder),
        "environment": own_environment(flow, recorder),
        "run_config": own_run_config(flow),
        "executor": executor,
        "executor_kwargs": executor_kwargs,
        "project": recorder.call_on(flow)[0],
    }
    found, replaced = tried_executor(flow, request.get("execution") or {}, recorder)
    content = None
    if request["action"] == "pickle":
        refuse_unschedulable(flow)
        attach(flow, request["attachment"], recorder, notice)
        content = pickled(flow, request["attachment"].get("source_dir"), request["pickle_limit"])
    serialized = flow.serialize()
    imported = imported_since(mark)
    modules = merged(local_modules(project, imported), request.get("modules") or [])
    local = {name.split(".")[0] for name, _ in modules}
    files = [project.file] + [path for _, path in modules if path.endswith(".py")]
    cloudpickle = importlib.import_module("cloudpickle")
    return content, {
        "name": flow.name,
        "serialized": serialized,
        "own": own,
        "executors": sorted(executor_classes()),
        "executor_found": found,
        "environment_replaced": replaced,
        "executor_in_force": executor_in_force(flow),
        "modules": modules,
        "packages": packages(files, local, installed, imported),
        "python_version": "%d.%d.%d" % sys.version_info[:3],
        "prefect_version": prefect.__version__,
        "cloudpickle_version": cloudpickle.__version__,
    }
