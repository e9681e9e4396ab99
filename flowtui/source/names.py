"""What names mean in one syntax tree: where they were imported from, what they are bound to."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field

FLOW_CLASSES = frozenset({"prefect.Flow", "prefect.core.Flow", "prefect.core.flow.Flow"})
FLOW_DECORATORS = frozenset({"prefect.flow", "prefect.flows.flow"})
_STARRED = {
    "prefect": ("Flow", "flow", "serve", "deploy"),
    "prefect.core": ("Flow",),
    "prefect.core.flow": ("Flow",),
    "prefect.flows": ("flow", "serve"),
}
_FOLLOWED = frozenset({"prefect", "datetime"})
"""Packages whose names are known by their origin."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Imported:
    """Where a name was imported from that is neither Prefect's nor the standard library's."""

    module: str
    """Dotted, as written; empty in `from . import x`."""
    name: str = ""
    """Of what was taken out of the module; empty for the module itself."""
    level: int = 0


@dataclass(slots=True)
class Names:
    """What names mean in a file, all scopes together: good enough, and never runs anything."""

    origins: dict[str, str] = field(default_factory=dict[str, str])
    """Local name to dotted origin, for example `F` to `prefect.Flow`."""
    constants: dict[str, str] = field(default_factory=dict[str, str])
    """Names that the module binds once, at its top level, to a string that is known."""
    bound: dict[str, ast.expr] = field(default_factory=dict[str, ast.expr])
    """Names that the module binds once, at its top level, and to what."""
    imported: dict[str, Imported] = field(default_factory=dict[str, Imported])

    @classmethod
    def of(cls, tree: ast.Module) -> Names:
        names = cls()
        bound: Counter[str] = Counter()
        classes: list[ast.ClassDef] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names._import(node)
            elif isinstance(node, ast.ImportFrom):
                names._import_from(node)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                bound[node.id] += 1
            elif isinstance(node, ast.ClassDef):
                classes.append(node)
        for statement in tree.body:
            names._bind(statement, bound)
        for node in classes:
            names._subclass(node)
        return names

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.split(".")[0]
            if top in _FOLLOWED:
                self.origins[alias.asname or top] = alias.name if alias.asname else top
            elif alias.asname:
                self.imported[alias.asname] = Imported(alias.name)
            else:
                self.imported[alias.name] = Imported(alias.name)

    def _import_from(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        followed = not node.level and module.split(".")[0] in _FOLLOWED
        for alias in node.names:
            if not followed:
                name = alias.asname or alias.name
                self.imported[name] = Imported(module, alias.name, node.level)
            elif alias.name == "*":
                self.origins |= {name: f"{module}.{name}" for name in _STARRED.get(module, ())}
            else:
                self.origins[alias.asname or alias.name] = f"{module}.{alias.name}"

    def _bind(self, statement: ast.stmt, bound: Counter[str]) -> None:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                return
        if bound[name] != 1:
            return
        self.bound[name] = value
        text = self.text(value, ())
        if text is not None:
            self.constants[name] = text
        origin = self.origin(value)
        if origin is not None:
            self.origins[name] = origin
        elif self._is_decorator(value):
            self.origins[name] = "prefect.flow"

    def _is_decorator(self, value: ast.expr) -> bool:
        """`flow(retries=3)` without a function is a decorator itself."""
        return (
            isinstance(value, ast.Call)
            and not value.args
            and self.origin(value.func) in FLOW_DECORATORS
        )

    def _subclass(self, node: ast.ClassDef) -> None:
        if any(self.origin(base) in FLOW_CLASSES for base in node.bases):
            self.origins[node.name] = "prefect.Flow"

    def origin(self, node: ast.expr) -> str | None:
        """The dotted name behind `Flow`, `prefect.Flow`, `p.core.Flow`; None for anything else."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.origins:
            return None
        return ".".join([self.origins[node.id], *reversed(attributes)])

    def text(self, node: ast.expr, functions: tuple[Function | ast.Lambda, ...]) -> str | None:
        """The string an expression is sure to be, None when only running would tell."""
        try:
            return self._text(node, functions)
        except RecursionError:
            return None

    def _text(self, node: ast.expr, functions: tuple[Function | ast.Lambda, ...]) -> str | None:
        match node:
            case ast.Constant(value=str() as text):
                return text
            case ast.Name(id=name) if name in self.constants and not is_local(name, functions):
                return self.constants[name]
            case ast.JoinedStr(values=parts):
                return _joined([self._text(part, functions) for part in parts])
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return self._text(value, functions)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return _joined([self._text(left, functions), self._text(right, functions)])
            case _:
                return None


def _joined(parts: list[str | None]) -> str | None:
    known = [part for part in parts if part is not None]
    return "".join(known) if len(known) == len(parts) else None


def is_local(name: str, functions: tuple[Function | ast.Lambda, ...]) -> bool:
    """Whether one of these functions has a name of its own that hides the module's."""
    return any(name in _locals_of(function) for function in functions)


def _locals_of(function: Function | ast.Lambda) -> set[str]:
    nodes = list(ast.walk(function))
    stored = {
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return stored | {node.arg for node in nodes if isinstance(node, ast.arg)}


def defined(tree: ast.Module) -> frozenset[str]:
    """Names that the module has, as far as that can be seen: bound outside of functions and
    classes."""
    found: set[str] = set()
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, Function | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name.partition(".")[0])
        elif not isinstance(node, ast.Lambda):
            pending += ast.iter_child_nodes(node)
    return frozenset(found)
