"""For Prefect 0.15 and 1.x: what a run shall do is in its parameter `mode`."""

import time
from datetime import timedelta

import prefect
from prefect import Flow, Parameter, case, task
from prefect.artifacts import create_markdown
from prefect.tasks.secrets import PrefectSecret


@task
def numbers(count):
    logger = prefect.context.get("logger")
    for number in range(40):
        logger.info("line %02d of the numbers", number)
    return list(range(count))


@task(task_run_name="double of {number}")
def double(number):
    return 2 * number


@task
def total(doubles, key):
    prefect.context.get("logger").info("total %d, a key of %d letters", sum(doubles), len(key))
    create_markdown("# Total")
    return sum(doubles)


@task(cache_for=timedelta(hours=1))
def costly():
    prefect.context.get("logger").info("really computed")
    return 41


@task(max_retries=2, retry_delay=timedelta(seconds=1))
def shaky():
    if prefect.context.get("task_run_count") == 1:
        raise RuntimeError("not at the first attempt")
    return "steady"


@task(max_retries=1, retry_delay=timedelta(minutes=15))
def patient():
    if prefect.context.get("task_run_count") == 1:
        raise RuntimeError("come back later")


@task
def price(mode):
    if mode == "fail":
        raise ValueError("the price is negative")
    return 7


@task
def bill(amount):
    return amount


@task
def sleep():
    prefect.context.get("logger").info("asleep")
    time.sleep(300)


@task
def steps(count):
    return list(range(count))


@task(max_retries=2, retry_delay=timedelta(seconds=1))
def step(number):
    time.sleep(0.2)
    return number


with Flow("shop") as flow:
    mode = Parameter("mode")
    count = Parameter("count", default=3)
    with case(mode, "well"):
        key = PrefectSecret("SHOP_KEY")
        total(double.map(numbers(count)), key)
        costly()
        shaky()
    with case(mode, "fail"):
        bill(price(mode))
    with case(mode, "patient"):
        patient()
    with case(mode, "sleep"):
        sleep()
    with case(mode, "steps"):
        step.map(steps(count))
    with case(mode, "keyless"):
        PrefectSecret("NO_SUCH_KEY")()
