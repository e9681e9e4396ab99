"""Finds the flows in one syntax tree, following the names that the file imports Prefect under."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from flowtui.models import FlowKind, LocalFlow

_FLOW_CLASSES = frozenset({"prefect.Flow", "prefect.core.Flow", "prefect.core.flow.Flow"})
_FLOW_DECORATORS = frozenset({"prefect.flow", "prefect.flows.flow"})
_STARRED = {
    "prefect": ("Flow", "flow"),
    "prefect.core": ("Flow",),
    "prefect.core.flow": ("Flow",),
    "prefect.flows": ("flow",),
}
_EXPRESSION_LIMIT = 80

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def find_flows(tree: ast.Module, path: str) -> tuple[LocalFlow, ...]:
    """Every flow that the file makes, by line.

    Prefect 0.x/1.x: calls of `Flow`, under whatever name it was imported or subclassed, also
    inside functions. Prefect 2/3: module-level functions decorated with `@flow`.
    """
    names = _Names.of(tree)
    found = [
        flow
        for site in _sites(tree)
        for flow in (_flow_object(site, names, path), _flow_function(site, names, path))
        if flow is not None
    ]
    return tuple(sorted(found, key=lambda flow: flow.line))


@dataclass(frozen=True, slots=True)
class _Site:
    """A node and where it stands."""

    node: ast.AST
    functions: tuple[_Function | ast.Lambda, ...] = ()
    """Enclosing functions, outermost first."""
    in_class: bool = False
    variable: str | None = None
    """The name that a call's value is bound to."""


def _sites(tree: ast.Module) -> Iterator[_Site]:
    """All nodes in the order of the text.

    A loop with a stack of its own: user code may be nested deeper than we may.
    """
    pending = [_Site(tree)]
    while pending:
        site = pending.pop()
        yield site
        node, functions, in_class = site.node, site.functions, site.in_class
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            functions = (*functions, node)
        elif isinstance(node, ast.ClassDef):
            in_class = True
        targets = _bound_calls(node)
        pending += [
            _Site(child, functions, in_class, targets.get(id(child)))
            for child in reversed(list(ast.iter_child_nodes(node)))
        ]


def _bound_calls(node: ast.AST) -> dict[int, str | None]:
    """The variable for each call (by id) that this statement binds to a plain name."""
    match node:
        case ast.Assign(targets=[*_, ast.Name(id=name)], value=ast.Call() as call):
            return {id(call): name}
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call() as call):
            return {id(call): name}
        case ast.NamedExpr(target=ast.Name(id=name), value=ast.Call() as call):
            return {id(call): name}
        case ast.withitem(context_expr=ast.Call() as call, optional_vars=ast.Name(id=name)):
            return {id(call): name}
        case _:
            return {}


@dataclass(slots=True)
class _Names:
    """What names mean in a file, all scopes together: good enough, and never runs anything."""

    origins: dict[str, str] = field(default_factory=dict[str, str])
    """Local name to dotted origin, for example `F` to `prefect.Flow`."""
    constants: dict[str, str] = field(default_factory=dict[str, str])
    """Names that the module binds once, at its top level, to a string that is known."""

    @classmethod
    def of(cls, tree: ast.Module) -> _Names:
        names = cls()
        bound: Counter[str] = Counter()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names._import(node)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names._import_from(node)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                bound[node.id] += 1
        for statement in tree.body:
            names._bind(statement, bound)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                names._subclass(node)
        return names

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.split(".")[0] == "prefect":
                self.origins[alias.asname or "prefect"] = alias.name if alias.asname else "prefect"

    def _import_from(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if module.split(".")[0] != "prefect":
            return
        for alias in node.names:
            if alias.name == "*":
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
        text = self.text(value, ())
        if text is not None:
            self.constants[name] = text
        origin = self.origin(value)
        if origin is not None:
            self.origins[name] = origin

    def _subclass(self, node: ast.ClassDef) -> None:
        if any(self.origin(base) in _FLOW_CLASSES for base in node.bases):
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

    def text(self, node: ast.expr, functions: tuple[_Function | ast.Lambda, ...]) -> str | None:
        """The string an expression is sure to be, None when only running would tell."""
        try:
            return self._text(node, functions)
        except RecursionError:
            return None

    def _text(self, node: ast.expr, functions: tuple[_Function | ast.Lambda, ...]) -> str | None:
        match node:
            case ast.Constant(value=str() as text):
                return text
            case ast.Name(id=name) if name in self.constants and not _is_local(name, functions):
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


def _is_local(name: str, functions: tuple[_Function | ast.Lambda, ...]) -> bool:
    return any(name in _locals_of(function) for function in functions)


def _locals_of(function: _Function | ast.Lambda) -> set[str]:
    nodes = list(ast.walk(function))
    stored = {
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return stored | {node.arg for node in nodes if isinstance(node, ast.arg)}


def _flow_object(site: _Site, names: _Names, path: str) -> LocalFlow | None:
    call = site.node
    if not isinstance(call, ast.Call) or names.origin(call.func) not in _FLOW_CLASSES:
        return None
    argument = _name_argument(call)
    name = None if argument is None else names.text(argument, site.functions)
    return LocalFlow(
        path=path,
        line=call.lineno,
        name=name or None,
        kind=FlowKind.FLOW_OBJECT,
        variable=site.variable,
        expression="" if name else _source(call if argument is None else argument),
        function=_function_name(site),
    )


def _name_argument(call: ast.Call) -> ast.expr | None:
    """The flow's name as it is written; None when it comes out of `*args` or `**kwargs`."""
    for keyword in call.keywords:
        if keyword.arg == "name":
            return keyword.value
    if call.args and not isinstance(call.args[0], ast.Starred):
        return call.args[0]
    return None


def _function_name(site: _Site) -> str | None:
    named = [one.name for one in site.functions if not isinstance(one, ast.Lambda)]
    return named[0] if named else None


def _flow_function(site: _Site, names: _Names, path: str) -> LocalFlow | None:
    function = site.node
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    if site.functions or site.in_class:
        return None
    decorator = next((one for one in function.decorator_list if _is_flow(one, names)), None)
    if decorator is None:
        return None
    given = _given_name(decorator)
    default = function.name.replace("_", "-")
    name = default if given is None else names.text(given, ())
    return LocalFlow(
        path=path,
        line=function.lineno,
        name=name,
        kind=FlowKind.FLOW_FUNCTION,
        variable=function.name,
        expression="" if name is not None or given is None else _source(given),
    )


def _is_flow(decorator: ast.expr, names: _Names) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return names.origin(called) in _FLOW_DECORATORS


def _given_name(decorator: ast.expr) -> ast.expr | None:
    """The decorator's `name=`, None when there is none or it is None."""
    if not isinstance(decorator, ast.Call):
        return None
    for keyword in decorator.keywords:
        if keyword.arg == "name":
            is_none = isinstance(keyword.value, ast.Constant) and keyword.value.value is None
            return None if is_none else keyword.value
    return None


def _source(node: ast.expr) -> str:
    try:
        text = ast.unparse(node)
    except RecursionError:
        return "…"
    return text if len(text) <= _EXPRESSION_LIMIT else text[: _EXPRESSION_LIMIT - 1] + "…"
