"""Prefect 1.x: register a flow of two tasks with the tag `db` that run in threads of one process
and wait until they are let go; prints the flow's id."""

import datetime
import sys
import time
from pathlib import Path

from prefect import Client, Flow, task
from prefect.executors import LocalDaskExecutor
from prefect.storage import Local


@task(tags=["db"], max_retries=1, retry_delay=datetime.timedelta(seconds=1))
def query(folder, number):
    end = time.time() + 120
    while not Path(folder, "go on").exists():
        if time.time() > end:
            raise ValueError("nobody let it go on")
        time.sleep(0.1)
    return number


folder = sys.argv[1]
with Flow("limited", executor=LocalDaskExecutor(scheduler="threads", num_workers=2)) as flow:
    query(folder, 1, task_args={"name": "one"})
    query(folder, 2, task_args={"name": "two"})
flow.storage = Local(directory=folder)
Client().create_project("limits")
print("FOUND " + '"{}"'.format(flow.register("limits", labels=[])))
