"""A deploy of an earlier session: the history's events through the `apply` of live ones."""

from __future__ import annotations

from collections.abc import Iterable

from flowtui.deploy.events import Event, tidied
from flowtui.deploy.history import INTERRUPTED
from flowtui.deploy.history import DeployRecord as HistoryLine
from flowtui.models import FlowKind, LocalFlow
from flowtui.tui.view_models.deploys import DeployRecord, Phase


def unread(line: HistoryLine) -> DeployRecord:
    """What the history's line alone tells."""
    path, _, _ = line.target.rpartition(":")
    flow = LocalFlow(path, 0, line.flow, FlowKind.FLOW_OBJECT)
    return DeployRecord(line.id, flow, Phase.READING, earlier=line, started=line.started)


def replayed(line: HistoryLine, events: Iterable[Event]) -> DeployRecord:
    """The record as its own session had it at its end. Blocking: run it in a thread.

    The file may have been written by anybody: events are made safe again.
    """
    record = unread(line)
    for event in events:
        record.apply(tidied(event))
    if record.result is None:
        interrupted = line.outcome == INTERRUPTED
        record.phase = Phase.INTERRUPTED if interrupted else Phase.ELSEWHERE
        if interrupted:
            record.interrupt()
    return record
