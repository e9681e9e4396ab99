"""Loads one flow file with the project's own Python and its own Prefect, and reports as JSON.

Stand-alone: Python 3.6 to 3.13, Prefect 0.6.1 to 1.4.1, standard library only, nothing of flowtui.
Started by `loader.py` in a process of its own. The request is one JSON object on stdin:

    action       "inspect" or "pickle"
    root         absolute path of the project
    path         flow file, relative to the root
    name         name of the flow, or null when it is not known before loading
    variable     Python name the flow is bound to, or null
    line         1-based line of the `Flow(...)` call, 0 when unknown
    modules      [[dotted name, absolute path], ...] that a static look at the file found
    execution    null, or {"executor": ..., "executor_kwargs": ...}: the settings that are known
                 before loading; tried, so that what cannot work is known before a build
    attachment   null, or {"storage": {...}, "execution": {...}, "source_dir": str or null}
    answer       file for the answer, a JSON object: {"flow": {...}} or {"error": {...}}
    pickle       file for the pickled flow (action "pickle")
    trace        file for the stack when the process is ended from outside
    pickle_limit in bytes

stdout and stderr belong to the user's code: nothing is answered there.
"""

import sys

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    del sys.path[0]  # the folder of this file: its modules are not the user's

import ast
import copy
import faulthandler
import functools
import importlib
import importlib.machinery
import importlib.util
import inspect
import json
import keyword
import linecache
import os
import re
import signal
import sysconfig
import traceback

_NOT_SUPPORTED_YET = "Prefect 2/3 flows are not supported by this version of flowtui yet"
_IGNORED_CALLS = ("deploy", "register", "run", "run_agent", "visualize")
_IGNORED_CLIENT_CALLS = ("deploy", "register", "create_project", "create_flow_run")
_KNOWN_CAUSES = (
    ("method_whitelist", "urllib3<2"),
    ("unexpected keyword argument 'key'", "marshmallow<4"),
    ("'Nested' object has no attribute 'context'", "marshmallow<4"),
    ("No module named 'distutils'", "setuptools<81"),
    ("No module named 'pkg_resources'", "setuptools<81"),
)


class RefusalError(Exception):
    """An error for a person: what is wrong and what to do next."""

    def __init__(self, kind, message, hint="", frames=()):
        super().__init__(message)
        self.kind = kind
        self.hint = hint
        self.frames = list(frames)


_MOVED = {
    "prefect.environments": "Prefect 1.0 and later have no environments: import storage from "
    "prefect.storage, and set the flow's executor and run_config",
    "prefect.storage": "before Prefect 0.14 it is called prefect.environments.storage",
    "prefect.executors": "before Prefect 0.14 it is called prefect.engine.executors",
    "prefect.run_configs": "run configs came with Prefect 0.13: set the flow's environment",
}


# Where things are


class Project:
    """The project's folder and what in it is the user's own code."""

    def __init__(self, root, path):
        self.root = os.path.realpath(root)
        self.file = os.path.join(self.root, *path.split("/"))
        self.path = path
        paths = sysconfig.get_paths()
        self._installed = [
            os.path.realpath(paths[key]) + os.sep
            for key in ("stdlib", "platstdlib", "purelib", "platlib")
        ]

    def owns(self, filename):
        if not filename or filename.startswith("<"):
            return False
        real = os.path.realpath(filename)
        if not real.startswith(self.root + os.sep):
            return False
        parts = real[len(self.root) :].split(os.sep)
        if "site-packages" in parts or "dist-packages" in parts:
            return False
        return not any(real.startswith(folder) for folder in self._installed)

    def relative(self, filename):
        real = os.path.realpath(filename)
        if real.startswith(self.root + os.sep):
            return real[len(self.root) + 1 :].replace(os.sep, "/")
        return filename


def prepare_path(project):
    """Python's own rule for scripts (the file's folder first), then the project and its `src`."""
    folders = [os.path.dirname(project.file), project.root]
    source = os.path.join(project.root, "src")
    if os.path.isdir(source) and not os.path.exists(os.path.join(source, "__init__.py")):
        folders.append(source)
    for folder in reversed(folders):
        if folder in sys.path:
            sys.path.remove(folder)
        sys.path.insert(0, folder)


# What is installed


