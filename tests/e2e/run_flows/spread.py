"""A flow of any Prefect whose mapped tasks say where they run, and run in two places at once."""

from prefect import Flow, Parameter, task


@task
def numbers(count):
    return list(range(count))


@task
def meet(number, folder):
    """Ends once a task has begun in another place, so that no place can do all of them."""
    import os
    import threading
    import time
    from pathlib import Path

    import prefect

    place = f"{os.getpid()} {threading.get_ident()}"
    Path(folder, str(number)).write_text(place)
    last_look = time.time() + 60
    places = set()
    while len(places) < 2:
        if time.time() > last_look:
            raise RuntimeError("nobody else came")
        time.sleep(0.05)
        places.update(mark.read_text() for mark in Path(folder).iterdir())
        places.discard("")
    prefect.context.get("logger").info("number %d ran in %s", number, place)
    return place


@task
def count(places):
    return len(set(places))


with Flow("spread") as flow:
    folder = Parameter("folder")
    count(meet.map(numbers(Parameter("count", default=4)), folder=[folder] * 4))
