from pathlib import Path

import pytest

from flowtui.cli.targets import find_targets, root_of
from flowtui.errors import UsageError
from flowtui.models import BrokenFile, Discovery, FlowKind, LocalFlow
from flowtui.source.discovery import discover


@pytest.fixture
def discovery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Discovery:
    for name in ("a.py", "sub/b.py", "sub/bad.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return Discovery(
        str(tmp_path.resolve()),
        (
            LocalFlow("a.py", 1, "one", FlowKind.FLOW_OBJECT, "f"),
            LocalFlow("a.py", 9, "two", FlowKind.FLOW_OBJECT, "g"),
            LocalFlow("sub/b.py", 3, None, FlowKind.FLOW_OBJECT, "h", "make_name()"),
            LocalFlow("sub/b.py", 7, "one", FlowKind.FLOW_OBJECT, "i"),
        ),
        (BrokenFile("sub/bad.py", 2, 1, "invalid syntax"),),
    )


@pytest.mark.parametrize(
    ("word", "lines"),
    [
        ("a.py", [1, 9]),
        ("sub", [3, 7]),
        ("a.py:two", [9]),
        ("a.py:g", [9]),
        ("sub/b.py:h", [3]),
        ("two", [9]),
    ],
)
def test_paths_names_and_variables_find_flows(
    discovery: Discovery, word: str, lines: list[int]
) -> None:
    assert [flow.line for flow in find_targets((word,), discovery).flows] == lines


def test_a_folder_brings_its_broken_files_along(discovery: Discovery) -> None:
    assert [file.path for file in find_targets(("sub",), discovery).broken] == ["sub/bad.py"]


def test_a_flow_named_twice_is_deployed_once(discovery: Discovery) -> None:
    assert len(find_targets(("a.py:one", "a.py:f"), discovery).flows) == 1


def test_two_flows_with_one_name_are_refused_with_both_places(discovery: Discovery) -> None:
    with pytest.raises(UsageError, match="2 flows are named “one”") as error:
        find_targets((".",), discovery)
    assert error.value.problem.where == "a.py:1, sub/b.py:7"
    with pytest.raises(UsageError, match="2 flows are named"):
        find_targets(("one",), discovery)


def test_a_typo_gets_the_nearest_name(discovery: Discovery) -> None:
    with pytest.raises(UsageError) as error:
        find_targets(("twoo",), discovery)
    assert "“two”" in error.value.problem.fix


def test_an_unknown_name_in_a_file_lists_what_is_there(discovery: Discovery) -> None:
    with pytest.raises(UsageError) as error:
        find_targets(("a.py:nope",), discovery)
    assert "“one”, “two”" in error.value.problem.fix


def test_paths_outside_the_project_are_refused(discovery: Discovery) -> None:
    with pytest.raises(UsageError, match="outside the project folder"):
        find_targets(("/",), discovery)


def test_what_lies_in_this_folder_belongs_to_its_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "etl.py").touch()
    other = tmp_path / "other"
    other.mkdir()
    (other / "prefect.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert root_of(("flows",)) == tmp_path
    assert root_of(("flows/etl.py:etl",)) == tmp_path
    assert root_of(("other",)) == other
    monkeypatch.chdir(other)
    assert root_of(("../flows",)) == tmp_path / "flows"


def test_deployments_are_named_by_flow_file_function_and_prefect_yaml(tmp_path: Path) -> None:
    (tmp_path / "etl.py").write_text(
        "from prefect import flow\n@flow(name='orders')\ndef load(): ...\n"
        "load.deploy('by-call', 'pool')\n"
    )
    (tmp_path / "prefect.yaml").write_text(
        "deployments:\n- {name: nightly, entrypoint: 'etl.py:load'}\n"
        "- {name: lost, entrypoint: 'etl.py:lod'}\n"
    )
    discovery = discover(tmp_path)

    def named(word: str) -> list[str]:
        return [flow.deployment for flow in find_targets((word,), discovery).flows]

    file = tmp_path / "etl.py"
    assert named("orders") == named(f"{file}:load") == named(str(file)) == ["by-call", "nightly"]
    for word in ("orders/nightly", f"{file}:orders/nightly", f"{file}:load/nightly"):
        assert named(word) == ["nightly"]
    yaml = find_targets((str(tmp_path / "prefect.yaml"),), discovery)
    assert [flow.deployment for flow in yaml.flows] == ["nightly"]
    assert [file.subject for file in yaml.broken] == ["lost"]
    with pytest.raises(UsageError) as caught:
        find_targets((f"{file}:orders/nigthly",), discovery)
    assert "did you mean “orders/nightly”?" in caught.value.problem.fix


def test_two_deployments_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        text = "from prefect import flow\n@flow\ndef etl(): ...\n"
        (tmp_path / f"{name}.py").write_text(text)
    with pytest.raises(UsageError, match="2 deployments are named “etl/default”"):
        find_targets((str(tmp_path),), discover(tmp_path))
