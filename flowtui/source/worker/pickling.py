"""Pickles a flow object into the content of its file in the storage."""

import importlib

from .failures import describe
from .refusals import RefusalError


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


load_with_sources.__module__ = "__main__"  # cloudpickle then copies its code into the pickle


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
