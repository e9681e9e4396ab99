"""The app in a browser: who has the link gets in, nobody else, from nowhere else."""

from __future__ import annotations

import asyncio
import gc
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from flowtui.cli.web_server import GuardedServer


@asynccontextmanager
async def serving(command: str = "true") -> AsyncIterator[GuardedServer]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = GuardedServer(command, listener=listener, host="127.0.0.1", title="flowtui")
    runner = web.AppRunner(await server.make_app())
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        yield server
    finally:
        await runner.cleanup()
        # textual-serve leaves the pipes of its processes to the collector, which needs the loop.
        gc.collect()
        await asyncio.sleep(0)


def browser() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


async def test_without_the_token_nothing_is_given_away() -> None:
    async with serving() as server, browser() as client:
        paths = ("/", "/?token=", "/?token=wrong", "/ws", "/static/js/textual.js", "/download/x")
        for path in paths:
            async with client.get(server.public_url + path) as answer:
                assert answer.status == 403, path
                assert server.token not in await answer.text()
        async with client.get(f"{server.public_url}/ws?token={server.token}") as answer:
            assert answer.status == 403


async def test_with_the_link_the_page_opens_and_the_token_leaves_the_address() -> None:
    async with serving() as server, browser() as client:
        async with client.get(server.link) as answer:
            assert answer.status == 200
            assert str(answer.url) == f"{server.public_url}/"
            assert "data-session-websocket-url" in await answer.text()
            assert answer.headers["Referrer-Policy"] == "no-referrer"
        async with client.get(server.public_url + "/static/js/textual.js") as answer:
            assert answer.status == 200
        (cookie,) = client.cookie_jar
        assert cookie["httponly"] and cookie["samesite"] == "Strict"


async def test_a_name_that_somebody_points_here_is_refused() -> None:
    async with serving() as server, browser() as client:
        for host in ("evil.example", f"evil.example:{server.port}", f"localhost:{server.port}"):
            async with client.get(server.link, headers={"Host": host}) as answer:
                assert answer.status == 403


async def test_a_websocket_must_come_from_our_own_page() -> None:
    async with serving() as server, browser() as client:
        await client.get(server.link)
        for origin in (None, "http://evil.example", "null", f"http://localhost:{server.port}"):
            headers = {} if origin is None else {"Origin": origin}
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await client.ws_connect(server.public_url + "/ws", headers=headers)
            assert refused.value.status == 403


def command_lines() -> list[str]:
    listing = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return listing.stdout.splitlines()


def until_childless() -> None:
    """Until every process that was started here has ended and its end was noticed."""
    deadline = time.monotonic() + 60
    while any(file.read_text() for file in Path("/proc/self/task").glob("*/children")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
async def test_the_apps_first_frame_arrives_and_the_token_is_in_no_command_line(
    tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hello.py").write_text('from prefect import Flow\n\nflow = Flow("hello")\n')
    monkeypatch.setenv("FLOWTUI_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    command = shlex.join([sys.executable, "-m", "flowtui", "open", str(tmp_path)])
    async with serving(command) as server, browser() as client:
        await client.get(server.link)
        url = f"{server.public_url}/ws?width=100&height=30"
        async with client.ws_connect(url, headers={"Origin": server.public_url}) as socket_:
            await socket_.send_json(["resize", {"width": 100, "height": 30}])
            seen = b""
            async with asyncio.timeout(60):
                while not (b"hello.py:3" in seen and b"not connected" in seen):
                    seen += (await socket_.receive()).data
            assert b"Projects" in seen
            assert not any(server.token in line for line in command_lines())
            await socket_.send_json(["stdin", "?"])
            async with asyncio.timeout(60):
                while b"Keys" not in seen:
                    seen += (await socket_.receive()).data
        # The page is closed: its app ends.
        await asyncio.to_thread(until_childless)


def flowtui_web(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flowtui", "web", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def test_an_address_that_others_reach_is_refused_with_the_risk(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1"):
        answer = flowtui_web("--host", host, cwd=tmp_path)
        assert answer.returncode == 2
        assert "reached by others" in answer.stderr
        assert "ssh -L" in answer.stderr


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = flowtui_web("--port", str(taken.getsockname()[1]), cwd=tmp_path)
    assert answer.returncode == 2
    assert "cannot listen" in answer.stderr


def test_without_textual_serve_it_says_what_to_install(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['textual_serve'] = None\n"
        "from flowtui.cli import run; sys.exit(run(['web', '--port', '0']))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert answer.returncode == 2
    assert "flowtui[web]" in answer.stderr
