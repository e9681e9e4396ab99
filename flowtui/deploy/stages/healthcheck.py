"""Stage health check: does the flow work in the place where it will run?

The probe runs in the image that will be pushed, by its ID, in a container that can do nothing else;
or, for Local storage, in a fresh process of the interpreter outside the project folder. It tells
facts; what they mean is decided here.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from flowtui.deploy import diagnosis
from flowtui.deploy.events import Level
from flowtui.deploy.stages.context import StageContext
from flowtui.errors import DeployError
from flowtui.models import Interpreter, Json, JsonObject, PickledFlow, Problem, StorageOptions

if TYPE_CHECKING:
    from flowtui.deploy.engine import Engine

_SECONDS = 120.0
_GRACE = 5.0
"""Seconds for the engine beside the probe, which ends itself at the time limit."""
_MEMORY = 2**30
_TMP = 64 * 2**20
_PROCESSES = 256
_LONGEST_ANSWER = 16 * 2**20
_LOG_LINES = 2000
_LONGEST_LINE = 64 * 2**10
_NOBODY = "65534:65534"
_ENVIRONMENT = ("PATH", "HOME", "USER", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
_FAILING_RESULTS = ((0, 6, 2), (0, 13))
"""From and up to: Prefects whose own Docker health check refuses such tasks; later ones warn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the probe must find: the flow as it will be registered."""

    flow_name: str
    flow_path: str
    """File of the pickle: in the image, or on this machine's disk for `check_local`."""
    task_slugs: frozenset[str]
    python_minor: str
    prefect_version: str
    cloudpickle_version: str | None
    local_modules: tuple[str, ...] = ()
    """Dotted names of the project's modules that the flow imports."""
    ignore: bool = False
    """`ignore_healthchecks`: nothing is run."""

    @classmethod
    def of(cls, pickled: PickledFlow, *, flow_path: str, options: StorageOptions) -> Expectation:
        """From the worker's report of the very pickle that is checked."""
        loaded = pickled.loaded
        slugs = (_mapping(task).get("slug") for task in _list(loaded.serialized.get("tasks")))
        return cls(
            flow_name=loaded.name,
            flow_path=flow_path,
            task_slugs=frozenset(str(slug) for slug in slugs),
            python_minor=loaded.interpreter.python_minor,
            prefect_version=loaded.interpreter.prefect_version or "",
            cloudpickle_version=loaded.interpreter.cloudpickle_version,
            local_modules=tuple(module.name for module in loaded.modules),
            ignore=bool(options.ignore_healthchecks),
        )


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


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a probe ended, wherever it ran."""

    stdout: bytes
    exit_code: int
    """As a shell has it: 128 + n for signal n."""
    out_of_memory: bool = False


async def check_image(
    ctx: StageContext,
    engine: Engine,
    image_id: str,
    expectation: Expectation,
    *,
    time_limit: float = _SECONDS,
    memory: int = _MEMORY,
) -> HealthReport:
    """Run the probe in a hardened container of this image; the container is always removed.

    No network, read-only, no capabilities, uid 65534, `memory` bytes, `time_limit` seconds. Raises
    DeployError with the diagnosis when the flow would not run, EngineError when the engine fails.
    """
    if expectation.ignore:
        return _skipped(ctx)
    marker = secrets.token_hex(16)
    try:
        async with asyncio.timeout(time_limit + _GRACE):
            ending = await _in_container(
                ctx, engine, image_id, _arguments(marker, expectation, time_limit), memory
            )
    except TimeoutError:
        raise _too_slow(time_limit, "in the image") from None
    return _judged(
        ctx, ending, marker, expectation, _Place("in the image", True, time_limit, memory)
    )


async def check_local(
    ctx: StageContext,
    interpreter: Interpreter,
    flow_path: Path,
    expectation: Expectation,
    *,
    time_limit: float = _SECONDS,
) -> HealthReport:
    """Run the probe in a fresh process of `interpreter`, outside the project folder.

    The process gets a clean environment and a session of its own, which is ended with it. Raises
    DeployError with the diagnosis when the flow would not run.
    """
    if expectation.ignore:
        return _skipped(ctx)
    marker = secrets.token_hex(16)
    arguments = _arguments(marker, replace(expectation, flow_path=str(flow_path)), time_limit)
    try:
        async with asyncio.timeout(time_limit + _GRACE):
            ending = await _in_process(ctx, interpreter.executable, arguments)
    except TimeoutError:
        raise _too_slow(time_limit, "on this machine") from None
    place = _Place("outside the project folder", False, time_limit, 0)
    return _judged(ctx, ending, marker, expectation, place)


@dataclass(frozen=True, slots=True)
class _Place:
    words: str
    in_image: bool
    seconds: float
    memory: int


@cache
def _probe_source() -> str:
    return files("flowtui.deploy.stages").joinpath("probe.py").read_text(encoding="utf-8")


def _arguments(marker: str, expectation: Expectation, seconds: float) -> list[str]:
    return [
        "-c",
        _probe_source(),
        marker,
        expectation.flow_path,
        expectation.python_minor,
        str(max(1, ceil(seconds))),
    ]


async def _in_container(
    ctx: StageContext, engine: Engine, image_id: str, arguments: Sequence[str], memory: int
) -> _Ending:
    from flowtui.deploy.engine import LABEL, uncancelled

    name = f"flowtui-check-{secrets.token_hex(6)}"
    labels = {LABEL: "health check", f"{LABEL}.deploy": ctx.deploy}
    try:
        for program in ("python", "python3"):
            config = _container(image_id, program, arguments, memory, labels)
            # Not cancelled half-way: the engine would go on and make what was just removed.
            await uncancelled(engine.create_container(config, name=name))
            async with engine.attached(name) as output:
                if await uncancelled(_started(engine, name)):
                    stdout = await _answer_of(ctx, output)
                    end = await engine.container_end(name)
                    return _Ending(stdout, end.exit_code, end.out_of_memory)
            await uncancelled(engine.remove_container(name))
    finally:
        await uncancelled(engine.remove_container(name))
    raise DeployError(
        "the image has no `python`",
        where="in the image",
        fix="use a base image with Python in it, on the PATH",
    )


async def _started(engine: Engine, name: str) -> bool:
    """False when the image does not have the program."""
    from flowtui.deploy.engine import EngineRefusedError

    try:
        await engine.start_container(name)
    except EngineRefusedError as refusal:
        if "executable file not found" in refusal.message:
            return False
        raise _not_started(refusal.message) from refusal
    return True


def _container(
    image_id: str, program: str, arguments: Sequence[str], memory: int, labels: Mapping[str, str]
) -> JsonObject:
    return {
        "Image": image_id,
        # Old dask.distributed looks up its own host name when it is imported (Prefect < 0.9), and
        # without a network only this one has an address.
        "Hostname": "localhost",
        "Entrypoint": [program],
        "Cmd": list(arguments),
        "User": _NOBODY,
        "WorkingDir": "/tmp",
        "Env": ["HOME=/tmp", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"],
        "Labels": dict(labels),
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            "Tmpfs": {"/tmp": f"rw,noexec,nosuid,nodev,size={_TMP},mode=1777"},
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "Memory": memory,
            "MemorySwap": memory,
            "PidsLimit": _PROCESSES,
            "LogConfig": {"Type": "none", "Config": {}},
        },
    }


def _not_started(message: str) -> DeployError:
    if "exec format error" in message:
        problem = diagnosis.of_build(message, base="")
        return DeployError(problem.what, where="in the image", fix=problem.fix)
    return DeployError(
        f"the health check's container does not start: {message}",
        where="in the image",
        fix="see whether `docker run` starts the base image",
    )


async def _answer_of(ctx: StageContext, output: AsyncGenerator[tuple[int, bytes]]) -> bytes:
    """Standard output whole (up to the limit); standard error as log lines."""
    stdout = bytearray()
    log = _UserLog(ctx)
    async with aclosing(output) as pieces:
        async for stream, data in pieces:
            if stream != 1:
                log.take(data)
            elif len(stdout) <= _LONGEST_ANSWER:
                stdout += data
    log.finish()
    return bytes(stdout)


async def _in_process(ctx: StageContext, interpreter: str, arguments: Sequence[str]) -> _Ending:
    from flowtui.deploy.engine import uncancelled

    with tempfile.TemporaryDirectory(prefix="flowtui-check-") as folder:
        try:
            process = await asyncio.create_subprocess_exec(
                interpreter,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=folder,
                env=_clean_environment(os.environ),
                start_new_session=True,
            )
        except OSError as error:
            raise DeployError(
                f"the interpreter does not start: {error.strerror}",
                where=interpreter,
                fix="correct `python`, or make the project's virtual environment anew",
            ) from error
        try:
            stdout = await _answer_of(ctx, _process_output(process))
            code = await _exit_code(process)
        finally:
            _end_session(process.pid)
            await uncancelled(_exit_code(process))
    return _Ending(stdout, 128 - code if code < 0 else code)


async def _process_output(
    process: asyncio.subprocess.Process,
) -> AsyncGenerator[tuple[int, bytes]]:
    """Pieces of output as a container gives them, until the process ends.

    Not until its pipes close: a child that it left behind may hold them open.
    """
    assert process.stdout is not None
    assert process.stderr is not None
    streams = {1: process.stdout, 2: process.stderr}
    reading = {
        asyncio.ensure_future(stream.read(65536)): number for number, stream in streams.items()
    }
    ended = asyncio.ensure_future(_exit_code(process))
    try:
        while reading:
            done, _ = await asyncio.wait({*reading, ended}, return_when="FIRST_COMPLETED")
            if done == {ended}:
                done, _ = await asyncio.wait(reading, timeout=0.2, return_when="FIRST_COMPLETED")
                if not done:
                    return
            for task in [task for task in reading if task in done]:
                number = reading.pop(task)
                if data := task.result():
                    yield number, data
                    reading[asyncio.ensure_future(streams[number].read(65536))] = number
    finally:
        for task in (*reading, ended):
            task.cancel()


async def _exit_code(process: asyncio.subprocess.Process) -> int:
    """Its exit code as soon as it has one: `wait` waits (before Python 3.13) for its pipes too."""
    while process.returncode is None:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    return process.returncode


def _end_session(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environ.items()
        if name in _ENVIRONMENT or name.startswith(("LC_", "SSL_CERT_"))
    } | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


class _UserLog:
    """What the flow's modules print, as log lines, up to a limit."""

    def __init__(self, ctx: StageContext) -> None:
        self._ctx = ctx
        self._open = b""
        self._lines = 0

    def take(self, data: bytes) -> None:
        if self._lines > _LOG_LINES:
            return
        *lines, self._open = (self._open + data).split(b"\n")
        for line in lines:
            self._log(line)
        self._open = self._open[:_LONGEST_LINE]

    def finish(self) -> None:
        if self._open:
            self._log(self._open)

    def _log(self, line: bytes) -> None:
        self._lines += 1
        if self._lines <= _LOG_LINES:
            self._ctx.log(line[:_LONGEST_LINE].decode(errors="replace").rstrip("\r"))
        elif self._lines == _LOG_LINES + 1:
            self._ctx.log(f"more than {_LOG_LINES} lines: the rest is not shown", Level.WARNING)


