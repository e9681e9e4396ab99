from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowtui.source.closure import fingerprint, static_closure


def write(root: Path, path: str, content: str = "") -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


def closure(root: Path, flow: str = "flow.py") -> dict[str, str]:
    return {
        module.name: Path(module.path).relative_to(root).as_posix() if module.path else ""
        for module in static_closure(root, flow)
    }


def test_modules_are_followed_to_the_end_and_in_circles(tmp_path: Path) -> None:
    write(tmp_path, "flow.py", "import a\nimport os, json\nfrom prefect import Flow\n")
    write(tmp_path, "a.py", "def f():\n    from b import thing\n")
    write(tmp_path, "b.py", "import a\nimport c.d\n")
    write(tmp_path, "c/__init__.py", "import e")
    write(tmp_path, "c/d.py")
    write(tmp_path, "e.py")
    write(tmp_path, "unused.py")
    assert closure(tmp_path) == {
        "a": "a.py",
        "b": "b.py",
        "c": "c/__init__.py",
        "c.d": "c/d.py",
        "e": "e.py",
    }


def test_every_way_of_importing_counts(tmp_path: Path) -> None:
    write(
        tmp_path,
        "flow.py",
        "from pkg import one, value\n"
        "from pkg.sub.two import *\n"
        "import pkg.three as t\n"
        "try:\n    import four\nexcept ImportError:\n    four = None\n"
        "class A:\n    import five\n"
        "from space import inner\n",
    )
    write(tmp_path, "pkg/__init__.py", "value = 1")
    write(tmp_path, "pkg/one.py", "from . import six\nfrom .sub import two\nfrom .. import no\n")
    write(tmp_path, "pkg/six.py")
    write(tmp_path, "pkg/sub/__init__.py")
    write(tmp_path, "pkg/sub/two.py", "from ..three import x\n")
    for name in ("pkg/three", "four", "five", "space/inner"):
        write(tmp_path, f"{name}.py")
    assert closure(tmp_path) == {
        "five": "five.py",
        "four": "four.py",
        "pkg": "pkg/__init__.py",
        "pkg.one": "pkg/one.py",
        "pkg.six": "pkg/six.py",
        "pkg.sub": "pkg/sub/__init__.py",
        "pkg.sub.two": "pkg/sub/two.py",
        "pkg.three": "pkg/three.py",
        "space": "",
        "space.inner": "space/inner.py",
    }


def test_the_flow_files_folder_comes_before_the_root_and_the_root_before_src(
    tmp_path: Path,
) -> None:
    write(tmp_path, "flows/flow.py", "import near, top, lib, flows.other\n")
    write(tmp_path, "flows/near.py")
    write(tmp_path, "near.py")
    write(tmp_path, "top.py")
    write(tmp_path, "src/top.py")
    write(tmp_path, "src/lib/__init__.py")
    write(tmp_path, "flows/other.py")
    assert closure(tmp_path, "flows/flow.py") == {
        "near": "flows/near.py",
        "top": "top.py",
        "lib": "src/lib/__init__.py",
        "flows": "",
        "flows.other": "flows/other.py",
    }


def test_relative_imports_of_a_flow_file_in_a_package(tmp_path: Path) -> None:
    write(tmp_path, "app/__init__.py")
    write(tmp_path, "app/flows/__init__.py")
    write(tmp_path, "app/flows/flow.py", "from . import local\nfrom ..shared import thing\n")
    write(tmp_path, "app/flows/local.py")
    write(tmp_path, "app/shared.py")
    assert closure(tmp_path, "app/flows/flow.py") == {
        "app": "app/__init__.py",
        "app.flows": "app/flows/__init__.py",
        "app.flows.local": "app/flows/local.py",
        "app.shared": "app/shared.py",
    }


def test_modules_that_do_not_parse_are_listed_and_stop_nothing(tmp_path: Path) -> None:
    write(tmp_path, "flow.py", "import broken, fine\n")
    write(tmp_path, "broken.py", "def (:\nimport never\n")
    write(tmp_path, "never.py")
    write(tmp_path, "fine.py")
    assert closure(tmp_path) == {"broken": "broken.py", "fine": "fine.py"}
    write(tmp_path, "flow.py", "def (:\n")
    assert closure(tmp_path) == {}


