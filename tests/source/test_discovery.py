from __future__ import annotations

import os
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowtui.errors import UsageError
from flowtui.models import BrokenFile, FlowKind, LocalFlow
from flowtui.source import parsing
from flowtui.source.discovery import Discoverer, discover
from flowtui.source.flowfinder import find_flows


def found(source: str) -> list[LocalFlow]:
    return list(find_flows(parsing.parse(dedent(source).encode()), "flow.py"))


def only(source: str) -> LocalFlow:
    (flow,) = found(source)
    return flow


def write(root: Path, path: str, content: str = "from prefect import Flow\nFlow('x')\n") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return file


@pytest.mark.parametrize(
    ("source", "line", "variable"),
    [
        ("from prefect import Flow\nwith Flow('etl') as f:\n    pass", 2, "f"),
        ("from prefect import Flow\nf = Flow('etl')", 2, "f"),
        ("from prefect import Flow\nf = Flow(name='etl', schedule=None)", 2, "f"),
        ("from prefect import Flow\nf: Flow = Flow('etl')", 2, "f"),
        ("from prefect import Flow\nif (f := Flow('etl')):\n    pass", 2, "f"),
        ("from prefect import Flow\na = f = Flow('etl')", 2, "f"),
        ("from prefect import Flow\nself.flow = Flow('etl')", 2, None),
        ("from prefect import Flow\nFlow('etl').register('p')", 2, None),
        ("from prefect import Flow as F\nf = F('etl')", 2, "f"),
        ("import prefect\nf = prefect.Flow('etl')", 2, "f"),
        ("import prefect as p\nf = p.Flow('etl')", 2, "f"),
        ("import prefect.core.flow\nf = prefect.core.flow.Flow('etl')", 2, "f"),
        ("import prefect.core as c\nf = c.Flow('etl')", 2, "f"),
        ("from prefect.core.flow import Flow\nf = Flow('etl')", 2, "f"),
        ("from prefect.core import Flow\nf = Flow('etl')", 2, "f"),
        ("from prefect import core\nf = core.Flow('etl')", 2, "f"),
        ("from prefect import *\nf = Flow('etl')", 2, "f"),
        ("import prefect\nFlow = prefect.Flow\nf = Flow('etl')", 3, "f"),
        ("from prefect import Flow\nclass Mine(Flow):\n  pass\nf = Mine('etl')", 4, "f"),
        ("from prefect import Flow\nf = Flow(\n    'etl',\n    tasks=[],\n)", 2, "f"),
        (
            "try:\n    from prefect import Flow\nexcept ImportError:\n    pass\nf = Flow('etl')",
            5,
            "f",
        ),
    ],
)
def test_a_flow_object_is_found_however_it_is_written(
    source: str, line: int, variable: str | None
) -> None:
    assert only(source) == LocalFlow("flow.py", line, "etl", FlowKind.FLOW_OBJECT, variable)


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("'plain'", "plain"),
        ("NAME", "constant"),
        ("f'{NAME}-daily'", "constant-daily"),
        ("NAME + '-' + 'x'", "constant-x"),
        ("ALIAS", "constant"),
    ],
)
def test_a_name_that_is_certain_without_running_is_resolved(expression: str, name: str) -> None:
    flow = only(f"from prefect import Flow\nNAME = 'constant'\nALIAS = NAME\nFlow({expression})")
    assert (flow.name, flow.expression) == (name, "")


@pytest.mark.parametrize(
    ("before", "expression"),
    [
        ("", "os.environ['NAME']"),
        ("", "f'{x}-etl'"),
        ("NAME = 'a'\nNAME = 'b'", "NAME"),
        ("NAME = 'a'\nNAME += 'b'", "NAME"),
        ("if x:\n    NAME = 'a'", "NAME"),
        ("A = B + 'a'\nB = A + 'b'", "A"),
        ("", "f'{NAME!r}'"),
    ],
)
def test_any_other_name_is_dynamic_and_shows_its_source(before: str, expression: str) -> None:
    flow = only(f"from prefect import Flow\n{before}\nf = Flow({expression})")
    assert (flow.name, flow.expression) == (None, expression)
    assert flow.display_name == f"<{expression}>"
    assert flow.target == "flow.py:f"


def test_arguments_that_are_unpacked_leave_the_name_dynamic() -> None:
    assert only("from prefect import Flow\nFlow(**options)").expression == "Flow(**options)"
    assert only("from prefect import Flow\nFlow(*options)").name is None


def test_a_builder_function_shows_the_name_and_who_makes_the_flow() -> None:
    flow = only(
        """
        from prefect import Flow
        def build():
            with Flow("built") as flow:
                pass
            return flow
        """
    )
    assert (flow.name, flow.function, flow.variable) == ("built", "build", "flow")


def test_a_parameter_is_not_taken_for_a_constant_of_the_same_name() -> None:
    flow = only("from prefect import Flow\nname = 'a'\ndef build(name):\n    return Flow(name)")
    assert (flow.name, flow.expression) == (None, "name")