def _skipped(ctx: StageContext) -> HealthReport:
    ctx.log("not checked: ignore_healthchecks is set", Level.WARNING)
    return HealthReport()


def _judged(
    ctx: StageContext, ending: _Ending, marker: str, expectation: Expectation, place: _Place
) -> HealthReport:
    answer = _parsed(ending, marker, expectation, place)
    report = HealthReport(tuple(_checks(answer, expectation, place)))
    for check in report.checks:
        mark = "ok" if check.ok else ("warning" if check.level is Level.WARNING else "failed")
        ctx.log(f"{mark}: {check.name}: {check.message}", check.level)
    failed = report.failed
    if failed is not None:
        problem = failed.problem or Problem(failed.message)
        raise DeployError(problem.what, where=problem.where, fix=problem.fix)
    return report


def _parsed(ending: _Ending, marker: str, expectation: Expectation, place: _Place) -> JsonObject:
    _, found, rest = ending.stdout.partition(marker.encode())
    text, end, _ = rest.partition(marker.encode())
    if found and end:
        return _mapping(json.loads(text))
    if len(ending.stdout) > _LONGEST_ANSWER:
        raise DeployError(
            f"the health check's answer is longer than {_LONGEST_ANSWER} bytes",
            where=place.words,
            fix="a flow with that many tasks cannot be checked: set `ignore_healthchecks = true`",
        )
    raise _died(ending, expectation, place)


