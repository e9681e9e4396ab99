"""What the findings about a `@flow` mean; see `checks` for flow objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flowtui.deploy import diagnosis
from flowtui.deploy.stages.healthcheck.answer import Raised, read_raised
from flowtui.deploy.stages.healthcheck.checks import (
    Check,
    fine,
    prefect_check,
    python_check,
    wrong,
)
from flowtui.deploy.stages.healthcheck.place import Place
from flowtui.json_shapes import mapping
from flowtui.models import JsonObject, Problem

if TYPE_CHECKING:
    from flowtui.deploy.stages.healthcheck.entrypoint import EntrypointExpectation


@dataclass(frozen=True, slots=True)
class FoundFunction:
    """A flow as Prefect sees it there."""

    name: str
    schema: JsonObject


@dataclass(frozen=True, slots=True)
class Told:
    """What the probe tells, as far as it came."""

    python: str
    prefect: str | None = None
    raised: Raised | None = None
    during: str = ""
    """What raised: `import` of Prefect, `folder`, `entrypoint`, `schema`, `pickle`."""
    flow: FoundFunction | None = None
    back: FoundFunction | None = None
    """The same flow from its pickle."""


def read_told(answer: Mapping[str, Any]) -> Told:
    error = mapping(answer.get("error"))
    return Told(
        python=str(answer.get("python")),
        prefect=answer.get("prefect"),
        raised=read_raised(error) if error else None,
        during=str(error.get("during") or ""),
        flow=_function(answer.get("flow")),
        back=_function(answer.get("back")),
    )


def checks_of(told: Told, expectation: EntrypointExpectation, place: Place) -> list[Check]:
    """Everything that can be said, in the order in which it was looked at."""
    checks = [python_check(told.python, expectation.python_minor, place)]
    if not checks[0].ok:
        return checks
    if told.raised is not None and told.during == "import":
        return [*checks, _broken(told.raised, expectation, place)]
    checks.append(prefect_check(told.prefect, expectation.prefect_version, place))
    if told.flow is None:
        return [*checks, _broken(told.raised, expectation, place)] if told.raised else checks
    checks += [
        fine("entrypoint", expectation.entrypoint),
        _name(told.flow, expectation, place),
        _schema(told.flow, expectation, place),
    ]
    if told.back is not None:
        checks.append(_same_again(told.flow, told.back, place))
    elif told.raised is not None:
        checks.append(_unpicklable(told.raised, place))
    return checks


def _broken(raised: Raised, expectation: EntrypointExpectation, place: Place) -> Check:
    """The cause in words: what a run tells is “Process exited with status code: 1”."""
    entrypoint = expectation.entrypoint
    if raised.is_missing and raised.module:
        problem = diagnosis.of_missing_module(
            raised.module,
            local_modules=expectation.local_modules,
            place=place.words,
            in_image=place.in_image,
        )
        return wrong("entrypoint", problem)
    if raised.type == "FileNotFoundError":
        gone = raised.file or entrypoint.rpartition(":")[0]
        what = f"there is no file {gone} {place.words}"
        fix = "name it in `files`: what the flow reads when it is imported has to go along"
        if gone.endswith(entrypoint.rpartition(":")[0]):
            fix = "correct the entrypoint; it is taken relative to the working folder"
        return wrong("entrypoint", Problem(what, entrypoint, fix))
    if raised.type in ("MissingFlowError", "AttributeError") and not _frames(raised, place):
        _, _, name = entrypoint.replace(":", ".").rpartition(".")
        what = f"there is no flow {name} at {entrypoint} {place.words}"
        return wrong("entrypoint", Problem(what, entrypoint, "correct the entrypoint"))
    frames = _frames(raised, place)
    what = f"the flow cannot be imported {place.words}: {raised.type}: {raised.message}"
    fix = "what a run does first is to import it: correct what it does then"
    return wrong("entrypoint", Problem(what, frames[-1] if frames else entrypoint, fix))


def _frames(raised: Raised, place: Place) -> list[str]:
    """Those of the user's own code."""
    del place
    lines = [line.strip() for line in raised.trace.splitlines()]
    frames = [line for line in lines if line.startswith("File ")]
    return [each for each in frames if "site-packages" not in each and "importlib" not in each]


def _name(found: FoundFunction, expectation: EntrypointExpectation, place: Place) -> Check:
    if found.name == expectation.flow_name:
        return fine("name", found.name)
    what = (
        f"the flow {place.words} is named {found.name!r}, and {expectation.flow_name!r} would be "
        "registered"
    )
    fix = "a name must not depend on the machine or the moment; deploy again with --force"
    return wrong("name", Problem(what, place.words, fix))


def _schema(found: FoundFunction, expectation: EntrypointExpectation, place: Place) -> Check:
    differing = differences(expectation.schema, found.schema)
    if not differing:
        count = len(mapping(found.schema.get("properties")))
        return fine("parameters", f"{count} equal what will be registered")
    what = (
        f"parameters {place.words} differ from what would be registered: "
        f"{', '.join(differing[:3])}{' and more' if len(differing) > 3 else ''}"
    )
    fix = "the versions of what their types come from may differ: pin them in `python_dependencies`"
    return wrong("parameters", Problem(what, place.words, fix))


def differences(expected: JsonObject, found: JsonObject) -> list[str]:
    """Names of the parameters that differ; `the schema` where it is not in one of them."""
    before, now = mapping(expected.get("properties")), mapping(found.get("properties"))
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return names if names or expected == found else ["the schema"]


def _same_again(flow: FoundFunction, back: FoundFunction, place: Place) -> Check:
    if flow == back:
        return fine("cloudpickle", "the flow comes back the same")
    what = f"the flow {place.words} is another one after it was pickled"
    fix = "name and parameters must not change while it is unpickled"
    return wrong("cloudpickle", Problem(what, place.words, fix))


def _unpicklable(raised: Raised, place: Place) -> Check:
    what = f"the flow cannot be pickled {place.words}: {raised.type}: {raised.message}"
    fix = "open files, locks and connections do not belong into a flow's options or hooks"
    return wrong("cloudpickle", Problem(what, place.words, fix))


def _function(told: object) -> FoundFunction | None:
    found = mapping(told)
    if not found:
        return None
    return FoundFunction(str(found.get("name")), mapping(found.get("schema")))
