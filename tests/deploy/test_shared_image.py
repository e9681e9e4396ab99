"""Which deployments can be in one image, and what is in it. Pure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flowtui.deploy.docker.image_spec import ImageSpec
from flowtui.deploy.docker.shared_image import Wanted, image_named, share, union

ROOT = Path("/home/me/My Flows")


def spec(name: str, *files: str, roots: tuple[str, ...] = ()) -> ImageSpec:
    return ImageSpec(
        flow_name=name,
        project_root=ROOT,
        python_minor="3.12",
        prefect_version="3.9.1",
        cloudpickle_version="3.1.2",
        base_image="python:3.12-slim",
        python_dependencies=("prefect==3.9.1",),
        code_folder="/opt/prefect/my-flows",
        tree={file: ROOT / file for file in files},
        import_roots=roots,
    )


def wanted(name: str, *files: str) -> Wanted:
    return Wanted(spec(name, *files), "registry.example.com/team")


def groups(*each: Wanted) -> list[list[str]]:
    return share([(one.spec.flow_name, one) for one in each])


def test_same_inputs_share_whatever_their_source_is() -> None:
    assert groups(wanted("a", "a.py", "lib.py"), wanted("b", "b.py", "lib.py")) == [["a", "b"]]


@pytest.mark.parametrize(
    "other",
    [
        {"base_image": "python:3.11-slim"},
        {"dockerfile": "Dockerfile"},
        {"python_minor": "3.11"},
        {"prefect_version": "3.8.8"},
        {"python_dependencies": ("prefect==3.9.1", "pandas==2.2.0")},
        {"env_vars": {"A": "1"}},
        {"build_args": {"A": "1"}},
        {"extra_dockerfile_commands": ("RUN true",)},
        {"files": {"data": "/data"}},
        {"code_folder": "/opt/prefect/other"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_input_is_another_image(other: dict[str, object]) -> None:
    odd = wanted("b", "b.py")
    odd = replace(odd, spec=replace(odd.spec, **other))  # type: ignore[arg-type]
    assert groups(wanted("a", "a.py"), odd, wanted("c", "c.py")) == [["a", "c"], ["b"]]


@pytest.mark.parametrize("other", [{"registry_url": None}, {"image_name": "etl"}, {"force": True}])
def test_another_place_or_name_is_another_image(other: dict[str, Any]) -> None:
    odd = replace(wanted("b", "b.py"), **other)
    assert groups(wanted("a", "a.py"), odd) == [["a"], ["b"]]


def test_what_is_checked_in_it_makes_no_other_image() -> None:
    one, other = (replace(wanted(name), entrypoint=f"{name}.py:etl") for name in "ab")
    assert groups(one, other) == [["a", "b"]]


def test_a_path_that_means_two_files_cannot_be_shared() -> None:
    odd = wanted("b", "b.py")
    odd = replace(odd, spec=replace(odd.spec, tree={"lib.py": Path("/elsewhere/lib.py")}))
    assert groups(wanted("a", "lib.py"), odd, wanted("c", "lib.py")) == [["a", "c"], ["b"]]


def test_flow_objects_have_an_image_each() -> None:
    objects = [replace(wanted(name), spec=replace(spec(name), code_folder="")) for name in "ab"]
    assert groups(*objects) == [["a"], ["b"]]


def test_the_shared_image_holds_all_of_their_source_under_the_name_of_the_project() -> None:
    both = union([spec("a", "a.py", "lib.py", roots=("src",)), spec("b", "b.py", "lib.py")])
    assert list(both.tree) == ["a.py", "b.py", "lib.py"]
    assert (both.flow_name, both.import_roots) == ("my-flows", ("src",))
    assert union([spec("a", "a.py")]) == spec("a", "a.py")


def test_it_is_named_after_the_project_where_no_setting_names_it() -> None:
    assert image_named(wanted("a"), "0123") == "registry.example.com/team/my-flows:0123"
    named = replace(wanted("a"), registry_url=None, image_name="etl", image_tag="v1")
    assert image_named(named, "0123") == "etl:v1"


def test_the_order_of_the_flows_changes_nothing_of_the_image() -> None:
    a, b = spec("a", "a.py"), spec("b", "b.py", roots=("src",))
    assert union([a, b]) == union([b, a])
