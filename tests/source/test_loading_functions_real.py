"""Flow functions loaded by the real Prefects 2.20.27 and 3.9.1."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flowtui.models import Declaration, FlowKind, LoadedFlow, LocalFlow
from flowtui.source.loader import LoadError, inspect
from tests.parts.prefect_server import PrefectServer, prefect_command
from tests.source.loading import Project, interpreter

pytestmark = [pytest.mark.real, pytest.mark.long(2)]

PREFECT2, PREFECT3 = VERSIONS = ("2.20.27", "3.9.1")

RICH = '''
    import datetime
    import enum
    from typing import List, Optional

    from prefect import flow
    {pydantic}


    class Colour(enum.Enum):
        RED = "red"
        BLUE = "blue"


    class Address(BaseModel):
        street: str
        number: int = 1


    class Customer(BaseModel):
        name: str
        born: datetime.date
        addresses: List[Address] = []


    @flow(name="monthly report", description="All of a month.", version="7")
    def report(
        customer: Customer,
        colour: Colour = Colour.RED,
        limit: Optional[int] = None,
        since: datetime.datetime = datetime.datetime(2030, 1, 2, 3),
        names: List[str] = ["a"],
        untyped=None,
    ):
        """
        Not this one.

        Args:
            limit: how many lines there may be
        """


    @flow
    async def later(x: int = 1):
        "Runs later."
'''


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return request.param


async def loaded(project: Project, version: str, target: str, **options: float) -> LoadedFlow:
    """A flow as discovery finds it: `variable`, `variable/deployment`."""
    from flowtui.source.discovery import discover

    variable, _, deployment = target.partition("/")
    (flow,) = [
        flow
        for flow in discover(project.root).flows
        if flow.variable == variable and deployment in ("", flow.deployment)
    ]
    return await inspect(flow, project.root, interpreter(version), **options)


async def failure(project: Project, version: str, flow: LocalFlow) -> LoadError:
    with pytest.raises(LoadError) as caught:
        await inspect(flow, project.root, interpreter(version))
    assert caught.value.problem.where
    assert caught.value.problem.fix
    return caught.value


def function(variable: str, *, path: str = "flow.py", line: int = 0) -> LocalFlow:
    return LocalFlow(path, line, None, FlowKind.FLOW_FUNCTION, variable)


async def test_what_is_told_is_what_prefect_deploy_registers(
    project: Project, version: str, request: pytest.FixtureRequest
) -> None:
    number = version.partition(".")[0]
    server: PrefectServer = request.getfixturevalue(f"prefect{number}_server")
    # Prefect 2 takes models of pydantic's first version only.
    pydantic = "pydantic.v1" if number == "2" else "pydantic"
    project.write("flows/etl.py", RICH.format(pydantic=f"from {pydantic} import BaseModel"))
    project.write(
        "prefect.yaml",
        """
        pull: []
        deployments:
        - {name: told, entrypoint: "flows/etl.py:report", work_pool: {name: told}}
        - {name: told, entrypoint: "flows/etl.py:later", work_pool: {name: told}}
        """,
    )
    root = project.root
    prefect_command(server, "work-pool", "create", "told", "--type", "process", folder=root)
    prefect_command(server, "deploy", "--all", folder=root)
    for flow in ("report", "later"):
        told = (await loaded(project, version, f"{flow}/told")).serialized
        with server.client() as client:
            answer = client.get(f"/deployments/name/{told['name']}/told")
        registered = answer.raise_for_status().json()
        assert registered["parameter_openapi_schema"] == told["parameter_openapi_schema"]
        assert registered["entrypoint"] == told["entrypoint"]
        assert registered["description"] == told["description"]
        if number == "3":  # `prefect deploy` of Prefect 2 takes no version of the flow's own
            assert registered["version"] == told["version"]
        assert told["is_async"] is (flow == "later")


async def test_nothing_is_run_registered_or_written(
    project: Project, version: str, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "PREFECT_PROFILE"):
        monkeypatch.setenv(name, "very-secret")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    project.write(
        "flow.py",
        """
        import asyncio, os, sys
        import prefect
        from prefect import flow, serve, task
        from prefect.deployments import deploy, run_deployment

        print(sorted(os.environ.items()))

        @task
        def one():
            sys.exit("run")

        @flow
        def etl():
            sys.exit("run")

        @flow
        async def later():
            sys.exit("run")

        class Late:
            pass

        one()
        one.submit()
        answer = etl()
        for each in answer["rows"]:
            print(each)
        asyncio.run(later())
        etl.with_options(retries=3)()
        etl.deploy("a", work_pool_name="p", image="x")
        etl.serve("a")
        made = etl.to_deployment("a")
        made.apply()
        serve(made, limit=3)
        deploy(made, work_pool_name="p", image="x")
        flow.from_source(source="https://example.com/x.git", entrypoint="x.py:y").deploy("a")
        """,
    )
    before = project.listing()
    at_home = Project(own_home).listing()
    told = await loaded(project, version, "etl")
    assert told.name == "etl"
    said = "\n".join(told.log)
    assert "very-secret" not in said
    assert "flow.deploy() ignored: flowtui registers it" in said
    assert "serve() ignored: flowtui registers it" in said
    assert "flow() ignored: the flow is only loaded" in said
    assert project.listing() == before
    assert Project(own_home).listing() == at_home


async def test_a_method_is_loaded_where_its_prefect_finds_one(project: Project) -> None:
    project.write(
        "flow.py",
        """
        from prefect import flow

        class Jobs:
            @flow
            @staticmethod
            def nightly(x: int): ...
            @flow
            @classmethod
            def weekly(cls, y: int = 2): ...
            @flow
            def needs_one(self): ...
        """,
    )
    nightly = await loaded(project, PREFECT3, "Jobs.nightly")
    assert nightly.serialized["entrypoint"] == "flow.py:Jobs.nightly"
    assert nightly.serialized["module_entrypoint"] == ""
    assert _parameters(nightly) == ["x"]
    assert _parameters(await loaded(project, PREFECT3, "Jobs.weekly")) == ["y"]
    error = await failure(project, PREFECT3, function("Jobs.needs_one", line=11))
    assert error.kind == "FlowInsideClass"
    assert "needs an object of its class" in error.problem.what


async def test_prefect_2_finds_no_flows_in_classes(project: Project) -> None:
    project.write(
        "flow.py",
        """
        from prefect import flow

        class Jobs:
            @staticmethod
            @flow
            def nightly(x: int): ...
        """,
    )
    error = await failure(project, PREFECT2, function("Jobs.nightly", line=7))
    assert error.kind == "FlowInsideClass"
    assert "Prefect 2.20.27 finds no flows inside classes" in error.problem.what


async def test_a_package_with_relative_imports_is_loaded_as_one(
    project: Project, version: str
) -> None:
    project.write("src/shop/__init__.py", "")
    project.write("src/shop/common/__init__.py", "LIMIT = 7\n")
    project.write("src/shop/flows/__init__.py", "")
    project.write(
        "src/shop/flows/etl.py",
        """
        import pydantic
        from prefect import flow

        from ..common import LIMIT

        @flow
        def etl(limit: int = LIMIT): ...
        """,
    )
    told = await loaded(project, version, "etl")
    assert told.serialized["entrypoint"] == "src/shop/flows/etl.py:etl"
    assert told.serialized["module_entrypoint"] == "shop.flows.etl.etl"
    assert told.serialized["imports_relatively"] is True
    assert [module.name for module in told.modules] == ["shop", "shop.common", "shop.flows"]
    assert [package.name for package in told.packages] == ["pydantic"]


async def test_a_script_imports_what_lies_beside_it_and_in_src(
    project: Project, version: str
) -> None:
    project.write("src/shop/__init__.py", "LIMIT = 7\n")
    project.write("flows/beside.py", "NAME = 'x'\n")
    project.write("flows/near.py", "HERE = 1\n")
    project.write(
        "flows/etl.py",
        """
        from prefect import flow
        from beside import NAME
        from shop import LIMIT
        from .near import HERE

        @flow(name=NAME)
        def etl(limit: int = LIMIT): ...
        """,
    )
    told = await loaded(project, version, "etl")
    assert told.name == "x"
    assert told.serialized["module_entrypoint"] == ""
    assert {"beside", "shop"} <= {module.name for module in told.modules}


async def test_a_flow_that_only_running_shows_is_loaded(project: Project, version: str) -> None:
    project.write(
        "flow.py",
        """
        from prefect import flow

        def make(name):
            @flow(name=name)
            def made(): ...
            return made

        nightly = make("nightly report")
        """,
    )
    told = await inspect(function("nightly"), project.root, interpreter(version))
    assert told.name == "nightly report"
    assert told.serialized["entrypoint"] == "flow.py:nightly"


_GOES_WRONG_IN_PYTHON = (
    ("import nowhere_at_all\n", "ModuleNotFoundError", "No module named", "flow.py:1: import"),
    ("open('data.csv')\n", "FileNotFoundError", "data.csv", "flow.py:1: open('data.csv')"),
    ("x = 1\nraise ValueError('no')\n", "ValueError", "ValueError: no", "flow.py:2"),
    ("def f(:\n", "SyntaxError", "SyntaxError", "flow.py:1"),
    ("import sys\nsys.exit(3)\n", "SystemExit", "sys.exit(3)", "flow.py:2"),
)
_GOES_WRONG_IN_PREFECT = (
    (
        "from prefect.blocks.system import Secret\nx = Secret.load('x')\n",
        "AsksThePrefectApi",
        "asks the Prefect API while it is loaded",
        "flow.py:2: x = Secret.load('x')",
    ),
    ("from prefect import flow\n", "NoSuchFlow", "no flow etl in flow.py", "flow.py"),
)


@pytest.mark.parametrize(
    ("version", "content", "kind", "what", "where"),
    [
        *((PREFECT3, *case) for case in _GOES_WRONG_IN_PYTHON),
        *((version, *case) for version in VERSIONS for case in _GOES_WRONG_IN_PREFECT),
    ],
)
async def test_what_goes_wrong_is_told_with_its_line(
    project: Project, version: str, content: str, kind: str, what: str, where: str
) -> None:
    project.write("flow.py", content)
    error = await failure(project, version, function("etl"))
    assert error.kind == kind
    assert what in error.problem.what
    assert error.problem.where.startswith(where)


async def test_a_flow_in_a_function_says_so(project: Project, version: str) -> None:
    project.write(
        "flow.py",
        """
        from prefect import flow

        def main():
            @flow
            def inner(): ...
        """,
    )
    error = await failure(project, version, project.flow())
    assert error.kind == "FlowInsideFunction"
    assert "inside the function main()" in error.problem.what


async def test_what_only_running_tells_of_a_declaration_is_filled_in(
    project: Project, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE", "prod")
    project.write(
        "flow.py",
        """
        import os
        from datetime import datetime, timedelta
        from prefect import flow
        from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule

        STAGE = os.environ["STAGE"]

        @flow
        def etl(x: int = 1): ...

        if __name__ == "__main__":
            import random as chance
            tags = [STAGE, chance.__name__]
            etl.deploy(
                f"nightly-{STAGE}",
                work_pool_name=os.environ["STAGE"],
                tags=tags,
                parameters={"x": len(tags), "since": datetime(2030, 1, 2)},
                schedules=[CronSchedule(cron=os.environ.get("CRON", "0 1 * * *"))],
                job_variables={"env": unknown},
                description="as it is",
            )
        """,
    )
    project.write(
        "release.py",
        """
        import os
        from flow import etl

        def release():
            etl.deploy("elsewhere", version=os.environ["STAGE"], **dict(interval=60))
        """,
    )
    (first, second) = [
        (await loaded(project, version, f"etl/{name}")).declared
        for name in ("elsewhere", "<f'nightly-{STAGE}'>")
    ]
    assert first is not None
    assert first.values == {"version": "prod", "schedules": [{"interval": 60}]}
    assert first.dynamic == ()
    assert isinstance(second, Declaration)
    assert second.name == "nightly-prod"
    assert json.loads(json.dumps(second.values)) == {
        "description": "as it is",
        "work_pool": {"name": "prod"},
        "tags": ["prod", "random"],
        "parameters": {"x": 2, "since": "2030-01-02T00:00:00"},
        "schedules": [{"cron": "0 1 * * *"}],
    }
    assert second.dynamic == ("work_pool.job_variables",)


def _parameters(told: LoadedFlow) -> list[str]:
    schema = json.loads(json.dumps(told.serialized["parameter_openapi_schema"]))
    return list(schema["properties"])
