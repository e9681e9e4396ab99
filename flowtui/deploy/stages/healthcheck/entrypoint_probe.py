"""Loads a `@flow` by its entrypoint, from inside the place where it will run, as a run does.

A program of its own: it runs on Python 3.8 and up and imports nothing of flowtui. Called as
`python -c SOURCE MARKER REQUEST`, the request a JSON object with `folder` (the working folder that
the pull steps set), `entrypoint`, `python_minor`, `python_path` (folders) and `seconds`. The answer
is one JSON document on standard output between two markers. Whatever the flow's modules print goes
to standard error, so it cannot be taken for the answer.

With `entrypoints` and `at_once` in place of `entrypoint` it imports Prefect once and looks at each
in a fork of its own. The answer's `looks` has by entrypoint `answer`, as above (none where the
process died), and `output`, what it printed.
"""

import contextlib
import faulthandler
import gc
import importlib
import inspect
import json
import os
import signal
import sys
import tempfile
import traceback

FRAMES = 12
SHOWN = 4000
OUTPUT = 2**17
"""Bytes of what is printed, for each of several."""


def version_of(module_name):
    """The version of an installed package; None when it is not there."""
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] == module_name:
            return None
        raise
    return str(getattr(module, "__version__", "unknown"))


def import_prefect():
    """What loading a flow brings in. Nothing of it is garbage: looking for some costs a tenth."""
    gc.disable()
    try:
        for name in ("prefect.flows", "prefect.utilities.callables", "cloudpickle"):
            importlib.import_module(name)
        with contextlib.suppress(ImportError):  # a Prefect that does not have it
            importlib.import_module("prefect.main")
    finally:
        gc.enable()


def load(entrypoint):
    """As Prefect's own runner, but never with a placeholder for what cannot be imported."""
    loader = importlib.import_module("prefect.flows").load_flow_from_entrypoint
    if "use_placeholder_flow" in inspect.signature(loader).parameters:
        return loader(entrypoint, use_placeholder_flow=False)
    return loader(entrypoint)


def told_of(flow):
    return {"name": flow.name, "schema": parameter_schema(flow)}


def parameter_schema(flow):
    """As the worker that loaded the flow in the project computes it."""
    schema = importlib.import_module("prefect.utilities.callables").parameter_schema(flow)
    if hasattr(schema, "model_dump"):
        return schema.model_dump(mode="json", exclude_unset=True)
    # Prefect 2 leaves out what is not set; servers refuse nulls there.
    fields = json.loads(schema.json())
    return {name: value for name, value in fields.items() if value is not None}


def pickled_and_back(flow):
    import cloudpickle

    return cloudpickle.loads(cloudpickle.dumps(flow))


def causes(error):
    """From Prefect's own exception to the one that the user's code raised."""
    seen = []
    while error is not None and error not in seen:
        seen.append(error)
        error = getattr(error, "user_exc", None) or error.__cause__
    return seen


def failure(error, during):
    """An exception as data, with the last frames only."""
    first = causes(error)[-1]
    lines = traceback.format_exception(type(first), first, first.__traceback__)
    return {
        "type": type(first).__name__,
        "message": str(first)[:SHOWN],
        "module": getattr(first, "name", None) if isinstance(first, ImportError) else None,
        "missing": isinstance(first, ModuleNotFoundError),
        "file": str(getattr(first, "filename", None) or ""),
        "trace": "".join(lines[-FRAMES:])[-SHOWN:],
        "during": during,
    }


def look(request):
    """Everything the host wants to know, as far as it could be found out."""
    answer = {"python": "%d.%d" % sys.version_info[:2], "error": None, "flow": None, "back": None}
    if answer["python"] != request["python_minor"]:
        return answer
    during = "import"
    try:
        answer["cloudpickle"] = version_of("cloudpickle")
        answer["prefect"] = version_of("prefect")
        if answer["prefect"] is None:
            return answer
        import_prefect()
        during = "folder"
        os.chdir(request["folder"])
        during = "entrypoint"
        flow = load(request["entrypoint"])
        during = "schema"
        answer["flow"] = told_of(flow)
        during = "pickle"
        answer["back"] = told_of(pickled_and_back(flow))
    except BaseException as error:
        answer["error"] = failure(error, during)
    return answer


def look_at_each(request):
    """Each in a process of its own, `at_once` at a time."""
    with contextlib.suppress(Exception):  # each of them will tell it
        import_prefect()
    gc.freeze()
    waiting, running, looks = list(request["entrypoints"]), {}, {}
    with contextlib.ExitStack() as files:
        while waiting or running:
            while waiting and len(running) < request["at_once"]:
                entrypoint = waiting.pop(0)
                answer = files.enter_context(tempfile.TemporaryFile())
                output = files.enter_context(tempfile.TemporaryFile())
                pid = begun(dict(request, entrypoint=entrypoint), answer, output)
                running[pid] = entrypoint, answer, output
            pid, _ = os.wait()
            if pid in running:  # and not what a flow's module started, and left
                entrypoint, answer, output = running.pop(pid)
                looks[entrypoint] = {"answer": read_json(answer), "output": read(output, OUTPUT)}
    return {"looks": looks}


def begun(request, answer_to, output_to):
    """The pid of a process that looks at one entrypoint."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.dup2(output_to.fileno(), 1)
        os.dup2(output_to.fileno(), 2)
        signal.alarm(int(request["seconds"]))
        answer_to.write(json.dumps(look(request)).encode("ascii"))
        answer_to.flush()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(0)


def read(file, most):
    with file:
        file.seek(0)
        return file.read(most).decode("utf-8", "backslashreplace")


def read_json(file):
    try:
        return json.loads(read(file, -1))
    except ValueError:
        return None


def main():
    marker, request = sys.argv[1], json.loads(sys.argv[2])
    del sys.argv[1:]
    # `python -c` puts the current folder on the path; the program that runs flows does not.
    sys.path[:] = request["python_path"] + [path for path in sys.path if path]
    answer_to = os.dup(1)
    os.dup2(2, 1)
    faulthandler.enable()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    if "entrypoints" in request:
        answer = json.dumps(look_at_each(request))
    else:
        signal.alarm(int(request["seconds"]))
        answer = json.dumps(look(request))
    content = (marker + answer + marker + "\n").encode("ascii")
    while content:
        content = content[os.write(answer_to, content) :]
    # Threads and exit handlers of the flow's modules do not matter here, and may never end.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


main()