def test_several_flows_in_one_file_come_by_line() -> None:
    flows = found(
        """
        from prefect import Flow, flow
        with Flow("a") as a, Flow("b") as b:
            pass
        c = [Flow("c"), Flow("d")]
        @flow
        def last_one(): ...
        """
    )
    assert [(flow.name, flow.variable) for flow in flows] == [
        ("a", "a"),
        ("b", "b"),
        ("c", None),
        ("d", None),
        ("last-one", "last_one"),
    ]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("from prefect import flow\n@flow\ndef my_etl_job(): ...", "my-etl-job"),
        ("from prefect import flow\n@flow()\ndef my_etl(): ...", "my-etl"),
        ("from prefect import flow\n@flow(name='Etl')\ndef my_etl(): ...", "Etl"),
        ("from prefect import flow\n@flow(name=None)\ndef my_etl(): ...", "my-etl"),
        ("from prefect import flow\nN = 'E'\n@flow(name=N, retries=2)\ndef my_etl(): ...", "E"),
        ("from prefect import flow\n@flow(name=make())\ndef my_etl(): ...", None),
        ("import prefect\n@prefect.flow\nasync def my_etl(): ...", "my-etl"),
        ("import prefect as p\n@p.flow(name='x')\ndef my_etl(): ...", "x"),
        ("from prefect import flow as f\n@other\n@f\ndef my_etl(): ...", "my-etl"),
        ("from prefect.flows import flow\nif True:\n    @flow\n    def my_etl(): ...", "my-etl"),
        ("from prefect import *\n@flow\ndef my_etl(): ...", "my-etl"),
    ],
)
def test_a_flow_function_is_found_under_any_alias(source: str, name: str | None) -> None:
    flow = only(source)
    assert (flow.name, flow.kind) == (name, FlowKind.FLOW_FUNCTION)
    assert flow.variable is not None
    assert f"def {flow.variable}(" in source
    assert source.splitlines()[flow.line - 1].lstrip().startswith(("def ", "async def "))


@pytest.mark.parametrize(
    "source",
    [
        "from elsewhere import Flow\nFlow('x')",
        "from .prefect import Flow\nFlow('x')",
        "import prefect_like\nprefect_like.Flow('x')",
        "from prefect import Flow\ndef f(flow: Flow) -> Flow: return isinstance(flow, Flow)",
        "from prefect import task\n@task\ndef Flow(): ...\nFlow('x')",
        "from prefect.engine.flow_runner import FlowRunner\nFlowRunner('x')",
        "from prefect import flow\n@flow.something\ndef x(): ...",
    ],
)
def test_what_is_no_flow_is_not_found(source: str) -> None:
    assert found(source) == []


def test_files_that_do_not_parse_are_listed_and_hide_nothing(tmp_path: Path) -> None:
    write(tmp_path, "a.py")
    write(tmp_path, "bad.py", "import prefect\n\ndef broken(:\n    pass\n")
    write(tmp_path, "not_about_it.py", "def broken(:\n")
    (tmp_path / "null.py").write_bytes(b"import prefect\nx = 1\0\n")
    (tmp_path / "latin.py").write_bytes(b"# prefect\nname = '\xe9'\n")
    (tmp_path / "cookie.py").write_bytes(
        b"# -*- coding: latin-1 -*-\nfrom prefect import Flow\nFlow('caf\xe9')\n"
    )
    (tmp_path / "odd.py").write_bytes(b"# -*- coding: no-such -*-\nimport prefect\n")
    write(tmp_path, "deep.py", "import prefect\nx = " + "[" * 5000 + "]" * 5000)
    write(tmp_path, "minus.py", "import prefect\nx = " + "-" * 50000 + "1")
    write(tmp_path, "z.py")
    discovery = discover(tmp_path)
    assert [(flow.path, flow.name) for flow in discovery.flows] == [
        ("a.py", "x"),
        ("cookie.py", "café"),
        ("z.py", "x"),
    ]
    broken = {file.path: file for file in discovery.broken}
    assert sorted(broken) == ["bad.py", "deep.py", "latin.py", "minus.py", "null.py", "odd.py"]
    assert (broken["bad.py"].line, broken["bad.py"].column) == (3, 12)
    assert broken["null.py"].line in (1, 2)
    assert all(file.message for file in broken.values())
    assert discovery.files_seen == 10


def test_a_long_chain_of_additions_is_no_reason_to_die(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "from prefect import Flow\nFlow(" + "'a'+" * 900 + "'b')\n")
    discovery = discover(tmp_path)
    assert len(discovery.flows) + len(discovery.broken) == 1


def test_a_file_too_large_is_named_only_when_it_mentions_prefect(tmp_path: Path) -> None:
    filler = "x = 1\n" * 900_000
    write(tmp_path, "data.py", filler)
    write(tmp_path, "large.py", filler + "import prefect\n")
    discovery = discover(tmp_path)
    assert discovery.broken == (BrokenFile("large.py", 1, 1, "too large to parse (5 MB)"),)