def _died(ending: _Ending, expectation: Expectation, place: _Place) -> DeployError:
    number = ending.exit_code - 128
    if ending.out_of_memory or (place.memory and number == signal.SIGKILL):
        return DeployError(
            f"the flow needs more than {place.memory // 2**20} MiB to be unpickled",
            where=place.words,
            fix="keep large data out of the flow: load it inside a task",
        )
    if number == signal.SIGALRM:
        return _too_slow(place.seconds, place.words)
    if number > 0:
        problem = diagnosis.of_death(number, python=expectation.python_minor, place=place.words)
        return DeployError(problem.what, where=problem.where, fix=problem.fix)
    return DeployError(
        f"Python ended with exit code {ending.exit_code} instead of an answer",
        where=place.words,
        fix="see the log; a module that the flow imports may end the process",
    )


def _too_slow(seconds: float, place: str) -> DeployError:
    return DeployError(
        f"the flow was not unpickled within {seconds:g} s",
        where=place,
        fix="a module that it imports may wait for something: there is no network here",
    )


def _checks(answer: JsonObject, expectation: Expectation, place: _Place) -> list[Check]:
    python = _python(str(answer.get("python")), expectation, place)
    checks = [python]
    error = _mapping(answer.get("error"))
    if error.get("during") == "import":
        return [*checks, _raised(error, expectation, place)]
    checks.append(_prefect(answer.get("prefect"), expectation, place))
    checks.append(_cloudpickle(answer.get("cloudpickle"), expectation, place))
    if error:
        return [*checks, _raised(error, expectation, place)]
    flow = _mapping(answer.get("flow"))
    if not flow:
        return checks
    slugs = frozenset(str(slug) for slug in _list(flow.get("slugs")))
    checks.append(Check("flow", True, Level.INFO, f"unpickles, {len(slugs)} tasks"))
    checks.append(_name(str(flow.get("name")), expectation, place))
    checks.append(_slugs(slugs, expectation, place))
    checks.append(results_check(_list(flow.get("without_result")), expectation))
    return checks


