"""Commands run to their end, and nothing of their session is left."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from flowtui import child_processes
from flowtui.byte_lines import ByteLines
from tests.parts.processes import gone


async def shell(
    script: str,
    on_output: Callable[[bytes], None],
    on_errors: Callable[[bytes], None] | None = None,
    *,
    time_limit: float = 60,
) -> int:
    return await child_processes.run(
        ["/bin/sh", "-c", script],
        on_output=on_output,
        on_errors=on_errors,
        cwd="/",
        env=os.environ,
        time_limit=time_limit,
    )


async def test_output_and_errors_together_or_apart() -> None:
    script = "echo out; echo err >&2; exit 3"
    together, out, err = bytearray(), bytearray(), bytearray()
    assert await shell(script, together.extend) == 3
    assert together == b"out\nerr\n"
    assert await shell(script, out.extend, err.extend) == 3
    assert (out, err) == (b"out\n", b"err\n")
    assert await shell("kill -9 $$", out.extend) == -9


async def test_a_child_left_behind_is_ended_and_does_not_hold_the_call() -> None:
    out = bytearray()
    assert await shell("sleep 600 & echo $!", out.extend) == 0
    await gone(int(out))


async def test_what_ignores_the_request_to_end_is_ended_all_the_same() -> None:
    out = bytearray()
    heard = asyncio.Event()

    def take(piece: bytes) -> None:
        out.extend(piece)
        heard.set()

    running = asyncio.create_task(shell("trap '' TERM; sleep 600 & echo $$ $!; wait", take))
    await heard.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    shell_pid, sleep_pid = map(int, out.split())
    await gone(shell_pid)
    await gone(sleep_pid)


async def test_cancelled_while_it_starts_nothing_is_left(tmp_path: Path) -> None:
    """The event loop stands still until the command has told its children."""
    pipe = tmp_path / "pids"
    os.mkfifo(pipe)
    script = f"sleep 600 & echo $$ $! > '{pipe}'; wait"
    running = asyncio.create_task(shell(script, lambda _: None))
    for _ in range(3):
        await asyncio.sleep(0)
    pids = pipe.read_text()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    for pid in map(int, pids.split()):
        await gone(pid)


async def test_the_time_limit() -> None:
    with pytest.raises(TimeoutError):
        await shell("sleep 600", lambda _: None, time_limit=0.1)


async def test_a_command_that_is_not_there_leaves_no_open_file(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with pytest.raises(FileNotFoundError):
        await child_processes.run(
            [str(tmp_path / "nothing")],
            on_output=lambda _: None,
            on_errors=lambda _: None,
            cwd="/",
            env={},
            time_limit=5,
        )
    await asyncio.sleep(0)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_lines_of_any_bytes_in_any_pieces() -> None:
    lines: list[str] = []
    cutter = ByteLines(lines.append, longest=4)
    for piece in (b"a\r\nb", b"c\n", b"12345", b"678\n\xff\n", b"1234\n12345\n", b"end"):
        cutter.feed(piece)
    cutter.end()
    assert lines == ["a", "bc", "1234 …", "\ufffd", "1234", "1234 …", "end"]
