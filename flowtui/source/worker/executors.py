"""The executor classes of Prefect 0.6 to 1.4."""

import functools
import importlib
import sys

from .failures import describe
from .refusals import RefusalError


def path_of(cls):
    known = [name for name, one in executor_classes().items() if one is cls]
    return known[0] if known else "%s.%s" % (cls.__module__, cls.__qualname__)


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
