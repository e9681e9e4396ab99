"""When a schedule starts runs: the moments that Prefect itself gives. No Prefect, no database.

`read_schedule` takes a schedule as Prefect 0.6.1 to 1.4.1 serialize it; `next_events` tells its
next moments. Both follow `schedule.next()` of the flow's own Prefect, clock changes included: where
releases differ (`releases.py`), the one that serialized the flow is followed.
"""

from flowtui.server.schedules.problems import ScheduleError
from flowtui.server.schedules.reading import read_schedule
from flowtui.server.schedules.schedule import Event, Schedule, next_events

__all__ = ["Event", "Schedule", "ScheduleError", "next_events", "read_schedule"]
