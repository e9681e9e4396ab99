"""Brings flows together with the deployments that the project declares for them."""

from __future__ import annotations

import difflib
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from flowtui.models import (
    BrokenFile,
    Declaration,
    FlowKind,
    LocalFlow,
)
from flowtui.source.declaring_calls import DeclaringCall
from flowtui.source.entrypoints import of_entrypoint, of_module
from flowtui.source.flowfinder import FlowFile
from flowtui.source.names import Imported
from flowtui.source.prefect_yaml import PrefectYaml, YamlDeployment
from flowtui.source.templates import resolve_environment

_Place = tuple[str, str]
"""A file, and the dotted name of a flow in it."""
_REEXPORTS = 5
"""Packages that take a name from one another, followed."""


@dataclass(frozen=True, slots=True)
class Linked:
    flows: tuple[LocalFlow, ...]
    broken: tuple[BrokenFile, ...]


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """What is wanted of a file that hands on what it imports, such as an `__init__.py`, or that
    makes a flow in a way that cannot be seen."""

    imported: Mapping[str, Imported]
    defined: frozenset[str]


def link(
    root: str,
    files: Mapping[str, FlowFile],
    yamls: Mapping[str, PrefectYaml],
    environ: Mapping[str, str],
    read: Callable[[str], ReadAgain],
) -> Linked:
    """Every flow once for each deployment that is declared of it, by path, line and declaration.

    `files` are all Python files of the project by path, `yamls` its prefect.yaml files. Where both
    declare a deployment of one name, prefect.yaml is what counts, as `prefect deploy` has it.
    `read` is asked for what is rarely needed of a file.
    """
    return _Linker(root, files, environ, read).link(yamls)


