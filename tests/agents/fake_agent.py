"""Stands in for `prefect agent … start`: what it does is said in its first argument."""

import os
import signal
import subprocess
import sys
import time


def main():
    what = sys.argv[1]
    print("[2026-11-25 04:04:22,850] INFO - agent | Registering agent...", flush=True)
    if what == "die":
        sys.exit(sys.argv[2])
    if what == "deaf":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if what == "secret":
        print("[x] ERROR - agent | key " + os.environ["PREFECT__CLOUD__API_KEY"] + " \x1b[31mred")
    if what == "flow":
        child = [sys.executable, "-c", "import time; time.sleep(600)", "execute", "flow-run"]
        print("flow", subprocess.Popen(child).pid, flush=True)
    print("[2026-11-25 04:04:22,942] INFO - agent | Waiting for flow runs...", flush=True)
    try:
        while True:
            time.sleep(600)
    except KeyboardInterrupt:
        print("[2026-11-25 04:04:23,942] INFO - agent | Keyboard interrupt received!", flush=True)


main()
