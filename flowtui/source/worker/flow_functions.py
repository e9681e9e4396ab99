"""Loads the functions that Prefect 2 and 3 make flows of, and tells what is registered of them."""

import importlib
import inspect
import json
import os
import sys

from .declarations import worked_out
from .ignored_calls import ignore_calls
from .installed import packages
from .project import (
    as_module,
    frame_at,
    imported_since,
    imports_relatively,
    local_modules,
    merged,
    newest_import,
    package_path,
    prepare_path,
    run,
)
from .refusals import RefusalError


def answer(request, project, notice, installed):
    """(None, what is told of the flow): there is nothing to pickle before a run."""
    if request["action"] == "pickle":
        raise RefusalError("NothingToPickle", "Prefect 2 and 3 keep no pickle of a flow")
    prefect = importlib.import_module("prefect")
    flow_class = importlib.import_module("prefect.flows").Flow
    ignore_calls(flow_class, notice)
    mark = newest_import()
    prepare_path(project)
    module = load(project)
    variable, flow = choose(request, project, module, flow_class)
    refuse_unreachable(flow, variable, project, request)
    imported = imported_since(mark)
    modules = merged(local_modules(project, imported), request.get("modules") or [])
    local = {name.split(".")[0] for name, _ in modules}
    files = [project.file] + [path for _, path in modules if path.endswith(".py")]
    declared = request.get("declared")
    return None, {
        "name": flow.name,
        "declared": worked_out(declared, module, project, notice) if declared else {},
        "serialized": serialized(flow, variable, project),
        "modules": modules,
        "packages": packages(files, local, installed, imported),
        "python_version": "%d.%d.%d" % sys.version_info[:3],
        "prefect_version": prefect.__version__,
        "cloudpickle_version": importlib.import_module("cloudpickle").__version__,
    }


def load(project):
    """Run the flow file as Prefect does for an entrypoint; returns its module."""
    folder = os.path.dirname(project.file)
    _, module, code = as_module(project, [folder, project.root])
    run(code, module, project)
    return module


# Choosing the flow


def choose(request, project, module, flow_class):
    """(dotted name in the file, flow) of the one that the request means."""
    flows = dict(flows_of(module, flow_class))
    name, variable = request["name"], request.get("variable")
    if variable is not None:
        flow = attribute(module, variable)
        if isinstance(flow, flow_class):
            return variable, flow
        wanted = "no flow %s" % variable
    else:
        named = [(path, flow) for path, flow in flows.items() if flow.name == name]
        if named:
            return named[-1]
        wanted = "no flow named %r" % name
    function = request.get("function")
    if function:
        raise RefusalError(
            "FlowInsideFunction",
            "flow %r is made inside the function %s(): no entrypoint leads to it"
            % (name or variable, function),
            "move it to the top level of the file, or call it from a flow that is there",
            [frame_at(project, request["line"])] if request.get("line") else [],
        )
    listing = ", ".join("%s (%r)" % (path, flow.name) for path, flow in flows.items())
    raise RefusalError(
        "NoSuchFlow",
        "%s in %s; flows found there: %s" % (wanted, project.path, listing or "none"),
        "use one of the names above"
        if flows
        else "make the flow at the top level, outside of functions and of `if __name__ ==` blocks",
    )


def flows_of(module, flow_class):
    """(dotted name, flow) of those in the file and in its classes."""
    for name, value in list(vars(module).items()):
        if isinstance(value, flow_class):
            yield name, value
        elif isinstance(value, type) and value.__module__ == module.__name__:
            for inner in list(vars(value)):
                flow = attribute(value, inner)
                if isinstance(flow, flow_class):
                    yield "%s.%s" % (name, inner), flow


def attribute(thing, path):
    for part in path.split("."):
        thing = getattr(thing, part, None)
    return thing


def refuse_unreachable(flow, variable, project, request):
    """What no run could call: a worker gets at a flow by its entrypoint alone."""
    if "." not in variable:
        return
    frames = [frame_at(project, request["line"])] if request.get("line") else []
    if not finds_in_classes():
        version = importlib.import_module("prefect").__version__
        raise RefusalError(
            "FlowInsideClass",
            "Prefect %s finds no flows inside classes: %s" % (version, variable),
            "move it to the top level of the file",
            frames,
        )
    if next(iter(inspect.signature(flow.fn).parameters), None) == "self":
        raise RefusalError(
            "FlowInsideClass",
            "%s needs an object of its class, which a run does not have" % variable,
            "make it a @staticmethod or a @classmethod: @flow, then @staticmethod below it",
            frames,
        )


def finds_in_classes():
    """Prefect before 3.1 looks for one name in a module, not for a path."""
    tools = importlib.import_module("prefect.utilities.importtools")
    try:
        tools.import_object("collections:OrderedDict.fromkeys")
    except AttributeError:
        return False
    return True


# What is registered


def serialized(flow, variable, project):
    return {
        "name": flow.name,
        "entrypoint": "%s:%s" % (project.path, variable),
        "module_entrypoint": module_entrypoint(project, variable),
        "imports_relatively": imports_relatively(project),
        "description": flow.description,
        "version": flow.version,
        "is_async": bool(getattr(flow, "isasync", inspect.iscoroutinefunction(flow.fn))),
        "parameter_openapi_schema": parameter_schema(flow),
    }


def module_entrypoint(project, variable):
    """`package.module.function`, '' for a file outside of packages and for methods."""
    folder, parts = package_path(project)
    importable = (project.root, os.path.join(project.root, "src"))
    if not parts or "." in variable or folder not in importable:
        return ""
    stem = os.path.splitext(os.path.basename(project.file))[0]
    return ".".join([*parts, stem, variable])


def parameter_schema(flow):
    """As this Prefect's own `deploy` sends it."""
    schema = importlib.import_module("prefect.utilities.callables").parameter_schema(flow)
    if hasattr(schema, "model_dump"):
        return schema.model_dump(mode="json", exclude_unset=True)
    # Prefect 2 leaves out what is not set; servers refuse nulls there.
    fields = json.loads(schema.json())
    return {name: value for name, value in fields.items() if value is not None}
