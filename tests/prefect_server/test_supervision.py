"""A server that ends, or does not want to: small scripts in the place of Prefect's."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from flowtui.models import Interpreter
from flowtui.prefect_server.events import ServerEvent, ServerGaveUp, ServerReady, ServerStopped
from flowtui.prefect_server.launch import PrefectServerLaunch
from flowtui.prefect_server.supervision import PrefectServerProcess
from tests.parts.processes import gone

_STUBBORN = (
    "import signal, time\n"
    "for number in (signal.SIGINT, signal.SIGTERM):\n"
    "    signal.signal(number, signal.SIG_IGN)\n"
    "print('up', flush=True)\n"
    "time.sleep(600)\n"
)
_BROKEN = "raise TypeError(\"Body() got an unexpected keyword argument 'min_items'\")"


def launched(folder: Path, script: str) -> PrefectServerLaunch:
    interpreter = Interpreter(sys.executable, "3.12.1", "3.9.1", None, "the project's .venv")
    command = (sys.executable, "-c", script)
    return PrefectServerLaunch(
        command, folder, interpreter, "3.9.1", "http://127.0.0.1:1/api", dict(os.environ)
    )


async def test_asked_twice_it_is_not_waited_for(tmp_path: Path) -> None:
    told: list[ServerEvent] = []
    ready = asyncio.Event()

    async def answers() -> bool:
        return "up" in process.log_file.read_text()

    def tell(event: ServerEvent) -> None:
        told.append(event)
        if isinstance(event, ServerReady):
            ready.set()

    process = PrefectServerProcess(launched(tmp_path, _STUBBORN), answers, tell)
    process.log_file.parent.mkdir(parents=True, exist_ok=True)
    process.log_file.touch()
    running = asyncio.create_task(process.run())
    await asyncio.wait_for(ready.wait(), 60)
    process.stop()
    process.stop(at_once=True)
    assert isinstance(await asyncio.wait_for(running, 60), ServerStopped)
    (started,) = [event for event in told if event.kind == "server_started"]
    await gone(started.pid)  # type: ignore[union-attr]


async def test_one_that_never_answered_is_not_started_again(tmp_path: Path) -> None:
    told: list[ServerEvent] = []

    async def answers() -> bool:
        return False

    process = PrefectServerProcess(launched(tmp_path, _BROKEN), answers, told.append)
    end = await asyncio.wait_for(process.run(), 60)
    assert isinstance(end, ServerGaveUp)
    assert "FastAPI" in end.what and "'fastapi<0.151'" in end.fix
    assert [event.kind for event in told].count("server_started") == 1
