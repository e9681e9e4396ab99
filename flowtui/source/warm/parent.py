"""Imports Prefect and the worker once, then forks for each program that it is asked to run.

A program of its own: it runs on Python 3.8 and up and imports nothing of flowtui. It never runs a
line of the user's code itself, so each child is as fresh as a process of its own that has just
imported Prefect. Called as `python parent.py FD SECONDS`: a listening Unix socket, and how long it
waits for the next request before it ends. It goes on in the background, with `PREFECT_HOME` its own
folder.

A connection gets `r` when the Python is ready, or is closed where something that was imported is
not what is on disk any more. One request goes over it: four bytes of length with the descriptors of
standard input, output, errors and of a pipe for the status, then JSON with `argv`, `source`,
`folder` (of the script, first on `sys.path`), `cwd`, `umask` and `env`. Into the status pipe go two
lines, the child's pid and its exit status (-n when signal n ended it). Who asked holds the
connection until then.
"""

import array
import contextlib
import gc
import importlib
import importlib.util
import json
import os
import selectors
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
import traceback
import types

GRACE = 2.0
"""Seconds that it waits in any case: the next program of the same deploy may come."""
FRESH = 1.0
"""Seconds for which what was imported is taken for unchanged."""
_MODULES = ("prefect.deployments.runner", "prefect.main", "prefect.runtime", "prefect.logging")
WORKER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "worker")
_FLOW = """
from prefect import flow, task

@task
def something(value: int) -> int:
    return value

@flow
def nothing(value: int = 1):
    something(value)
"""


def preload():
    """All that loading a flow brings in: found out by loading one."""
    load = importlib.import_module("prefect.flows").load_flow_from_entrypoint
    cloudpickle = importlib.import_module("cloudpickle")
    schema = importlib.import_module("prefect.utilities.callables").parameter_schema
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "flowtui_warm_up.py")
        with open(path, "w") as target:
            target.write(_FLOW)
        known, paths = set(sys.modules), list(sys.path)
        flow = load(path + ":nothing")
        schema(flow)
        cloudpickle.loads(cloudpickle.dumps(flow))
    for name in set(sys.modules) - known:
        if "flowtui_warm_up" in name:
            del sys.modules[name]
    for name in _MODULES:
        with contextlib.suppress(ImportError):  # a Prefect that does not have it
            importlib.import_module(name)
    sys.path[:] = paths
    program = importlib.util.spec_from_file_location(
        "_flowtui_worker_program", os.path.join(WORKER, "__main__.py")
    )
    worker = importlib.util.module_from_spec(program)
    program.loader.exec_module(worker)
    worker.prepare()


def imported():
    """Every file that was imported and every folder of packages, as they are now."""
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    installed = {path for path in sys.path if path.startswith((sys.prefix, sys.base_prefix))}
    return {path: stamp(path) for path in files.union(installed) if path}


def stamp(path):
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def receive(channel):
    """(request, descriptors); None when nobody asks any more."""
    size = array.array("i").itemsize
    head, ancillary, _, _ = channel.recvmsg(4, socket.CMSG_SPACE(4 * size))
    descriptors = array.array("i")
    for _, _, data in ancillary:
        descriptors.frombytes(data[: len(data) - len(data) % size])
    content = b""
    length = struct.unpack("!I", head)[0] if len(head) == 4 else 0
    while len(content) < length:
        piece = channel.recv(length - len(content))
        if not piece:
            return None, list(descriptors)
        content += piece
    return json.loads(content.decode("utf-8")) if length else None, list(descriptors)


def kept_alone(descriptors):
    """These, as 3, 4, 5 and 6, and nothing else of the parent's."""
    high = [os.dup(each) for each in descriptors]
    while min(high) < 7:
        high = [os.dup(each) for each in high]
    for number, descriptor in enumerate(high, 3):
        os.dup2(descriptor, number)
    os.closerange(7, max(high) + 1024)
    return [3, 4, 5, 6]


