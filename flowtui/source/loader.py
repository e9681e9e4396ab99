"""Loads flows in the project's own interpreter: drives `worker/`, one fresh process per load."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import tempfile
from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from flowtui import child_processes, executors
from flowtui.byte_lines import ByteLines
from flowtui.errors import DeployError
from flowtui.models import (
    Attachment,
    ExecutionOptions,
    FlowKind,
    Interpreter,
    Json,
    JsonObject,
    LoadedFlow,
    LocalFlow,
    PickledFlow,
)
from flowtui.releases import release
from flowtui.source.apart import apart
from flowtui.source.closure import static_closure
from flowtui.source.loaded import to_work_out, understand
from flowtui.warm.forking import start_warm

OnLine = Callable[[str], None]

PICKLE_LIMIT = 200_000_000
"""Bytes of a pickled flow."""
_ANSWER_LIMIT = 100_000_000
"""Bytes of the JSON answer (the serialization of a very large flow is a few MB)."""
_LINE_LIMIT = 20_000
"""Characters of one line of output; the rest of the line is dropped."""
_LOG_LIMIT = 2_000
"""Lines kept for `LoadedFlow.log`; `on_line` gets all of them."""

_WORKER = Path(__file__).with_name("worker") / "__main__.py"
_SECRET_VARIABLES = ("FLOWTUI_API_KEY", "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING")
_SECRET_PREFIX = "PREFECT__CLOUD__"
_PROFILE_VARIABLES = ("PREFECT_PROFILE", "PREFECT_PROFILES_PATH")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of the user's own code, outermost first in an error."""

    file: str
    """Relative to the project root."""
    line: int
    function: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        return place if self.function == "<module>" else f"{place} in {self.function}"


class LoadError(DeployError):
    """The flow could not be loaded, serialized or pickled.

    `kind` is the name of the user's exception, or one of flowtui's own: NoSuchFlow,
    SeveralFlows, DuplicateFlow, FlowInsideFunction, FlowInsideClass, AsksThePrefectApi,
    UnschedulableFlow, BadSettings, CannotPickle, TooLarge, NoPrefect, OtherPrefect,
    NoPython, NoRoom, TimedOut, Ended.
    """

    def __init__(
        self,
        what: str,
        *,
        kind: str,
        where: str = "",
        fix: str = "",
        frames: tuple[Frame, ...] = (),
        log: tuple[str, ...] = (),
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        self.kind = kind
        self.frames = frames
        self.log = log
        """The last lines that the user's code printed."""


async def inspect(
    flow: LocalFlow,
    root: Path,
    interpreter: Interpreter,
    *,
    execution: ExecutionOptions | None = None,
    time_limit: float = 60.0,
    on_line: OnLine | None = None,
) -> LoadedFlow:
    """Load a flow as it is on disk. `time_limit` is in seconds. Raises LoadError.

    `execution` is what settings are known to say before the flow is: its executor is looked for in
    the flow's Prefect and tried with its arguments.
    """
    tried = {"execution": _asked(execution or ExecutionOptions())}
    loaded, _ = await _load("inspect", flow, root, interpreter, tried, time_limit, on_line)
    return loaded


async def pickle_flow(
    flow: LocalFlow,
    root: Path,
    interpreter: Interpreter,
    attachment: Attachment,
    *,
    time_limit: float = 60.0,
    pickle_limit: int = PICKLE_LIMIT,
    on_line: OnLine | None = None,
) -> PickledFlow:
    """Load a flow, attach what flowtui decided, and pickle that same object. Raises LoadError.

    The serialization and the pickle come from one object in one process, so their task slugs
    agree (slugs are random in Prefect before 0.12).
    """
    asked = {**asdict(attachment), "execution": _asked(attachment.execution)}
    loaded, content = await _load(
        "pickle",
        flow,
        root,
        interpreter,
        {"attachment": _plain(asked)},
        time_limit,
        on_line,
        pickle_limit,
    )
    return PickledFlow(loaded=loaded, pickle=content)


async def _load(
    action: str,
    flow: LocalFlow,
    root: Path,
    interpreter: Interpreter,
    more: Mapping[str, Json],
    time_limit: float,
    on_line: OnLine | None,
    pickle_limit: int = PICKLE_LIMIT,
) -> tuple[LoadedFlow, bytes]:
    _refuse_without_prefect(flow, interpreter)
    root = await asyncio.to_thread(root.resolve)
    static = await asyncio.to_thread(static_closure, root, flow.path)
    request = {
        "action": action,
        "root": str(root),
        "path": flow.path,
        "name": flow.name,
        "variable": flow.variable,
        "line": flow.line,
        "function": flow.function,
        "declared": to_work_out(flow.declared),
        "modules": [[module.name, module.path] for module in static],
        "pickle_limit": pickle_limit,
        **more,
    }
    with _exchange(request) as files:
        run = _Run(flow, root, interpreter, files, on_line)
        await run.finish(time_limit)
        answer = await asyncio.to_thread(run.answer)
        content = await asyncio.to_thread(files.pickle.read_bytes) if action == "pickle" else b""
    return understand(answer, flow, interpreter, tuple(run.log)), content


@contextlib.contextmanager
def _exchange(request: Mapping[str, Any]) -> Generator[_Files]:
    """A folder of its own with the request in it, and the places for what the worker writes."""
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="flowtui-load-", ignore_cleanup_errors=True)
            )
            files = _Files(Path(folder))
            places = {
                "answer": str(files.answer),
                "pickle": str(files.pickle),
                "trace": str(files.trace),
            }
            files.request.write_text(json.dumps({**request, **places}), encoding="utf-8")
        except OSError as error:
            raise LoadError(
                f"there is no room for temporary files: {error.strerror or error}",
                kind="NoRoom",
                where=str(error.filename or "the folder for temporary files"),
                fix="free some space there, or set TMPDIR to a folder on another disk",
            ) from error
        yield files


