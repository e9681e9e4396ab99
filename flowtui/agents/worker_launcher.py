"""Starts Prefect's own `prefect worker …` so that it can be asked to end. Stand-alone: no flowtui
import, any Python since 3.8, Prefect 2 and 3.

A worker that is interrupted kills the flow processes that it started, and their runs stay Running
for ever (measured on 2.20 and 3.9). So here
    SIGTERM, or the first SIGINT, lets it take no more runs; it ends when those it has are over,
    the next SIGINT asks their processes to end, which report their runs, and ends then.
"""

import asyncio
import contextlib
import importlib
import os
import signal
import subprocess
import sys

_REST = 0.2
"""Seconds in which a run that was just handed over is begun."""


BEGINNING = ("_submit_run", "_submit_run_and_capture_errors")
"""Methods of a worker in which it begins a run."""
UNKNOWN = (
    "flowtui does not know how to end a worker of this Prefect: interrupted, it kills the flows "
    "that it runs, and their runs may stay Running."
)


class Ending:
    def __init__(self):
        self.asked = self.ended = False
        self.under_way = 0
        self.interrupt = None
        self.say = print

    def watch(self, worker_class):
        """Count what its instances have begun, and hand them nothing new once it is to end."""
        poll = worker_class.get_and_submit_flow_runs

        async def poll_unless_asked(worker, *arguments, **keywords):
            if self.asked:
                return []
            return await self.counted(poll(worker, *arguments, **keywords))

        worker_class.get_and_submit_flow_runs = poll_unless_asked
        for name in BEGINNING:
            self.count(worker_class, name)

    def count(self, worker_class, name):
        original = getattr(worker_class, name)

        async def counted(worker, *arguments, **keywords):
            return await self.counted(original(worker, *arguments, **keywords))

        setattr(worker_class, name, counted)

    async def counted(self, work):
        self.under_way += 1
        try:
            return await work
        finally:
            self.under_way -= 1
            self.look_soon()

    def handle_signals(self, _pid, _name, print_fn):
        """In the place of `prefect.utilities.processutils.setup_signal_handlers_worker`."""
        self.say = print_fn
        self.interrupt = signal.getsignal(signal.SIGINT)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.ask)
        loop.add_signal_handler(signal.SIGINT, self.ask_again)

    def ask(self):
        if not self.asked:
            self.asked = True
            self.say("Stopping: no more runs are taken; it ends when those it has are over.")
        self.look_soon()

    def ask_again(self):
        if self.asked and not self.ended:
            self.ended = True
            self.say("Stopping at once: the processes of its runs are asked to end.")
            for pid in children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        self.ask()

    def look_soon(self):
        if self.asked:
            asyncio.get_running_loop().call_later(_REST, self.end_if_idle)

    def end_if_idle(self):
        if self.under_way == 0 and self.interrupt is not None:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
            signal.signal(signal.SIGINT, self.interrupt)
            self.interrupt = None
            os.kill(os.getpid(), signal.SIGINT)


def children():
    try:
        with open("/proc/{0}/task/{0}/children".format(os.getpid())) as stream:
            return [int(word) for word in stream.read().split()]
    except OSError:  # not on Linux
        told = subprocess.run(["pgrep", "-P", str(os.getpid())], stdout=subprocess.PIPE)
        return [int(word) for word in told.stdout.split()]


def main():
    # The folder of this file: its modules are not the user's.
    del sys.path[0]
    worker_class = importlib.import_module("prefect.workers.base").BaseWorker
    processes = importlib.import_module("prefect.utilities.processutils")
    known = all(hasattr(worker_class, name) for name in ("get_and_submit_flow_runs", *BEGINNING))
    if known and hasattr(processes, "setup_signal_handlers_worker"):
        take_over(worker_class, processes)
    else:
        print(UNKNOWN, file=sys.stderr, flush=True)
    sys.argv[0] = "prefect"
    importlib.import_module("prefect.cli").app()


def take_over(worker_class, processes):
    ending = Ending()
    ending.watch(worker_class)
    processes.setup_signal_handlers_worker = ending.handle_signals
    # Prefect 2 takes it into the module of the command when that is imported.
    command = importlib.import_module("prefect.cli.worker")
    if hasattr(command, "setup_signal_handlers_worker"):
        command.setup_signal_handlers_worker = ending.handle_signals


if __name__ == "__main__":
    main()
