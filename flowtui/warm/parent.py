"""Imports Prefect and the worker once, or flowtui, then forks for each program it is asked to run.

A program of its own: it runs on Python 3.8 and up. It never runs a line of the user's code itself,
so each child is as fresh as a process of its own that has just imported the same. Called as
`python parent.py KIND FD SECONDS`: `prefect` or `flowtui`, a listening Unix socket, and how long it
waits for the next request before it ends. It goes on in the background, with `PREFECT_HOME` a
folder of its own.

A connection gets `r` when the Python is ready, or is closed where something that was imported is
not what is on disk any more. One request goes over it: four bytes of length with the descriptors of
standard input, output, errors and of a pipe for the status, then JSON with `argv`, `source`,
`folder` (of the script, first on `sys.path`), `cwd`, `umask`, `ignored` (signals) and `env`. Into
the status pipe go two lines, the child's pid and its exit status (-n when signal n ended it). Who
asked holds the connection until then: when it is closed before, the child is killed.
"""

import array
import atexit
import contextlib
import gc
import importlib
import importlib.util
import io
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
MOST_CODE = 20
FRESH = 1.0
"""Seconds for which what was imported is taken for unchanged."""
STREAMS = (sys.stdin, sys.stdout, sys.stderr)
UNBUFFERED = os.environ.get("PYTHONUNBUFFERED", "") != ""
_FLOWTUI = (
    "flowtui.cli.deploy",
    "flowtui.cli.deploy_run",
    "flowtui.cli.planning",
    "flowtui.cli.plan",
    "flowtui.cli.unchanged",
    "flowtui.deploy.deployment.run",
    "flowtui.deploy.flow_object.run",
    "flowtui.deploy.pipeline",
    "flowtui.deploy.unchanged.remembering",
    "flowtui.api.graphql",
    "flowtui.api.opening",
    "flowtui.source.discovery",
    "anyio._backends._asyncio",
    "certifi",
    "h11",
    "httpcore",
    "httpx",
    "yaml",
)
_MODULES = ("prefect.deployments.runner", "prefect.main", "prefect.runtime", "prefect.logging")
WORKER = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "source", "worker"
)
_FLOW = """
from prefect import flow, task

@task
def something(value: int) -> int:
    return value

@flow
def nothing(value: int = 1):
    something(value)
"""


def import_flowtui():
    """All that a deploy or a plan needs, of either generation."""
    for name in _FLOWTUI:
        importlib.import_module(name)


def import_prefect():
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


def read_settings():
    """Where the folder has settings of its own for Prefect, as a start in it would read them."""
    if not any(os.path.exists(name) for name in ("prefect.toml", "pyproject.toml", ".env")):
        return
    refresh = getattr(sys.modules["prefect.context"], "refresh_global_settings_context", None)
    if refresh is not None:
        refresh()


def run(kind, request, descriptors):
    """The program, as if this Python had been started with it."""
    code = 1
    try:
        os.setsid()
        status = take_over(request, descriptors)
        os.write(status, b"%d\n" % os.getpid())  # from here on its session can be ended by it
        os.close(status)
        if kind == "prefect":
            read_settings()
        sys.argv[:] = request["argv"]
        if request["folder"]:
            sys.path.insert(0, request["folder"])
        main_module = types.ModuleType("__main__")
        main_module.__file__ = request["argv"][0]
        sys.modules["__main__"] = main_module
        exec(code_of(request["source"], request["argv"][0]), main_module.__dict__)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


_code = {}


def code_of(source, name):
    """Compiled once: flowtui asks for the same few programs again and again."""
    if (source, name) not in _code:
        if len(_code) > MOST_CODE:
            _code.clear()
        _code[source, name] = compile(source, name, "exec")
    return _code[source, name]