def watch(request, descriptors):
    """Runs the child, and tells who it is and how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    descriptors = kept_alone(descriptors)
    status = descriptors[3]
    begun, begins = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.close(begun)
        os.close(begins)
        os.close(status)
        run(request, descriptors[:3])
    os.close(begins)
    for descriptor in descriptors[:3]:
        os.close(descriptor)
    os.read(begun, 1)  # from here on its session can be ended by its pid
    os.write(status, b"%d\n" % pid)
    _, ended = os.waitpid(pid, 0)
    code = -os.WTERMSIG(ended) if os.WIFSIGNALED(ended) else os.WEXITSTATUS(ended)
    os.write(status, b"%d\n" % code)
    os._exit(0)


def read_settings():
    """Where the folder has settings of its own for Prefect, as a start in it would read them."""
    if not any(os.path.exists(name) for name in ("prefect.toml", "pyproject.toml", ".env")):
        return
    refresh = getattr(sys.modules["prefect.context"], "refresh_global_settings_context", None)
    if refresh is not None:
        refresh()


def run(request, descriptors):
    """The program, as if this Python had been started with it."""
    code = 1
    try:
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(request["env"])
        os.umask(request["umask"])
        os.chdir(request["cwd"])
        tempfile.tempdir = None
        read_settings()
        sys.argv[:] = request["argv"]
        sys.path.insert(0, request["folder"])
        main_module = types.ModuleType("__main__")
        main_module.__file__ = request["argv"][0]
        sys.modules["__main__"] = main_module
        exec(compile(request["source"], request["argv"][0], "exec"), main_module.__dict__)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


class Parent:
    """Serves until nobody has asked for `seconds`."""

    def __init__(self, listener, seconds):
        self.listener = listener
        self.seconds = max(seconds, GRACE)
        self.known = imported()
        self.looked = time.monotonic()
        self.connections = set()
        self.listening = True
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ)

    def serve(self):
        while self.listening or self.connections:
            ready = self.selector.select(None if self.connections else self.seconds)
            if not ready:
                return
            for key, _ in ready:
                if key.fileobj is self.listener:
                    self.accept()
                else:
                    self.answer(key.fileobj)

    def accept(self):
        channel, _ = self.listener.accept()
        if not self.as_it_was():
            channel.close()
            self.selector.unregister(self.listener)
            self.listener.close()
            self.listening = False
            return
        self.connections.add(channel)
        self.selector.register(channel, selectors.EVENT_READ)
        tell(channel, b"r")

    def as_it_was(self):
        now = time.monotonic()
        if now - self.looked > FRESH:
            self.looked = now
            return all(stamp(path) == was for path, was in self.known.items())
        return True

    def answer(self, channel):
        request, descriptors = None, []
        with contextlib.suppress(OSError, ValueError):  # it went away, or is not one of ours
            request, descriptors = receive(channel)
        if request is None:
            self.selector.unregister(channel)
            self.connections.remove(channel)
            channel.close()
        elif os.fork() == 0:
            watch(request, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def tell(channel, said):
    try:
        channel.sendall(said)
    except OSError:
        return  # it went away


def go_on_alone():
    """In the background: who started it does not wait for it, and it does not end with them."""
    if os.fork() != 0:
        os._exit(0)


def main():
    listener = socket.socket(fileno=int(sys.argv[1]))
    home = os.environ["PREFECT_HOME"]
    go_on_alone()
    del sys.path[0]  # the folder of this file: its modules are not the user's
    sys.dont_write_bytecode = True
    failed = os.path.splitext(home)[0] + ".failed"
    try:
        preload()
        if threading.active_count() > 1:
            raise RuntimeError("Prefect has started a thread: a fork would lose it")
    except Exception:
        with open(failed, "w") as target:
            traceback.print_exc(file=target)
        raise
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who watches a child is waited for by nobody
    Parent(listener, float(sys.argv[2])).serve()


if __name__ == "__main__":
    main()
