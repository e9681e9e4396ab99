"""From a serialization to a graph, whatever is in it."""

from __future__ import annotations

from flowtui.tui.looks.graph.model import Edge, task_graph

FLOW = {
    "parameters": [{"name": "country", "slug": "country-1"}],
    "tasks": [
        {"type": "prefect.core.parameter.Parameter", "name": "country", "slug": "country-1"},
        {"type": "FunctionTask", "name": "add", "slug": "add-1"},
        {"type": "FunctionTask", "name": "add", "slug": "add-2"},
    ],
    "edges": [
        {"upstream_task": {"slug": "country-1"}, "downstream_task": {"slug": "add-1"}},
        {
            "upstream_task": {"slug": "add-1"},
            "downstream_task": {"slug": "add-2"},
            "mapped": True,
        },
    ],
}


def test_tasks_parameters_and_mapped_edges_are_told_apart() -> None:
    graph = task_graph(FLOW)
    assert [node.label for node in graph.nodes] == ["country", "add #1", "add #2"]
    assert [node.parameter for node in graph.nodes] == [True, False, False]
    assert graph.edges == (Edge(0, 1), Edge(1, 2, mapped=True))
    assert (graph.tasks, graph.parameters, graph.left_out) == (2, 1, 0)


def test_two_edges_between_the_same_tasks_are_one() -> None:
    twice = {**FLOW, "edges": [*FLOW["edges"], *FLOW["edges"]]}
    assert task_graph(twice).edges == task_graph(FLOW).edges


def test_what_leads_nowhere_or_in_a_circle_is_left_out_and_counted() -> None:
    edges = [
        *FLOW["edges"],
        {"upstream_task": {"slug": "add-2"}, "downstream_task": {"slug": "add-1"}},
        {"upstream_task": {"slug": "add-2"}, "downstream_task": {"slug": "add-2"}},
        {"upstream_task": {"slug": "gone"}, "downstream_task": {"slug": "add-2"}},
    ]
    graph = task_graph({**FLOW, "edges": edges})
    assert len(graph.edges) == 2
    assert graph.left_out == 3


def test_odd_shapes_are_an_empty_graph_and_odd_names_are_cleaned() -> None:
    for odd in ({}, {"tasks": 3}, {"tasks": "abc"}, {"tasks": [1, None]}, {"edges": [{}]}):
        assert task_graph(odd).nodes == ()
    hostile = {"tasks": [{"name": "\x1b[2Jred\nblue" + "x" * 80, "slug": "a"}]}
    label = task_graph(hostile).nodes[0].label
    assert label.startswith("red blue")
    assert len(label) <= 30
