"""A deployment of Prefect 2 or 3 in words: where it runs, when, with what, and what said so."""

from __future__ import annotations

from textual.content import Content

from flowtui.flow_rows import FlowRow
from flowtui.quantities import exact, when
from flowtui.run_models import WorkPool
from flowtui.tui import clock
from flowtui.tui.looks.laying import field
from flowtui.tui.looks.words import plain, plain_block
from flowtui.tui.session import Session
from flowtui.tui.view_models.deployment import Line, deployment_lines
from flowtui.tui.widgets.detail.known import last_plan

_ROOMY = 70
"""Cells from which exact times are shown beside relative ones."""


def deployment_fields(session: Session, row: FlowRow, width: int) -> list[Content]:
    """What is registered, else what the plan made last would register."""
    version, plan = row.version, last_plan(session, row)
    payload = session.registered.get(version.id) if version is not None else None
    if payload is None and plan is not None:
        payload = plan.payload
    if payload is None:
        return []
    declared = row.flow.declared if row.flow is not None else None
    parts: list[Content] = []
    if version is not None and version.paused:
        parts.append(field("paused", ("its schedules start no runs", "$warning"), width=width))
    label = ""
    for line in deployment_lines(payload, declared):
        # Several schedules stand below one label.
        parts.append(_field("" if line.label == label else line.label, line, width))
        label = line.label
        if label == "pool":
            parts += _how_it_stands(session, str(payload.get("work_pool_name") or ""), width)
    if version is not None:
        parts += _next(session, version.id, width)
    return parts


def _field(label: str, line: Line, width: int) -> Content:
    declared = f"  {plain(line.declared)}" if line.declared else ""
    style = "$muted" if line.off else ""
    return field(label, (plain_block(line.value), style), (declared, "$secondary"), width=width)


def _how_it_stands(session: Session, name: str, width: int) -> list[Content]:
    """Only where something keeps its runs waiting."""
    if session.work_pools is None or not name:
        return []
    pool = next((each for each in session.work_pools if each.name == name), None)
    words = _waits(pool)
    return [field("", (words, "$warning"), width=width)] if words else []


def _waits(pool: WorkPool | None) -> str:
    if pool is None:
        return "there is no work pool of this name: its runs wait"
    if pool.paused:
        return "the work pool is paused: its runs wait"
    return "" if pool.online else "no worker works for this pool: its runs wait"


def _next(session: Session, version_id: str, width: int) -> list[Content]:
    now = clock.now()
    moments = [each for each in session.next_runs.get(version_id, ()) if each > now]
    if not moments:
        return []
    if width >= _ROOMY:
        words = ", ".join(f"{when(each, now)} ({exact(each)})" for each in moments)
    else:
        words = ", ".join(when(each, now) for each in moments)
    return [field("next runs", words, width=width)]
