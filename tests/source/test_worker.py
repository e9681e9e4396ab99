"""The stand-alone worker on its own: every Python it must run on, and its view of packages."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest

import flowtui.source.loader as loader
from flowtui.source.worker.installed import found_on, packages
from flowtui.source.worker.project import imported_since, newest_import
from flowtui.source.worker.values import plain as as_plain_values
from tests.parts.need import missing
from tests.parts.prefects import find_python

WORKER = Path(loader.__file__).with_name("worker")
PREFECT = {
    "prefect-3.1.0.dist-info/METADATA": "Name: prefect\nVersion: 3.1.0\n",
    "prefect/__init__.py": "from .flows import flow\n__version__ = '3.1.0'\n",
    "prefect/flows.py": """
        class Flow:
            def __init__(self, fn):
                self.fn, self.name, self.version, self.description = fn, fn.__name__, "1", None
                self.isasync = False
            def deploy(self):
                raise SystemExit("not to be run")
        flow = Flow
        """,
    "prefect/tasks.py": "class Task: pass",
    "prefect/deployments/__init__.py": "",
    "prefect/utilities/__init__.py": "",
    "prefect/utilities/callables.py": """
        class Schema:
            def json(self):
                return '{"type": "object"}'
        def parameter_schema(flow):
            return Schema()
        """,
    "cloudpickle.py": "__version__ = '2.2.1'",
}


@pytest.mark.parametrize("module", sorted(WORKER.glob("*.py")), ids=lambda path: path.name)
def test_the_worker_imports_nothing_of_flowtui(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("flowtui") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 1 or not (node.module or "").startswith("flowtui")


@pytest.mark.real
@pytest.mark.parametrize("minor", ["3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def test_the_worker_answers_on_every_python(minor: str, tmp_path: Path) -> None:
    """With a stand-in for an installed Prefect 3."""
    python = find_python(minor)
    if python is None:
        missing(f"Python {minor}", "not on PATH or under pyenv")
    project = tmp_path / "project"
    project.mkdir()
    (project / "common.py").write_text("limit = 3\n")
    (project / "project.py").write_text("size = 4\n")
    (project / "flow.py").write_text(
        "import common, project\nfrom prefect import flow\n@flow\ndef x(): ...\nx.deploy()\n"
    )
    for path, content in PREFECT.items():
        (tmp_path / "packages" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "packages" / path).write_text(dedent(content))
    request = {
        "action": "inspect",
        "root": str(project),
        "path": "flow.py",
        "name": "x",
        "variable": "x",
        "line": 4,
        "function": None,
        "modules": [],
        "attachment": None,
        "answer": str(tmp_path / "answer"),
        "pickle": str(tmp_path / "pickle"),
        "trace": str(tmp_path / "trace"),
        "pickle_limit": 1000,
    }
    done = subprocess.run(
        [python, "-S", "-B", str(WORKER / "__main__.py")],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path / "packages")},
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "flow.deploy() ignored" in done.stderr
    told = json.loads((tmp_path / "answer").read_text())["flow"]
    assert told["serialized"]["entrypoint"] == "flow.py:x"
    assert told["serialized"]["parameter_openapi_schema"] == {"type": "object"}
    assert [name for name, _ in told["modules"]] == ["common", "project"]


def distribution(folder: Path, name: str, version: str, *files: str, **more: str) -> None:
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        f"{more.get('requires', '')}\nText with Name: other\n"
    )
    (info / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in files))
    if "top_level" in more:
        (info / "top_level.txt").write_text(more["top_level"])
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("")


def test_import_names_lead_to_distributions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    distribution(site, "PyYAML", "5.1", "yaml/__init__.py", "_yaml/__init__.py")
    distribution(site, "scikit-learn", "1.0", "sklearn/__init__.py", top_level="sklearn\n")
    distribution(site, "google-storage", "2.0", "google/storage/__init__.py")
    distribution(site, "google-pubsub", "3.0", "google/pubsub/__init__.py")
    distribution(site, "single", "1", "single.py", "../../bin/tool")
    distribution(site, "unused", "1", "unused.py")
    distribution(site, "prefect", "1.4.1", "prefect/__init__.py")
    flow = tmp_path / "flow.py"
    flow.write_text(
        "import yaml, os, single\nfrom google.storage import Client\nfrom prefect import Flow\n"
        "from . import relative\nimport helper\n"
        "def late():\n    from sklearn.svm import SVC\n    import not_installed\n"
    )
    monkeypatch.syspath_prepend(str(site))
    found = packages([str(flow)], {"helper"}, found_on([str(site)]), [])
    assert found == [
        ["google-storage", "2.0"],
        ["PyYAML", "5.1"],
        ["scikit-learn", "1.0"],
        ["single", "1"],
    ]


def test_a_prefect_extra_counts_once_it_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    requires = (
        'Requires-Dist: click (>=7)\nRequires-Dist: some-cloud-sdk>=1 ; extra == "cloud"\n'
        "Requires-Dist: other; extra == 'other'\n"
    )
    distribution(site, "prefect", "1.4.1", "prefect/__init__.py", requires=requires)
    distribution(site, "some_cloud_sdk", "1.2", "cloudsdk.py")
    distribution(site, "other", "1", "other_sdk.py")
    distribution(site, "click", "8", "click/__init__.py")
    mark = newest_import()
    monkeypatch.delitem(sys.modules, "click", raising=False)
    for name in ("cloudsdk", "click"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    imported = imported_since(mark)
    assert imported == ["click", "cloudsdk"]
    assert packages([], set(), found_on([str(site)]), imported) == [["some_cloud_sdk", "1.2"]]
    assert packages([], set(), found_on([str(site)]), []) == []


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ({"a": {1: (2, 3)}, "b": object()}, {"a": {"1": [2, 3]}}),
        ({"s": {"y", "x"}, "p": Path("/x")}, {"s": ["x", "y"], "p": "/x"}),
        ([1, object(), None, 2.5], [1, None, 2.5]),
    ],
)
def test_only_what_is_json_is_reported(value: object, plain: object) -> None:
    assert as_plain_values(value) == plain
