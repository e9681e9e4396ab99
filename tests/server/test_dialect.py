"""camelCase clients (Prefect Cloud up to 0.9) and snake_case ones (0.10 and later) at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowtui.server.database import open_database
from flowtui.server.execute import Executor
from flowtui.server.schema import snake
from tests.server.conftest import Api, serialized_flow


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return Api(Executor(open_database(tmp_path / "server.db")))


@pytest.mark.parametrize(
    ("camel", "folded"),
    [
        ("createFlowFromCompressedStringInput", "create_flow_from_compressed_string_input"),
        ("getRunsInQueue", "get_runs_in_queue"),
        ("createAPITokenInput", "create_api_token_input"),
        ("create_flow_run", "create_flow_run"),
        ("hello", "hello"),
    ],
)
def test_names(camel: str, folded: str) -> None:
    assert snake(camel) == folded


def test_a_mutation_in_camel_case_answers_in_camel_case(api: Api) -> None:
    answer = api.data(
        "mutation($input: createProjectInput!) { createProject(input: $input) { id } }",
        {"input": {"name": "My Project"}},
    )
    assert list(answer) == ["createProject"]
    assert answer["createProject"]["id"]


def test_the_guides_create_project(api: Api) -> None:
    answer = api.data(
        'mutation { createProject(input: { name: "My Project" }) { project { id name } } }'
    )
    assert answer["createProject"]["project"]["name"] == "My Project"
    assert api.data("{ project { id name } }")["project"] == [answer["createProject"]["project"]]


GUIDE_FLOW = {
    "name": "example-env",
    "type": "prefect.core.flow.Flow",
    "schedule": None,
    "parameters": [],
    "tasks": [],
    "edges": [],
    "reference_tasks": [],
    "environment": {
        "executor_kwargs": {},
        "executor": "prefect.engine.executors.LocalExecutor",
        "__version__": "0.6.1",
        "type": "RemoteEnvironment",
    },
    "__version__": "0.6.1",
    "storage": {
        "image_tag": "latest",
        "flows": {"storage-example": "/root/.prefect/storage-example.prefect"},
        "registry_url": "prefecthq/storage-example",
        "image_name": "storage-example",
        "prefect_version": "0.6.1",
        "__version__": "0.6.1",
        "type": "Docker",
    },
}


def test_the_guides_create_flow_takes_the_serialized_flow_itself(api: Api) -> None:
    """Literally: neither a project nor `serializedFlow` around it."""
    answer = api.data(
        "mutation($input: createFlowInput!) { createFlow(input: $input) { id } }",
        {"input": GUIDE_FLOW},
    )
    (flow,) = api.data(
        "{flow {id name core_version environment storage serialized_flow project {name}}}"
    )["flow"]
    assert flow == {
        "id": answer["createFlow"]["id"],
        "name": "example-env",
        "core_version": "0.6.1",
        "environment": GUIDE_FLOW["environment"],
        "storage": GUIDE_FLOW["storage"],
        "serialized_flow": GUIDE_FLOW,
        "project": {"name": "Default"},
    }


def test_a_bare_flow_written_into_the_query(api: Api) -> None:
    api.data(
        """mutation { createFlow(input: {name: "inline", tasks: [], edges: [],
            environment: {executorKwargs: {aB: 1}, type: "RemoteEnvironment"},
            __version__: "0.6.1"}) { id } }"""
    )
    (flow,) = api.data("{flow {name environment core_version}}")["flow"]
    assert flow == {
        "name": "inline",
        "environment": {"executorKwargs": {"aB": 1}, "type": "RemoteEnvironment"},
        "core_version": "0.6.1",
    }


@pytest.mark.parametrize("written_out", [False, True])
def test_keys_inside_documents_are_never_folded(api: Api, written_out: bool) -> None:
    document = serialized_flow(storage={"flowId": {"taskId": 1}}, parameters=[])
    project = api.project()
    flow = api.data(
        """mutation($input: createFlowInput!) { createFlow(input: $input) { flow {
            id serialized_flow } } }""",
        {"input": {"projectId": project, "serializedFlow": document}},
    )["createFlow"]["flow"]
    assert flow["serialized_flow"] == document
    if written_out:
        run = api.data(
            f"""mutation {{ createFlowRun(input: {{ flowId: "{flow["id"]}",
                parameters: {{ flowId: 1, inner: {{ taskId: 2 }} }}, context: {{ mapIndex: 3 }}
            }}) {{ flow_run {{ id parameters context }} }} }}"""
        )
    else:
        run = api.data(
            """mutation($input: createFlowRunInput!) { createFlowRun(input: $input) {
                flow_run { id parameters context } } }""",
            {
                "input": {
                    "flowId": flow["id"],
                    "parameters": {"flowId": 1, "inner": {"taskId": 2}},
                    "context": {"mapIndex": 3},
                }
            },
        )
    created = run["createFlowRun"]["flow_run"]
    assert created["parameters"] == {"flowId": 1, "inner": {"taskId": 2}}
    assert created["context"] == {"mapIndex": 3}


def test_keys_inside_lists_of_inputs_are_folded(api: Api) -> None:
    """The second level: `states:[{flowRunId …}]`, `logs:[{flowRunId …}]`."""
    run = api.run(api.flow(api.project()))
    state = {"type": "Running", "flowRunId": "kept", "version": 7}
    answer = api.data(
        """mutation($input: setFlowRunStatesInput!) {
            setFlowRunStates(input: $input) { states { id status message } } }""",
        {"input": {"states": [{"flowRunId": run, "state": state, "version": 1}]}},
    )
    assert answer["setFlowRunStates"]["states"] == [
        {"id": run, "status": "SUCCESS", "message": None}
    ]
    api.data(
        """mutation($input: writeRunLogsInput!) { writeRunLogs(input: $input) { success } }""",
        {"input": {"logs": [{"flowRunId": run, "message": "hi", "info": {"taskRunId": "kept"}}]}},
    )
    (found,) = api.data("{flow_run {serialized_state logs {message info}}}")["flow_run"]
    assert found["serialized_state"] == state
    assert found["logs"] == [{"message": "hi", "info": {"taskRunId": "kept"}}]


def test_a_document_in_a_variable_within_a_written_out_input(api: Api) -> None:
    run = api.run(api.flow(api.project()))
    api.data(
        f"""mutation($state: JSON!) {{ setFlowRunState(input: {{
            flowRunId: "{run}", version: 1, state: $state }}) {{ id }} }}""",
        {"state": {"type": "Running", "mapIndex": 1}},
    )
    (found,) = api.data("{flow_run {serialized_state}}")["flow_run"]
    assert found["serialized_state"] == {"type": "Running", "mapIndex": 1}


def test_queries_in_camel_case(api: Api) -> None:
    api.mutate("set_secret", {"name": "S", "value": "v"}, "success")
    answer = api.data(
        """query($name: String!) { authInfo { apiTokenScope }
           mine: authInfo { ...Scope } secretValue(name: $name) }
           fragment Scope on auth_info_payload { apiTokenScope }""",
        {"name": "S"},
    )
    assert answer == {
        "authInfo": {"apiTokenScope": "RUNNER"},
        "mine": {"apiTokenScope": "RUNNER"},
        "secretValue": "v",
    }


def test_errors_name_the_path_that_was_asked_for(api: Api) -> None:
    query = "mutation($input: createProjectInput!) { createProject(input: $input) { id } }"
    api.data(query, {"input": {"name": "twice"}})
    answer = api.answer(query, {"input": {"name": "twice"}})
    assert answer["data"] == {"createProject": None}
    assert answer["errors"][0]["path"] == ["createProject"]
    assert answer["errors"][0]["message"] == "'Uniqueness violation.'"


def test_introspection_names_are_left_alone(api: Api) -> None:
    answer = api.data(
        """{ __schema { queryType { name } } __type(name: "flow") { ...T } }
           fragment T on __Type { name inputFields { name } }"""
    )
    assert answer["__schema"] == {"queryType": {"name": "query_root"}}
    assert answer["__type"] == {"name": "flow", "inputFields": None}


@pytest.mark.parametrize(
    ("query", "variables", "says"),
    [
        ("mutation { createNothing(input: {}) { id } }", {}, "createNothing"),
        ("mutation { createProject(input: {}) { id } }", {}, "name"),
        ("mutation { createProject { id } }", {}, "input"),
        ('mutation { createProject(input: {name: "a", nope: 1}) { id } }', {}, "nope"),
        (
            "mutation($input: createProjectInput!) { createProject(input: $input) { id } }",
            {"input": {"name": 1}},
            "String cannot represent",
        ),
        (
            "mutation($input: createFlowInput!) { createProject(input: $input) { id } }",
            {"input": {"name": "a", "tasks": []}},
            "create_project_input",
        ),
    ],
)
def test_wrong_input_is_a_graphql_error(
    api: Api, query: str, variables: dict[str, object], says: str
) -> None:
    assert says in api.error(query, variables)
