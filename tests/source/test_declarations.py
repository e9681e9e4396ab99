"""Deployments that calls in the project declare: `.deploy(…)`, `.serve(…)`, `.to_deployment(…)`."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from flowtui.models import BrokenFile, Declaration, JsonObject, LocalFlow
from flowtui.source.discovery import Discoverer, discover

HEAD = """
import os
import prefect
from datetime import datetime, timedelta
from prefect import deploy, flow, serve
from prefect.client.schemas.schedules import CronSchedule
from prefect.docker import DockerImage
from prefect.schedules import Cron, Interval, RRule

@flow
def etl(): ...
@flow(name="the other")
def other(): ...

"""


def write(root: Path, **files: str) -> None:
    for name, content in files.items():
        file = root / (name.replace("__", "/") + ".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(content))


def declared(root: Path) -> dict[str, Declaration]:
    """By `flow/deployment`."""
    flows = discover(root).flows
    return {
        f"{flow.name}/{flow.deployment}": flow.declared
        for flow in flows
        if flow.declared is not None
    }


def values(root: Path, call: str) -> tuple[JsonObject, tuple[str, ...]]:
    write(root, flow=HEAD + call + "\n")
    (declaration,) = declared(root).values()
    return declaration.values, declaration.dynamic


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("etl.deploy('n', 'pool')", {"work_pool": {"name": "pool"}}),
        ("etl.deploy(name='n', work_queue_name='q')", {"work_pool": {"work_queue_name": "q"}}),
        ("etl.deploy('n', job_variables={'env': {'A': 'b'}})",
         {"work_pool": {"job_variables": {"env": {"A": "b"}}}}),
        ("etl.deploy('n', image='r/x:1', build=False, push=False)", {"image": "r/x:1"}),
        ("etl.deploy('n', image=DockerImage(name='r/x', tag='1', dockerfile='D'))",
         {"image": {"name": "r/x", "tag": "1", "dockerfile": "D"}}),
        ("etl.serve('n', cron='0 1 * * *')", {"schedules": [{"cron": "0 1 * * *"}]}),
        ("etl.serve('n', cron=['0 1 * * *', '5 1 * * *'])",
         {"schedules": [{"cron": "0 1 * * *"}, {"cron": "5 1 * * *"}]}),
        ("etl.serve('n', interval=60 * 60)", {"schedules": [{"interval": 3600}]}),
        ("etl.serve('n', interval=timedelta(hours=1, minutes=30))",
         {"schedules": [{"interval": 5400}]}),
        ("etl.serve('n', rrule='FREQ=DAILY')", {"schedules": [{"rrule": "FREQ=DAILY"}]}),
        ("etl.serve('n', schedules=[Cron('0 1 * * *', timezone='Europe/Berlin', slug='a'),"
         " Interval(timedelta(days=1), anchor_date=datetime(2030, 1, 2, 3))])",
         {"schedules": [{"cron": "0 1 * * *", "timezone": "Europe/Berlin", "slug": "a"},
                        {"interval": 86400, "anchor_date": "2030-01-02T03:00:00"}]}),
        ("etl.serve('n', schedule=CronSchedule(cron='0 1 * * *'))",
         {"schedules": [{"cron": "0 1 * * *"}]}),
        ("etl.serve('n', schedules=[{'schedule': Cron('1 * * * *'), 'active': False}])",
         {"schedules": [{"cron": "1 * * * *", "active": False}]}),
        ("etl.serve('n', schedules=[RRule('FREQ=DAILY', active=False)])",
         {"schedules": [{"rrule": "FREQ=DAILY", "active": False}]}),
        ("etl.to_deployment('n', tags=['a', 'b'], version='1', description='d', paused=True,"
         " concurrency_limit=2, enforce_parameter_schema=False, parameters={'x': -1, 'y': (1, 2)})",
         {"tags": ["a", "b"], "version": "1", "description": "d", "paused": True,
          "concurrency_limit": 2, "enforce_parameter_schema": False,
          "parameters": {"x": -1, "y": [1, 2]}}),
        ("TAGS = ['a']\netl.serve('n', tags=TAGS)", {"tags": ["a"]}),
        ("N = 'n'\nV = f'{N}-1'\netl.serve(N, version=V)", {"version": "n-1"}),
        ("SETTINGS = {'tags': ['a']}\netl.serve('n', **SETTINGS)", {"tags": ["a"]}),
        ("etl.serve('n', tags=None)", {}),
        ("etl.with_options(retries=2).serve('n', version='1')", {"version": "1"}),
        ("flow.from_source(source='.', entrypoint='flow.py:etl').deploy('n', 'pool')",
         {"work_pool": {"name": "pool"}}),
        ("async def main():\n    await (await etl.ato_deployment('n', version='1')).apply()",
         {"version": "1"}),
    ],
)  # fmt: skip
def test_what_is_certain_without_running_is_taken(
    tmp_path: Path, call: str, expected: JsonObject
) -> None:
    assert values(tmp_path, call) == (expected, ())


@pytest.mark.parametrize(
    ("call", "dynamic"),
    [
        ("etl.deploy('n', os.environ['POOL'])", ("work_pool.name",)),
        ("etl.deploy('n', job_variables={'env': dict(os.environ)})", ("work_pool.job_variables",)),
        ("etl.serve('n', cron=os.environ['CRON'], tags=[get()])", ("schedules", "tags")),
        ("etl.serve('n', **settings())", ("**",)),
        ("etl.serve('n', parameters={**base})", ("parameters",)),
        ("def main(tags):\n    etl.serve('n', tags=tags)", ("tags",)),
        ("A = B\nB = A\netl.serve('n', tags=A)", ("tags",)),
        ("etl.serve('n', interval=10 ** 9 * 10 ** 99)", ("schedules",)),
        ("etl.serve('n', interval=timedelta(days=10**11))", ("schedules",)),
        ("etl.serve('n', schedule=Cron(cron(), slug='x'))", ("schedules",)),
    ],
)
def test_the_rest_is_named(tmp_path: Path, call: str, dynamic: tuple[str, ...]) -> None:
    assert values(tmp_path, call) == ({}, dynamic)


def test_a_flow_is_there_once_for_each_deployment(tmp_path: Path) -> None:
    write(
        tmp_path,
        flow=HEAD
        + """
