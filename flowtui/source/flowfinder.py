"""Finds the flows in one syntax tree, and the calls in it that declare deployments of flows."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from flowtui.models import DEFAULT_DEPLOYMENT, FlowKind, LocalFlow
from flowtui.source.declaring_calls import DeclaringCall, declaring_calls
from flowtui.source.names import FLOW_CLASSES, FLOW_DECORATORS, Function, Imported, Names

_EXPRESSION_LIMIT = 80
_FREE_METHODS = frozenset({"staticmethod", "classmethod"})


@dataclass(frozen=True, slots=True)
class Replaced:
    """A flow that is gone by the time its file is loaded: its name is bound anew."""

    variable: str
    line: int
    by_line: int


@dataclass(frozen=True, slots=True)
class FlowFile:
    """What one Python file holds that discovery needs."""

    flows: tuple[LocalFlow, ...] = ()
    """By line."""
    calls: tuple[DeclaringCall, ...] = ()
    replaced: tuple[Replaced, ...] = ()
    imported: Mapping[str, Imported] = field(default_factory=dict[str, Imported], hash=False)
    """Only of a file with calls."""


def find_flows(tree: ast.Module, path: str) -> tuple[LocalFlow, ...]:
    """Every flow that the file makes, by line: see `look_into`."""
    return look_into(tree, path).flows


def look_into(tree: ast.Module, path: str) -> FlowFile:
    """Every flow that the file makes, and what it declares of its own and of other files' flows.

    Prefect 0.x/1.x: calls of `Flow`, under whatever name it was imported or subclassed, also
    inside functions. Prefect 2/3: functions and methods with a decorator `@flow`, and what is
    bound to `flow(function)`; those made inside functions have no entrypoint. Where a module or a
    class binds the same name twice, the last one counts, as in Python.
    """
    names = Names.of(tree)
    flows: list[tuple[LocalFlow, _Site]] = []
    calls: list[tuple[ast.Call, _Site]] = []
    for site in _sites(tree):
        if isinstance(site.node, ast.Call):
            calls.append((site.node, site))
            found = _flow_object(site, names, path) or _wrapped(site, names, path)
        elif isinstance(site.node, Function):
            found = _decorated(site, names, path)
        else:
            continue
        if found is not None:
            flows.append((found, site))
    kept, replaced = _last_ones(flows)
    declaring = declaring_calls([(call, s.functions) for call, s in calls], names, path)
    return FlowFile(
        tuple(sorted(kept, key=lambda flow: flow.line)),
        declaring,
        tuple(replaced),
        names.imported if declaring else {},
    )


def _last_ones(
    flows: Sequence[tuple[LocalFlow, _Site]],
) -> tuple[list[LocalFlow], list[Replaced]]:
    """One flow for each name; those in two branches of an `if` are not the author's mistake."""
    kept: dict[object, tuple[LocalFlow, ast.AST | None]] = {}
    replaced: list[Replaced] = []
    for flow, site in flows:
        bound = flow.kind is FlowKind.FLOW_FUNCTION and flow.variable and not flow.function
        key = flow.variable if bound else id(flow)
        before = kept.pop(key, None)
        one_body = isinstance(site.parent, ast.Module | ast.ClassDef)
        if before is not None and one_body and before[1] is site.parent:
            replaced.append(Replaced(str(flow.variable), before[0].line, flow.line))
        kept[key] = flow, site.parent
    return [flow for flow, _ in kept.values()], replaced


@dataclass(frozen=True, slots=True)
class _Site:
    """A node and where it stands."""

    node: ast.AST
    functions: tuple[Function | ast.Lambda, ...] = ()
    """Enclosing functions, outermost first."""
    parent: ast.AST | None = None
    classes: tuple[str, ...] = ()
    """Enclosing classes, outermost first; inside a function those in it."""
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
        node, functions, classes = site.node, site.functions, site.classes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            functions = (*functions, node)
            classes = ()
        elif isinstance(node, ast.ClassDef):
            classes = (*classes, node.name)
        targets = _bound_calls(node)
        pending += [
            _Site(child, functions, node, classes, targets.get(id(child)))
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


def _flow_object(site: _Site, names: Names, path: str) -> LocalFlow | None:
    call = site.node
    if not isinstance(call, ast.Call) or names.origin(call.func) not in FLOW_CLASSES:
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


def _decorated(site: _Site, names: Names, path: str) -> LocalFlow | None:
    """A function or method with `@flow`."""
    function = site.node
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    decorator = next((one for one in function.decorator_list if _is_flow(one, names)), None)
    if decorator is None:
        return None
    given = _given_name(decorator)
    return _flow_function(site, names, path, function.name, given, function.name)


def _wrapped(site: _Site, names: Names, path: str) -> LocalFlow | None:
    """`flow(function)` and `flow(name="x")(function)`."""
    call = site.node
    if not isinstance(call, ast.Call) or len(call.args) != 1:
        return None
    if isinstance(call.args[0], ast.Starred) or not _is_flow(call.func, names):
        return None
    of_its_own = _given_name(call.func) or _given_name(call)
    wrapped = call.args[0]
    match wrapped:
        case ast.Name(id=default) | ast.Attribute(attr=default):
            pass
        case ast.Lambda():
            default = "unknown-lambda"
        case _:
            default = None
    return _flow_function(site, names, path, site.variable, of_its_own, default)


def _class_of_objects(site: _Site) -> str | None:
    """The class of a method that needs an object of it: no entrypoint leads to one."""
    method = site.node
    if not site.classes or not isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    first = next(iter([*method.args.posonlyargs, *method.args.args]), None)
    free = any(_last_name(one) in _FREE_METHODS for one in method.decorator_list)
    return (
        ".".join(site.classes) if first is not None and first.arg == "self" and not free else None
    )


def _last_name(decorator: ast.expr) -> str:
    return decorator.id if isinstance(decorator, ast.Name) else ""


def _flow_function(
    site: _Site,
    names: Names,
    path: str,
    bound: str | None,
    given: ast.expr | None,
    default: str | None,
) -> LocalFlow:
    node = site.node
    assert isinstance(node, ast.stmt | ast.expr)  # a function or a call, which have a line
    if given is not None:
        name = names.text(given, site.functions)
    else:
        name = default.replace("_", "-") if default is not None else None
    return LocalFlow(
        path=path,
        line=node.lineno,
        name=name or None,
        kind=FlowKind.FLOW_FUNCTION,
        variable=".".join((*site.classes, bound)) if bound is not None else None,
        expression="" if name else _source(given if given is not None else node),
        function=_function_name(site) or _class_of_objects(site),
        deployment=DEFAULT_DEPLOYMENT,
    )


def _is_flow(decorator: ast.expr, names: Names) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return names.origin(called) in FLOW_DECORATORS


def _given_name(decorator: ast.expr) -> ast.expr | None:
    """The decorator's `name=`, None when there is none or it is None."""
    if not isinstance(decorator, ast.Call):
        return None
    for keyword in decorator.keywords:
        if keyword.arg == "name":
            is_none = isinstance(keyword.value, ast.Constant) and keyword.value.value is None
            return None if is_none else keyword.value
    return None


def _source(node: ast.AST) -> str:
    try:
        text = ast.unparse(node)
    except RecursionError:
        return "…"
    return text if len(text) <= _EXPRESSION_LIMIT else text[: _EXPRESSION_LIMIT - 1] + "…"