class Distribution:
    def __init__(self, folder, info):
        self.folder = folder
        self.info = info
        self._metadata = None
        self._files = None

    def _read(self, *names):
        paths = (os.path.join(self.info, name) for name in names)
        path = next((path for path in paths if os.path.isfile(path)), None)
        if path is None:
            return ""
        with open(path, encoding="utf-8", errors="replace") as text:
            return text.read()

    @property
    def metadata(self):
        if self._metadata is None:
            self._metadata = []
            for line in self._read("METADATA", "PKG-INFO").splitlines():
                if not line.strip():
                    break
                key, colon, value = line.partition(":")
                if colon and not line[0].isspace():
                    self._metadata.append((key.strip().lower(), value.strip()))
        return self._metadata

    def _field(self, name):
        return next((value for key, value in self.metadata if key == name), "")

    @property
    def name(self):
        return self._field("name")

    @property
    def version(self):
        return self._field("version")

    @property
    def files(self):
        if self._files is None:
            lines = self._read("RECORD").splitlines() or self._read("installed-files.txt").split()
            self._files = {
                os.path.normpath(os.path.join(self.folder, line.split(",")[0].strip('"')))
                for line in lines
            }
        return self._files

    @property
    def top_level(self):
        names = set(self._read("top_level.txt").split())
        if names:
            return names
        for path in self.files:
            if not path.startswith(self.folder + os.sep):
                continue
            first = path[len(self.folder) + 1 :].split(os.sep)[0]
            if not first.endswith((".dist-info", ".egg-info", ".pth")):
                names.add(first.split(".")[0])
        return names

    def requirements(self, of_extras):
        """Names this distribution requires; those of its extras, or those without extras."""
        names = set()
        for key, value in self.metadata:
            if key == "requires-dist" and ("extra ==" in value) == of_extras:
                names.add(normal(re.split(r"[\s\[;(<>=!~]", value, maxsplit=1)[0]))
        return names


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions():
    """Every installed distribution by its normalized name; the first on sys.path wins."""
    found = {}
    for folder in sys.path:
        try:
            entries = sorted(os.listdir(folder or "."))
        except OSError:
            continue
        for entry in entries:
            if not entry.endswith((".dist-info", ".egg-info")):
                continue
            info = os.path.join(folder, entry)
            if not os.path.isdir(info):
                continue
            distribution = Distribution(os.path.normpath(folder), info)
            if distribution.name:
                found.setdefault(normal(distribution.name), distribution)
    return found


# What user code must not do while it is only looked at


class Notices:
    """Lines of ours between the user's, written past whatever the user did to sys.stderr."""

    def __init__(self):
        self._fd = os.dup(2)

    def __call__(self, text):
        try:
            os.write(self._fd, ("flowtui: " + text + "\n").encode("utf-8", "replace"))
        except OSError:
            return  # the user's code closed every file; the notice is not worth the flow