def _refuse_without_prefect(flow: LocalFlow, interpreter: Interpreter) -> None:
    where = f"{interpreter.executable} ({interpreter.origin or 'given'})"
    version = interpreter.prefect_version
    if version is None:
        raise LoadError(
            f"Prefect is not installed in the project's Python {interpreter.python_version}",
            kind="NoPrefect",
            where=where,
            fix="install Prefect there, make a .venv in the project folder, or set `python` to "
            "the interpreter that has it",
        )
    functions = release(version) >= (2,)
    if functions is not (flow.kind is FlowKind.FLOW_FUNCTION):
        wanted = "0.6 to 1.4" if functions else "2 or 3"
        written = "made by Flow(…)" if functions else "a function with @flow"
        raise LoadError(
            f"the flow is {written}, as Prefect {wanted} has them, but the project's Python has "
            f"Prefect {version}",
            kind="OtherPrefect",
            where=f"{flow.path}:{flow.line}, {where}",
            fix=f"set `python` to an interpreter with Prefect {wanted}",
        )


@dataclass(frozen=True, slots=True)
class _Files:
    folder: Path

    @property
    def request(self) -> Path:
        return self.folder / "request.json"

    @property
    def answer(self) -> Path:
        return self.folder / "answer.json"

    @property
    def pickle(self) -> Path:
        return self.folder / "flow.pickle"

    @property
    def trace(self) -> Path:
        return self.folder / "trace.txt"

    @property
    def prefect_home(self) -> Path:
        return self.folder / "prefect-home"


