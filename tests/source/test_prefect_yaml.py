"""Deployments that a prefect.yaml declares, and what is told of one that is wrong."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from flowtui.models import BrokenFile, JsonObject
from flowtui.source.closure import declaration_source
from flowtui.source.discovery import Discoverer, discover
from flowtui.source.prefect_yaml import SIZE_LIMIT, PrefectYaml, read_prefect_yaml

RECIPES = sorted((Path(__file__).parent / "recipes").glob("*.yaml"))
"""As `prefect init --recipe …` of Prefect 3.9.1 writes them."""

FLOWS = """
from prefect import flow
@flow
def etl(): ...
@flow(name="the other")
def other(): ...
made = make_flow()
"""


def read(text: str) -> PrefectYaml:
    return read_prefect_yaml(dedent(text).encode(), "prefect.yaml")


def values(text: str) -> JsonObject:
    read_ = read("deployments:\n- name: n\n  entrypoint: f.py:f\n  " + text.replace("\n", "\n  "))
    assert read_.broken == ()
    (deployment,) = read_.deployments
    return {key: value for key, value in deployment.values.items() if key != "entrypoint"}


def project(root: Path, yaml: str, path: str = "prefect.yaml") -> Path:
    for name, content in {"flows/etl.py": FLOWS, path: yaml}.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(content))
    return root


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_what_init_writes_declares_nothing_until_it_is_filled_in(recipe: Path) -> None:
    assert read_prefect_yaml(recipe.read_bytes(), "prefect.yaml") == PrefectYaml()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_that_is_filled_in_declares_its_deployments(recipe: Path, tmp_path: Path) -> None:
    head, marker, entry = recipe.read_text().partition("deployments:\n")
    entry = entry.replace("entrypoint: null", "entrypoint: flows/etl.py:etl")
    several = "".join(entry.replace("name: null", f"name: d{number}", 1) for number in range(5))
    found = discover(project(tmp_path, head + marker + several))
    assert found.broken == ()
    flows = [flow for flow in found.flows if flow.declared is not None]
    assert [flow.deployment for flow in flows] == ["d0", "d1", "d2", "d3", "d4"]
    declared = flows[0].declared
    assert declared is not None
    assert declared.values["pull"]
    docker = recipe.stem.startswith("docker")
    assert ("build" in declared.values) is docker
    assert declared.values["work_pool"] == {
        "name": None,
        "work_queue_name": None,
        "job_variables": {"image": "{{ build_image.image }}"} if docker else {},
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 1.5", {"version": "1.5"}),
        ("tags: [a, b]\ndescription: null", {"tags": ["a", "b"]}),
        ("schedule: {cron: '0 1 * * *'}", {"schedules": [{"cron": "0 1 * * *"}]}),
        ("schedule: {}", {}),
        (
            "schedules:\n- cron: '0 1 * * *'\n  active: false\n- interval: 60\n  slug: x",
            {"schedules": [{"cron": "0 1 * * *", "active": False}, {"interval": 60, "slug": "x"}]},
        ),
        (
            "schedules:\n- interval: 60\n  anchor_date: 2030-01-02T03:04:05Z",
            {"schedules": [{"interval": 60, "anchor_date": "2030-01-02T03:04:05+00:00"}]},
        ),
        ("schedules: []", {"schedules": []}),
        ("concurrency_limit: 3", {"concurrency_limit": 3}),
        (
            "concurrency_limit: {limit: 3, collision_strategy: CANCEL_NEW}",
            {"concurrency_limit": {"limit": 3, "collision_strategy": "CANCEL_NEW"}},
        ),
        ("paused: '{{ prefect.variables.off }}'", {"paused": "{{ prefect.variables.off }}"}),
        ("enforce_parameter_schema: false", {"enforce_parameter_schema": False}),
        ("parameters: {day: 2030-01-02, n: 1}", {"parameters": {"day": "2030-01-02", "n": 1}}),
        ("push: {some.step: {id: x}}", {"push": [{"some.step": {"id": "x"}}]}),
        ("pull: []", {"pull": []}),
        ("triggers: [{type: event}]", {"triggers": [{"type": "event"}]}),
        ("a_key_of_tomorrow: 1", {}),
    ],
)
def test_every_key_is_taken_as_written(text: str, expected: JsonObject) -> None:
    assert values(text) == expected


def test_steps_of_the_file_are_for_each_deployment_that_has_none() -> None:
    found = read(
        """
        pull:
        - a.step: {}
        build: {b.step: {id: image}}
        deployments:
        - {name: inherits, entrypoint: "f.py:f"}
        - {name: own, entrypoint: "f.py:f", pull: [{c.step: {}}], build: null}
        """
    ).deployments
    assert found[0].values["pull"] == [{"a.step": {}}]
    assert found[0].values["build"] == [{"b.step": {"id": "image"}}]
    assert found[1].values["pull"] == [{"c.step": {}}]
    assert "build" not in found[1].values


def test_anchors_and_merges_are_followed() -> None:
    (found,) = read(
        """
        definitions:
          pool: &pool
            name: docker
            job_variables: &vars {image: x}
        deployments:
        - name: n
          entrypoint: f.py:f
          work_pool: {<<: *pool, name: other}
          parameters: *vars
        """
    ).deployments
    assert found.values["work_pool"] == {"name": "other", "job_variables": {"image": "x"}}
    assert found.values["parameters"] == {"image": "x"}
    assert found.line == 7


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("name: n", "it has no entrypoint, such as flows/etl.py:etl"),
        ("entrypoint: f.py:f", "it has no name: give it one, unique among those of its flow"),
        ("version: 1", "it has neither a name nor an entrypoint"),
        ("name: n\n  entrypoint: f.py:f\n  tags: {a: 1}", "“tags” must be a list"),
        ("name: [1]\n  entrypoint: f.py:f", "“name” must be text"),
        ("name: n\n  entrypoint: f.py:f\n  concurrency_limit: true", "must be a number or"),
        ("name: n\n  entrypoint: f.py:f\n  concurrency_limit: many", "must be a number or"),
        ("name: n\n  entrypoint: f.py:f\n  paused: perhaps", "“paused” must be true or false"),
        ("name: n\n  entrypoint: f.py:f\n  build: x", "“build” must be a list of steps"),
        ("name: n\n  entrypoint: f.py:f\n  pull: [x]", "each step of “pull” must be a mapping"),
        ("name: n\n  entrypoint: f.py:f\n  schedules: [{cron: a, rrule: b}]", "one of cron"),
        ("name: n\n  entrypoint: f.py:f\n  schedules: [daily]", "each schedule must be a mapping"),
        (
            "name: n\n  entrypoint: f.py:f\n  schedule: {cron: a}\n  schedules: [{cron: a}]",
            "“schedule” and “schedules” are both given",
        ),
        ("name: n\n  entrypoint: f.py:f\n  work_pool: {name: [x]}", "“work_pool.name” must be"),
        ("name: n\n  entrypoint: f.py:f\n  work_pool: docker", "“work_pool” must be a mapping"),
        ("name: n\n  entrypoint: f.py:f\n  parameters: {x: .nan}", "is no number that can be sent"),
        ("name: n\n  entrypoint: f.py:f\n  parameters: {x: !!binary aGk=}", "bytes cannot be sent"),
        ("name: n\n  entrypoint: f.py:f\n  parameters: {x: !thing 1}", "could not determine"),
    ],
)
def test_one_that_is_wrong_is_told_and_hides_no_other(entry: str, message: str) -> None:
    found = read_prefect_yaml(
        f"deployments:\n- {entry}\n- name: good\n  entrypoint: f.py:f\n".encode(), "prefect.yaml"
    )
    assert [deployment.name for deployment in found.deployments] == ["good"]
    (broken,) = found.broken
    assert message in broken.message
    assert broken.line > 1
    assert broken.subject


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b"deployments:\n- name: [\n", 3, "did not find expected node content"),
        (b"a: 1\nb: @\n", 2, "cannot start any token"),
        (b"- a\n- b\n", 1, "is a mapping with the key"),
        (b"deployments: 3\n", 1, "“deployments” must be a list"),
        (b"deployments: *nobody\n", 1, "undefined alias"),
        (b"\xff\xfe\x00", 1, ""),
        (b"a: " + b"[" * 5_000, 1, ""),
        (b"#" * (SIZE_LIMIT + 1), 1, "too large to read"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_place(
    content: bytes, line: int, message: str
) -> None:
    found = read_prefect_yaml(content, "prefect.yaml")
    (broken,) = found.broken
    assert found.deployments == ()
    assert broken.line == line
    assert message in broken.message
    assert broken.message


@pytest.mark.parametrize("text", ["", "# nothing\n", "deployments:\n", "name: x\n", "---\n"])
def test_an_empty_file_declares_nothing(text: str) -> None:
    assert read(text) == PrefectYaml()


def test_a_few_lines_that_stand_for_billions_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    lines += ["deployments:", "- name: n", "  entrypoint: f.py:f", "  parameters: {x: *a9}"]
    found = read("\n".join(lines))
    assert [broken.message for broken in found.broken] == ["its anchors stand for too many values"]


def test_an_anchor_inside_itself_is_refused() -> None:
    text = "deployments:\n- name: n\n  entrypoint: f.py:f\n  parameters: &p {x: *p}\n"
    assert len(read(text).broken) == 1


# Together with the flows of the project


@pytest.mark.parametrize(
    ("path", "entrypoint"),
    [
        ("prefect.yaml", "flows/etl.py:etl"),
        ("prefect.yaml", "./flows/etl.py:etl"),
        ("prefect.yaml", "flows.etl.etl"),
        ("prefect.yaml", "flows.etl:etl"),
        ("flows/prefect.yaml", "etl.py:etl"),
        ("flows/prefect.yaml", "flows/etl.py:etl"),
        ("deep/down/prefect.yaml", "../../flows/etl.py:etl"),
    ],
)
def test_an_entrypoint_leads_to_its_flow(tmp_path: Path, path: str, entrypoint: str) -> None:
    yaml = f"deployments:\n- name: nightly\n  entrypoint: {entrypoint}\n"
    found = discover(project(tmp_path, yaml, path))
    assert found.broken == ()
    (flow,) = [flow for flow in found.flows if flow.declared is not None]
    assert flow.target == "flows/etl.py:etl/nightly"
    assert flow.declared is not None
    assert flow.declared.where == f"{path}:2"


def test_environment_variables_are_put_into_names_and_entrypoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE", "prod")
    monkeypatch.setenv("FLOW", "etl")
    yaml = """
        deployments:
        - name: "etl-{{ $STAGE }}"
          entrypoint: "flows/etl.py:{{ $FLOW }}"
          tags: ["{{ $STAGE }}"]
        """
    (flow,) = [flow for flow in discover(project(tmp_path, yaml)).flows if flow.declared]
    assert flow.deployment == "etl-prod"
    assert flow.declared is not None
    assert flow.declared.values["tags"] == ["{{ $STAGE }}"]


@pytest.mark.parametrize(
    ("entrypoint", "message"),
    [
        ("flows/nowhere.py:etl", "no file of this project is its entrypoint"),
        ("nowhere.etl", "no file of this project is its entrypoint"),
        ("../../etc/passwd.py:etl", "no file of this project is its entrypoint"),
        ("flows/etl.py:et", "flows/etl.py has no flow et; it has etl"),
        ("flows/etl.py:zzz", "flows/etl.py has no flow zzz; it has etl, other"),
        ("etl", "no file of this project is its entrypoint"),
    ],
)
def test_an_entrypoint_that_leads_nowhere_is_told(
    tmp_path: Path, entrypoint: str, message: str
) -> None:
    yaml = f"deployments:\n- name: lost\n  entrypoint: {entrypoint}\n"
    found = discover(project(tmp_path, yaml))
    (broken,) = found.broken
    assert (broken.path, broken.line, broken.subject) == ("prefect.yaml", 2, "lost")
    assert message in broken.message
    assert [flow.declared for flow in found.flows] == [None, None]


def test_a_flow_that_only_running_shows_is_there_for_its_deployment(tmp_path: Path) -> None:
    yaml = "deployments:\n- name: nightly\n  entrypoint: flows/etl.py:made\n"
    found = discover(project(tmp_path, yaml))
    (flow,) = [flow for flow in found.flows if flow.declared is not None]
    assert (flow.name, flow.variable, flow.display_name) == (None, "made", "<made>/nightly")
    assert found.broken == ()


def test_of_two_of_one_name_the_last_counts_and_the_first_is_told(tmp_path: Path) -> None:
    yaml = """
        deployments:
        - {name: same, entrypoint: "flows/etl.py:etl", version: first}
        - {name: same, entrypoint: "flows/etl.py:other"}
        - {name: same, entrypoint: "flows/etl.py:etl", version: last}
        """
    found = discover(project(tmp_path, yaml))
    declared = [flow.declared for flow in found.flows]
    assert [one and one.values.get("version") for one in declared] == ["last", None]
    message = "it is declared again further down, with the same name for the same flow"
    assert found.broken == (BrokenFile("prefect.yaml", 3, 1, message, "same"),)


def test_prefect_yaml_counts_before_a_call(tmp_path: Path) -> None:
    project(tmp_path, "deployments:\n- {name: n, entrypoint: 'flows/etl.py:etl', version: yaml}\n")
    (tmp_path / "release.py").write_text(
        "from flows.etl import etl\netl.deploy('n', version='call')\netl.deploy('m')\n"
    )
    flows = [flow for flow in discover(tmp_path).flows if flow.name == "etl"]
    assert {flow.deployment: flow.declared and flow.declared.where for flow in flows} == {
        "n": "prefect.yaml:2",
        "m": "release.py:3 .deploy(…)",
    }


def test_a_prefect_yaml_that_changes_is_read_again(tmp_path: Path) -> None:
    project(tmp_path, "deployments:\n- {name: a, entrypoint: 'flows/etl.py:etl'}\n")
    discoverer = Discoverer(tmp_path)
    assert "a" in {flow.deployment for flow in discoverer.discover().flows}
    project(tmp_path, "deployments:\n- {name: longer, entrypoint: 'flows/etl.py:etl'}\n")
    assert "longer" in {flow.deployment for flow in discoverer.discover().flows}
    (tmp_path / "prefect.yaml").unlink()
    assert {flow.deployment for flow in discoverer.discover().flows} == {"default"}


def test_a_deployment_is_a_source_of_its_flow_and_the_others_of_the_file_are_not(
    tmp_path: Path,
) -> None:
    def sources(version: str) -> dict[str, dict[str, bytes]]:
        yaml = f"""
            deployments:
            - {{name: a, entrypoint: "flows/etl.py:etl", version: "{version}"}}
            - {{name: b, entrypoint: "flows/etl.py:etl"}}
            """
        found = Discoverer(project(tmp_path, yaml)).discover()
        return {
            flow.deployment: declaration_source(tmp_path, flow.declared) for flow in found.flows
        }

    before, after = sources("1"), sources("22")
    assert before["a"] != after["a"]
    assert before["b"] == after["b"] != {}
    assert before["default"] == {}