class Recorder:
    """What the author wrote, seen where Prefect's objects are made."""

    def __init__(self, project, notice):
        self.project = project
        self.notice = notice
        self.flows = []
        self._lines = {}
        self._made = {}
        self._calls = {}
        self._default_environments = {}
        self._busy = set()

    def watch(self, prefect):
        self._watch_flows(prefect.Flow)
        for cls in [*_prefect_classes(prefect), *executor_classes().values()]:
            if "__init__" in vars(cls):
                self._watch_arguments(cls)
        for name in _IGNORED_CALLS:
            if hasattr(prefect.Flow, name):
                self._ignore_flow_call(prefect.Flow, name)
        if not hasattr(prefect.Flow, "deploy"):
            prefect.Flow.deploy = prefect.Flow.register  # the old name, gone in 0.10
        if not hasattr(prefect.Flow, "register"):
            prefect.Flow.register = prefect.Flow.deploy  # the new name, not yet in 0.6
        for name in _IGNORED_CLIENT_CALLS:
            if hasattr(prefect.Client, name):
                self._ignore_client_call(prefect.Client, name)
        docker = getattr(storage_module(), "Docker", None)
        if docker is not None:
            self._ignore_build(docker)

    def line_of(self, flow):
        """1-based line of the flow file that made this flow, None if another file did."""
        return self._lines.get(id(flow))

    def call_on(self, flow):
        """(project name, keywords) of the ignored deploy or register, (None, {}) without one."""
        return self._calls.get(id(flow), (None, {}))

    def made_by_author(self, flow, environment):
        return environment is not None and self._default_environments.get(id(flow)) is not (
            environment
        )

    def arguments_of(self, thing):
        """The keywords the author gave, with what was assigned afterwards."""
        _, given, before, names = self._made.get(id(thing), (thing, {}, {}, ()))
        arguments = dict(given)
        for name in names:
            now = public_attribute(thing, name)
            if name in before and now != before[name]:
                arguments[name] = now
        return arguments

    def _watch_flows(self, cls):
        original = cls.__init__

        @functools.wraps(original)
        def watched(flow, *args, **kwargs):
            outermost = id(flow) not in self._busy
            self._busy.add(id(flow))
            try:
                original(flow, *args, **kwargs)
            finally:
                if outermost:
                    self._busy.discard(id(flow))
            if not outermost:
                return
            self.flows.append(flow)
            self._lines[id(flow)] = self._calling_line()
            given = bound_arguments(original, (flow, *args), kwargs)
            if given.get("environment") is None:
                self._default_environments[id(flow)] = getattr(flow, "environment", None)

        cls.__init__ = watched

    def _calling_line(self):
        frame = sys._getframe(2)
        if frame.f_globals.get("__name__", "").split(".")[0] == "prefect":
            return None  # a temporary flow of Prefect's own, for example of apply_map
        while frame is not None and frame.f_code.co_filename != self.project.file:
            frame = frame.f_back
        return None if frame is None else frame.f_lineno

    def _watch_arguments(self, cls):
        original = cls.__init__
        names = tuple(inspect.signature(original).parameters)[1:]

        @functools.wraps(original)
        def watched(thing, *args, **kwargs):
            if id(thing) in self._busy:
                original(thing, *args, **kwargs)
                return
            given = bound_arguments(original, (thing, *args), kwargs)
            given = {name: careful_copy(value) for name, value in given.items()}
            self._busy.add(id(thing))
            try:
                original(thing, *args, **kwargs)
            finally:
                self._busy.discard(id(thing))
            attributes = {name: public_attribute(thing, name) for name in names}
            before = {name: careful_copy(value) for name, value in attributes.items()}
            self._made[id(thing)] = (thing, given, before, names)

        cls.__init__ = watched

    def _ignore_flow_call(self, cls, name):
        original = getattr(cls, name)

        @functools.wraps(original)
        def ignored(flow, *args, **kwargs):
            self.notice("flow.%s() ignored: %s" % (name, _instead_of(name)))
            if name in ("deploy", "register"):
                self._remember_call(flow, args, kwargs)
                return ""
            return succeeded() if name == "run" else None

        setattr(cls, name, ignored)

    def _remember_call(self, flow, args, kwargs):
        known = dict(kwargs)
        project = known.pop("project_name", args[0] if args else None)
        for name in (
            "build",
            "set_schedule_active",
            "version_group_id",
            "no_url",
            "idempotency_key",
        ):
            known.pop(name, None)
        self._calls[id(flow)] = (project, known)

    def _ignore_client_call(self, cls, name):
        original = getattr(cls, name)

        @functools.wraps(original)
        def ignored(client, *args, **kwargs):
            self.notice("Client.%s() ignored while the flow is loaded" % name)
            return ""

        setattr(cls, name, ignored)

    def _ignore_build(self, cls):
        original = cls.build

        @functools.wraps(original)
        def ignored(storage, *args, **kwargs):
            self.notice("storage.build() ignored: flowtui builds the image")
            return storage

        cls.build = ignored


def _instead_of(name):
    if name in ("deploy", "register"):
        return "flowtui registers it"
    return "the flow is only loaded"


def succeeded():
    """A state that code after `state = flow.run()` can look at."""
    Success = importlib.import_module("prefect.engine.state").Success  # noqa: N806

    class Results(dict):
        def __missing__(self, task):
            return Success("not run: the flow was only loaded")

    return Success("not run: the flow was only loaded", result=Results())


def bound_arguments(function, args, kwargs):
    """Arguments by name, without `self`; {} when they do not fit (the call itself says so)."""
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        return {}
    arguments = {}
    for name, value in list(bound.arguments.items())[1:]:
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            arguments.update(value)
        elif kind is not inspect.Parameter.VAR_POSITIONAL:
            arguments[name] = value
    return arguments