def _fine(name: str, message: str) -> Check:
    return Check(name, True, Level.INFO, message)


def _wrong(name: str, problem: Problem, level: Level = Level.ERROR) -> Check:
    return Check(name, False, level, problem.what, problem)


def _python(found: str, expectation: Expectation, place: _Place) -> Check:
    if found == expectation.python_minor:
        return _fine("Python", found)
    return _wrong(
        "Python",
        diagnosis.of_python_mismatch(
            expectation.python_minor, found, place=place.words, in_image=place.in_image
        ),
    )


def _prefect(found: Json, expectation: Expectation, place: _Place) -> Check:
    if found == expectation.prefect_version:
        return _fine("Prefect", str(found))
    fix = f"add prefect=={expectation.prefect_version} to `python_dependencies`"
    what = (
        f"Prefect is missing {place.words}"
        if found is None
        else f"Prefect {found} is {place.words}, and {expectation.prefect_version} pickled the flow"
    )
    return _wrong("Prefect", Problem(what, place.words, fix))


def _cloudpickle(found: Json, expectation: Expectation, place: _Place) -> Check:
    wanted = expectation.cloudpickle_version
    if found is None:
        what = f"cloudpickle is missing {place.words}"
        return _wrong(
            "cloudpickle",
            Problem(what, place.words, f"add cloudpickle=={wanted} to `python_dependencies`"),
        )
    if wanted is None or found == wanted:
        return _fine("cloudpickle", str(found))
    what = f"cloudpickle {found} is {place.words}, and {wanted} pickled the flow"
    problem = Problem(what, place.words, f"add cloudpickle=={wanted} to `python_dependencies`")
    return _wrong("cloudpickle", problem, Level.WARNING)