class _Run:
    """One worker process with its output and its answer."""

    def __init__(
        self,
        flow: LocalFlow,
        root: Path,
        interpreter: Interpreter,
        files: _Files,
        on_line: OnLine | None,
    ) -> None:
        self._flow = flow
        self._root = root
        self._interpreter = interpreter
        self._files = files
        self._on_line = on_line
        self._status: int | None = None
        self.log: deque[str] = deque(maxlen=_LOG_LIMIT)

    async def finish(self, time_limit: float) -> None:
        """Run the worker to its end. Raises LoadError for one that does not start or end."""
        try:
            self._status = await self._exit_status(time_limit)
        except TimeoutError:
            raise self._timed_out(time_limit) from None
        except OSError as error:
            raise LoadError(
                f"the project's Python does not start: {error}",
                kind="NoPython",
                where=f"{self._interpreter.executable} ({self._interpreter.origin})",
                fix="repair it, or set `python` to another interpreter",
            ) from error

    async def _exit_status(self, time_limit: float) -> int:
        lines = ByteLines(self._line, _LINE_LIMIT)
        try:
            with self._files.request.open("rb") as request:
                return await child_processes.run(
                    [self._interpreter.executable, "-B", "-u", str(_WORKER)],
                    stdin=request,
                    on_output=lines.feed,
                    cwd=self._root,
                    env=self._environment(),
                    time_limit=time_limit,
                    start=start_warm,
                )
        finally:
            lines.end()

    def _environment(self) -> dict[str, str]:
        inherited = child_environment(os.environ)
        if release(self._interpreter.prefect_version or "") < (2,):
            return inherited
        return inherited | apart(self._files.prefect_home)

    def _line(self, line: str) -> None:
        self.log.append(line)
        if self._on_line is not None:
            self._on_line(line)

    def answer(self) -> JsonObject:
        """The worker's JSON. Raises LoadError for an error in it, or when there is none."""
        try:
            if self._files.answer.stat().st_size > _ANSWER_LIMIT:
                raise LoadError(
                    "the serialized flow is larger than 100 MB",
                    kind="TooLarge",
                    where=self._place,
                    fix="use fewer tasks, or smaller parameter defaults",
                )
            answer = cast("dict[str, Any]", json.loads(self._files.answer.read_bytes()))
        except FileNotFoundError:
            raise self._ended() from None
        if "error" in answer:
            raise self._refused(cast("dict[str, Any]", answer["error"]))
        return cast("JsonObject", answer["flow"])

    @property
    def _place(self) -> str:
        return f"{self._flow.path}:{self._flow.line}" if self._flow.line else self._flow.path

    def _refused(self, error: Mapping[str, Any]) -> LoadError:
        frames = tuple(Frame(**frame) for frame in error["frames"])
        kind = str(error["type"])
        message = str(error["message"])
        own = kind in _OWN_KINDS
        where = str(frames[-1]) if frames else self._place
        if frames and frames[-1].text:
            where += f": {frames[-1].text}"
        return LoadError(
            message if own else f"{kind}: {message}",
            kind=kind,
            where=where,
            fix=str(error["hint"]),
            frames=frames,
            log=self._tail(),
        )

    def _timed_out(self, time_limit: float) -> LoadError:
        frames = self._traced()
        return LoadError(
            f"loading the flow took longer than {time_limit:g} seconds",
            kind="TimedOut",
            where=str(frames[-1]) if frames else self._place,
            fix="move slow work into a task or under `if __name__ == '__main__':`",
            frames=frames,
            log=self._tail(),
        )

    def _ended(self) -> LoadError:
        frames = self._traced()
        status = self._status or 0
        if status < 0:
            name = signal.Signals(-status).name if -status in _SIGNALS else f"signal {-status}"
            what = f"Python was ended by {name} while it loaded the flow"
        else:
            what = f"the flow file ended Python with exit status {status} while it was loaded"
        return LoadError(
            what,
            kind="Ended",
            where=str(frames[-1]) if frames else self._place,
            fix="look for os._exit, os.kill or a crashing package in what the file does when it "
            "is imported",
            frames=frames,
            log=self._tail(),
        )

    def _traced(self) -> tuple[Frame, ...]:
        """The user's frames of the stack that faulthandler wrote, outermost first."""
        try:
            lines = self._files.trace.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return ()
        frames = [frame for line in lines if (frame := self._frame(line)) is not None]
        return tuple(reversed(frames))

    def _frame(self, line: str) -> Frame | None:
        head, separator, function = line.strip().rpartition(" in ")
        file, _, number = head.removeprefix("File ").rpartition(", line ")
        path = Path(file.strip('"'))
        if not separator or not number.isdigit() or not path.is_relative_to(self._root):
            return None
        if "site-packages" in path.parts:
            return None
        relative = path.relative_to(self._root).as_posix()
        return Frame(file=relative, line=int(number), function=function, text="")

    def _tail(self) -> tuple[str, ...]:
        return tuple(self.log)[-50:]


_OWN_KINDS = frozenset(
    {
        "NoSuchFlow",
        "SeveralFlows",
        "DuplicateFlow",
        "FlowInsideFunction",
        "FlowInsideClass",
        "AsksThePrefectApi",
        "UnschedulableFlow",
        "BadSettings",
        "CannotPickle",
        "TooLarge",
        "NoRoom",
        "NothingToPickle",
        "SystemExit",
    }
)
_SIGNALS = {int(number) for number in signal.Signals}


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What the worker inherits: everything but the tokens; it writes no bytecode."""
    kept = {
        name: text
        for name, text in environ.items()
        if name not in (*_SECRET_VARIABLES, *_PROFILE_VARIABLES)
        and not name.startswith(_SECRET_PREFIX)
    }
    return kept | {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8:backslashreplace",
    }


def _asked(execution: ExecutionOptions) -> Json:
    """For the worker, which knows no short names: Prefect's own class by its name."""
    name = execution.executor
    return _plain(asdict(replace(execution, executor=executors.class_of(name) if name else None)))


def _plain(value: object) -> Json:
    """Mappings and sequences of any type as JSON's own."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value)
        return {str(key): _plain(inner) for key, inner in entries.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in cast("list[object]", value)]
    return cast("Json", value)
