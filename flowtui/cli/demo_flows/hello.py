"""The guide's first flow: an execution environment and Docker storage, in Prefect 1's words."""

from prefect import Flow, task
from prefect.executors import LocalExecutor
from prefect.storage import Docker


@task
def say_hello():
    print("Hello from flowtui")


with Flow("example-storage", storage=Docker(registry_url="prefecthq/storage-example")) as flow:
    say_hello()

flow.executor = LocalExecutor()


if __name__ == "__main__":
    flow.run()
