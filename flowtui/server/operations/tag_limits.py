"""How many task runs with a tag may run at once (Prefect 0.6.6 and later wait when told to)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from flowtui.server.operations.base import (
    Act,
    IdPayload,
    Refused,
    SuccessPayload,
    Uuid,
    mutation,
)
from flowtui.server.operations.state_changes import apply_state, plain_state, wrapped_state
from flowtui.server.serialized import strings
from flowtui.server.tables import Task, TaskRun, TaskTagLimit


def full_tag(act: Act, run: TaskRun) -> TaskTagLimit | None:
    """The limit that keeps this task run from running now, None when it may."""
    tags = strings(act.session.scalars(select(Task.tags).where(Task.id == run.task_id)).one())
    if not tags:
        return None
    limits = act.session.scalars(
        select(TaskTagLimit)
        .where(TaskTagLimit.tenant_id == run.tenant_id, TaskTagLimit.tag.in_(tags))
        .order_by(TaskTagLimit.tag)
    ).all()
    if not limits:
        return None
    running = [
        strings(each)
        for each in act.session.scalars(
            select(Task.tags)
            .join(TaskRun, TaskRun.task_id == Task.id)
            .where(
                TaskRun.state == "Running",
                TaskRun.tenant_id == run.tenant_id,
                TaskRun.id != run.id,
            )
        )
    ]
    full = (limit for limit in limits if sum(limit.tag in each for each in running) >= limit.limit)
    return next(full, None)


def keep_waiting(act: Act, run: TaskRun, limit: TaskTagLimit) -> str:
    """Make it Queued, once however often it asks. Returns what its process is told.

    No start time: it is its own process that asks again, and no agent may start a second one.
    """
    message = f"{limit.limit} task runs tagged {limit.tag!r} are running, which is the limit."
    if run.state != "Queued":
        state = {**plain_state("Queued", message), "state": wrapped_state(run)}
        apply_state(act, run, state)
    return message


@dataclass(frozen=True)
class SetTagLimit:
    tag: str
    limit: int


@dataclass(frozen=True)
class DeleteTagLimit:
    limit_id: Uuid


@mutation
def update_task_tag_limit(act: Act, wanted: SetTagLimit) -> IdPayload:
    if wanted.limit < 0:
        raise Refused("a limit must not be negative")
    tenant_id = act.tenant_id()
    same = select(TaskTagLimit).where(
        TaskTagLimit.tenant_id == tenant_id, TaskTagLimit.tag == wanted.tag
    )
    row = act.session.scalars(same).first()
    if row is None:
        row = TaskTagLimit(tenant_id=tenant_id, tag=wanted.tag, limit=wanted.limit)
        act.session.add(row)
    row.limit = wanted.limit
    act.session.flush()
    return IdPayload(row.id)


@mutation
def delete_task_tag_limit(act: Act, wanted: DeleteTagLimit) -> SuccessPayload:
    act.delete(TaskTagLimit, wanted.limit_id)
    return SuccessPayload()