class _Linker:
    def __init__(
        self,
        root: str,
        files: Mapping[str, FlowFile],
        environ: Mapping[str, str],
        read: Callable[[str], ReadAgain],
    ) -> None:
        self._root = root
        self._read = read
        self._files = files
        self._environ = environ
        self._declared: dict[_Place, dict[str, Declaration]] = {}
        self._unseen: dict[_Place, LocalFlow] = {}
        self._broken: list[BrokenFile] = []
        self._flows: dict[_Place, LocalFlow] = {
            (flow.path, flow.variable): flow
            for path in sorted(files)
            for flow in files[path].flows
            if flow.kind is FlowKind.FLOW_FUNCTION and flow.variable and flow.function is None
        }

    def link(self, yamls: Mapping[str, PrefectYaml]) -> Linked:
        for path in sorted(self._files):
            self._broken += [
                BrokenFile(
                    path,
                    lost.line,
                    1,
                    f"“{lost.variable}” is bound again at line {lost.by_line}: this flow is lost",
                    lost.variable,
                )
                for lost in self._files[path].replaced
            ]
            for call in self._files[path].calls:
                self._take_call(call)
        for path in sorted(yamls):
            self._broken += yamls[path].broken
            taken: set[tuple[_Place, str]] = set()
            for deployment in reversed(yamls[path].deployments):
                self._take_yaml(deployment, taken)
        return Linked(self._with_deployments(), tuple(sorted(self._broken, key=_position)))

    def _with_deployments(self) -> tuple[LocalFlow, ...]:
        found: list[LocalFlow] = []
        all_flows = [flow for path in sorted(self._files) for flow in self._files[path].flows]
        for flow in [*all_flows, *self._unseen.values()]:
            declared = self._declared.get((flow.path, flow.variable or ""), {})
            if flow.kind is not FlowKind.FLOW_FUNCTION or flow.function or not declared:
                found.append(flow)
                continue
            found += [
                replace(flow, deployment=declared[name].name, declared=declared[name])
                for name in sorted(declared, key=lambda name: _order(declared[name]))
            ]
        return tuple(sorted(found, key=lambda flow: (flow.path, flow.line)))

    # Calls in the project's own files

    def _take_call(self, call: DeclaringCall) -> None:
        place = self._called_on(call)
        if place is None:
            return
        name = call.name if call.name is not None else self._flows[place].name
        if name is None:
            name, dynamic = f"<{self._flows[place].expression}>", (*call.dynamic, "name")
        else:
            dynamic = call.dynamic
        declared = Declaration(name, call.where, call.values, dynamic, call.path, call.line)
        self._declared.setdefault(place, {})[name] = declared

    def _called_on(self, call: DeclaringCall) -> _Place | None:
        folder = posixpath.dirname(call.path)
        if call.entrypoint:
            place = of_entrypoint(call.entrypoint, folder, self._root, self._files)
            return place if place in self._flows else None
        if (call.path, call.receiver) in self._flows:
            return call.path, call.receiver
        return self._imported(call.path, call.receiver, _REEXPORTS)

    def _imported(self, path: str, receiver: str, left: int) -> _Place | None:
        """The flow behind a name that one file takes from another."""
        imported = self._files[path].imported or self._read(path).imported
        folder = posixpath.dirname(path)
        parts = receiver.split(".")
        for count in range(len(parts), 0, -1):
            known = imported.get(".".join(parts[:count]))
            if known is None:
                continue
            rest = parts[count:]
            if known.name:
                rest = [known.name, *rest]
            module, level = known.module, known.level
            if known.name and len(rest) > 1:  # `from pkg import module`, then `module.flow`
                inner = f"{module}.{rest[0]}" if module else rest[0]
                at = of_module(inner, folder, self._files, level)
                place = (at, ".".join(rest[1:])) if at is not None else None
                if place in self._flows:
                    return place
            at = of_module(module, folder, self._files, level)
            if at is None or not rest:
                continue
            place = (at, ".".join(rest))
            if place in self._flows:
                return place
            if left:
                return self._imported(at, place[1], left - 1)
        return None

    # Entries of prefect.yaml

    def _take_yaml(self, entry: YamlDeployment, taken: set[tuple[_Place, str]]) -> None:
        entrypoint = resolve_environment(entry.entrypoint, self._environ)
        folder = posixpath.dirname(entry.path)
        place = of_entrypoint(entrypoint, folder, self._root, self._files)
        if place is None:
            self._tell(entry, f"no file of this project is its entrypoint “{entrypoint}”")
            return
        if place not in self._flows and not self._take_unseen(place):
            self._tell(entry, self._no_such_flow(place))
            return
        name = resolve_environment(entry.name, self._environ)
        if (place, name) in taken:
            message = "it is declared again further down, with the same name for the same flow"
            self._tell(entry, message)
            return
        taken.add((place, name))
        where = f"{entry.path}:{entry.line}"
        declared = Declaration(name, where, entry.values, (), entry.path, entry.line)
        self._declared.setdefault(place, {})[name] = declared

    def _tell(self, entry: YamlDeployment, message: str) -> None:
        self._broken.append(BrokenFile(entry.path, entry.line, 1, message, entry.name))

    def _take_unseen(self, place: _Place) -> bool:
        """A flow that only running the file shows: `etl = make_flow()`."""
        path, variable = place
        if variable not in self._read(path).defined:
            return False
        kind = FlowKind.FLOW_FUNCTION
        flow = LocalFlow(path, 1, None, kind, variable, variable)
        self._unseen[place] = self._flows[place] = flow
        return True

    def _no_such_flow(self, place: _Place) -> str:
        path, name = place
        names = [variable for where, variable in self._flows if where == path]
        if not names:
            return f"no flow is found in its file {path}"
        near = difflib.get_close_matches(name, names, n=1) or names
        return f"{path} has no flow {name}; it has {', '.join(near)}"


def _order(declared: Declaration) -> tuple[str, int, str]:
    return declared.path, declared.line, declared.name


def _position(broken: BrokenFile) -> tuple[str, int, int]:
    return broken.path, broken.line, broken.column
