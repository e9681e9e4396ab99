"""What the probe's findings mean: a list of checks, each of them fine, a warning or an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flowtui.deploy import diagnosis
from flowtui.deploy.docker.prefect_pins import OLD_DASK, reaches
from flowtui.deploy.events import Level
from flowtui.deploy.stages.healthcheck.answer import (
    Answer,
    FoundExecutor,
    Raised,
    WithoutResult,
)
from flowtui.deploy.stages.healthcheck.expectation import Expectation
from flowtui.deploy.stages.healthcheck.place import Place
from flowtui.models import Problem

_FAILING_RESULTS = ((0, 6, 2), (0, 13))
"""From and up to: Prefects whose own Docker health check refuses such tasks; later ones warn."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    level: Level
    """INFO when ok; WARNING does not stop the deploy, ERROR does."""
    message: str
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class HealthReport:
    """All checks, in the order in which they were made; none when the check was skipped."""

    checks: tuple[Check, ...] = ()

    @property
    def warnings(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.level is Level.WARNING)

    @property
    def failed(self) -> Check | None:
        return next((check for check in self.checks if check.level is Level.ERROR), None)


def checks_of(answer: Answer, expectation: Expectation, place: Place) -> list[Check]:
    """Everything that can be said, in the order in which it was looked at."""
    checks = [python_check(answer.python, expectation.python_minor, place)]
    if answer.raised is not None and answer.raised.at_import:
        return [*checks, _raised(answer.raised, expectation, place)]
    checks.append(prefect_check(answer.prefect, expectation.prefect_version, place))
    checks.append(_cloudpickle(answer.cloudpickle, expectation, place))
    if answer.raised is not None:
        return [*checks, _raised(answer.raised, expectation, place)]
    flow = answer.flow
    if flow is None:
        return checks
    return [
        *checks,
        fine("flow", f"unpickles, {len(flow.slugs)} tasks"),
        _name(flow.name, expectation, place),
        _slugs(flow.slugs, expectation, place),
        executor_check(flow.executor, expectation, place),
        results_check(flow.without_result, expectation),
    ]


def fine(name: str, message: str) -> Check:
    return Check(name, True, Level.INFO, message)


def wrong(name: str, problem: Problem, level: Level = Level.ERROR) -> Check:
    return Check(name, False, level, problem.what, problem)


def python_check(found: str, wanted: str, place: Place) -> Check:
    if found == wanted:
        return fine("Python", found)
    return wrong(
        "Python",
        diagnosis.of_python_mismatch(wanted, found, place=place.words, in_image=place.in_image),
    )


def prefect_check(found: str | None, wanted: str, place: Place) -> Check:
    fix = f"add prefect=={wanted} to `python_dependencies`"
    if found is None:
        return wrong("Prefect", Problem(f"Prefect is missing {place.words}", place.words, fix))
    if found == wanted:
        return fine("Prefect", found)
    what = f"Prefect {found} is {place.words}, and {wanted} loaded the flow"
    return wrong("Prefect", Problem(what, place.words, fix))


def _cloudpickle(found: str | None, expectation: Expectation, place: Place) -> Check:
    wanted = expectation.cloudpickle_version
    fix = f"add cloudpickle=={wanted} to `python_dependencies`"
    if found is None:
        what = f"cloudpickle is missing {place.words}"
        return wrong("cloudpickle", Problem(what, place.words, fix))
    if wanted is None or found == wanted:
        return fine("cloudpickle", found)
    what = f"cloudpickle {found} is {place.words}, and {wanted} pickled the flow"
    return wrong("cloudpickle", Problem(what, place.words, fix), Level.WARNING)


