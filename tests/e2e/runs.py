"""What the server holds of flow runs: asked by plain GraphQL, not through flowtui's client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from tests.parts.waiting import until

ENDED = frozenset({"Success", "Failed", "Cancelled"})


@dataclass(frozen=True)
class Witness:
    """Starts runs and tells what became of them."""

    url: str
    token: str | None = None

    def answer(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer, errors and all."""
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        body = {"query": query, "variables": variables}
        return httpx.post(self.url, json=body, headers=headers, timeout=60).json()

    def ask(self, query: str, **variables: Any) -> Any:
        answer = self.answer(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def act(self, mutation: str, wanted: str = "id", **given: Any) -> dict[str, Any]:
        query = (
            f"mutation($input: {mutation}_input!) {{ {mutation}(input: $input) {{ {wanted} }} }}"
        )
        return self.ask(query, input=given)[mutation]

    def flow_id(self, name: str, core_version: str) -> str:
        """The version of a flow that is in use."""
        query = """query($name: String, $core: String) { flow(where: {name: {_eq: $name},
            core_version: {_eq: $core}, archived: {_eq: false}}) { id } }"""
        (flow,) = self.ask(query, name=name, core=core_version)["flow"]
        return flow["id"]

    def start(self, flow_id: str, parameters: dict[str, Any], **given: Any) -> str:
        """Create a flow run; its id."""
        return self.act("create_flow_run", flow_id=flow_id, parameters=parameters, **given)["id"]

    def run(self, run_id: str) -> dict[str, Any]:
        query = """query($id: uuid!) { flow_run_by_pk(id: $id) {
            state state_message name agent_id states(order_by: {version: asc}) { state message } } }
        """
        return self.ask(query, id=run_id)["flow_run_by_pk"]

    def task_runs(self, run_id: str) -> list[TaskRun]:
        """In the order of task names and map indexes."""
        query = """query($id: uuid!) { task_run(where: {flow_run_id: {_eq: $id}}) {
            id name version map_index state state_message serialized_state
            task { name slug } states(order_by: {version: asc}) { state message } } }"""
        rows = self.ask(query, id=run_id)["task_run"]
        runs = [
            TaskRun(
                id=row["id"],
                task=row["task"]["name"],
                name=row["name"],
                map_index=row["map_index"],
                state=row["state"],
                message=row["state_message"],
                history=[state["state"] for state in row["states"]],
                serialized_state=row["serialized_state"],
            )
            for row in rows
        ]
        return sorted(runs, key=lambda run: (run.task, run.map_index))

    def task_run(self, run_id: str, task: str, map_index: int = -1) -> TaskRun:
        (found,) = [
            run for run in self.task_runs(run_id) if (run.task, run.map_index) == (task, map_index)
        ]
        return found

    def logs(self, run_id: str) -> list[str]:
        """Messages in the order of their time."""
        query = """query($id: uuid!) { log(where: {flow_run_id: {_eq: $id}},
            order_by: {timestamp: asc}) { message } }"""
        return [row["message"] for row in self.ask(query, id=run_id)["log"]]

    def history(self, run_id: str) -> list[str]:
        return [state["state"] for state in self.run(run_id)["states"]]

    def wait(self, run_id: str, *states: str) -> dict[str, Any]:
        """The run once it is in one of the states, by default an end.

        AssertionError with all that is known of it when it ends otherwise, or never.
        """
        wanted = set(states) or ENDED

        def is_so() -> bool:
            return self.run(run_id)["state"] in wanted | ENDED

        until(is_so, f"state {wanted}", told=lambda: self._told(run_id))
        run = self.run(run_id)
        assert run["state"] in wanted, self._told(run_id)
        return run

    def wait_for_task(self, run_id: str, task: str, state: str) -> TaskRun:
        def is_so() -> bool:
            return self.task_run(run_id, task).state == state

        until(is_so, f"task {task} in state {state}", told=lambda: self._told(run_id))
        return self.task_run(run_id, task)

    def _told(self, run_id: str) -> str:
        tasks = "\n".join(map(str, self.task_runs(run_id)))
        return f"{self.run(run_id)}\n{tasks}\n" + "\n".join(self.logs(run_id))


@dataclass(frozen=True)
class TaskRun:
    id: str
    task: str
    name: str | None
    map_index: int
    state: str
    message: str | None
    history: list[str]
    serialized_state: dict[str, Any]