def careful_copy(value):
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


_ABSENT = object()


def public_attribute(thing, name):
    value = getattr(thing, name, _ABSENT)
    if name == "python_dependencies" and isinstance(value, list):
        return [entry for entry in value if entry != "wheel"]  # Prefect 0.9+ adds it by itself
    if name == "env_vars" and isinstance(value, dict):
        return {key: text for key, text in value.items() if key != "PREFECT__USER_CONFIG_PATH"}
    return value


def storage_module():
    """`prefect.storage` (0.14 and later) or `prefect.environments.storage`."""
    try:
        return importlib.import_module("prefect.storage")
    except ImportError:
        return importlib.import_module("prefect.environments.storage")


def _prefect_classes(prefect):
    module = storage_module()
    base = module.Storage
    seen = []
    for name in sorted(vars(module)):
        cls = getattr(module, name)
        if isinstance(cls, type) and issubclass(cls, base) and cls not in seen:
            seen.append(cls)
    return seen


# Loading the file


class NotImportable:
    """Keeps the flow file from being imported by name, so that pickling copies its code."""

    def __init__(self, name):
        self._name = name

    def find_spec(self, name, path=None, target=None):
        if name == self._name:
            raise ModuleNotFoundError("%s is the flow file itself" % name, name=name)


def load(project, prefect):
    """Run the flow file as a module that cannot be imported afterwards; returns its globals."""
    with open(project.file, "rb") as source:
        text = source.read()
    code = compile(text, project.file, "exec", dont_inherit=True)
    package = package_of(project, text)
    name = module_name(project, package)
    spec = importlib.util.spec_from_file_location(name, project.file)
    module = importlib.util.module_from_spec(spec)
    if package:
        importlib.import_module(package)
        module.__package__ = package
    sys.modules[name] = module
    sys.argv = [project.file]
    worker = os.getpid()
    try:
        with loading_context(prefect, project):
            exec(code, module.__dict__)
    finally:
        if os.getpid() != worker:
            os._exit(0)  # a child that the user's code forked off: it has no answer to give
        sys.modules.pop(name, None)
        sys.meta_path.insert(0, NotImportable(name))
    return module.__dict__


def loading_context(prefect, project):
    return prefect.context(loading_flow=True, local_script_path=project.file)


def package_of(project, text):
    """Dotted package when the file imports relatively, else ''. Scripts have no package."""
    tree = ast.parse(text)
    if not any(isinstance(node, ast.ImportFrom) and node.level for node in ast.walk(tree)):
        return ""
    folder = os.path.dirname(project.file)
    parts = []
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder, part = os.path.split(folder)
        parts.insert(0, part)
    if parts and folder not in sys.path:
        sys.path.insert(1, folder)
    return ".".join(parts)


def module_name(project, package):
    stem = os.path.splitext(os.path.basename(project.file))[0]
    if not stem.isidentifier() or keyword.iskeyword(stem):
        stem = re.sub(r"\W", "_", stem)
    if package:
        return package + "." + stem
    elsewhere = [folder for folder in sys.path if folder != os.path.dirname(project.file)]
    taken = stem in sys.modules or stem in sys.builtin_module_names
    if taken or importlib.machinery.PathFinder.find_spec(stem, elsewhere) is not None:
        return stem + "_flow_file"
    return stem


# Choosing the flow


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


def enclosing_function(project, line):
    if not line:
        return None
    with open(project.file, "rb") as source:
        tree = ast.parse(source.read())
    found = None
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            last = max(getattr(inner, "lineno", 0) for inner in ast.walk(node))
            if node.lineno < line <= last or node.lineno == line == last:
                found = node.name
    return found


def place(project, line):
    return "%s:%d" % (project.path, line) if line else project.path


# What the author's own objects say


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


_NOT_PLAIN = object()


def plain(value):
    """The part of a value that is JSON; whatever is not is left out."""
    if isinstance(value, dict):
        pairs = ((str(key), as_plain(inner)) for key, inner in value.items())
        return {key: inner for key, inner in pairs if inner is not _NOT_PLAIN}
    return as_plain(value)


