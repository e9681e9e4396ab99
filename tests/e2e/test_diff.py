"""`flowtui diff` against a real Prefect: what changed since the deploy, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.conftest import Project
from tests.parts.prefects import prefect_python

pytestmark = pytest.mark.real

_FLOW = """
from prefect import Flow, Parameter, task
import helper

@task
def work(limit):
    return helper.answer()

with Flow("compared") as flow:
    work(Parameter("limit", default={limit}))
"""


def diff(project: Project, *more: str) -> dict[str, Any]:
    ran = project.run("diff", "flows/flow.py", "--json", *more)
    assert ran.code == 0, ran.stdout + ran.stderr
    (found,) = json.loads(ran.stdout)
    return found


@pytest.mark.parametrize("version", ["0.6.1", "1.4.1"])
def test_what_changed_since_the_deploy_is_found_and_nothing_is_registered(
    project: Project, version: str
) -> None:
    project.configure(prefect_python(version), 'type = "local"')
    project.write("flows/flow.py", _FLOW.format(limit=1))
    project.write("flows/helper.py", "def answer():\n    return 41\n")
    assert diff(project)["registered"] is False

    assert project.deploy("flows/flow.py").code == 0
    same = diff(project)
    assert (same["version"], same["changes"], same["unknown"]) == (1, [], []), same

    project.write("flows/helper.py", "def answer():\n    return 42\n")
    project.write("flows/flow.py", _FLOW.format(limit=2))
    changed = diff(project)
    found = {(each["aspect"], each["sign"], each["name"]): each for each in changed["changes"]}
    assert set(found) == {
        ("sources", "changed", "flows/flow.py"),
        ("sources", "changed", "flows/helper.py"),
        ("parameters", "changed", "limit"),
    }
    assert "+    return 42" in found["sources", "changed", "flows/helper.py"]["lines"]

    sources_alone = diff(project, "--no-load")
    assert {each["aspect"] for each in sources_alone["changes"]} == {"sources"}
    assert {each["aspect"] for each in sources_alone["unknown"]} >= {"parameters", "schedule"}
    assert len(project.versions("compared")) == 1

    words = project.run("diff", "flows/flow.py").stdout
    assert "~ limit  = 1 → = 2" in words


def test_a_plan_ends_with_0_for_nothing_to_do_and_with_10_for_a_change(project: Project) -> None:
    project.configure(prefect_python("1.4.1"), 'type = "local"')
    project.write("flows/helper.py", "def answer():\n    return 41\n")
    for name in ("one", "two"):
        text = _FLOW.format(limit=1).replace("compared", name)
        project.write(f"flows/{name}.py", text)
    first = project.run("plan", "--all", "--json")
    assert (first.code, [each["lane"] for each in first.of("plan")]) == (10, ["local storage"] * 2)
    assert project.deploy("flows").code == 0
    assert project.run("plan", "--all").code == 0

    project.write("flows/two.py", _FLOW.format(limit=2).replace("compared", "two"))
    changed = project.run("plan", "flows", "--json")
    assert changed.code == 10, changed.stderr
    one, two = changed.of("plan")
    assert (one["lane"], one["changes"]) == ("nothing to do", [])
    (limit,) = [each for each in two["changes"] if each["aspect"] == "parameters"]
    assert (limit["before"], limit["after"]) == ("= 1", "= 2")

    project.write("flows/one.py", "import no_such_module\n" + _FLOW.format(limit=1))
    assert project.run("plan", "--all").code == 1
    assert [len(project.versions(name)) for name in ("one", "two")] == [1, 1]


def test_a_flow_whose_file_is_gone_stays_listed_as_deleted(project: Project) -> None:
    project.configure(prefect_python("1.4.1"), 'type = "local"')
    project.write("flows/flow.py", _FLOW.format(limit=1))
    project.write("flows/helper.py", "def answer():\n    return 41\n")
    assert project.deploy("flows/flow.py").code == 0
    (project.root / "flows" / "flow.py").unlink()
    (row,) = json.loads(project.run("flows", "--json").stdout)
    assert (row["state"], row["name"], row["path"]) == ("deleted", "compared", "flows/flow.py")
    assert json.loads(project.run("flows", "--offline", "--json").stdout) == []
    project.write("flows/other.py", _FLOW.format(limit=1))
    (row,) = json.loads(project.run("flows", "--json").stdout)
    assert (row["state"], row["path"]) == ("changed", "flows/other.py")
