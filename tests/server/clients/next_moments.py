"""Runs inside an old Prefect's environment: what `schedule.next` gives for many schedules.

Reads `[{"schedule": …, "number": n, "after": ISO time in UTC}, …]` from stdin and writes for each
`[[ISO time in UTC, parameters, labels], …]`, or `{"error": …}`.
"""

import json
import signal
import sys

import pendulum
from prefect.serialization.schedule import ScheduleSchema


def events(case):
    schedule = ScheduleSchema().load(case["schedule"])
    after = pendulum.parse(case["after"])
    try:
        found = schedule.next(case["number"], after=after, return_events=True)
    except TypeError:  # before 0.9
        found = schedule.next(case["number"], after=after)
    return [
        [
            getattr(event, "start_time", event).in_tz("UTC").isoformat(),
            getattr(event, "parameter_defaults", {}),
            getattr(event, "labels", None),
        ]
        for event in found
    ]


def give_up(_signal, _frame):
    raise RuntimeError("goes on for ever")


def answer(case):
    signal.setitimer(signal.ITIMER_VIRTUAL, 10)  # Prefect 1.4.1 really does, for some
    try:
        return events(case)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is the answer)
        return {"error": f"{type(error).__name__}: {error}"}


signal.signal(signal.SIGVTALRM, give_up)
json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)