def test_what_is_installed_is_not_the_projects(tmp_path: Path) -> None:
    write(tmp_path, "flow.py", "import json, os.path, prefect.core, numpy as np\n")
    write(tmp_path, "data/readme.txt")
    write(tmp_path, "flow2.py", "import data\n")
    assert closure(tmp_path) == {}
    assert closure(tmp_path, "flow2.py") == {}


def test_the_answer_is_what_python_really_imports(tmp_path: Path) -> None:
    write(tmp_path, "flows/flow.py", "import helper\nfrom pkg.deep import leaf\nimport helper\n")
    write(tmp_path, "flows/helper.py", "from pkg import tool\n")
    write(tmp_path, "pkg/__init__.py")
    write(tmp_path, "pkg/tool.py", "from .deep.leaf import x\n")
    write(tmp_path, "pkg/deep/__init__.py")
    write(tmp_path, "pkg/deep/leaf.py", "x = 1\n")
    script = (
        "import sys, runpy\n"
        "sys.dont_write_bytecode = True\n"
        "before = set(sys.modules)\n"
        f"sys.path[:0] = [{str(tmp_path / 'flows')!r}, {str(tmp_path)!r}]\n"
        f"runpy.run_path({str(tmp_path / 'flows' / 'flow.py')!r})\n"
        "print(*sorted(n for n in set(sys.modules) - before if n.split('.')[0] in "
        "('helper', 'pkg')))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True
    )
    assert sorted(closure(tmp_path, "flows/flow.py")) == answer.stdout.split()


def test_the_fingerprint_changes_with_the_content_of_the_closure_only(tmp_path: Path) -> None:
    write(tmp_path, "flow.py", "import a\n")
    write(tmp_path, "a.py", "x = 1\n")
    write(tmp_path, "other.py", "y = 1\n")
    first = fingerprint(tmp_path, "flow.py")
    write(tmp_path, "other.py", "y = 2\n")
    (tmp_path / "a.py").touch()
    assert fingerprint(tmp_path, "flow.py") == first
    write(tmp_path, "a.py", "x = 2\n")
    second = fingerprint(tmp_path, "flow.py")
    write(tmp_path, "flow.py", "import a  # changed\n")
    third = fingerprint(tmp_path, "flow.py")
    write(tmp_path, "flow.py", "import a, other  # changed\n")
    assert len({first, second, third, fingerprint(tmp_path, "flow.py")}) == 4


def test_the_fingerprint_does_not_depend_on_the_place(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / name, "flows/flow.py", "import a\n")
        write(tmp_path / name, "a.py", "x = 1\n")
    assert fingerprint(tmp_path / "one", "flows/flow.py") == fingerprint(
        tmp_path / "two", "flows/flow.py"
    )


def test_a_flow_file_that_is_gone_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        fingerprint(tmp_path, "flow.py")


@settings(max_examples=40, deadline=None)
@given(
    edges=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20),
)
def test_the_closure_is_what_can_be_reached(
    tmp_path_factory: pytest.TempPathFactory, edges: list[tuple[int, int]]
) -> None:
    root = tmp_path_factory.mktemp("graph")
    for number in range(8):
        imports = "".join(f"import m{to}\n" for start, to in edges if start == number)
        write(root, f"m{number}.py", imports)
    reached: set[int] = set()
    pending = [0]
    while pending:
        number = pending.pop()
        for start, to in edges:
            if start == number and to not in reached:
                reached.add(to)
                pending.append(to)
    assert set(closure(root, "m0.py")) == {f"m{number}" for number in reached - {0}}


def test_a_name_too_long_for_a_file_is_no_module(tmp_path: Path) -> None:
    write(tmp_path, "flow.py", f"import {'a' * 300}\nfrom {'b' * 300}.c import d\nimport helper\n")
    write(tmp_path, "helper.py")
    assert closure(tmp_path) == {"helper": "helper.py"}