def as_plain(value):
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return plain(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        entries = [as_plain(entry) for entry in value]
        entries = [entry for entry in entries if entry is not _NOT_PLAIN]
        return sorted(entries, key=str) if isinstance(value, (set, frozenset)) else entries
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return _NOT_PLAIN


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


def path_of(cls):
    known = [name for name, one in executor_classes().items() if one is cls]
    return known[0] if known else "%s.%s" % (cls.__module__, cls.__qualname__)


# Attaching what flowtui decided


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


@functools.lru_cache(maxsize=None)
def executor_classes():
    """By dotted path: prefect.executors from 0.14 on, prefect.engine.executors before."""
    for home in ("prefect.executors", "prefect.engine.executors"):
        try:
            module = importlib.import_module(home)
        except ImportError:
            continue
        return {
            "%s.%s" % (home, name): cls
            for name, cls in sorted(vars(module).items())
            if is_executor(cls) and not name.startswith("_")
        }
    return {}


def is_executor(cls):
    return isinstance(cls, type) and any(base.__name__ == "Executor" for base in cls.__mro__[1:])


def find_executor(wanted):
    """(class, dotted path) of a class of this Prefect's, named alone or under either home that
    Prefect's executors had, or of any other that can be imported here."""
    module, _, name = wanted.rpartition(".")
    if module in ("", "prefect.executors", "prefect.engine.executors"):
        known = {path.rpartition(".")[2]: path for path in executor_classes()}
        if name in known:
            return executor_classes()[known[name]], known[name]
        raise RefusalError(
            "BadSettings",
            "Prefect %s has no executor %s" % (prefect_version(), name),
            "it has %s" % ", ".join(sorted(known)),
        )
    try:
        cls = getattr(importlib.import_module(module), name)
    except Exception as error:
        raise RefusalError(
            "BadSettings",
            "executor %r cannot be imported: %s" % (wanted, describe(error)),
            "correct the setting `executor`, or install what it needs in %s" % sys.executable,
        ) from error
    if not is_executor(cls):
        raise RefusalError(
            "BadSettings",
            "%r is not an executor class" % wanted,
            "name a class made from %s.Executor"
            % next(iter(executor_classes())).rpartition(".")[0],
        )
    return cls, wanted


def prefect_version():
    return importlib.import_module("prefect").__version__


def make_executor(cls, keywords):
    try:
        return cls(**keywords)
    except Exception as error:
        raise RefusalError(
            "BadSettings",
            "executor %s does not take these arguments: %s" % (cls.__name__, describe(error)),
            "see executor_kwargs",
        ) from error


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


# Pickling


class WithSources:
    """Pickles as a call that puts a folder on sys.path and then yields the flow itself."""

    def __init__(self, folder, inner):
        self._call = (folder, inner)

    def __reduce__(self):
        return load_with_sources, self._call


def load_with_sources(folder, inner):
    import sys

    import cloudpickle

    if folder not in sys.path:
        sys.path.insert(0, folder)
    return cloudpickle.loads(inner)


def pickled(flow, source_dir, limit):
    """The content of the flow file in storage, as this Prefect's own storage would write it."""
    import cloudpickle

    try:
        thing = WithSources(source_dir, cloudpickle.dumps(flow)) if source_dir else flow
        content = to_bytes(thing)
    except RefusalError:
        raise
    except Exception as error:
        raise RefusalError(
            "CannotPickle",
            "%s cannot be pickled: %s" % (culprit(flow, cloudpickle), describe(error)),
            "make such objects (connections, locks, open files) inside the task that uses them",
        ) from error
    if len(content) > limit:
        raise RefusalError(
            "TooLarge",
            "the pickled flow is %.1f MB, the limit is %.1f MB; the most is in %s"
            % (len(content) / 1e6, limit / 1e6, heaviest(flow, cloudpickle)),
            "load large data inside a task instead of at module level",
        )
    return content


def to_bytes(thing):
    """Prefect 0.14 and later wrap the pickle in JSON with versions; before, it is bare."""
    import cloudpickle

    try:
        utilities = importlib.import_module("prefect.utilities.storage")
    except ImportError:
        return cloudpickle.dumps(thing)
    wrap = getattr(utilities, "flow_to_bytes_pickle", None)
    return cloudpickle.dumps(thing) if wrap is None else wrap(thing)


def culprit(flow, cloudpickle):
    tasks = sorted(flow.tasks, key=lambda task: task.name)
    bad = next((task for task in tasks if not can_pickle(task, cloudpickle)), None)
    return "flow %r" % flow.name if bad is None else "task %r" % bad.name


def can_pickle(thing, cloudpickle):
    try:
        cloudpickle.dumps(thing)
    except Exception:
        return False
    return True


def heaviest(flow, cloudpickle):
    sizes = [(len(cloudpickle.dumps(task)), task.name) for task in flow.tasks]
    return "task %r (%.1f MB)" % (max(sizes)[1], max(sizes)[0] / 1e6) if sizes else "the flow"


# Modules and packages


def local_modules(project, before):
    """[[name, path]] of the project's modules that were imported since `before`."""
    found = []
    for name, module in sorted(sys.modules.items()):
        if name in before or module is None or name in ("__main__", "__mp_main__"):
            continue
        path = getattr(module, "__file__", None)
        if path is None:
            folders = [str(folder) for folder in getattr(module, "__path__", None) or ()]
            if any(project.owns(os.path.join(folder, "x")) for folder in folders):
                found.append([name, ""])
        elif project.owns(path) and os.path.realpath(path) != os.path.realpath(project.file):
            found.append([name, os.path.abspath(path)])
    return found


def imported_names(path):
    """Dotted names a file imports absolutely, wherever the statement stands in it."""
    try:
        with open(path, "rb") as source:
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module)
            names.update(node.module + "." + alias.name for alias in node.names)
    return names


