"""What is said of an address while it is typed; no token is ever sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from flowtui.api.probe import probe
from tests.parts.control_plane import embedded_server
from tests.parts.registry import free_port


@asynccontextmanager
async def answering(status: int, body: bytes, kind: str) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that gives everybody the same; its address, and all that was sent to it."""
    received: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", received
    finally:
        server.close()


async def test_nothing_there() -> None:
    answer = await probe(f"http://127.0.0.1:{free_port()}")
    assert not answer.good and "connection refused" in answer.words and answer.fix


async def test_a_web_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWTUI_API_KEY", "tok-never-sent-1")
    async with answering(200, b"<html>hello</html>", "text/html") as (url, received):
        answer = await probe(url)
    assert not answer.good and answer.fix
    assert received and not any(b"tok-never-sent-1" in each for each in received)
    assert not any(b"authorization" in each.lower() for each in received)


async def test_one_that_wants_a_token() -> None:
    body = json.dumps({"errors": [{"message": "no", "extensions": {"code": "UNAUTHENTICATED"}}]})
    async with answering(401, body.encode(), "application/json") as (url, _):
        answer = await probe(url)
    assert answer.good and answer.wants_token and answer.words == "answers, and wants a token"


async def test_one_that_never_answers() -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    answer = await probe(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seconds=0.2)
    server.close()
    assert not answer.good and "no answer within 0.2 s" in answer.words


async def test_a_ca_file_that_is_not_there() -> None:
    answer = await probe("https://127.0.0.1:1", Path("/nowhere/ca.pem"))
    assert not answer.good and "trusted certificates cannot be read" in answer.words
    assert "ca_file" in answer.fix


@pytest.mark.real
async def test_the_real_server_with_and_without_a_token() -> None:
    with embedded_server() as server:
        assert (await probe(server.url)).words.startswith("answers: flowtui server")
    with embedded_server(token="guarded-1234567") as server:
        assert (await probe(server.url)).wants_token