def _raised(error: Raised, expectation: Expectation, place: Place) -> Check:
    if error.is_missing and error.module:
        problem = diagnosis.of_missing_module(
            error.module,
            local_modules=expectation.local_modules,
            place=place.words,
            in_image=place.in_image,
        )
        return wrong("flow", problem)
    if error.type == "FileNotFoundError" and error.file == expectation.flow_path:
        what = f"there is no flow {place.words}"
        return wrong("flow", Problem(what, expectation.flow_path, "deploy again"))
    frames = [line.strip() for line in error.trace.splitlines() if line.strip().startswith("File ")]
    what = f"the flow does not unpickle {place.words}: {error.type}: {error.message}"
    fix = "the versions of what it imports may differ from the project's: pin them in "
    return wrong(
        "flow", Problem(what, frames[-1] if frames else place.words, fix + "`python_dependencies`")
    )


def _name(found: str, expectation: Expectation, place: Place) -> Check:
    if found == expectation.flow_name:
        return fine("name", found)
    what = f"the flow {place.words} is {found!r}, and {expectation.flow_name!r} would be registered"
    return wrong("name", Problem(what, place.words, "deploy again with --force"))


def _slugs(found: frozenset[str], expectation: Expectation, place: Place) -> Check:
    if found == expectation.task_slugs:
        return fine("task slugs", f"{len(found)} equal what will be registered")
    differing = sorted(found ^ expectation.task_slugs)
    what = (
        f"{len(differing)} task slugs {place.words} differ from what would be registered "
        f"({', '.join(differing[:3])}): an agent could not match its runs"
    )
    return wrong("task slugs", Problem(what, place.words, "deploy again with --force"))


def executor_check(found: FoundExecutor | None, expectation: Expectation, place: Place) -> Check:
    """Prefect uses another executor, or fails when it runs, where this one cannot be imported."""
    path = found.path if found is not None else None
    if expectation.executor not in (None, path):
        what = f"the flow {place.words} has the executor {path}, and not {expectation.executor}"
        return wrong("executor", Problem(what, place.words, "deploy again with --force"))
    if found is None:
        return fine("executor", "Prefect's default where the flow runs")
    raised = found.raised
    if raised is not None and raised.is_missing and raised.module:
        problem = diagnosis.of_missing_module(
            raised.module,
            local_modules=expectation.local_modules,
            place=place.words,
            in_image=place.in_image,
        )
        return wrong("executor", problem)
    if raised is not None:
        what = f"the executor {path} cannot be imported: {raised.type}: {raised.message}"
        return wrong("executor", Problem(what, place.words, "correct the setting `executor`"))
    for name, version in found.needs.items():
        if version is None:
            what = f"{path} needs {name}, which is missing {place.words}"
            return wrong("executor", Problem(what, place.words, _install(place, name)))
    dask = found.needs.get("distributed") or ""
    if expectation.connects and dask and not reaches(expectation.prefect_version, dask):
        what = f"Prefect {expectation.prefect_version} cannot connect with distributed {dask}"
        return wrong("executor", Problem(what, place.words, _install(place, *OLD_DASK)))
    versions = "".join(f", {name} {version}" for name, version in found.needs.items())
    return fine("executor", f"{path}{versions}")


def _install(place: Place, *packages: str) -> str:
    if place.in_image:
        return f"add {', '.join(packages)} to `python_dependencies`"
    quoted = " ".join(f"'{package}'" for package in packages)
    return f"pip install {quoted} in that interpreter"


def results_check(findings: Sequence[WithoutResult], expectation: Expectation) -> Check:
    """An error only where Prefect's own check refuses such tasks too."""
    version = tuple(
        int(part) for part in expectation.prefect_version.split(".")[:3] if part.isdigit()
    )
    first, end = _FAILING_RESULTS
    if version < first or not findings:
        return fine("results", "every task that needs a stored result has one")
    word = "result handler" if version < (0, 11) else "result"
    named = [f"{each.task} {each.why} without a {word} of {each.of}" for each in findings]
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    problem = Problem(
        f"tasks lack stored results: {', '.join(named[:3])}{more}",
        f"Prefect {expectation.prefect_version}",
        f"give the flow a {word} (for example `Flow(…, {word.replace(' ', '_')}=…)`), or those "
        "tasks",
    )
    return wrong("results", problem, Level.ERROR if version < end else Level.WARNING)