def packages(paths, local, installed, before):
    """[[name, version]] of the distributions these files import, without Prefect itself."""
    names = set()
    for path in paths:
        names |= imported_names(path)
    owners = {}
    for key, distribution in installed.items():
        for top in distribution.top_level:
            owners.setdefault(top, []).append(key)
    keys = set()
    for name in names:
        top = name.split(".")[0]
        if top not in local:
            keys.update(owners_of(name, owners.get(top, []), installed))
    keys |= extras_in_use(installed, owners, before)
    keys -= {"prefect", "cloudpickle"}
    chosen = [installed[key] for key in sorted(keys)]
    return [[distribution.name, distribution.version] for distribution in chosen]


def owners_of(name, candidates, installed):
    """One name can be shared (`google.…`): then the files tell whose the module is."""
    if len(candidates) < 2:
        return candidates
    module = sys.modules.get(name)
    path = getattr(module, "__file__", None) or module_file(name)
    if path is None:
        return []
    path = os.path.normpath(path)
    return [key for key in candidates if path in installed[key].files]


def module_file(name):
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, AttributeError, ValueError):
        return None
    return spec.origin if spec is not None and spec.has_location else None


def extras_in_use(installed, owners, before):
    """Optional requirements of Prefect that got loaded with the flow, for example boto3."""
    prefect = installed.get("prefect")
    if prefect is None:
        return set()
    optional = prefect.requirements(True) - prefect.requirements(False)
    loaded = {name.split(".")[0] for name in set(sys.modules) - before}
    return {key for top in loaded for key in owners.get(top, ()) if key in optional}


# Errors


def describe(error):
    text = str(error).strip()
    return "%s: %s" % (type(error).__name__, text) if text else type(error).__name__


def frame_at(project, line, function="<module>"):
    text = linecache.getline(project.file, line).strip()
    return {"file": project.path, "line": line, "function": function, "text": text}


