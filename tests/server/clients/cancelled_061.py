"""Prefect 0.6.1: deploy a flow whose first task waits until it is let go; prints the flow's id."""

import sys
import time
from pathlib import Path

from prefect import Client, Flow, task
from prefect.environments.storage import Local


@task
def first(folder):
    Path(folder, "first").touch()
    end = time.time() + 120
    while not Path(folder, "go on").exists():
        if time.time() > end:
            raise ValueError("nobody let it go on")
        time.sleep(0.1)
    return folder


@task
def second(folder):
    Path(folder, "second").touch()


folder = sys.argv[1]
with Flow("to be cancelled") as flow:
    second(first(folder))
flow.storage = Local(directory=folder)
Client().create_project("cancelling")
print("FOUND " + '"{}"'.format(flow.deploy("cancelling")))
