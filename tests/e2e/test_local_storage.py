"""Local storage: no engine, and still proven to load outside the project folder."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Project
from tests.parts.prefects import prefect_python

pytestmark = [pytest.mark.real, pytest.mark.long(2)]

_FLOW = """
from prefect import Flow, task
import helper

@task
def work():
    return helper.answer()

with Flow("local one") as flow:
    work()
"""

_RUN = """
import json, sys
try:
    from prefect.utilities.storage import flow_from_bytes_pickle as load
except ImportError:
    from cloudpickle import loads as load
with open(sys.argv[1], "rb") as file:
    flow = load(file.read())
state = flow.run()
print("RESULT", json.dumps([r.result for r in state.result.values()]))
"""


@pytest.mark.parametrize("version", ["0.6.1", "0.15.13", "1.4.1"])
def test_a_stored_flow_keeps_the_modules_it_was_checked_with(
    project: Project, version: str, tmp_path: Path
) -> None:
    python = prefect_python(version)
    project.configure(python, 'type = "local"')
    project.write("flows/flow.py", _FLOW)
    project.write("flows/helper.py", "def answer():\n    return 41\n")
    before = sorted(path.name for path in project.root.rglob("*"))

    ran = project.deploy("flows/flow.py")
    assert ran.code == 0, ran.stdout + ran.stderr
    assert sorted(path.name for path in project.root.rglob("*")) == before
    (registered,) = project.versions("local one")
    stored = registered["storage"]["flows"]["local one"]

    project.write("flows/helper.py", "def answer():\n    return 42\n")
    again = project.deploy("flows/flow.py")
    assert again.result["version"] == 2, again.stdout

    answer = subprocess.run(
        [str(python), "-c", _RUN, stored], capture_output=True, text=True, cwd=tmp_path
    )
    (line,) = [line for line in answer.stdout.splitlines() if line.startswith("RESULT")]
    assert json.loads(line.removeprefix("RESULT ")) == [41], answer.stderr


def test_back_to_an_earlier_version_registers_it_without_a_build(
    project: Project, python_141: Path
) -> None:
    project.configure(python_141, 'type = "local"')
    project.write("flow.py", _FLOW)
    for text in ("1", "2", "1"):
        project.write("helper.py", f"def answer():\n    return {text}\n")
        ran = project.deploy("flow.py")
        assert ran.code == 0, ran.stdout + ran.stderr
    assert ran.stages["build"] == "skipped"
    first, _, third = project.versions("local one")
    assert third["serialized_flow"] == first["serialized_flow"]
    assert (first["archived"], third["archived"]) == (True, False)


def test_force_makes_a_version_although_nothing_changed(project: Project, python_141: Path) -> None:
    project.configure(python_141, 'type = "local"')
    project.write("flow.py", "from prefect import Flow\nf = Flow('forced')\n")
    assert project.deploy("flow.py").result["version"] == 1
    ran = project.deploy("flow.py", "--force")
    assert (ran.result["outcome"], ran.result["version"]) == ("done", 2)


def test_flows_show_what_is_deployed_and_what_changed(project: Project, python_141: Path) -> None:
    project.configure(python_141, 'type = "local"')
    project.write("flow.py", _FLOW)
    project.write("helper.py", "def answer():\n    return 1\n")
    project.write("dynamic.py", "from prefect import Flow\nf = Flow('dyn' + str(1))\n")

    def states() -> dict[str, str]:
        ran = project.run("flows", "--json")
        return {row["path"]: row["state"] for row in json.loads(ran.stdout)}

    assert states() == {"flow.py": "not deployed", "dynamic.py": "unknown"}
    assert project.deploy(".").code == 0
    assert states()["flow.py"] == "up to date"
    project.write("helper.py", "def answer():\n    return 2\n")
    assert states()["flow.py"] == "changed"
    project.write("flow.py", "from prefect import Flow\nFlow('local one'\n")
    assert states()["flow.py"] == "broken"


def test_a_schedule_is_registered_active_and_parameters_arrive(
    project: Project, python_141: Path
) -> None:
    project.configure(python_141, 'type = "local"')
    project.write(
        "flow.py",
        "from datetime import timedelta\n"
        "from prefect import Flow, Parameter, task\n"
        "from prefect.schedules import IntervalSchedule\n"
        "@task\ndef show(x):\n    print(x)\n"
        "with Flow('timed', schedule=IntervalSchedule(interval=timedelta(hours=1))) as f:\n"
        "    show(Parameter('x', default=5))\n",
    )
    ran = project.deploy("flow.py")
    assert ran.code == 0, ran.stdout
    (version,) = project.versions("timed")
    serialized = version["serialized_flow"]
    assert serialized["schedule"]["clocks"][0]["interval"] == 3_600_000_000
    assert serialized["parameters"][0]["default"] == 5
    assert any("schedule is active" in event["text"] for event in ran.of("log"))


def test_versions_are_listed_and_archived(project: Project, python_141: Path) -> None:
    project.configure(python_141, 'type = "local"')
    project.write("flow.py", "from prefect import Flow\nf = Flow('versioned')\n")
    for _ in range(2):
        assert project.deploy("flow.py", "--force").code == 0

    def listed(*options: str) -> list[tuple[int, bool]]:
        rows = json.loads(project.run("versions", "list", "versioned", *options, "--json").stdout)
        return [(row["version"], row["archived"]) for row in rows]

    assert listed() == [(2, False)]
    assert listed("--archived") == [(2, False), (1, True)]
    (active,) = json.loads(project.run("versions", "list", "--json").stdout)
    refused = project.run("versions", "archive", active["id"])
    assert (refused.code, "--yes" in refused.stderr) == (2, True)
    assert project.run("versions", "archive", active["id"][:8], "--yes").code == 0
    assert listed() == []
    again = project.run("versions", "archive", active["id"], "--yes")
    assert (again.code, "no active version" in again.stderr) == (2, True)
