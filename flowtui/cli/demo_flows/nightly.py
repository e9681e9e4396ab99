"""A flow with a schedule, parameters, a task that needs a second try, and mapped tasks."""

import time
from datetime import timedelta

import prefect
from prefect import Flow, Parameter, task
from prefect.schedules import IntervalSchedule


@task(max_retries=2, retry_delay=timedelta(seconds=3))
def load(table, limit):
    if prefect.context.task_run_count == 1:
        raise ConnectionError("the database is still asleep; the second try will do")
    return [f"{table}-{row}" for row in range(limit)]


@task
def clean(row):
    prefect.context.logger.info("cleaning %s", row)
    time.sleep(0.5)
    return row.upper()


@task
def report(rows):
    prefect.context.logger.info("%d rows are clean", len(rows))


with Flow("nightly load", schedule=IntervalSchedule(interval=timedelta(days=1))) as flow:
    table = Parameter("table", default="orders")
    limit = Parameter("limit", default=3)
    report(clean.map(load(table, limit)))
