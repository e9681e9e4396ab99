"""What a deploy would change: each aspect compared, or said to be unknown and why."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.deploy.change import Aspect, Change, Sign
from flowtui.deploy.changes import (
    MOST_LINES,
    Local,
    Registered,
    StoredSource,
    compare,
    content_hash,
    shown_settings,
)
from flowtui.deploy.events import DeployFinished, DeployStarted, Outcome, Planned
from flowtui.deploy.history import History
from flowtui.deploy.plan import Lane, Plan, Setting
from flowtui.models import JsonObject, Origin
from tests.tui.memory import flow, plan_for

FLOW: JsonObject = {
    "parameters": [{"name": "country", "required": True}, {"name": "day", "default": 1}],
    "tasks": [{"name": "country", "slug": "country-1"}, {"name": "load", "slug": "load-1"}],
    "schedule": {"clocks": [{"cron": "0 2 * * *"}]},
}


def plan_of(serialized: JsonObject, *settings: Setting) -> Plan:
    plan = plan_for(flow("etl"), Lane.IMAGE)
    return replace(plan, loaded=replace(plan.loaded, serialized=serialized), settings=settings)


def stored(text: str) -> StoredSource:
    return StoredSource(content_hash(text.encode()), text.encode())


def setting(name: str, value: object) -> Setting:
    return Setting(name, value, Origin.INFERRED)


def test_files_are_added_changed_and_removed_with_the_lines_that_differ() -> None:
    registered = Registered(
        {"a.py": stored("x = 1\ny = 2\n"), "old.py": stored(""), "s.py": stored("s")}
    )
    local = Local({"a.py": b"x = 1\ny = 3\n", "new.py": b"", "s.py": b"s"})
    changes = compare(registered, local)
    assert [(c.sign, c.name) for c in changes.of(Aspect.SOURCES)] == [
        (Sign.CHANGED, "a.py"),
        (Sign.ADDED, "new.py"),
        (Sign.REMOVED, "old.py"),
    ]
    assert changes.found[0].lines == ("@@ -1,2 +1,2 @@", " x = 1", "-y = 2", "+y = 3")


def test_a_large_file_is_told_without_its_lines_and_many_lines_are_cut() -> None:
    large = StoredSource(content_hash(b"before"))
    (change,) = compare(Registered({"a.py": large}), Local({"a.py": b"after"})).found
    assert (change.sign, change.lines) == (Sign.CHANGED, ())
    many = "\n".join(str(n) for n in range(1000))
    (change,) = compare(Registered({"a.py": stored(many)}), Local({"a.py": b""})).found
    assert len(change.lines) == MOST_LINES + 1
    assert change.lines[-1].startswith("…")


def test_what_only_loading_tells_is_unknown_before_it() -> None:
    changes = compare(Registered({"a.py": stored("x")}), Local({"a.py": b"x"}))
    assert changes.found == ()
    assert changes.same == (Aspect.SOURCES,)
    assert {each.aspect for each in changes.unknown} == {
        Aspect.DEPENDENCIES,
        Aspect.PARAMETERS,
        Aspect.TASKS,
        Aspect.SCHEDULE,
        Aspect.EXECUTION,
        Aspect.STORAGE,
    }
    assert all("plan it" in each.why for each in changes.unknown)


@pytest.mark.parametrize(
    ("registered", "why"),
    [
        (Registered(), "not deployed from this machine"),
        (Registered(sources={}, settings={}), "before flowtui remembered this"),
    ],
)
def test_a_version_that_is_not_known_here_says_so(registered: Registered, why: str) -> None:
    changes = compare(registered, Local({"a.py": b"x"}, plan_of(FLOW)))
    reasons = {each.aspect: each.why for each in changes.unknown}
    assert why in reasons[Aspect.SOURCES]
    assert why in reasons[Aspect.DEPENDENCIES]
    assert "does not give back" in reasons[Aspect.SCHEDULE]


def test_parameters_tasks_and_schedule() -> None:
    now: JsonObject = {
        "parameters": [{"name": "day", "default": 2}, {"name": "limit", "required": True}],
        "tasks": [{"name": "load", "slug": "load-1"}, {"name": "save", "slug": "save-1"}],
        "schedule": {"clocks": [{"interval": 3_600_000_000}]},
    }
    changes = compare(Registered({}, {}, serialized=FLOW), Local({}, plan_of(now)))
    assert changes.of(Aspect.PARAMETERS) == (
        Change(Aspect.PARAMETERS, Sign.REMOVED, "country", "required"),
        Change(Aspect.PARAMETERS, Sign.CHANGED, "day", "= 1", "= 2"),
        Change(Aspect.PARAMETERS, Sign.ADDED, "limit", after="required"),
    )
    assert [(c.sign, c.name) for c in changes.of(Aspect.TASKS)] == [(Sign.ADDED, "save")]
    (clock,) = changes.of(Aspect.SCHEDULE)
    assert (clock.before, clock.after) == ("0 2 * * *", "every 3600 s")
    none = compare(Registered({}, {}, serialized=FLOW), Local({}, plan_of({})))
    assert none.of(Aspect.SCHEDULE)[0].sign is Sign.REMOVED


def test_dependencies_by_name_and_settings_of_the_storage() -> None:
    before = shown_settings(
        (
            setting("python_dependencies", ("pandas==2.0.0", "boto3==1.0")),
            setting("base_image", "python:3.11"),
            setting("env_vars", {"TOKEN": "one"}),
            setting("modules", ["a"]),
        )
    )
    plan = plan_of(
        FLOW,
        setting("python_dependencies", ("pandas==2.1.0", "rich==14.0")),
        setting("base_image", "python:3.12"),
        setting("env_vars", {"TOKEN": "two"}),
    )
    changes = compare(Registered({}, before, serialized=FLOW), Local({}, plan))
    assert [(c.sign, c.name) for c in changes.of(Aspect.DEPENDENCIES)] == [
        (Sign.CHANGED, "base_image"),
        (Sign.CHANGED, "pandas"),
        (Sign.REMOVED, "boto3"),
        (Sign.ADDED, "rich"),
    ]
    (environment,) = changes.of(Aspect.STORAGE)
    assert environment.name == "env_vars"
    assert "one" not in environment.before
    assert "two" not in environment.after
    assert changes.same == (
        Aspect.PARAMETERS,
        Aspect.TASKS,
        Aspect.SCHEDULE,
        Aspect.EXECUTION,
    )


def test_another_executor_is_a_change_of_the_execution_alone() -> None:
    before = shown_settings((setting("executor", "prefect.executors.LocalExecutor"),))
    plan = plan_of(
        FLOW,
        setting("executor", "prefect.executors.DaskExecutor"),
        setting("executor_kwargs", {"address": "tcp://c:1"}),
    )
    changes = compare(Registered({}, before, serialized=FLOW), Local({}, plan))
    assert changes.found == (
        Change(
            Aspect.EXECUTION,
            Sign.CHANGED,
            "executor",
            "prefect.executors.LocalExecutor",
            "prefect.executors.DaskExecutor",
        ),
        Change(Aspect.EXECUTION, Sign.ADDED, "executor_kwargs", after="address=tcp://c:1"),
    )


def test_the_registered_storage_is_compared_but_for_the_tag_that_always_differs() -> None:
    plan = plan_of(FLOW)
    storage = {"type": "Docker", "image_tag": "new", "registry_url": "b", "image_name": "etl"}
    plan = replace(plan, attachment=replace(plan.attachment, storage=storage))
    registered = Registered(
        serialized=FLOW,
        storage={"type": "Docker", "image_tag": "old", "registry_url": "a", "image_name": "etl"},
    )
    (change,) = compare(registered, Local({}, plan)).of(Aspect.STORAGE)
    assert (change.name, change.before, change.after) == ("registry_url", "a", "b")


def deployed(history: History, outcome: Outcome, sources: dict[str, bytes]) -> None:
    recorder = history.recorder(Path("/p"), "", sources)
    recorder(DeployStarted(deploy="d", flow="f", target="t", project="p", api_url="u"))
    recorder(
        Planned(
            deploy="d",
            flow="f",
            project="p",
            storage="docker",
            lane="",
            reasons=(),
            content_hash="",
            settings={"base_image": "python:3.11"},
        )
    )
    recorder(
        DeployFinished(
            deploy="d", flow="f", outcome=outcome, seconds=1, exit_code=0, version_id="v1"
        )
    )
    assert recorder.close() is None


def test_sources_and_settings_of_a_deploy_are_remembered_each_content_once(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite")
    deployed(
        history, Outcome.DONE, {"a.py": b"x = 1", "b.py": b"x = 1", "large.py": b"x" * 200_000}
    )
    known = history.registered("v1")
    assert known.settings == {"base_image": "python:3.11"}
    assert known.sources is not None
    assert known.sources["a.py"] == known.sources["b.py"] == stored("x = 1")
    assert known.sources["large.py"].content is None
    with closing(sqlite3.connect(history.path)) as db:
        assert db.execute("SELECT count(*) FROM contents").fetchone()[0] == 1
    assert history.forget(before=float("inf")) == 0
    assert history.registered("v1") == known
    assert history.registered("another") == Registered()


def test_a_deploy_that_failed_leaves_no_sources(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite")
    deployed(history, Outcome.FAILED, {"a.py": b"x"})
    with closing(sqlite3.connect(history.path)) as db:
        assert db.execute("SELECT count(*) FROM sources").fetchone()[0] == 0


def test_a_deploy_from_before_has_neither_and_says_so(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite")
    deployed(history, Outcome.DONE, {"a.py": b"x"})
    with closing(sqlite3.connect(history.path)) as db, db:
        db.execute("DROP TABLE sources")
        db.execute("DROP TABLE contents")
        db.execute("ALTER TABLE deploys DROP COLUMN label")
        db.execute("UPDATE events SET event = replace(event, 'settings', 'other')")
        db.execute("PRAGMA user_version = 6")
    assert history.registered("v1") == Registered({}, {})


def test_the_environment_of_job_variables_is_kept_only_as_a_hash() -> None:
    value = {"cpu": 1, "env": {"TOKEN": "hush"}}
    shown = shown_settings([Setting("job_variables", value, Origin.PROJECT_FILE)])
    assert "hush" not in shown["job_variables"] and "cpu=1" in shown["job_variables"]
