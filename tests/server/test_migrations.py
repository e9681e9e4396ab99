"""A database with older tables is upgraded in place, in one transaction, losing nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, inspect, text

from flowtui.errors import FlowtuiError
from flowtui.server import migrations
from flowtui.server.database import open_database
from flowtui.server.execute import Executor
from flowtui.server.tables import SCHEMA_VERSION, Table
from tests.server.conftest import Api

OLD = Path(__file__).parent / "old_databases"


def engine_of(address: Path | str) -> Engine:
    url = str(address)
    if "://" not in url:
        return create_engine(f"sqlite:///{url}")
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:"))


def statements(engine: Engine, version: int) -> list[str]:
    files = [OLD / f"version_{version}.{kind}.sql" for kind in (engine.dialect.name, "rows")]
    return [
        statement
        for file in files
        for statement in file.read_text("utf-8").split(";\n")
        if statement.strip()
    ]


def contents(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    with engine.connect() as connection:
        return {
            name: [
                dict(row) for row in connection.execute(text(f'SELECT * FROM "{name}"')).mappings()
            ]
            for name in inspect(engine).get_table_names()
        }


@pytest.fixture
def old_database(new_address: Callable[[], Path | str]) -> Path | str:
    """As the first flowtui that had a server made it."""
    address = new_address()
    engine = engine_of(address)
    with engine.begin() as connection:
        for statement in statements(engine, 1):
            connection.exec_driver_sql(statement)
    engine.dispose()
    return address


def test_every_version_has_a_step() -> None:
    assert sorted(migrations.STEPS) == list(range(2, SCHEMA_VERSION + 1))


def test_nothing_is_lost(old_database: Path | str) -> None:
    engine = engine_of(old_database)
    before = contents(engine)
    open_database(old_database).close()
    after = contents(engine)
    assert after.pop("schema_version")[0]["version"] == SCHEMA_VERSION
    del before["schema_version"]
    assert {name: len(rows) for name, rows in after.items() if rows} == {
        name: len(rows) for name, rows in before.items() if rows
    }
    for name, rows in before.items():
        for old, new in zip(rows, after[name], strict=True):
            assert old.items() <= new.items(), name
    engine.dispose()


def test_an_upgraded_database_has_the_tables_of_a_new_one(
    old_database: Path | str, new_address: Callable[[], Path | str]
) -> None:
    new = new_address()
    for address in (old_database, new):
        open_database(address).close()

    def shape(address: Path | str) -> dict[str, Any]:
        engine = engine_of(address)
        found = inspect(engine)
        tables = {
            name: (
                sorted(
                    (column["name"], str(column["type"]), column["nullable"])
                    for column in found.get_columns(name)
                ),
                sorted(
                    (index["name"], index["column_names"], index["unique"])
                    for index in found.get_indexes(name)
                ),
            )
            for name in found.get_table_names()
        }
        engine.dispose()
        return tables

    upgraded, made = shape(old_database), shape(new)
    (unused,) = set(upgraded["flow_run"][0]) - set(made["flow_run"][0])
    assert unused[0] == "submitted_by"
    upgraded["flow_run"][0].remove(unused)
    assert upgraded == made
    assert set(shape(new)) == set(Table.metadata.tables)


def test_an_upgraded_database_is_used_like_any_other(old_database: Path | str) -> None:
    for _again in range(2):
        database = open_database(old_database)
        api = Api(Executor(database))
        (flow,) = api.data("{flow {id name flow_runs {name logs {message}} tasks {slug}}}")["flow"]
        assert flow["name"] == "kept flow"
        assert flow["flow_runs"][0] == {"name": "old-run", "logs": [{"message": 'kept; "line"'}]}
        assert api.data("{agent {name anonymous}}")["agent"] == [
            {"name": "one", "anonymous": False}
        ]
        database.close()
    database = open_database(old_database)
    Api(Executor(database)).run(flow["id"])
    database.close()


def test_a_step_that_fails_leaves_the_database_as_it_was(
    old_database: Path | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = {**migrations.STEPS, SCHEMA_VERSION: (*migrations.STEPS[SCHEMA_VERSION], "nonsense")}
    monkeypatch.setattr(migrations, "STEPS", broken)
    engine = engine_of(old_database)
    before = contents(engine)
    with pytest.raises(FlowtuiError, match="database"):
        open_database(old_database)
    assert contents(engine) == before
    engine.dispose()
    monkeypatch.undo()
    open_database(old_database).close()


def test_a_newer_database_is_refused(old_database: Path | str) -> None:
    engine = engine_of(old_database)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE schema_version SET version = {SCHEMA_VERSION + 1}")
    before = contents(engine)
    with pytest.raises(FlowtuiError, match=f"of version {SCHEMA_VERSION + 1}"):
        open_database(old_database)
    assert contents(engine) == before
    engine.dispose()
