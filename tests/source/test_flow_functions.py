"""Finding the flows of Prefect 2 and 3: functions, methods, and what is bound to `flow(…)`."""

from __future__ import annotations

from textwrap import dedent

import pytest

from flowtui.models import DEFAULT_DEPLOYMENT, FlowKind, LocalFlow
from flowtui.source import parsing
from flowtui.source.flowfinder import FlowFile, Replaced, look_into


def seen(source: str) -> FlowFile:
    return look_into(parsing.parse(dedent(source).encode()), "flow.py")


def only(source: str) -> LocalFlow:
    (flow,) = seen(source).flows
    return flow


@pytest.mark.parametrize(
    ("source", "name", "variable"),
    [
        ("from prefect import flow as f\n@f\ndef my_etl(): ...", "my-etl", "my_etl"),
        ("import prefect as pf\n@pf.flow()\ndef etl(): ...", "etl", "etl"),
        ("from prefect.flows import flow\n@flow(name='x')\nasync def etl(): ...", "x", "etl"),
        ("from prefect import flow\ndef etl(): ...\nmade = flow(etl)", "etl", "made"),
        ("from prefect import flow\nmade = flow(name='x')(lambda: 1)", "x", "made"),
        ("from prefect import flow\nmade = flow(lambda: 1)", "unknown-lambda", "made"),
        ("from prefect import flow\nmade = flow(pkg.my_etl, name='x')", "x", "made"),
        ("from prefect import flow\nmine = flow(retries=3)\n@mine\ndef etl(): ...", "etl", "etl"),
        (
            "from prefect import flow\nclass A:\n  @flow\n  @staticmethod\n  def m(): ...",
            "m",
            "A.m",
        ),
        (
            "from prefect import flow\nclass A:\n  class B:\n    @flow\n    @classmethod\n"
            "    def m(cls): ...",
            "m",
            "A.B.m",
        ),
    ],
)
def test_a_flow_is_found_however_it_is_written(source: str, name: str, variable: str) -> None:
    flow = only(source)
    assert (flow.name, flow.variable, flow.function) == (name, variable, None)
    assert (flow.kind, flow.deployment) == (FlowKind.FLOW_FUNCTION, DEFAULT_DEPLOYMENT)
    assert flow.declared is None
    assert flow.display_name == name
    assert flow.target == f"flow.py:{name}"


@pytest.mark.parametrize(
    ("source", "function"),
    [
        ("from prefect import flow\ndef outer():\n    @flow\n    def inner(): ...", "outer"),
        ("from prefect import flow\nclass A:\n  @flow\n  def m(self): ...", "A"),
        ("from prefect import flow\nclass A:\n  def f(self):\n    x = flow(lambda: 1)", "f"),
    ],
)
def test_a_flow_that_no_entrypoint_leads_to_says_what_it_is_in(source: str, function: str) -> None:
    assert only(source).function == function


def test_a_name_that_only_running_tells_shows_its_source() -> None:
    flow = only("from prefect import flow\n@flow(name=os.environ['N'])\ndef etl(): ...")
    assert (flow.name, flow.expression) == (None, "os.environ['N']")
    assert only("from prefect import flow\nmade = flow(make())").expression == "flow(make())"


def test_of_one_name_bound_twice_the_last_counts_and_the_first_is_told() -> None:
    file = seen(
        """
        from prefect import flow
        @flow
        def etl(): ...
        @flow(name="second")
        def etl(): ...
        """
    )
    assert [(flow.name, flow.line) for flow in file.flows] == [("second", 6)]
    assert file.replaced == (Replaced("etl", 4, 6),)


def test_two_branches_may_bind_one_name() -> None:
    file = seen(
        """
        from prefect import flow
        if X:
            @flow
            def etl(): ...
        else:
            @flow
            def etl(): ...
        """
    )
    assert [flow.line for flow in file.flows] == [8]
    assert file.replaced == ()


@pytest.mark.parametrize(
    "source",
    [
        "from prefect import flow\nx = flow(name='x')",
        "from prefect import flow\nx = flow(*args)",
        "from elsewhere import flow\n@flow\ndef etl(): ...",
        "from .prefect import flow\n@flow\ndef etl(): ...",
        "from prefect import task\n@task\ndef etl(): ...",
    ],
)
def test_what_is_no_flow_is_not_found(source: str) -> None:
    assert seen(source).flows == ()
