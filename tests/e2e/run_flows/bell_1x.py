"""For Prefect 1.x: rings each minute; the test says from when on."""

from datetime import timedelta

import pendulum
import prefect
from prefect import Flow, Parameter, task
from prefect.schedules import Schedule
from prefect.schedules.clocks import IntervalClock


@task
def ring(who):
    prefect.context.get("logger").info("rung for %s", who)


CLOCK = IntervalClock(
    timedelta(minutes=1),
    start_date=pendulum.parse("2030-01-01T00:00:00+00:00"),
    parameter_defaults={"who": "the clock"},
)

with Flow("bell", schedule=Schedule(clocks=[CLOCK])) as flow:
    ring(Parameter("who"))
