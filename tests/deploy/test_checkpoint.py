"""What is kept of a deploy to go on with it: read back whole, and told apart from what is now."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

from flowtui.deploy import checkpoint as checkpoints
from flowtui.deploy.checkpoint import Asked, Checkpoint, differences, files_of, parts_of
from flowtui.deploy.events import DeployStarted, Stage
from flowtui.deploy.history import History
from flowtui.deploy.plan import Lane, Plan, Setting
from flowtui.models import (
    DeployTable,
    ExecutionOptions,
    LocalModule,
    Origin,
    StorageKind,
    StorageOptions,
)
from tests.tui.memory import flow, plan_for


def made(plan: Plan, root: Path) -> Checkpoint:
    return Checkpoint(
        deploy="a",
        asked=Asked(),
        content_hash=plan.content_hash,
        parts=parts_of(plan, root),
        serialized={"name": "etl"},
        done=(Stage.BUILD,),
        image_id="sha256:1",
    )


def a_plan(root: Path) -> Plan:
    (root / "flows").mkdir()
    (root / "flows" / "etl.py").write_text("import helper\n")
    (root / "helper.py").write_text("x = 1\n")
    plan = plan_for(flow("etl"), Lane.IMAGE)
    loaded = replace(plan.loaded, modules=(LocalModule("helper", str(root / "helper.py")),))
    return replace(plan, loaded=loaded)


def test_it_is_read_back_whole() -> None:
    asked = Asked(
        DeployTable(
            "Other",
            StorageOptions(
                type=StorageKind.DOCKER,
                python_dependencies=("pandas", "numpy"),
                env_vars={"A": "1"},
            ),
            ExecutionOptions(run_config={"type": "LocalRun"}),
        ),
        push=False,
        salt="0a",
    )
    before = Checkpoint(
        deploy="a",
        asked=asked,
        content_hash="h",
        parts={"x.py": "1"},
        serialized={"tasks": [{"slug": "a-1"}]},
        done=(Stage.BUILD, Stage.HEALTH_CHECK),
        image_id="sha256:1",
    )
    assert checkpoints.from_json(checkpoints.to_json(before)) == before


def test_what_another_flowtui_wrote_is_nothing_to_go_on_from() -> None:
    assert checkpoints.from_json({"scheme": 99}) is None
    assert checkpoints.from_json({"scheme": 1, "deploy": "a"}) is None


def test_the_next_stage_is_the_first_that_is_not_done(tmp_path: Path) -> None:
    point = made(a_plan(tmp_path), tmp_path)
    assert point.next_stage is Stage.HEALTH_CHECK
    checked = point.reached(Stage.HEALTH_CHECK)
    assert checked.next_stage is Stage.PUSH
    pushed = checked.reached(Stage.PUSH, digest="sha256:2")
    assert (pushed.next_stage, pushed.digest) == (Stage.REGISTER, "sha256:2")


def test_what_differs_is_said_by_name(tmp_path: Path) -> None:
    plan = a_plan(tmp_path)
    point = made(plan, tmp_path)
    assert differences(point, plan, tmp_path) == ()
    (tmp_path / "helper.py").write_text("x = 2\n")
    now = replace(
        plan,
        content_hash="1" * 64,
        settings=(
            Setting("registry_url", "elsewhere.example.com", Origin.PROJECT_FILE),
            Setting("env_vars", {"A": "1"}, Origin.PROJECT_FILE),
        ),
    )
    assert set(differences(point, now, tmp_path)) == {
        "helper.py changed",
        "the setting registry_url changed",
        "the setting env_vars is new",
        "the setting python_dependencies is gone",
    }


def test_another_hash_without_a_part_that_differs_is_the_image_itself(tmp_path: Path) -> None:
    plan = a_plan(tmp_path)
    now = replace(plan, content_hash="1" * 64)
    (reason,) = differences(made(plan, tmp_path), now, tmp_path)
    assert "base image" in reason


def test_files_of_a_folder_that_is_gone_are_none(tmp_path: Path) -> None:
    assert files_of(tmp_path / "gone") == {}
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("x\n")
    assert list(files_of(tmp_path)) == ["src/a.py"]


def test_the_history_keeps_the_last_one_for_its_owner_alone(tmp_path: Path) -> None:
    history = History(tmp_path / "h.sqlite")
    recorder = history.recorder(tmp_path, "print")
    recorder(DeployStarted(deploy="a", flow="f", target="f.py:f", project="p", api_url="http://x"))
    point = made(a_plan(tmp_path), tmp_path)
    recorder.keep(point)
    recorder.keep(point.reached(Stage.HEALTH_CHECK))
    assert recorder.close() is None
    assert history.checkpoint("a") == point.reached(Stage.HEALTH_CHECK)
    assert history.checkpoint("b") is None
    found = history.latest(root=tmp_path, api_url="http://x", target="f.py:f")
    assert found is not None
    assert found == history.find("a")
    assert stat.S_IMODE(history.path.stat().st_mode) == 0o600