def test_user_code_is_never_run(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    write(
        tmp_path,
        "a.py",
        f"open({str(marker)!r}, 'w').close()\nfrom prefect import Flow\nFlow('x')\n",
    )
    assert [flow.name for flow in discover(tmp_path).flows] == ["x"]
    assert not marker.exists()


def test_warnings_about_user_code_do_not_reach_our_terminal(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    write(tmp_path, "a.py", "from prefect import Flow\nFlow('x')\npattern = '\\d'\n")
    discover(tmp_path)
    assert not list(recwarn)


def test_ignored_and_skipped_folders_are_not_looked_into(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", "/generated/\n*_old.py\n!keep_old.py\n[broken\n")
    write(tmp_path, "team/.gitignore", "scratch/\n!special_old.py\nlocal.py\n")
    write(tmp_path, ".git/info/exclude", "private.py\n")
    for path in (
        "flow.py",
        "generated/flow.py",
        "team/generated/flow.py",
        "a_old.py",
        "keep_old.py",
        "team/special_old.py",
        "team/other_old.py",
        "team/scratch/flow.py",
        "scratch/flow.py",
        "team/local.py",
        "local.py",
        "private.py",
        ".venv/lib/flow.py",
        "node_modules/x/flow.py",
        "deep/build/flow.py",
        "pkg.egg-info/flow.py",
        "my-environment/flow.py",
        "excluded/flow.py",
    ):
        write(tmp_path, path)
    write(tmp_path, "my-environment/pyvenv.cfg", "home = /usr\n")
    discovery = discover(tmp_path, exclude=("excluded",))
    assert [flow.path for flow in discovery.flows] == [
        "flow.py",
        "keep_old.py",
        "local.py",
        "scratch/flow.py",
        "team/generated/flow.py",
        "team/special_old.py",
    ]


def test_rules_above_the_project_count_inside_a_git_work_tree(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, ".gitignore", "/project/secret.py\nskipped.py\n")
    root = tmp_path / "project"
    for path in ("secret.py", "skipped.py", "flow.py", "sub/secret.py"):
        write(root, path)
    assert [flow.path for flow in discover(root).flows] == ["flow.py", "sub/secret.py"]


def test_a_project_below_a_folder_with_a_skipped_name_is_found(tmp_path: Path) -> None:
    write(tmp_path / "build" / "project", "flow.py")
    assert len(discover(tmp_path / "build" / "project").flows) == 1


def test_odd_entries_of_the_file_system_do_no_harm(tmp_path: Path) -> None:
    write(tmp_path, "real/flow.py")
    (tmp_path / "real" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "dangling.py").symlink_to(tmp_path / "nowhere")
    (tmp_path / "link.py").symlink_to(tmp_path / "real" / "flow.py")
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "itself.py").symlink_to("itself.py")
    os.mkfifo(tmp_path / "pipe.py")
    assert [flow.path for flow in discover(tmp_path).flows] == ["link.py", "real/flow.py"]


def test_an_unreadable_file_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, "a.py")
    write(tmp_path, "b.py")
    real_open = os.open

    def refusing(path: str, flags: int, *rest: int) -> int:
        if Path(path) == file:
            raise PermissionError(13, "Permission denied", path)
        return real_open(path, flags, *rest)

    monkeypatch.setattr(os, "open", refusing)  # the tests may run as root, who may read all
    discovery = discover(tmp_path)
    assert discovery.broken == (BrokenFile("a.py", 1, 1, "cannot be read: Permission denied"),)
    assert [flow.path for flow in discovery.flows] == ["b.py"]


def test_a_root_that_is_no_folder_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        discover(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="not a folder"):
        discover(write(tmp_path, "a.py"))
    (tmp_path / "itself").symlink_to("itself")
    with pytest.raises(UsageError, match="cannot be read: Too many levels"):
        discover(tmp_path / "itself")


def test_looking_again_parses_only_what_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        write(tmp_path, f"flow{number}.py")
    discoverer = Discoverer(tmp_path)
    first = discoverer.discover()
    parsed: list[bytes] = []
    real = parsing.parse
    monkeypatch.setattr(
        parsing, "parse", lambda content: (parsed.append(content), real(content))[1]
    )
    assert discoverer.discover() == first
    assert parsed == []
    write(tmp_path, "flow3.py", "from prefect import Flow\nFlow('renamed')\n")
    (tmp_path / "flow4.py").unlink()
    again = discoverer.discover()
    assert len(parsed) == 1
    assert [flow.name for flow in again.flows] == ["x", "x", "x", "renamed"]


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(content: bytes) -> None:
    try:
        find_flows(parsing.parse(b"import prefect\n" + content), "x.py")
    except parsing.UnparsableError as error:
        assert error.line >= 1
        assert error.column >= 1


@given(st.text(min_size=1, max_size=40))
def test_any_literal_name_comes_out_as_it_was_written(name: str) -> None:
    try:
        source = f"from prefect import Flow\nf = Flow({name!r})".encode()
    except UnicodeEncodeError:
        return
    (flow,) = find_flows(parsing.parse(source), "x.py")
    assert flow.name == name
