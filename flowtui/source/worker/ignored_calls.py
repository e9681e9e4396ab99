"""What files of Prefect 2 and 3 do beside making flows: ignored while they are only loaded."""

import functools
import importlib
import inspect
import sys

_REGISTERS = "flowtui registers it"
_LOADS = "the flow is only loaded"
_METHODS = {
    "deploy": _REGISTERS,
    "adeploy": _REGISTERS,
    "serve": _REGISTERS,
    "aserve": _REGISTERS,
    "to_deployment": "",
    "ato_deployment": "",
    "visualize": _LOADS,
    "from_source": "its source is elsewhere",
    "afrom_source": "its source is elsewhere",
    "__call__": _LOADS,
}
_TASK_METHODS = dict.fromkeys(("__call__", "submit", "map", "delay", "serve"), _LOADS)
_FUNCTIONS = {
    "prefect.flows": ("serve", "aserve"),
    "prefect.deployments.runner": ("deploy", "adeploy"),
}


class Ignored:
    """What an ignored call returns: whatever is done with it does nothing."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args, **kwargs):
        return self

    def __getitem__(self, key):
        return self

    def __iter__(self):
        return iter(())

    def __bool__(self):
        return False

    def __await__(self):
        yield from ()
        return self


def ignore_calls(flow_class, notice):
    """Have this Prefect serve, deploy and run nothing, and say so where it would have."""
    for name, instead in _METHODS.items():
        ignore_method(flow_class, name, "flow", instead, notice)
    decorator = importlib.import_module("prefect.flows").flow
    if hasattr(decorator, "from_source"):
        decorator.from_source = flow_class.from_source  # it has the one from before
    task_class = importlib.import_module("prefect.tasks").Task
    for name, instead in _TASK_METHODS.items():
        ignore_method(task_class, name, "task", instead, notice)
    for home, names in _FUNCTIONS.items():
        try:
            module = importlib.import_module(home)
        except ImportError:
            continue  # Prefect before 2.10 has neither
        for name in names:
            if hasattr(module, name):
                ignore_function(getattr(module, name), name, notice)


def ignore_method(cls, name, what, instead, notice):
    original = inspect.getattr_static(cls, name, None)
    if original is None:
        return
    called = "%s()" % what if name == "__call__" else "%s.%s()" % (what, name)

    def ignored(self, *args, **kwargs):
        if instead:
            notice("%s ignored: %s" % (called, instead))
        waits = name == "__call__" and getattr(self, "isasync", False)
        return nothing_later() if waits or is_awaited(original) else Ignored()

    if isinstance(original, (classmethod, staticmethod)):
        setattr(cls, name, classmethod(ignored))
    elif not inspect.isfunction(original):
        setattr(cls, name, EitherMethod(ignored))
    else:
        setattr(cls, name, functools.wraps(original)(ignored))


class EitherMethod:
    """A method of a class and of its objects, as Prefect's own for both."""

    def __init__(self, function):
        self._function = function

    def __get__(self, thing, cls):
        return functools.partial(self._function, cls if thing is None else thing)


def ignore_function(original, name, notice):
    @functools.wraps(original)
    def ignored(*args, **kwargs):
        notice("%s() ignored: %s" % (name, _REGISTERS))
        return nothing_later() if is_awaited(original) else Ignored()

    for module in holders(name):
        if vars(module).get(name) is original:
            setattr(module, name, ignored)


_held = {}
"""By name: a process forked from one that has looked need not look."""


def holders(name):
    """Prefect's modules that have something of this name."""
    if name not in _held:
        # By their keys: asking another module for its name may import it only now.
        found = [key for key in sys.modules if key == "prefect" or key.startswith("prefect.")]
        _held[name] = [sys.modules[key] for key in found if name in vars(sys.modules[key])]
    return _held[name]


def look_for_functions():
    """What `ignore_calls` would look for, in a Python that others are forked from."""
    for names in _FUNCTIONS.values():
        for name in names:
            holders(name)


def is_awaited(function):
    return inspect.iscoroutinefunction(function)


async def nothing_later():
    return Ignored()
