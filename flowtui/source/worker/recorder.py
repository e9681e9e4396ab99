"""What the author of a flow object wrote, seen where Prefect's objects are made."""

import functools
import importlib
import inspect
import sys

from .executors import executor_classes
from .values import bound_arguments, careful_copy, public_attribute

_IGNORED_CALLS = ("deploy", "register", "run", "run_agent", "visualize")
_IGNORED_CLIENT_CALLS = ("deploy", "register", "create_project", "create_flow_run")


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
