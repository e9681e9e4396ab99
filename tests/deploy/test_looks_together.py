"""Flows that share an image are looked at in one container of it, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import pytest

from flowtui.deploy.docker.engine import Engine
from flowtui.deploy.events import Stage
from flowtui.deploy.stages.healthcheck.answer import answer_in
from flowtui.deploy.stages.healthcheck.entrypoint import (
    EntrypointExpectation,
    check_entrypoint_in_image,
)
from flowtui.deploy.stages.healthcheck.looks_together import Look
from flowtui.errors import EngineError
from flowtui.source.apart import apart
from tests.deploy.stage_helpers import Recorder
from tests.parts.prefect_server import PREFECT2, PREFECT3
from tests.parts.prefects import prefect_python

_FLOW = (
    "from prefect import flow\n{head}\n\n@flow(name='{name}')\ndef etl(day: int = 1):\n    pass\n"
)
_SCHEMA = {"title": "Parameters", "type": "object", "properties": {}}


class Asked:
    """In place of an engine: the first thing that it is asked fails."""

    async def prune_containers(self, label: str, *, older_than: str) -> None:
        raise EngineError("a container was wanted")


def expectation(name: str = "etl") -> EntrypointExpectation:
    return EntrypointExpectation(
        flow_name=name,
        entrypoint="etl.py:etl",
        folder="/opt/prefect/project",
        schema=_SCHEMA,
        python_minor="3.12",
        prefect_version=PREFECT3,
    )


def look(name: str = "etl", output: str = "") -> Look:
    found = {"name": name, "schema": _SCHEMA}
    answer = {"python": "3.12", "prefect": PREFECT3, "error": None, "flow": found, "back": found}
    return Look(answer, output)


async def test_one_that_was_seen_and_is_fine_needs_no_container() -> None:
    recorder = Recorder(Stage.HEALTH_CHECK)
    engine = cast("Engine", Asked())
    seen = look(output="hello\nagain")
    report = await check_entrypoint_in_image(recorder.ctx, engine, "id", expectation(), seen=seen)
    assert report.failed is None
    assert recorder.lines[:2] == ["hello", "again"]
    assert "ok: name: etl" in recorder.lines


@pytest.mark.parametrize("seen", [None, look("another")], ids=["not seen", "another name"])
async def test_one_that_was_not_seen_or_is_not_fine_is_looked_at_alone(seen: Look | None) -> None:
    recorder = Recorder(Stage.HEALTH_CHECK)
    engine = cast("Engine", Asked())
    with pytest.raises(EngineError, match="a container was wanted"):
        await check_entrypoint_in_image(recorder.ctx, engine, "id", expectation(), seen=seen)
    assert not any(line.startswith("failed") for line in recorder.lines)


def looked(version: str, folder: Path, flows: dict[str, str]) -> dict[str, Any]:
    """What the probe tells of flow files with these first lines, looked at together."""
    for name, head in flows.items():
        (folder / f"{name}.py").write_text(_FLOW.format(name=name, head=head))
    request = {
        "folder": str(folder),
        "python_minor": "3.12" if version == PREFECT3 else "3.11",
        "python_path": [],
        "seconds": 60,
        "entrypoints": [f"{name}.py:etl" for name in flows],
        "at_once": 2,
    }
    package = "flowtui.deploy.stages.healthcheck"
    probe = files(package).joinpath("entrypoint_probe.py").read_text(encoding="utf-8")
    ran = subprocess.run(
        [str(prefect_python(version)), "-c", probe, "MARK", json.dumps(request)],
        env={"PATH": os.environ["PATH"], **apart(folder / "home")},
        stdout=subprocess.PIPE,
        check=True,
    )
    told = answer_in(ran.stdout, "MARK")
    assert told is not None
    return {name: told["looks"][f"{name}.py:etl"] for name in flows}


@pytest.mark.real
@pytest.mark.parametrize("version", [PREFECT3, PREFECT2])
def test_none_of_them_is_in_the_way_of_another(version: str, tmp_path: Path) -> None:
    told = looked(
        version,
        tmp_path,
        {
            "prints": "import os, sys; print('out'); sys.stdout.flush(); os.write(2, b'err\\n')",
            "ends": "import os; os._exit(0)",
            "dies": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "leaves": "import subprocess; subprocess.Popen(['sleep', '1'])",
            "raises": "import nowhere_to_be_found",
            "changes": "import prefect; prefect.flows.load_flow_from_entrypoint = None",
            "plain": "",
        },
    )
    assert told["prints"]["output"].split() == ["out", "err"]
    assert told["ends"]["answer"] is told["dies"]["answer"] is None
    assert told["raises"]["answer"]["error"]["module"] == "nowhere_to_be_found"
    for name in ("prints", "leaves", "changes", "plain"):
        answer = told[name]["answer"]
        assert answer["flow"]["name"] == name, answer
        assert answer["flow"] == answer["back"]
        assert answer["flow"]["schema"]["properties"]["day"]["default"] == 1
