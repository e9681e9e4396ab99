"""Looks at a pickled flow from inside the place where it will run, and tells what it found.

A program of its own: it runs on Python 3.6 and up and imports nothing of flowtui. Called as
`python -c SOURCE MARKER FLOW_FILE PYTHON_MINOR SECONDS`; the answer is one JSON document on
standard output between two markers. Whatever the flow's modules print goes to standard error, so it
cannot be taken for the answer.
"""

import base64
import faulthandler
import importlib
import json
import os
import signal
import sys
import traceback

FRAMES = 12
SHOWN = 4000
NEEDS = {
    "DaskExecutor": ("dask", "distributed"),
    "LocalDaskExecutor": ("dask",),
    "SynchronousExecutor": ("dask",),
}
"""What Prefect's own executors import when they start, not before."""


def version_of(module_name):
    """The version of an installed package; None when it is not there."""
    try:
        module = __import__(module_name)
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] == module_name:
            return None
        raise
    return str(getattr(module, "__version__", "unknown"))


def load(path):
    """The flow, from a raw pickle (earlier Prefects) or Prefect's JSON envelope around one."""
    import cloudpickle

    with open(path, "rb") as file:
        content = file.read()
    if content.lstrip()[:1] == b"{":
        content = base64.b64decode(json.loads(content.decode("utf-8"))["flow"])
    return cloudpickle.loads(content)


def slugs_of(flow):
    """Task slugs as the server knows them: of the flow (Prefect 0.10 and up), else of the tasks."""
    slugs = getattr(flow, "slugs", None)
    if isinstance(slugs, dict) and slugs:
        return sorted(str(slug) for slug in slugs.values())
    return sorted(str(task.slug) for task in flow.tasks)


def tasks_without_result(flow):
    """Tasks whose settings need stored results that are not there: Prefect's own check."""
    attribute = "result" if hasattr(flow, "result") else "result_handler"
    if getattr(flow, attribute, None) is not None:
        return []

    def stored(task):
        return getattr(task, attribute, None) is not None

    found = []
    upstream = flow.all_upstream_edges()
    for task in sorted(flow.tasks, key=lambda each: str(each.name)):
        inputs_stored = all(stored(edge.upstream_task) for edge in upstream[task] if edge.key)
        checkpointed = attribute == "result_handler" and getattr(task, "checkpoint", None)
        if checkpointed and not stored(task):
            found.append({"task": task.name, "why": "is checkpointed", "of": "itself"})
        if getattr(task, "max_retries", 0) and not inputs_stored:
            found.append({"task": task.name, "why": "retries", "of": "its inputs"})
        if getattr(task, "cache_for", None) is not None:
            if not stored(task):
                found.append({"task": task.name, "why": "is cached", "of": "itself"})
            if not inputs_stored:
                found.append({"task": task.name, "why": "is cached", "of": "its inputs"})
    return found


def executor_of(flow):
    """The executor that a run will use, whether it can be imported, and what it needs.

    None where the settings of the process that runs the flow decide.
    """
    environment = getattr(flow, "environment", None)
    if environment is None or getattr(flow, "run_config", None) is not None:
        executor = getattr(flow, "executor", None)
    else:
        executor = getattr(environment, "executor", None)
    if executor is None:
        return None
    path = executor if isinstance(executor, str) else path_of(type(executor))
    found = {"path": path, "needs": {}, "error": None}
    try:
        module, _, name = path.rpartition(".")
        cls = getattr(importlib.import_module(module), name)
        for base in cls.__mro__:
            for needed in NEEDS.get(base.__name__, ()):
                found["needs"][needed] = version_of(needed)
    except BaseException as error:
        found["error"] = failure(error)
    return found


def path_of(cls):
    for home in ("prefect.executors", "prefect.engine.executors"):
        if getattr(sys.modules.get(home), cls.__name__, None) is cls:
            return "%s.%s" % (home, cls.__name__)
    return "%s.%s" % (cls.__module__, cls.__qualname__)


def failure(error):
    """An exception as data, with the last frames only."""
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    return {
        "type": type(error).__name__,
        "message": str(error)[:SHOWN],
        "module": getattr(error, "name", None) if isinstance(error, ImportError) else None,
        "missing": isinstance(error, ModuleNotFoundError),
        "file": str(getattr(error, "filename", None) or ""),
        "trace": "".join(lines[-FRAMES:])[-SHOWN:],
    }


def look(flow_file, python_minor):
    """Everything the host wants to know, as far as it could be found out."""
    answer = {"python": "%d.%d" % sys.version_info[:2], "error": None, "flow": None}
    try:
        answer["cloudpickle"] = version_of("cloudpickle")
        answer["prefect"] = version_of("prefect")
    except BaseException as error:
        answer["error"] = dict(failure(error), during="import")
        return answer
    if answer["python"] != python_minor:
        return answer
    try:
        flow = load(flow_file)
        answer["flow"] = {
            "name": flow.name,
            "slugs": slugs_of(flow),
            "without_result": tasks_without_result(flow),
            "executor": executor_of(flow),
        }
    except BaseException as error:
        answer["error"] = dict(failure(error), during="unpickle")
    return answer


def main():
    marker, flow_file, python_minor, seconds = sys.argv[1:5]
    del sys.argv[1:]
    # `python -c` puts the current folder on the path; the program that runs flows does not.
    sys.path[:] = [path for path in sys.path if path]
    answer_to = os.dup(1)
    os.dup2(2, 1)
    faulthandler.enable()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(seconds))
    answer = json.dumps(look(flow_file, python_minor))
    content = (marker + answer + marker + "\n").encode("ascii")
    while content:
        content = content[os.write(answer_to, content) :]
    # Threads and exit handlers of the flow's modules do not matter here, and may never end.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


main()