def user_frames(error, project):
    """Frames of the project's own files, outermost first; of the cause if the error has none."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = [
            {
                "file": project.relative(frame.filename),
                "line": frame.lineno or 0,
                "function": frame.name,
                "text": frame.line or "",
            }
            for frame in traceback.extract_tb(error.__traceback__)
            if project.owns(frame.filename)
        ]
        if frames:
            return frames[-50:]
        error = error.__cause__ or error.__context__
    return []


def error_report(error, project, installed):
    if isinstance(error, RefusalError):
        return report(error.kind, str(error), error.hint, error.frames)
    if isinstance(error, SyntaxError):
        return syntax_report(error, project)
    frames = user_frames(error, project)
    if isinstance(error, SystemExit):
        return report(
            "SystemExit",
            "the file ends Python while it is loaded: sys.exit(%s)"
            % ("" if error.code is None else repr(error.code)),
            'put it under `if __name__ == "__main__":`',
            frames,
        )
    message = str(error).strip() or type(error).__name__
    for text, pin in _KNOWN_CAUSES:
        if text in message:
            hint = "this Prefect needs '%s': %s -m pip install '%s'" % (pin, sys.executable, pin)
            return report(type(error).__name__, message, hint, frames)
    return report(type(error).__name__, message, hint_for(error, project, installed), frames)


def hint_for(error, project, installed):
    if isinstance(error, ModuleNotFoundError) and error.name:
        top = error.name.split(".")[0]
        if error.name in _MOVED:
            return _MOVED[error.name]
        owners = [key for key, one in installed.items() if top in one.top_level]
        if owners:
            return "%s is installed, but has no module %s" % (installed[owners[0]].name, error.name)
        return (
            "install it where the flow is loaded: %s -m pip install %s; a module of the project "
            "must be beside %s, in the project's folder, or in its src folder"
            % (sys.executable, top.replace("_", "-"), project.path)
        )
    if isinstance(error, (RecursionError, MemoryError)):
        return "loading the file must not do heavy work; move it into a task"
    return "fix the file; loading it must not fail"


def syntax_report(error, project):
    frames = user_frames(error, project)
    line = error.lineno or 0
    if error.filename:
        frames.append(
            {
                "file": project.relative(error.filename),
                "line": line,
                "function": "<module>",
                "text": (error.text or "").strip(),
            }
        )
    version = "%d.%d" % sys.version_info[:2]
    return report(
        type(error).__name__,
        error.msg or "invalid syntax",
        "fix the syntax; the flow is loaded by Python %s" % version,
        frames,
    )


def report(kind, message, hint, frames):
    return {"type": kind, "message": message, "hint": hint, "frames": frames}


def no_room(error):
    return report(
        "NoRoom",
        "the pickled flow cannot be written: %s" % (error.strerror or error),
        "free some space where temporary files are, or set TMPDIR to a folder on another disk",
        [],
    )


# The two actions


def answer(request, project, notice, installed):
    prefect = import_prefect(installed)
    recorder = Recorder(project, notice)
    recorder.watch(prefect)
    before = set(sys.modules)
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
    modules = merged(local_modules(project, before), request.get("modules") or [])
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
        "packages": packages(files, local, installed, before),
        "python_version": "%d.%d.%d" % sys.version_info[:3],
        "prefect_version": prefect.__version__,
        "cloudpickle_version": cloudpickle.__version__,
    }


def import_prefect(installed):
    known = installed.get("prefect")
    if known is not None and known.version.split(".")[0] not in ("0", "1"):
        raise RefusalError(
            "UnsupportedPrefect",
            "%s (found %s)" % (_NOT_SUPPORTED_YET, known.version),
            "use Prefect 0.6.1 to 1.4.1",
        )
    return importlib.import_module("prefect")


def merged(imported, static):
    known = {name for name, _ in imported}
    return sorted(imported + [entry for entry in static if entry[0] not in known])


def write_whole(path, content):
    with open(path + ".part", "wb") as target:
        target.write(content)
    os.replace(path + ".part", path)


def flush(stream):
    try:
        stream.flush()
    except Exception:
        return  # the user's code closed or replaced it


def main():
    request = json.loads(sys.stdin.buffer.read().decode("utf-8"))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.dont_write_bytecode = True
    trace = open(request["trace"], "w")  # noqa: SIM115  (must stay open: written by a signal)
    faulthandler.enable(file=trace)
    faulthandler.register(signal.SIGTERM, file=trace, all_threads=True, chain=True)
    project = Project(request["root"], request["path"])
    os.chdir(project.root)
    notice = Notices()
    installed = distributions()
    pid = os.getpid()
    content = None
    try:
        content, flow = answer(request, project, notice, installed)
        result = json.dumps({"flow": flow})
    except BaseException as error:
        result = json.dumps({"error": error_report(error, project, installed)})
    if os.getpid() != pid:
        os._exit(0)
    if content is not None:
        try:
            write_whole(request["pickle"], content)
        except OSError as error:
            result = json.dumps({"error": no_room(error)})
    write_whole(request["answer"], result.encode("utf-8"))
    flush(sys.stdout)
    flush(sys.stderr)
    os._exit(0)  # threads and exit handlers of the user's code have no say


if __name__ == "__main__":
    main()
