"""Stands in for `prefect worker start` by `worker_launcher`: it has a run under way."""

import signal
import sys
import time


def main():
    state = {"asked": False}

    def ask(*_):
        print("Stopping: no more runs are taken", flush=True)
        state["asked"] = True

    def ask_again(*_):
        if state["asked"]:
            print("Stopping at once", flush=True)
            sys.exit(0)
        ask()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask_again)
    print("Worker 'box' started!", flush=True)
    until = float(sys.argv[1])
    begun = None
    while begun is None or time.monotonic() - begun < until:
        time.sleep(0.02)
        if state["asked"] and begun is None:
            begun = time.monotonic()
    print("Worker 'box' stopped!", flush=True)


main()
