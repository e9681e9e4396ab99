"""The log of a flow run: its lines in a ring, with the task run that wrote each."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence

from flowtui.deploy.events import Level
from flowtui.run_models import RunLine
from flowtui.text import clean_block, redact
from flowtui.tui.logs.store import LogStore
from flowtui.tui.looks.words import padded, plain, shortened

LIMIT = 100_000
_NAME = 14
"""Cells of a task's name before its lines."""
_FLOW_RUNNERS = ("CloudFlowRunner", "FlowRunner")
_FLOW_RUN = "flow run"
_LEVELS = {
    "DEBUG": Level.DEBUG,
    "WARNING": Level.WARNING,
    "WARN": Level.WARNING,
    "ERROR": Level.ERROR,
    "CRITICAL": Level.ERROR,
    "FATAL": Level.ERROR,
}


class RunLog:
    """Lines in the order in which they came; those of chosen task runs as a log of their own."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self.store = LogStore(limit)
        self._writers: deque[tuple[str, int]] = deque(maxlen=limit)
        """The task run of each line in the ring, and the characters of the name before it."""
        self._chosen: frozenset[str] = frozenset()
        self._of_chosen = LogStore(limit)

    def add(self, lines: Sequence[RunLine], names: Mapping[str, str]) -> None:
        """Lines that came, with the names of tasks by the ids of their runs."""
        for line in lines:
            level = _LEVELS.get(line.level.upper(), Level.INFO)
            at = line.moment.timestamp()
            name = names.get(line.task_run_id, "")
            before = f"{padded(shortened(plain(name or _logger(line)), _NAME), _NAME)}  "
            for text in _texts(line.text):
                self.store.append(f"{before}{text}", level, at)
                self._writers.append((line.task_run_id, len(before)))
                if line.task_run_id in self._chosen:
                    self._of_chosen.append(text, level, at)

    def of(self, task_runs: Collection[str]) -> LogStore:
        """The lines that these task runs wrote, kept up as lines come; all for none."""
        chosen = frozenset(task_runs)
        if not chosen:
            self._chosen, self._of_chosen = chosen, LogStore(self._limit)
            return self.store
        if chosen != self._chosen:
            self._choose(chosen)
        return self._of_chosen

    def _choose(self, chosen: frozenset[str]) -> None:
        self._chosen, self._of_chosen = chosen, LogStore(self._limit)
        first = self.store.total - len(self._writers)
        for number, (writer, before) in enumerate(self._writers, start=first):
            line = self.store.line(number) if writer in chosen else None
            if line is None:
                continue
            coloured = line.text != line.coloured
            text = line.coloured if coloured else self.store.whole(number)
            self._of_chosen.append(text[before:], line.level, line.at)


def _texts(text: str) -> list[str]:
    """Each line made safe; an empty record is a line as well."""
    return redact(clean_block(text, keep_colour=True)).split("\n")


def _logger(line: RunLine) -> str:
    """The last part of a logger's name: of `prefect.Task: add` that is `add`."""
    name = line.logger.rpartition(".")[2].rpartition(": ")[2]
    return _FLOW_RUN if name in _FLOW_RUNNERS else name
