"""From an exception of the user's code to what is wrong, where, and what to do next."""

import os
import sys
import traceback

from .refusals import RefusalError

_KNOWN_CAUSES = (
    ("method_whitelist", "urllib3<2"),
    ("unexpected keyword argument 'key'", "marshmallow<4"),
    ("'Nested' object has no attribute 'context'", "marshmallow<4"),
    ("No module named 'distutils'", "setuptools<81"),
    ("No module named 'pkg_resources'", "setuptools<81"),
)


_MOVED = {
    "prefect.environments": "Prefect 1.0 and later have no environments: import storage from "
    "prefect.storage, and set the flow's executor and run_config",
    "prefect.storage": "before Prefect 0.14 it is called prefect.environments.storage",
    "prefect.executors": "before Prefect 0.14 it is called prefect.engine.executors",
    "prefect.run_configs": "run configs came with Prefect 0.13: set the flow's environment",
}


def describe(error):
    text = str(error).strip()
    return "%s: %s" % (type(error).__name__, text) if text else type(error).__name__


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
    if asks_the_api(error):
        return report(
            "AsksThePrefectApi",
            "the file asks the Prefect API while it is loaded",
            "load blocks and variables, and call the API, inside the flow or a task",
            frames,
        )
    message = str(error).strip() or type(error).__name__
    for text, pin in _KNOWN_CAUSES:
        if text in message:
            hint = "this Prefect needs '%s': %s -m pip install '%s'" % (pin, sys.executable, pin)
            return report(type(error).__name__, message, hint, frames)
    return report(type(error).__name__, message, hint_for(error, project, installed), frames)


def asks_the_api(error):
    """Prefect 2 and 3 are loaded with an address where no API is."""
    if type(error).__name__ not in ("ConnectError", "ConnectTimeout"):
        return False
    client = os.path.join("", "prefect", "client", "")
    return any(client in frame.filename for frame in traceback.extract_tb(error.__traceback__))


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
