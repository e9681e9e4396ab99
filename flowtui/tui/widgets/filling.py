"""Making a tree show what it should by the fewest changes, so that cursor and scroll stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.text import Text
from textual.widgets.tree import TreeNode

Data = TypeVar("Data")


@dataclass(frozen=True, slots=True)
class Item(Generic[Data]):
    data: Data
    make_label: Callable[[], Text]
    """Called when it is added or changed: not for each of thousands at each look."""
    opens: bool = False
    """Whether it can hold others."""
    open: bool = False
    """Whether it shows them at first."""
    ages: bool = False
    """Its label changes with time."""


class Filler(Generic[Data]):
    """Fills nodes, adding at most `room` of them: the rest is for the next round."""

    def __init__(self, identity: Callable[[Data], str], room: int) -> None:
        self._identity = identity
        self.room = room
        self.moved = False
        """Nodes came or went."""

    @property
    def complete(self) -> bool:
        return self.room > 0

    def fill(self, node: TreeNode[Data], items: Sequence[Item[Data]]) -> None:
        """The children of `node` become these items; those that stay keep what is in them."""
        wanted = [self._identity(item.data) for item in items]
        present = self._present(node)
        if present != wanted:
            self._remove(node, present, wanted)
            self._add(node, items, wanted)
        by_name = dict(zip(wanted, items, strict=True))
        for child, name in zip(node.children, self._present(node), strict=True):
            self._update(child, by_name[name])

    def _present(self, node: TreeNode[Data]) -> list[str]:
        return [self._identity(child.data) for child in node.children if child.data is not None]

    def _remove(self, node: TreeNode[Data], present: list[str], wanted: list[str]) -> None:
        """What is not wanted goes; all of it where the order is another."""
        stays = set(wanted)
        left = [name for name in present if name in stays]
        gone = len(present) - len(left)
        here = set(left)
        if left != [name for name in wanted if name in here] or gone > self.room:
            node.remove_children()
            self.moved = True
            return
        for child in [
            c for c, name in zip(node.children, present, strict=True) if name not in stays
        ]:
            child.remove()
            self.moved = True

    def _add(self, node: TreeNode[Data], items: Sequence[Item[Data]], wanted: list[str]) -> None:
        here = set(self._present(node))
        for place, (item, name) in enumerate(zip(items, wanted, strict=True)):
            if name in here:
                continue
            if self.room <= 0:
                return
            node.add(
                item.make_label(),
                item.data,
                before=place,
                expand=item.open,
                allow_expand=item.opens,
            )
            self.room -= 1
            self.moved = True

    @staticmethod
    def _update(child: TreeNode[Data], item: Item[Data]) -> None:
        if child.data is item.data and not item.ages:
            return
        child.data = item.data
        label = item.make_label()
        if child.label != label:
            child.set_label(label)
