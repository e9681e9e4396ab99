"""One SQLite file, or a PostgreSQL database by its URL, behind two context managers.

Writes are serial: SQLite takes its write lock when a write transaction begins, PostgreSQL an
advisory lock of the transaction, so that "look, then write" is right between threads and between
processes. Reads never wait for writes.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Engine, create_engine, event, make_url, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session, configure_mappers

from flowtui.errors import FlowtuiError, UsageError
from flowtui.server.migrations import can_upgrade, upgrade
from flowtui.server.tables import SCHEMA_VERSION, Membership, SchemaVersion, Table, Tenant, User

CONNECTIONS = 8
"""Of one server process; also how many requests are worked on at once."""
_LOCK_WAIT_SECONDS = 30
_ATTEMPTS = 4
_WRITE_LOCK = 0x666C6F77
"""The advisory lock's number in PostgreSQL: "flow"."""

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "case_sensitive_like=ON",
)

Result = TypeVar("Result")


class Database:
    """A pool of connections to a database that holds our tables in this version."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._turn = threading.Lock()
        configure_mappers()

    @contextmanager
    def reading(self) -> Generator[Session]:
        """One consistent view of the data."""
        with self._engine.connect() as connection, Session(connection) as session:
            if not self._is_sqlite:
                session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            yield session

    def write(self, work: Callable[[Session], Result]) -> Result:
        """Run `work` in one write transaction; when this returns, its changes are on disk.

        `work` runs again when another program got in between, so it must not act outside the
        session.
        """
        for attempt in range(_ATTEMPTS):
            try:
                return self._write_once(work)
            except IntegrityError:
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def _write_once(self, work: Callable[[Session], Result]) -> Result:
        if not self._is_sqlite:
            with self._engine.connect() as connection, Session(connection) as session:
                session.execute(
                    text("SELECT pg_advisory_xact_lock(:number)"), {"number": _WRITE_LOCK}
                )
                return _committed(session, work)
        with (
            self._turn,
            self._engine.connect().execution_options(write=True) as connection,
            Session(connection) as session,
        ):
            return _committed(session, work)

    def close(self) -> None:
        self._engine.dispose()


def _committed(session: Session, work: Callable[[Session], Result]) -> Result:
    result = work(session)
    session.commit()
    return result


def open_database(where: Path | str) -> Database:
    """Open the database, creating file, tables and the default tenant where they are missing.

    Tables of an older version are upgraded in place. Raises UsageError (not a database address,
    driver missing) and FlowtuiError (unreachable, not ours, or of a newer version).
    """
    engine = _engine(where)
    try:
        database = Database(engine)
        database.write(_prepare)
    except DBAPIError as error:
        raise FlowtuiError(
            f"the database does not answer as one: {_first_line(error.orig)}",
            where=_shown(engine),
            fix="check the path or URL, and that the database server runs and lets you in",
        ) from None
    return database


def _engine(where: Path | str) -> Engine:
    if isinstance(where, Path) or "://" not in where:
        return _sqlite(Path(where))
    try:
        url = make_url(where)
    except (ArgumentError, ValueError):
        raise UsageError(
            "this is not a database URL",
            fix="give a file path, or postgresql://user@host/database",
        ) from None
    if url.get_backend_name() == "sqlite" and url.database:
        return _sqlite(Path(url.database))
    if url.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise UsageError(
            f"{url.drivername} is not a database that flowtui server knows",
            fix="give a file path, or postgresql://user@host/database",
        )
    try:
        import psycopg

        del psycopg
    except ImportError:
        raise UsageError(
            "PostgreSQL needs the package psycopg, which is not installed",
            fix="pip install 'flowtui[postgresql]'",
        ) from None
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=CONNECTIONS,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_timeout=_LOCK_WAIT_SECONDS,
        connect_args={"connect_timeout": 10, "options": f"-c lock_timeout={_LOCK_WAIT_SECONDS}s"},
    )


def _sqlite(path: Path) -> Engine:
    path = Path(os.path.expanduser(path)).absolute()  # noqa: PTH111  (Path's raises for ~nobody)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
    except OSError as error:
        raise FlowtuiError(
            f"the database file cannot be written: {error.strerror}",
            where=str(path),
            fix="choose another place with --database",
        ) from None
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        pool_size=CONNECTIONS,
        hide_parameters=True,
        connect_args={"timeout": _LOCK_WAIT_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _connected(raw: sqlite3.Connection, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        raw.isolation_level = None
        raw.create_function("lower", 1, _lower, deterministic=True)
        for pragma in _PRAGMAS:
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction]
        writes = connection.get_execution_options().get("write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _lower(value: str | None) -> str | None:
    """SQLite's own lower() knows ASCII only."""
    return None if value is None else str(value).lower()


def _prepare(session: Session) -> None:
    connection = session.connection()
    if not connection.dialect.has_table(connection, SchemaVersion.__tablename__):
        if any(connection.dialect.has_table(connection, name) for name in ("flow", "project")):
            raise FlowtuiError(
                "this database holds tables of another program",
                where=_shown(connection.engine),
                fix="give flowtui server a database of its own",
            )
        Table.metadata.create_all(connection)
        _first_rows(session)
        return
    found = session.scalars(select(SchemaVersion.version)).one()
    if found > SCHEMA_VERSION or not can_upgrade(found):
        raise FlowtuiError(
            f"this database is of version {found}; this flowtui reads version {SCHEMA_VERSION}",
            where=_shown(connection.engine),
            fix="use the flowtui that made it, or give another --database",
        )
    if found < SCHEMA_VERSION:
        upgrade(session, found)


def _first_rows(session: Session) -> None:
    tenant = Tenant(name="Default", slug="default")
    user = User(username="flowtui")
    session.add_all([SchemaVersion(version=SCHEMA_VERSION), tenant, user])
    session.flush()
    membership = Membership(user_id=user.id, tenant_id=tenant.id)
    session.add(membership)
    session.flush()
    user.default_membership_id = membership.id


def _shown(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=True)


def _first_line(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
