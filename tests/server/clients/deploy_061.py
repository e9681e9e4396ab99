"""Prefect 0.6.1: create a project twice, register by each route, create a run, read it back.

Prints one JSON object with the ids.
"""

import datetime
import json
import sys

import prefect
from prefect import Client, Flow, Parameter, task
from prefect.environments.storage import Local
from prefect.schedules import IntervalSchedule


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
    flow.storage = Local(directory=directory)
    return flow


directory = sys.argv[1]
client = Client()
found = {"prefect": prefect.__version__}
found["project"] = client.create_project("proj 061")
try:
    client.create_project("proj 061")
    found["again"] = None
except prefect.utilities.exceptions.ClientError as error:
    found["again"] = str(error)
try:
    make("lost", directory).deploy("no such project")
    found["missing"] = None
except ValueError as error:
    found["missing"] = str(error)

found["first"] = make("two task", directory).deploy("proj 061")
second = make("two task", directory)
found["second"] = second.deploy("proj 061")
second.storage.add_flow  # noqa: B018
found["serialized"] = second.serialize()

hourly = IntervalSchedule(
    start_date=datetime.datetime(2030, 1, 1), interval=datetime.timedelta(hours=1)
)
plain = make("plain flow", directory, hourly)
plain.storage.add_flow(plain)
found["plain"] = client.deploy(plain, "proj 061", build=False, compressed=False)

found["run"] = client.create_flow_run(
    flow_id=found["second"],
    parameters={"x": 5},
    context={"camelKey": {"innerKey": 1}},
    idempotency_key="k1",
    scheduled_start_time=datetime.datetime(2030, 1, 1),
)
found["same_run"] = client.create_flow_run(flow_id=found["second"], idempotency_key="k1")
info = client.get_flow_run_info(found["run"])
found["info"] = {
    "parameters": info.parameters,
    "context": info.context,
    "version": info.version,
    "state": type(info.state).__name__,
    "scheduled_start_time": str(info.scheduled_start_time),
    "slugs": sorted(run.task_slug for run in info.task_runs),
}
client.set_secret("S", "v")
print("FOUND " + json.dumps(found))
