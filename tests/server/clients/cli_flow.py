"""A flow file for `prefect register --path`."""

from prefect import Flow, task
from prefect.storage import Local


@task
def hello():
    print("hello")


with Flow("cliflow", storage=Local(add_default_labels=False)) as flow:
    hello()
