"""For Prefect 0.6.1: what a run shall do is in its parameter `mode`."""

import time
from datetime import timedelta

import prefect
from prefect import Flow, Parameter, task
from prefect.client import Secret
from prefect.engine.result_handlers import JSONResultHandler


@task
def numbers(mode, count):
    logger = prefect.context.get("logger")
    for number in range(40):
        logger.info("line %02d of the numbers", number)
    return list(range(count))


@task
def double(number):
    return 2 * number


@task
def total(doubles):
    key = Secret("SHOP_KEY").get()
    prefect.context.get("logger").info("total %d, a key of %d letters", sum(doubles), len(key))
    return sum(doubles)


@task(cache_for=timedelta(hours=1), result_handler=JSONResultHandler())
def costly():
    prefect.context.get("logger").info("really computed")
    return 41


@task(max_retries=2, retry_delay=timedelta(seconds=1))
def shaky():
    if prefect.context.get("task_run_count") == 1:
        raise RuntimeError("not at the first attempt")
    return "steady"


@task(max_retries=1, retry_delay=timedelta(minutes=15))
def patient(mode):
    if mode == "patient" and prefect.context.get("task_run_count") == 1:
        raise RuntimeError("come back later")


@task
def price(mode):
    if mode == "fail":
        raise ValueError("the price is negative")
    return 7


@task
def bill(amount):
    return amount


@task(max_retries=2, retry_delay=timedelta(seconds=1))
def step(mode):
    if mode == "steps":
        time.sleep(1)


with Flow("shop") as flow:
    mode = Parameter("mode")
    count = Parameter("count", default=3)
    total(double.map(numbers(mode, count)))
    costly()
    shaky()
    patient(mode)
    bill(price(mode))
    previous = None
    for _ in range(10):
        previous = step(mode, upstream_tasks=[] if previous is None else [previous])
