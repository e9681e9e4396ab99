"""Reads the request, has it answered, and writes the answer whatever happens in between."""

import faulthandler
import importlib
import importlib.util
import json
import os
import signal
import sys

_PACKAGE = "_flowtui_worker"


def main():
    request = json.loads(sys.stdin.buffer.read().decode("utf-8"))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.dont_write_bytecode = True
    trace = open(request["trace"], "w")  # noqa: SIM115  (must stay open: written by a signal)
    faulthandler.enable(file=trace)
    faulthandler.register(signal.SIGTERM, file=trace, all_threads=True, chain=True)
    take_as_package()
    failures = part("failures")
    project = part("project").Project(request["root"], request["path"])
    os.chdir(project.root)
    notice = part("notices").Notices()
    installed = part("installed").distributions()
    pid = os.getpid()
    content = None
    try:
        generation = part(generation_of(installed))
        content, flow = generation.answer(request, project, notice, installed)
        result = json.dumps({"flow": flow})
    except BaseException as error:
        result = json.dumps({"error": failures.error_report(error, project, installed)})
    if os.getpid() != pid:
        os._exit(0)
    if content is not None:
        try:
            write_whole(request["pickle"], content)
        except OSError as error:
            result = json.dumps({"error": failures.no_room(error)})
    write_whole(request["answer"], result.encode("utf-8"))
    flush(sys.stdout)
    flush(sys.stderr)
    os._exit(0)  # threads and exit handlers of the user's code have no say


def prepare():
    """All that loading needs whatever is loaded, in a Python that others are forked from."""
    take_as_package()
    installed = part("installed").distributions()
    installed.owners  # noqa: B018  (found out once, here)
    for name in ("failures", "project", "notices", generation_of(installed)):
        part(name)
    if generation_of(installed) == "flow_functions":
        part("ignored_calls").look_for_functions()


def take_as_package():
    """Under a name of its own: this folder on sys.path would hide modules of the user's."""
    if _PACKAGE in sys.modules:
        return
    folder = os.path.dirname(os.path.abspath(__file__))
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = package
    spec.loader.exec_module(package)


def part(name):
    return importlib.import_module("%s.%s" % (_PACKAGE, name))


def generation_of(installed):
    """Prefect 2 made functions of the flow objects."""
    prefect = installed.get("prefect")
    is_object = prefect is None or prefect.version.split(".")[0] in ("0", "1")
    return "flow_objects" if is_object else "flow_functions"


def write_whole(path, content):
    with open(path + ".part", "wb") as target:
        target.write(content)
    os.replace(path + ".part", path)


def flush(stream):
    try:
        stream.flush()
    except Exception:
        return  # the user's code closed or replaced it


if __name__ == "__main__":
    if not getattr(sys.flags, "safe_path", False):
        del sys.path[0]  # the folder of this file: its modules are not the user's
    main()
