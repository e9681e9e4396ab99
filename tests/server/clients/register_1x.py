"""Prefect 0.15.13 and 1.4.1: create a project twice, register by each route, create runs.

Prints one JSON object with the ids.
"""

import datetime
import json
import os
import sys

import prefect
from prefect import Client, Flow, Parameter, task
from prefect.run_configs import LocalRun
from prefect.schedules import IntervalSchedule
from prefect.storage import Local


@task
def add(x, y):
    return x + y


@task
def show(value):
    print(value)


def make(name, directory, schedule=None):
    with Flow(name, schedule=schedule) as flow:
        x = Parameter("x", default=1)
        show(add(x, 2))
    flow.storage = Local(directory=directory, add_default_labels=False)
    return flow


directory = sys.argv[1]
project = os.environ["TEST_PROJECT"]
client = Client()
found = {"prefect": prefect.__version__}
found["project"] = client.create_project(project, "about")
found["again"] = client.create_project(project)
found["doomed"] = client.create_project("doomed")
found["deleted"] = client.delete_project("doomed")

found["first"] = make("two task", directory).register(project, set_schedule_active=False)
second = make("two task", directory)
found["second"] = second.register(project, idempotency_key="same")
found["third"] = second.register(project, idempotency_key="same")
found["serialized"] = second.serialize()

hourly = IntervalSchedule(
    start_date=datetime.datetime(2030, 1, 1), interval=datetime.timedelta(hours=1)
)
plain = make("plain flow", directory, hourly)
plain.storage.add_flow(plain)
found["plain"] = client.register(plain, project, build=False, compressed=False)

wide = Flow("wide", storage=Local(directory=directory, add_default_labels=False))
for number in range(500):
    wide.add_task(prefect.tasks.core.constants.Constant(number, name=f"c{number}"))
found["wide"] = wide.register(project)

labelled = make("labelled", directory)
labelled.run_config = LocalRun(labels=["a", "b"])
found["labelled"] = labelled.register(project, labels=["c"])

found["run"] = client.create_flow_run(
    flow_id=found["second"], parameters={"x": 5}, context={"camelKey": {"innerKey": 1}}
)
found["labelled_run"] = client.create_flow_run(
    flow_id=found["labelled"],
    labels=["zz"],
    run_name="named run",
    scheduled_start_time=datetime.datetime(2030, 1, 1),
    idempotency_key="k1",
)
found["same_run"] = client.create_flow_run(flow_id=found["labelled"], idempotency_key="k1")
client.set_flow_run_name(found["run"], "renamed")
found["state"] = type(client.get_flow_run_state(found["run"])).__name__
info = client.get_flow_run_info(found["run"])
found["info"] = {
    "parameters": info.parameters,
    "context": info.context,
    "version": info.version,
    "slugs": sorted(run.task_slug for run in info.task_runs),
}
client.set_secret("S", "v")
found["cancelled"] = client.cancel_flow_run(found["labelled_run"])
print("FOUND " + json.dumps(found))
