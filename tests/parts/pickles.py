"""Flows pickled by their own Prefect, without flowtui's worker: raw material for stage tests."""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from flowtui.models import Interpreter
from tests.parts.prefects import RELEASES, prefect_python

SIMPLE = """
from prefect import Flow, task, Parameter

@task
def add(x, y):
    return x + y

with Flow("two task") as flow:
    add(Parameter("x", default=1), 2)
"""

_PICKLE = """
import base64, json, sys
import cloudpickle, prefect
names = {"__name__": "__main__"}
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"), names)
flow = names["flow"]
try:
    from prefect.utilities.storage import flow_to_bytes_pickle as pickled
except ImportError:
    pickled = cloudpickle.dumps
data = pickled(flow)
try:
    tasks = flow.serialize(build=False)["tasks"]
except TypeError:
    tasks = flow.serialize()["tasks"]
print("\\n" + json.dumps({
    "pickle": base64.b64encode(data).decode(),
    "name": flow.name,
    "slugs": [task["slug"] for task in tasks],
    "cloudpickle": cloudpickle.__version__,
    "prefect": prefect.__version__,
    "python": "%d.%d.%d" % sys.version_info[:3],
    "executable": sys.executable,
}))
"""


@dataclass(frozen=True)
class PickledSample:
    """A flow as its own Prefect writes it, and what that Prefect says of it."""

    name: str
    slugs: frozenset[str]
    pickle: bytes
    interpreter: Interpreter


def pickled_flow(version: str, folder: Path, code: str = SIMPLE) -> PickledSample:
    """Run `code` (which must bind `flow`) in Prefect `version`, from `folder`, and pickle it."""
    assert version in RELEASES
    source = folder / "sample_flow.py"
    source.write_text(code)
    done = subprocess.run(
        [str(prefect_python(version)), "-c", _PICKLE, str(source)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.rstrip().splitlines()[-1])
    return PickledSample(
        said["name"],
        frozenset(said["slugs"]),
        base64.b64decode(said["pickle"]),
        Interpreter(said["executable"], said["python"], said["prefect"], said["cloudpickle"]),
    )