def _raised(error: JsonObject, expectation: Expectation, place: _Place) -> Check:
    module = str(error.get("module") or "")
    if error.get("missing") and module:
        problem = diagnosis.of_missing_module(
            module,
            local_modules=expectation.local_modules,
            place=place.words,
            in_image=place.in_image,
        )
        return _wrong("flow", problem)
    kind, message = str(error.get("type")), str(error.get("message"))
    if kind == "FileNotFoundError" and error.get("file") == expectation.flow_path:
        what = f"there is no flow {place.words}"
        return _wrong("flow", Problem(what, expectation.flow_path, "deploy again"))
    trace = [line.strip() for line in str(error.get("trace") or "").splitlines()]
    frames = [line for line in trace if line.startswith("File ")]
    what = f"the flow does not unpickle {place.words}: {kind}: {message}"
    fix = "the versions of what it imports may differ from the project's: pin them in "
    return _wrong(
        "flow", Problem(what, frames[-1] if frames else place.words, fix + "`python_dependencies`")
    )


def _name(found: str, expectation: Expectation, place: _Place) -> Check:
    if found == expectation.flow_name:
        return _fine("name", found)
    what = f"the flow {place.words} is {found!r}, and {expectation.flow_name!r} would be registered"
    return _wrong("name", Problem(what, place.words, "deploy again with --force"))


def _slugs(found: frozenset[str], expectation: Expectation, place: _Place) -> Check:
    if found == expectation.task_slugs:
        return _fine("task slugs", f"{len(found)} equal what will be registered")
    differing = sorted(found ^ expectation.task_slugs)
    what = (
        f"{len(differing)} task slugs {place.words} differ from what would be registered "
        f"({', '.join(differing[:3])}): an agent could not match its runs"
    )
    return _wrong("task slugs", Problem(what, place.words, "deploy again with --force"))


def results_check(findings: Sequence[Json], expectation: Expectation) -> Check:
    version = tuple(
        int(part) for part in expectation.prefect_version.split(".")[:3] if part.isdigit()
    )
    first, end = _FAILING_RESULTS
    if version < first or not findings:
        return _fine("results", "every task that needs a stored result has one")
    word = "result handler" if version < (0, 11) else "result"
    named = [
        f"{_mapping(item).get('task')} {_mapping(item).get('why')} "
        f"without a {word} of {_mapping(item).get('of')}"
        for item in findings
    ]
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    problem = Problem(
        f"tasks lack stored results: {', '.join(named[:3])}{more}",
        f"Prefect {expectation.prefect_version}",
        f"give the flow a {word} (for example `Flow(…, {word.replace(' ', '_')}=…)`), or those "
        "tasks",
    )
    return _wrong("results", problem, Level.ERROR if version < end else Level.WARNING)


def _mapping(value: Any) -> dict[str, Json]:
    return cast("dict[str, Json]", value) if isinstance(value, dict) else {}


def _list(value: Any) -> list[Json]:
    return cast("list[Json]", value) if isinstance(value, list) else []
