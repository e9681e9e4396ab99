"""A flow with a schedule and parameters."""

from datetime import timedelta

from prefect import Flow, Parameter, task
from prefect.schedules import IntervalSchedule


@task(max_retries=2, retry_delay=timedelta(seconds=5))
def load(table, limit):
    return [f"{table}-{row}" for row in range(limit)]


@task
def clean(row):
    return row.upper()


with Flow("nightly load", schedule=IntervalSchedule(interval=timedelta(days=1))) as flow:
    table = Parameter("table", default="orders")
    limit = Parameter("limit", default=3)
    clean.map(load(table, limit))
