"""An agent's log file, followed while it is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flowtui.agents import output
from flowtui.agents.output import AgentOutput
from flowtui.credentials import Secret
from flowtui.deploy.events import Level


class Reader:
    """A followed file and the lines that came out of it."""

    def __init__(self, file: Path) -> None:
        self.lines: list[tuple[str, Level]] = []
        self.output = AgentOutput(file, lambda text, level: self.lines.append((text, level)))
        self.descriptor = self.output.open()

    def write(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    async def read(self) -> list[str]:
        await self.output.rest()
        told = [text for text, _ in self.lines]
        self.lines.clear()
        return told


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    (tmp_path / "agent.log").write_text("of an earlier life\n")
    return Reader(tmp_path / "agent.log")


async def test_only_what_is_new_and_each_line_once(reader: Reader) -> None:
    assert await reader.read() == []
    reader.write("one\ntwo\n")
    assert await reader.read() == ["one", "two"]
    reader.write("three\n")
    assert await reader.read() == ["three"]


async def test_the_level_of_a_line_and_of_those_that_belong_to_it(reader: Reader) -> None:
    reader.write(
        "[2026-11-25 04:04:22,850] WARNING - me | careful\n"
        "  and more of it\n"
        "2026-11-25 04:04:22,850 - agent - INFO - of 0.6.2\n"
        "Traceback (most recent call last):\n"
        "ValueError: no\n"
        "[2026-11-25 04:04:22,850] CRITICAL - me | worse\n"
        "[2026-11-25 04:04:22,850] DEBUG - me | detail\n"
    )
    await reader.output.rest()
    assert [level for _, level in reader.lines] == [
        Level.WARNING,
        Level.WARNING,
        Level.INFO,
        Level.ERROR,
        Level.ERROR,
        Level.ERROR,
        Level.DEBUG,
    ]


async def test_what_is_hostile_secret_or_only_decoration_does_not_come_out(reader: Reader) -> None:
    secret = Secret("a-secret-of-this-test")
    reader.write(f"\x1b]0;title\x07key {secret.reveal()}\x1b[2J\n|  _ \\ _ __\n\n\xff\n")
    assert await reader.read() == ["key ••••", "ÿ"]


async def test_a_line_without_an_end_is_bounded(reader: Reader) -> None:
    reader.write("x" * 3_000_000)
    (line,) = await reader.read()
    assert len(line) < 30_000


async def test_a_file_that_grows_is_emptied_and_read_on(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "LARGEST_FILE", 1000)
    reader.write("line\n" * 400)
    assert len(await reader.read()) == 400
    reader.write("after\n")
    assert await reader.read() == ["after"]
    assert reader.output.file.stat().st_size < 1000


async def test_a_file_that_is_removed_meanwhile(reader: Reader) -> None:
    os.unlink(reader.output.file)  # noqa: PTH108
    assert await reader.read() == []