def take_over(request, descriptors):
    """Descriptors, environment, signals and folder of who asked; gives the status pipe."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN if number in request["ignored"] else signal.SIG_DFL)
    ignores = signal.SIGINT in request["ignored"]
    signal.signal(signal.SIGINT, signal.SIG_IGN if ignores else signal.default_int_handler)
    high = [os.dup(each) for each in descriptors]
    while min(high) < 4:
        high = [os.dup(each) for each in high]
    for number, descriptor in enumerate(high):
        os.dup2(descriptor, number)
    os.closerange(4, max(high) + 1024)
    sys.stdin, sys.stdout, sys.stderr = (anew(*each) for each in enumerate(STREAMS))
    os.environ.clear()
    os.environ.update(request["env"])
    os.umask(request["umask"])
    os.chdir(request["cwd"])
    tempfile.tempdir = None
    return 3


def anew(number, stream):
    """Over the descriptor as it is now: a terminal shows each line at once."""
    raw = open(number, "rb" if number == 0 else "wb", buffering=-1, closefd=False)
    shows = number == 2 or os.isatty(number)
    return io.TextIOWrapper(
        raw, stream.encoding, stream.errors, line_buffering=shows, write_through=UNBUFFERED
    )


class Parent:
    """Serves until nobody has asked for `seconds`."""

    def __init__(self, kind, listener, seconds):
        self.kind = kind
        self.listener = listener
        self.seconds = max(seconds, GRACE)
        self.known = imported()
        self.looked = time.monotonic()
        self.running = {}  # pid: (connection, status pipe)
        self.connections = set()
        self.listening = True
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ, self.accept)
        told, tells = socket.socketpair()
        told.setblocking(False)
        tells.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False)
        self.told, self.tells = told, tells
        self.selector.register(told, selectors.EVENT_READ, self.reap)

    def serve(self):
        while self.listening or self.connections or self.running:
            waits = self.connections or self.running
            ready = self.selector.select(None if waits else self.seconds)
            if not ready and not waits:
                return
            for key, _ in ready:
                if key.fileobj is self.listener or key.fileobj is self.told:
                    key.data()
                elif key.fileobj in self.connections:
                    key.data(key.fileobj)

    def accept(self):
        channel, _ = self.listener.accept()
        if not self.as_it_was():
            channel.close()
            self.selector.unregister(self.listener)
            self.listener.close()
            self.listening = False
            return
        self.connections.add(channel)
        self.selector.register(channel, selectors.EVENT_READ, self.answer)
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
            self.forget(channel)
        else:
            with contextlib.suppress(SyntaxError, ValueError):  # the child says so
                code_of(request["source"], request["argv"][0])
            pid = os.fork()
            if pid == 0:
                run(self.kind, request, descriptors)
            self.running[pid] = channel, descriptors.pop()
        for descriptor in descriptors:
            os.close(descriptor)

    def forget(self, channel):
        for pid, (asked, _) in self.running.items():
            if asked is channel:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.selector.unregister(channel)
        self.connections.remove(channel)
        channel.close()

    def reap(self):
        with contextlib.suppress(BlockingIOError):
            self.told.recv(4096)
        for pid in list(self.running):
            ended, how = os.waitpid(pid, os.WNOHANG)
            if ended:
                _, status = self.running.pop(pid)
                code = -os.WTERMSIG(how) if os.WIFSIGNALED(how) else os.WEXITSTATUS(how)
                with contextlib.suppress(OSError):  # nobody wants to know any more
                    os.write(status, b"%d\n" % code)
                os.close(status)


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
    kind, listener = sys.argv[1], socket.socket(fileno=int(sys.argv[2]))
    failed = os.path.splitext(os.environ["PREFECT_HOME"])[0] + ".failed"
    go_on_alone()
    del sys.path[0]  # the folder of this file: its modules are not the user's
    try:
        if kind == "flowtui":
            import_flowtui()
        else:
            sys.dont_write_bytecode = True
            import_prefect()
        if threading.active_count() > 1:
            raise RuntimeError("a thread was started: a fork would lose it")
    except Exception:
        with open(failed, "w") as target:
            traceback.print_exc(file=target)
        raise
    gc.freeze()
    Parent(kind, listener, float(sys.argv[3])).serve()


if __name__ == "__main__":
    main()
