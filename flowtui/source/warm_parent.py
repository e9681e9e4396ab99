"""Imports Prefect once, then forks for each program that it is asked to run.

A program of its own: it runs on Python 3.8 and up and imports nothing of flowtui. It never runs a
line of the user's code itself, so each child is as fresh as a process of its own that has just
imported Prefect. Called as `python warm_parent.py FD`, a Unix socket; on it comes `r` when it is
ready, and go requests: four bytes of length with the descriptors of standard input, output, errors
and of a pipe for the status, then JSON with `argv`, `source`, `folder` (of the script, first on
`sys.path`), `cwd` and `env`. Into the status pipe go two lines, the child's pid and its exit status
(-n when signal n ended it).
"""

import array
import gc
import importlib
import json
import os
import signal
import socket
import struct
import sys
import tempfile
import threading
import traceback
import types

_FLOW = "from prefect import flow\n\n\n@flow\ndef nothing():\n    pass\n"


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
    sys.path[:] = paths


def receive(channel):
    """(request, descriptors); None when nobody asks any more."""
    size = array.array("i").itemsize
    head, ancillary, _, _ = channel.recvmsg(4, socket.CMSG_SPACE(4 * size))
    if len(head) < 4:
        return None, []
    descriptors = array.array("i")
    for _, _, data in ancillary:
        descriptors.frombytes(data[: len(data) - len(data) % size])
    (length,) = struct.unpack("!I", head)
    content = b""
    while len(content) < length:
        content += channel.recv(length - len(content))
    return json.loads(content.decode("utf-8")), list(descriptors)


def watch(request, descriptors):
    """Runs the child, and tells who it is and how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
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


def run(request, descriptors):
    """The program, as if this Python had been started with it."""
    code = 1
    try:
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
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


def main():
    channel = socket.socket(fileno=int(sys.argv[1]))
    del sys.path[0]  # the folder of this file: its modules are not the user's
    sys.dont_write_bytecode = True
    preload()
    if threading.active_count() > 1:
        sys.exit("Prefect has started a thread: a fork would lose it")
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who watches a child is waited for by nobody
    channel.sendall(b"r")
    while True:
        request, descriptors = receive(channel)
        if request is None:
            return
        if os.fork() == 0:
            channel.close()
            watch(request, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


if __name__ == "__main__":
    main()
