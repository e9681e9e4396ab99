"""A child process that is supervised: its start, the reading of what it says, and asking it to end.

It ends when flowtui is killed: the kernel sees to that.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from flowtui.agents.output import AgentOutput
from flowtui.child_processes import end_with_parent
from flowtui.deploy.uncancelled import uncancelled

End = Callable[[Process], Awaitable[None]]
"""Has a process ended, whatever that takes; returns when it is over."""


async def start(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], output: AgentOutput, end: End
) -> Process:
    """In a session of its own, all that it writes in the file of `output`. Raises OSError.

    Cancelled meanwhile, it is ended although nobody waits for it any more.
    """

    async def started() -> Process:
        descriptor = await asyncio.to_thread(output.open)
        with open(descriptor, "wb") as stream:  # noqa: ASYNC230, PTH123  (takes over the descriptor)
            return await asyncio.create_subprocess_exec(
                *command,
                stdin=DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd=cwd,
                env=env,
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )

    async def end_what_starts() -> None:
        with contextlib.suppress(OSError):
            await end(await starting)

    starting = asyncio.ensure_future(started())
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await uncancelled(end_what_starts())
        raise


async def finish(
    process: Process, output: AgentOutput, reading: asyncio.Task[None], end: End
) -> None:
    """Have it ended, and all that it said read."""
    await end(process)
    reading.cancel()
    await asyncio.wait({reading})
    await output.rest()


async def interrupt(
    process: Process, at_once: asyncio.Event, *, interrupted: float, terminated: float
) -> None:
    """SIGINT, as Ctrl-C would be, then SIGTERM, each with so many seconds to end; no more of
    either once it is to be at once."""
    for number, seconds in ((signal.SIGINT, interrupted), (signal.SIGTERM, terminated)):
        if process.returncode is not None or at_once.is_set():
            break
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        await until_over(process, at_once, seconds)


async def until_over(process: Process, at_once: asyncio.Event, seconds: float | None) -> None:
    """Until it is over, at most so long; not any longer once it is to be at once."""
    over = asyncio.ensure_future(process.wait())
    hurried = asyncio.ensure_future(at_once.wait())
    await asyncio.wait({over, hurried}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    over.cancel()
    hurried.cancel()