if __name__ == "__main__":
    first = etl.to_deployment("first", version="1")
    serve(first, other.to_deployment(name="second"))
    deploy(other.to_deployment("third", work_pool_name="own"),
           other.to_deployment("fourth"), work_pool_name="pool", image="r/x:1")
""",
    )
    flows = discover(tmp_path).flows
    assert [flow.target for flow in flows] == [
        "flow.py:etl/first",
        "flow.py:the other/second",
        "flow.py:the other/third",
        "flow.py:the other/fourth",
    ]
    found = declared(tmp_path)
    assert found["etl/first"].where == "flow.py:17 .to_deployment(…)"
    assert (found["etl/first"].path, found["etl/first"].line) == ("flow.py", 17)
    assert found["the other/third"].values == {"work_pool": {"name": "own"}, "image": "r/x:1"}
    assert found["the other/fourth"].values == {"work_pool": {"name": "pool"}, "image": "r/x:1"}


def test_serve_without_a_name_takes_the_flows(tmp_path: Path) -> None:
    write(tmp_path, flow=HEAD + "other.serve()\n")
    assert list(declared(tmp_path)) == ["etl/default", "the other/the other"][1:]


def test_a_name_that_only_running_tells_stands_as_its_source(tmp_path: Path) -> None:
    write(tmp_path, flow=HEAD + "etl.deploy(os.environ['NAME'])\n")
    found = declared(tmp_path)["etl/<os.environ['NAME']>"]
    assert found.dynamic == ("name",)


@pytest.mark.parametrize(
    "call",
    [
        "from flows.etl import etl\netl.deploy('n')",
        "from flows.etl import etl as mine\nmine.deploy('n')",
        "import flows.etl\nflows.etl.etl.deploy('n')",
        "import flows.etl as e\ne.etl.deploy('n')",
        "from flows import etl\netl.etl.deploy('n')",
        "from flows import published\npublished.deploy('n')",
        "def main():\n    from flows.etl import etl\n    etl.deploy('n')",
    ],
)
def test_a_call_may_stand_in_another_file(tmp_path: Path, call: str) -> None:
    write(
        tmp_path,
        flows__etl="from prefect import flow\n@flow\ndef etl(): ...\n",
        release=call,
    )
    (tmp_path / "flows" / "__init__.py").write_text("from .etl import etl as published\n")
    (flow,) = discover(tmp_path).flows
    assert (flow.path, flow.deployment) == ("flows/etl.py", "n")
    assert flow.declared is not None
    assert flow.declared.path == "release.py"


def test_imports_from_above_and_from_src_are_followed(tmp_path: Path) -> None:
    write(
        tmp_path,
        src__pkg__flows__etl="from prefect import flow\n@flow\ndef etl(): ...\n",
        src__pkg__ops__release="from ..flows.etl import etl\netl.deploy('relative')\n",
        scripts__release="from pkg.flows.etl import etl\netl.deploy('src')\n",
    )
    assert list(declared(tmp_path)) == ["etl/src", "etl/relative"]


def test_calls_that_mean_no_flow_of_ours_declare_nothing(tmp_path: Path) -> None:
    write(
        tmp_path,
        flow=HEAD + "app.serve('x')\nself.etl.deploy('x')\nmake().deploy('x')\n"
        "etl.with_options(name='renamed').deploy('x')\nprefect.flow.deploy('x')\n",
        web="from flask import app\napp.serve(port=1)\n",
        old="from prefect import Flow\nf = Flow('x')\nf.deploy('project')\n",
        bad="app.serve(\n",
    )
    found = discover(tmp_path)
    assert [flow.declared for flow in found.flows] == [None, None, None]
    assert found.broken == ()


def test_a_lost_flow_is_told(tmp_path: Path) -> None:
    write(tmp_path, flow=HEAD + "@flow\ndef etl(): ...\n")
    found = discover(tmp_path)
    assert [flow.line for flow in found.flows] == [13, 16]
    message = "“etl” is bound again at line 16: this flow is lost"
    assert found.broken == (BrokenFile("flow.py", 11, 1, message, "etl"),)


def test_a_call_that_moves_to_another_file_is_seen(tmp_path: Path) -> None:
    write(tmp_path, flow=HEAD, release="from flow import etl\netl.deploy('before')\n")
    discoverer = Discoverer(tmp_path)
    assert _deployments(discoverer.discover().flows) == {"before", "default"}
    write(tmp_path, release="from flow import etl, other\nother.deploy('after, changed')\n")
    assert _deployments(discoverer.discover().flows) == {"default", "after, changed"}


def _deployments(flows: tuple[LocalFlow, ...]) -> set[str]:
    return {flow.deployment for flow in flows}
