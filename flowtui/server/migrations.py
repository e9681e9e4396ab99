"""Steps that bring a database of an older version of the tables to this one, losing nothing.

A step is SQL that SQLite and PostgreSQL both understand, so that it stays what it was when the
tables change again. All steps run in the transaction that opened the database: either the database
is of the new version afterwards, or it is as it was.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from flowtui.server.tables import SCHEMA_VERSION, SchemaVersion

STEPS: Mapping[int, tuple[str, ...]] = {
    2: ("ALTER TABLE agent ADD COLUMN anonymous BOOLEAN DEFAULT false NOT NULL",),
    3: (
        "ALTER TABLE flow ADD COLUMN schedule_problem TEXT",
        "CREATE INDEX ix_flow_run_planned ON flow_run (scheduled_start_time)",
        "CREATE INDEX ix_flow_run_flow_planned ON flow_run (flow_id, scheduled_start_time)",
        "CREATE INDEX ix_flow_run_state_planned ON flow_run (state, scheduled_start_time)",
        "CREATE INDEX ix_flow_run_started ON flow_run (start_time)",
        "DROP INDEX ix_flow_run_state",
        "DROP INDEX ix_flow_run_tenant_id",
        "DROP INDEX ix_task_run_tenant_id",
        "DROP INDEX ix_flow_run_state_tenant_id",
        "DROP INDEX ix_task_run_state_tenant_id",
        "DROP INDEX ix_log_tenant_id",
    ),
}
"""By the version that a step leads to, what leads there from the version before.

The tables' definition and `SCHEMA_VERSION` change with each new step; a step that has been released
never does.
"""


def can_upgrade(version: int) -> bool:
    """True for a version that the steps lead from to this one."""
    return all(number in STEPS for number in range(version + 1, SCHEMA_VERSION + 1))


def upgrade(session: Session, version: int) -> None:
    """Bring the tables from `version` to `SCHEMA_VERSION`."""
    for number in range(version + 1, SCHEMA_VERSION + 1):
        for statement in STEPS[number]:
            session.execute(text(statement))
    session.execute(update(SchemaVersion).values(version=SCHEMA_VERSION))
