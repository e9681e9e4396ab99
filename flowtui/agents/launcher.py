"""Starts Prefect's own command line, from any Python since 3.6. Stand-alone: no flowtui import.

FLOWTUI_AGENT holds what must not be seen in the list of processes, as JSON:
    env      variables for flow runs, each an `--env` of the agent
    labels   null, or all the labels that it shall have: those that older agents add by
             themselves (the machine's name, `s3-flow-storage`, …) are dropped
"""

import importlib
import json
import os
import sys


def main():
    # The folder of this file: its modules are not the user's, and one of the working folder
    # (`docker/`, `queue.py`) must not hide a package that Prefect needs.
    del sys.path[0]
    wanted = json.loads(os.environ.pop("FLOWTUI_AGENT", "{}"))
    for name, value in wanted.get("env", {}).items():
        sys.argv += ["--env", name + "=" + value]
    if wanted.get("labels") is not None:
        drop_automatic_labels(wanted["labels"])
    sys.argv[0] = "prefect"
    importlib.import_module("prefect.cli").cli()


def drop_automatic_labels(labels):
    local_agent = importlib.import_module("prefect.agent.local").LocalAgent
    start = local_agent.start

    def start_with_given_labels(agent, *arguments, **keywords):
        agent.labels = list(labels)
        return start(agent, *arguments, **keywords)

    local_agent.start = start_with_given_labels


if __name__ == "__main__":
    main()
