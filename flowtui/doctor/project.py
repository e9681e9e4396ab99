"""The project folder: its flows, its Python, how its files are watched, what else runs here."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from flowtui.doctor.checks import CannotTell, Check, State, bad
from flowtui.doctor.processes import running
from flowtui.doctor.subject import Subject
from flowtui.errors import FlowtuiError
from flowtui.models import FlowKind, Interpreter, LocalFlow
from flowtui.source import watch_limits
from flowtui.source.interpreter import find_interpreter
from flowtui.source.watcher import network_file_system, read_mounts


async def flows(subject: Subject) -> Sequence[Check]:
    workspace = await subject.workspace()
    found = await subject.discovery()
    many = f"{len(found.flows)} in {found.files_seen} files of {workspace.root}"
    checks = [Check("flows", State.OK, many)]
    if found.broken:
        first = found.broken[0]
        checks.append(
            Check(
                "broken files",
                State.WARNING,
                f"{len(found.broken)}, the first {first.path}:{first.line}: {first.message}",
                "correct them: flows in them are not found",
            )
        )
    return checks


async def interpreter(subject: Subject) -> Sequence[Check]:
    workspace = await subject.workspace()
    found = await find_interpreter(workspace.root, workspace.config.python)
    wanted = bool((await subject.discovery()).flows)
    return (
        Check("interpreter", State.OK, f"{found.executable} ({found.origin})"),
        Check("its Python", State.OK, found.python_version),
        _prefect(found, wanted=wanted),
    )


def _prefect(found: Interpreter, *, wanted: bool) -> Check:
    prefect, cloudpickle = found.prefect_version, found.cloudpickle_version
    lacking = State.BAD if wanted else State.WARNING
    if prefect is None:
        return Check(
            "its Prefect",
            lacking,
            "none: flows cannot be loaded with this Python",
            "install the Prefect your flows use there, or set `python` to the interpreter that "
            "has it",
        )
    if prefect.split(".")[0] not in ("0", "1"):
        # Flows of Prefect 2 and 3 are loaded where they run, never pickled.
        return Check("its Prefect", State.OK, prefect)
    if cloudpickle is None:
        return Check(
            "its Prefect",
            lacking,
            f"{prefect}, without cloudpickle: flows cannot be pickled",
            f"install it again: {found.executable} -m pip install prefect=={prefect}",
        )
    return Check("its Prefect", State.OK, f"{prefect}, cloudpickle {cloudpickle}")


async def not_loaded() -> Sequence[Check]:
    raise CannotTell("not tried: it runs the code of the flow files (--load, or l on the screen)")


async def loads(subject: Subject) -> Sequence[Check]:
    """Load every flow that can be deployed, one after the other, as a deploy would."""
    workspace = await subject.workspace()
    found = await subject.discovery()
    python = await find_interpreter(workspace.root, workspace.config.python)
    deployable = [
        flow for flow in found.flows if flow.kind is FlowKind.FLOW_OBJECT and not flow.function
    ]
    if not deployable:
        raise CannotTell("there is no flow to load")
    limit = workspace.config.load_timeout
    return [await _load(flow, workspace.root, python, limit) for flow in deployable]


async def _load(flow: LocalFlow, root: Path, python: Interpreter, limit: float) -> Check:
    from flowtui.source.loader import inspect

    name = f"loading {flow.display_name}"
    started = time.monotonic()
    try:
        await inspect(flow, root, python, time_limit=limit)
    except FlowtuiError as error:
        return bad(name, error.problem)
    return Check(name, State.OK, f"in {time.monotonic() - started:.1f} s")


async def watching(subject: Subject) -> Sequence[Check]:
    workspace = await subject.workspace()
    kind = await asyncio.to_thread(
        lambda: network_file_system(Path(os.path.realpath(workspace.root)), read_mounts())
    )
    if kind is not None:
        words = f"by polling: {kind} does not report changes made elsewhere"
        fix = "nothing to do; changes show after a second or two"
        return (Check("watching", State.WARNING, words, fix),)
    limits = await asyncio.to_thread(watch_limits.read)
    if limits is None:
        raise CannotTell("this system does not tell its limits of watched files")
    value = (
        f"by events; {limits.watches} of {limits.most_watches} watches and "
        f"{limits.instances} of {limits.most_instances} watchers in use"
    )
    fixes = [
        f"sudo sysctl fs.inotify.{name}={most * 4}"
        for name, used, most in (
            ("max_user_watches", limits.watches, limits.most_watches),
            ("max_user_instances", limits.instances, limits.most_instances),
        )
        if used >= most * 0.9
    ]
    return (Check("watching", State.WARNING if fixes else State.OK, value, "; ".join(fixes)),)


async def git(subject: Subject) -> Sequence[Check]:
    def look() -> str:
        program = shutil.which("git")
        folders = (subject.path.resolve(), *subject.path.resolve().parents)
        inside = next((each for each in folders if (each / ".git").exists()), None)
        place = f"repository {inside}" if inside is not None else "the folder is in no repository"
        return f"{program or 'no git program'}, {place}"

    return (Check("git", State.OK, await asyncio.to_thread(look)),)


async def processes() -> Sequence[Check]:
    found = await asyncio.to_thread(running)
    return (Check("running here", State.OK, ", ".join(found) or "no server and no agent"),)
