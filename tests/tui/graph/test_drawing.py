"""The drawing read back from its characters: every task once, every line from end to end."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from flowtui.tui.looks.graph.drawing import Drawing, Kind, draw
from flowtui.tui.looks.graph.layers import TooTangled, layers_of
from flowtui.tui.looks.graph.model import Edge, Node, TaskGraph

UP, DOWN, LEFT, RIGHT = (-1, 0), (1, 0), (0, -1), (0, 1)
JOINTS = {
    "│": {UP, DOWN},
    "─": {LEFT, RIGHT},
    "└": {UP, RIGHT},
    "┘": {UP, LEFT},
    "┌": {DOWN, RIGHT},
    "┐": {DOWN, LEFT},
    "┴": {UP, LEFT, RIGHT},
    "┬": {DOWN, LEFT, RIGHT},
    "├": {UP, DOWN, RIGHT},
    "┤": {UP, DOWN, LEFT},
    "┼": {UP, DOWN, LEFT, RIGHT},
    "▼": {UP, DOWN},
    "⇊": {UP, DOWN},
}


def graph_of(count: int, edges: set[tuple[int, int]], mapped: bool = False) -> TaskGraph:
    nodes = tuple(Node(f"task {number}") for number in range(count))
    return TaskGraph(nodes, tuple(Edge(*pair, mapped) for pair in sorted(edges)))


@st.composite
def graphs(draw_: st.DrawFn) -> TaskGraph:
    count = draw_(st.integers(1, 14))
    names = draw_(
        st.lists(st.text("ab 日本é", min_size=1, max_size=8), min_size=count, max_size=count)
    )
    pair = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    edges = {
        (min(a, b), max(a, b)): draw_(st.booleans())
        for a, b in draw_(st.sets(pair, max_size=30))
        if a != b
    }
    nodes = tuple(
        Node(f"{name.strip() or 'x'} #{number}", draw_(st.booleans()))
        for number, name in enumerate(names)
    )
    return TaskGraph(nodes, tuple(Edge(*each, mapped) for each, mapped in edges.items()))


class Reader:
    """What an eye sees: characters at cells, names over the cells they cover."""

    def __init__(self, drawing: Drawing, graph: TaskGraph) -> None:
        self.cells: dict[tuple[int, int], str] = {}
        self.boxes: dict[tuple[int, int], int] = {}
        self.seen: list[int] = []
        numbers = {node.label: number for number, node in enumerate(graph.nodes)}
        for y, row in enumerate(drawing.rows):
            x = 0
            for run in row:
                if run.kind in (Kind.TASK, Kind.PARAMETER):
                    x = self._box(y, x, run.text, run.kind, numbers)
                    continue
                for character in run.text:
                    if character != " ":
                        assert (y, x) not in self.cells
                        self.cells[y, x] = character
                    x += cell_len(character)

    def _box(self, y: int, x: int, text: str, kind: Kind, numbers: dict[str, int]) -> int:
        assert text[0] + text[-1] == ("[]" if kind is Kind.TASK else "()")
        number = numbers[text[1:-1].strip()]
        self.seen.append(number)
        for column in range(x, x + cell_len(text)):
            self.boxes[y, column] = number
        return x + cell_len(text)

    def reached(self, number: int) -> set[tuple[int, str]]:
        """The boxes that lines lead down to from this one, with the arrow they end in."""
        found: set[tuple[int, str]] = set()
        ways = [
            (y + 1, x, DOWN)
            for (y, x), box in self.boxes.items()
            if box == number and UP in JOINTS.get(self.cells.get((y + 1, x), " "), set())
        ]
        done: set[tuple[int, int, tuple[int, int]]] = set()
        while ways:
            y, x, way = ways.pop()
            if (y, x, way) in done:
                continue
            done.add((y, x, way))
            if (y, x) in self.boxes:
                if way == DOWN:
                    found.add((self.boxes[y, x], self.cells[y - 1, x]))
                continue
            joints = JOINTS[self.cells[y, x]]
            came = (-way[0], -way[1])
            if came not in joints:
                assert self.cells[y, x] == "│", "a line ends in the middle of nowhere"
                ways.append((y + way[0], x + way[1], way))  # below a bridge
                continue
            ways.extend((y + joint[0], x + joint[1], joint) for joint in joints - {came})
        return found


def check(graph: TaskGraph) -> None:
    drawing = draw(graph)
    reader = Reader(drawing, graph)
    assert sorted(reader.seen) == list(range(len(graph.nodes)))
    for number in range(len(graph.nodes)):
        expected = {
            (edge.downstream, "⇊" if edge.mapped else "▼")
            for edge in graph.edges
            if edge.upstream == number
        }
        assert reader.reached(number) == expected, str(drawing)
    assert drawing.width == max(cell_len(line) for line in str(drawing).split("\n"))


@settings(max_examples=150, deadline=None)
@given(graphs())
def test_every_task_stands_once_and_every_edge_is_drawn_from_end_to_end(graph: TaskGraph) -> None:
    check(graph)


@settings(max_examples=40, deadline=None)
@given(graphs())
def test_the_same_graph_is_drawn_the_same_and_in_ascii_alike(graph: TaskGraph) -> None:
    assert draw(graph) == draw(graph)
    lines = [
        run.text for row in draw(graph, ascii=True).rows for run in row if run.kind is Kind.LINE
    ]
    assert all(line.isascii() for line in lines)
    assert len(draw(graph, ascii=True).rows) == len(draw(graph).rows)


def test_a_chain_is_a_column() -> None:
    assert str(draw(graph_of(3, {(0, 1), (1, 2)}))).split("\n") == [
        "[task 0]",
        "    ▼",
        "[task 1]",
        "    ▼",
        "[task 2]",
    ]


def test_what_comes_together_is_one_line() -> None:
    text = str(draw(graph_of(4, {(0, 3), (1, 3), (2, 3)}, mapped=True)))
    assert text.count("⇊") == 1
    assert len(text.split("\n")) == 4


def test_a_parameter_stands_right_above_the_first_that_uses_it() -> None:
    graph = TaskGraph(
        (Node("a"), Node("b"), Node("c"), Node("day", parameter=True)),
        (Edge(0, 1), Edge(1, 2), Edge(3, 2)),
    )
    lines = str(draw(graph)).split("\n")
    assert "[b]" in lines[2]
    assert "(day)" in lines[2]


@pytest.mark.slow
def test_a_thousand_tasks_are_drawn_whole() -> None:
    numbers = random.Random(7)
    edges = set()
    while len(edges) < 1500:
        below = numbers.randrange(1, 1000)
        edges.add((numbers.randrange(max(0, below - 30), below), below))
    check(graph_of(1000, edges))


def test_what_nobody_could_read_is_refused_before_much_is_done() -> None:
    everything = {(a, a + 1) for a in range(999)} | {(a, 999) for a in range(998)}
    with pytest.raises(TooTangled):
        layers_of(graph_of(1000, everything))


def test_nothing_of_textual_is_needed() -> None:
    code = "import sys, flowtui.tui.looks.graph.drawing; print('textual' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"
