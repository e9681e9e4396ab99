"""A flow file for `prefect register --path`."""

from prefect import Flow, task
from prefect.storage import Local


@task
def hello():
    print("hello")


STORAGE = Local(path=__file__, stored_as_script=True, add_default_labels=False)

with Flow("cliflow", storage=STORAGE) as flow:
    hello()
