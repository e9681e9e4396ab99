"""What the probe found: its answer, or why it gave none."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowtui.deploy import diagnosis
from flowtui.deploy.stages.healthcheck.output import LONGEST_ANSWER
from flowtui.deploy.stages.healthcheck.place import Ending, Place
from flowtui.errors import DeployError
from flowtui.json_shapes import items, mapping


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception that importing or unpickling raised."""

    type: str
    message: str
    trace: str
    """The last frames, as Python writes them."""
    module: str = ""
    """Of an ImportError: the module."""
    is_missing: bool = False
    """True when that module does not exist."""
    file: str = ""
    """Of an OSError: the file."""
    at_import: bool = False
    """True when Prefect or cloudpickle themselves could not be imported."""


@dataclass(frozen=True, slots=True)
class WithoutResult:
    """A task whose settings need a stored result that is not there."""

    task: str
    why: str
    """For example `retries`."""
    of: str
    """Whose result: `itself` or `its inputs`."""


@dataclass(frozen=True, slots=True)
class FoundExecutor:
    path: str
    """Dotted."""
    needs: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])
    """Version of each package that it imports when it starts, None for what is missing."""
    raised: Raised | None = None
    """Why it cannot be imported."""


@dataclass(frozen=True, slots=True)
class FoundFlow:
    name: str
    slugs: frozenset[str]
    without_result: tuple[WithoutResult, ...]
    executor: FoundExecutor | None = None
    """None where the settings of the process that runs the flow decide."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the probe tells, as far as it came."""

    python: str
    """Minor version, for example `3.11`."""
    prefect: str | None = None
    """None when it is not installed, or was not looked for any more."""
    cloudpickle: str | None = None
    raised: Raised | None = None
    flow: FoundFlow | None = None


def read_answer(ending: Ending, marker: str, place: Place, *, pickled_by: str) -> Answer:
    """What the probe of a pickle tells; see `answered`."""
    return _answer(answered(ending, marker, place, pickled_by=pickled_by))


def answered(ending: Ending, marker: str, place: Place, *, pickled_by: str) -> dict[str, Any]:
    """The answer between the two markers; `pickled_by` is a Python's minor version.

    Raises DeployError with the diagnosis when there is none.
    """
    if (answer := answer_in(ending.stdout, marker)) is not None:
        return answer
    if len(ending.stdout) > LONGEST_ANSWER:
        raise DeployError(
            f"the health check's answer is longer than {LONGEST_ANSWER} bytes",
            where=place.words,
            fix="a flow with that many tasks cannot be checked: set `ignore_healthchecks = true`",
        )
    raise _died(ending, place, pickled_by)


def answer_in(stdout: bytes, marker: str) -> dict[str, Any] | None:
    """None where it is not whole."""
    _, found, rest = stdout.partition(marker.encode())
    text, end, _ = rest.partition(marker.encode())
    return mapping(json.loads(text)) if found and end else None


def too_slow(place: Place) -> DeployError:
    return DeployError(
        f"the flow was not {place.verb} within {place.seconds:g} s",
        where=place.words,
        fix="a module that it imports may wait for something: there is no network here"
        if place.in_image
        else "a module that it imports may wait for something",
    )


def _answer(told: dict[str, Any]) -> Answer:
    error, flow = mapping(told.get("error")), mapping(told.get("flow"))
    return Answer(
        python=str(told.get("python")),
        prefect=told.get("prefect"),
        cloudpickle=told.get("cloudpickle"),
        raised=read_raised(error) if error else None,
        flow=_flow(flow) if flow else None,
    )


def read_raised(error: dict[str, object]) -> Raised:
    return Raised(
        type=str(error.get("type")),
        message=str(error.get("message")),
        trace=str(error.get("trace") or ""),
        module=str(error.get("module") or ""),
        is_missing=bool(error.get("missing")),
        file=str(error.get("file") or ""),
        at_import=error.get("during") == "import",
    )


def _executor(executor: dict[str, object]) -> FoundExecutor | None:
    if not executor:
        return None
    needs = mapping(executor.get("needs"))
    error = mapping(executor.get("error"))
    return FoundExecutor(
        path=str(executor.get("path")),
        needs={name: None if found is None else str(found) for name, found in needs.items()},
        raised=read_raised(error) if error else None,
    )


def _flow(flow: dict[str, object]) -> FoundFlow:
    return FoundFlow(
        name=str(flow.get("name")),
        slugs=frozenset(str(slug) for slug in items(flow.get("slugs"))),
        without_result=tuple(
            WithoutResult(str(each.get("task")), str(each.get("why")), str(each.get("of")))
            for each in map(mapping, items(flow.get("without_result")))
        ),
        executor=_executor(mapping(flow.get("executor"))),
    )


def _died(ending: Ending, place: Place, pickled_by: str) -> DeployError:
    number = ending.exit_code - 128
    if ending.out_of_memory or (place.memory and number == signal.SIGKILL):
        return DeployError(
            f"the flow needs more than {place.memory // 2**20} MiB to be {place.verb}",
            where=place.words,
            fix="keep large data out of the flow: load it inside a task",
        )
    if number == signal.SIGALRM:
        return too_slow(place)
    if number > 0:
        return DeployError.of(diagnosis.of_death(number, python=pickled_by, place=place.words))
    return DeployError(
        f"Python ended with exit code {ending.exit_code} instead of an answer",
        where=place.words,
        fix="see the log; a module that the flow imports may end the process",
    )
