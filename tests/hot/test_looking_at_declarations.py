"""A look at flows whose deployments a prefect.yaml declares."""

from __future__ import annotations

from pathlib import Path

from flowtui.config import load_project
from flowtui.hot.looking import look_at
from flowtui.models import Profile
from flowtui.workspace import Workspace

NIGHTLY, HOURLY = TARGETS = ("etl.py:etl/nightly", "etl.py:etl/hourly")


def workspace(root: Path, nightly: str, hourly: str = "etl.py:etl") -> Workspace:
    (root / "etl.py").write_text("from prefect import flow\n@flow\ndef etl(): ...\n")
    (root / "prefect.yaml").write_text(
        "deployments:\n"
        f"- {{name: nightly, entrypoint: 'etl.py:etl', version: '{nightly}'}}\n"
        f"- {{name: hourly, entrypoint: '{hourly}'}}\n"
    )
    return Workspace(root, config=load_project(root), profile=Profile("p", "http://127.0.0.1:9"))


def test_a_changed_deployment_changes_its_own_flow_and_no_other(tmp_path: Path) -> None:
    before = look_at(workspace(tmp_path, "1"), TARGETS)
    after = look_at(workspace(tmp_path, "22"), TARGETS)
    assert "prefect.yaml" in before[NIGHTLY].needs
    assert before[NIGHTLY].content != after[NIGHTLY].content
    assert before[HOURLY].content == after[HOURLY].content
    assert not any(look.broken for look in (*before.values(), *after.values()))


def test_a_deployment_that_breaks_says_why(tmp_path: Path) -> None:
    looks = look_at(workspace(tmp_path, "1", hourly="etl.py:etll"), TARGETS)
    assert looks[NIGHTLY].broken == ""
    assert looks[HOURLY].flow is None
    assert looks[HOURLY].broken == "prefect.yaml:3, hourly: etl.py has no flow etll; it has etl"
    assert "prefect.yaml" in looks[HOURLY].needs
