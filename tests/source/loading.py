"""Helpers of the tests that load flows with real Prefects."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

from flowtui.models import Attachment, FlowKind, Interpreter, LocalFlow, PickledFlow
from flowtui.source.discovery import discover
from tests.parts.prefects import prefect_python

VERSIONS = ("0.6.1", "0.15.13", "1.4.1")

DOCKER = {
    "type": "Docker",
    "path": "/opt/prefect/flows/etl.prefect",
    "registry_url": "registry.example.com/team",
    "image_name": "etl",
    "image_tag": "abc123",
}

STORAGE_MODULE = {
    "0.6.1": "prefect.environments.storage",
    "0.15.13": "prefect.storage",
    "1.4.1": "prefect.storage",
}


@cache
def interpreter(version: str) -> Interpreter:
    python = str(prefect_python(version))
    asked = subprocess.run(
        [
            python,
            "-c",
            "import sys, cloudpickle; print('%d.%d.%d' % sys.version_info[:3], "
            "cloudpickle.__version__)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    python_version, cloudpickle_version = asked.stdout.split()
    return Interpreter(python, python_version, version, cloudpickle_version, "test")


@dataclass(frozen=True)
class Project:
    root: Path

    def write(self, path: str, content: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(content))

    def flow(self, name: str | None = None) -> LocalFlow:
        """The flow as discovery finds it; by name when there are several."""
        flows = discover(self.root).flows
        return next(flow for flow in flows if name is None or flow.name == name)

    def listing(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file()
        }


def named(name: str | None, *, path: str = "flow.py", line: int = 0) -> LocalFlow:
    return LocalFlow(path, line, name, FlowKind.FLOW_OBJECT)


def docker(**more: object) -> Attachment:
    return Attachment(storage={**DOCKER, **more})  # type: ignore[dict-item]


_UNPICKLE = """
import json, sys
content = open(sys.argv[1], "rb").read()
import prefect, cloudpickle
try:
    from prefect.utilities.storage import flow_from_bytes_pickle
    flow = flow_from_bytes_pickle(content)
except ImportError:
    flow = cloudpickle.loads(content)
if len(sys.argv) > 2:
    exec(sys.argv[2])
else:
    print(json.dumps(flow.serialize()))
"""


def in_fresh_process(version: str, pickled: PickledFlow, folder: Path, code: str = "") -> str:
    """Unpickle with Prefect's own function in a new process in an empty folder.

    Runs `code` with `flow` in it, or prints its serialization; returns what was printed.
    """
    folder.mkdir(exist_ok=True)
    (folder / "flow.prefect").write_bytes(pickled.pickle)
    arguments = ["flow.prefect", *([dedent(code)] if code else [])]
    done = subprocess.run(
        [str(prefect_python(version)), "-c", _UNPICKLE, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


_REGISTER = """
import json, runpy, sys
import prefect
sent = []
def send(self, flow, *args, **kwargs):
    sent.append(flow.serialize())
    return ""
for name in ("deploy", "register"):
    if hasattr(prefect.Client, name):
        setattr(prefect.Client, name, send)
root, file, attach = sys.argv[1:]
sys.dont_write_bytecode = True
sys.path[:0] = [root]
values = runpy.run_path(file, run_name="flow")
flow = next(value for value in values.values() if isinstance(value, prefect.Flow))
exec(attach)
getattr(flow, "register", None) or setattr(prefect.Flow, "register", prefect.Flow.deploy)
flow.register("P", build=False)
print(json.dumps(sent))
"""


def prefect_sends(version: str, project: Project, attach: str) -> dict[str, Any]:
    """What the real `Flow.register` (0.6.1: `deploy`) of this Prefect sends for the same flow."""
    done = subprocess.run(
        [
            str(prefect_python(version)),
            "-c",
            _REGISTER,
            str(project.root),
            str(project.root / "flow.py"),
            dedent(attach),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={"PREFECT__CLOUD__AUTH_TOKEN": "none", "PATH": "/usr/bin:/bin", "HOME": "/tmp"},
    )
    assert done.returncode == 0, done.stderr
    (sent,) = json.loads(done.stdout.splitlines()[-1])
    return sent


def sorted_lists(value: Any) -> Any:
    """Old Prefects dump sets in any order."""
    if isinstance(value, dict):
        return {key: sorted_lists(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted(
            (sorted_lists(one) for one in value), key=lambda one: json.dumps(one, sort_keys=True)
        )
    return value


def without_slugs(serialized: Any) -> Any:
    """Slugs replaced by task names: they are random in 0.6.1, and so differ between loads."""
    names = {task["slug"]: task["name"] for task in serialized["tasks"]}
    text = json.dumps(serialized)
    for slug, name in names.items():
        text = text.replace(json.dumps(slug), json.dumps(f"slug of {name}"))
    return sorted_lists(json.loads(text))
