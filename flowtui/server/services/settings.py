"""How often the background services look, and what they wait for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class ServiceSettings:
    """The defaults are those of Prefect Server where nothing else is said."""

    check_every: timedelta = timedelta(minutes=2)
    """Between two looks at the runs whose process may be gone."""
    silent_after: timedelta = timedelta(minutes=10)
    """Without a heartbeat or a new state for this long, the process of a run counts as gone."""
    resurrections: int = 10
    """How often one flow run is handed out again before it counts as failed."""
    schedule_every: timedelta = timedelta(seconds=30)
    """Between two looks for schedules that have too few runs planned. Prefect Server looks every
    150 seconds; here a look costs some milliseconds."""
    keep_runs: timedelta | None = None
    """How long after their end runs are kept, with all that belongs to them. None: for ever."""
    keep_logs: timedelta | None = None
    """How long after their end the log lines of runs are kept. None: as long as the runs."""
