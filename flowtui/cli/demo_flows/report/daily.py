"""A flow with a helper module beside it and a package from the index."""

import humanize
from formatting import title
from prefect import Flow, task


@task
def measure():
    return {"rows": 1_234_567, "bytes": 98_765_432}


@task
def write(measured):
    print(title("daily report"))
    print("rows ", humanize.intcomma(measured["rows"]))
    print("bytes", humanize.naturalsize(measured["bytes"]))


with Flow("daily report") as flow:
    write(measure())
