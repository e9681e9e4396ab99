"""Arguments by name, and the part of a value that is JSON."""

import copy
import inspect
import os


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
