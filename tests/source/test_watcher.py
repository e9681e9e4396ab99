from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from flowtui.models import Problem
from flowtui.source.contents import Contents
from flowtui.source.watcher import Watcher, WatchTools, network_file_system, watch
from tests.parts.need import missing

_LIMIT = 20.0
"""Seconds until a test that waits for an event fails; no test is expected to come near it."""


async def next_of(changes: AsyncGenerator[frozenset[str]]) -> frozenset[str]:
    async with asyncio.timeout(_LIMIT):
        return await anext(changes)


@pytest.fixture
async def changes(tmp_path: Path) -> AsyncIterator[AsyncGenerator[frozenset[str]]]:
    (tmp_path / "flow.py").write_text("x = 1\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "helper.py").write_text("x = 1\n")
    (tmp_path / ".gitignore").write_text("ignored/\n*.log\n")
    async with aclosing(watch(tmp_path)) as changes:
        assert await next_of(changes) == frozenset()
        yield changes


async def seen(
    changes: AsyncGenerator[frozenset[str]], act: Callable[[], object]
) -> frozenset[str]:
    """What is reported for an action that is done while the watcher waits."""
    waiting = asyncio.ensure_future(next_of(changes))
    await asyncio.sleep(0)
    act()
    return await waiting


async def test_ways_of_saving_a_file(
    changes: AsyncGenerator[frozenset[str]], tmp_path: Path
) -> None:
    flow = tmp_path / "flow.py"

    def replaced() -> None:
        (tmp_path / "flow.py.tmp").write_text("x = 3\n")
        (tmp_path / "flow.py.tmp").replace(flow)

    def renamed_away_and_written() -> None:  # vim with backupcopy=no
        flow.rename(tmp_path / "flow.py~")
        flow.write_text("x = 4\n")
        (tmp_path / "flow.py~").unlink()

    for act in (lambda: flow.write_text("x = 2\n"), replaced, renamed_away_and_written):
        assert await seen(changes, act) == {"flow.py"}


async def test_the_same_content_is_no_change(
    changes: AsyncGenerator[frozenset[str]], tmp_path: Path
) -> None:
    def touched_then_another_written() -> None:
        (tmp_path / "flow.py").write_text("x = 1\n")
        os.utime(tmp_path / "flow.py")
        (tmp_path / "sub" / "helper.py").write_text("x = 2\n")

    assert await seen(changes, touched_then_another_written) == {"sub/helper.py"}


async def test_new_and_deleted_files_and_folders(
    changes: AsyncGenerator[frozenset[str]], tmp_path: Path
) -> None:
    def folder_with_file() -> None:
        (tmp_path / "new" / "deep").mkdir(parents=True)
        (tmp_path / "new" / "deep" / "a.py").write_text("x = 1\n")

    assert await seen(changes, folder_with_file) == {"new/deep/a.py"}
    write_again = (tmp_path / "new" / "deep" / "a.py").write_text
    assert await seen(changes, lambda: write_again("x = 2\n")) == {"new/deep/a.py"}
    assert await seen(changes, (tmp_path / "flow.py").unlink) == {"flow.py"}
    assert await seen(changes, lambda: shutil.rmtree(tmp_path / "new")) == {"new/deep/a.py"}


async def test_ignored_files_are_not_reported(
    changes: AsyncGenerator[frozenset[str]], tmp_path: Path
) -> None:
    def write_all() -> None:
        for name in ("ignored/a.py", "__pycache__/x.pyc", ".venv/a.py", "run.log", ".flow.py.swp"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("x")
        (tmp_path / "data.csv").write_text("1,2\n")

    assert await seen(changes, write_all) == {"data.csv"}


async def test_a_changed_gitignore_changes_what_counts(
    changes: AsyncGenerator[frozenset[str]], tmp_path: Path
) -> None:
    (tmp_path / "ignored").mkdir()
    (tmp_path / "ignored" / "a.py").write_text("x = 1\n")
    first = await seen(changes, lambda: (tmp_path / ".gitignore").write_text("*.log\n"))
    rest = first if "ignored/a.py" in first else first | await next_of(changes)
    assert rest == {".gitignore", "ignored/a.py"}
    write = (tmp_path / "ignored" / "a.py").write_text
    assert await seen(changes, lambda: write("x = 2\n")) == {"ignored/a.py"}


async def test_a_root_that_is_deleted_and_comes_back_is_watched_again(
    changes: AsyncGenerator[frozenset[str]], tmp_path: Path
) -> None:
    gone = await seen(changes, lambda: shutil.rmtree(tmp_path))
    assert gone == {"flow.py", "sub/helper.py", ".gitignore"}

    def back() -> None:
        tmp_path.mkdir()
        (tmp_path / "flow.py").write_text("x = 1\n")

    assert await seen(changes, back) == {"flow.py"}
    write = (tmp_path / "flow.py").write_text
    assert await seen(changes, lambda: write("x = 2\n")) == {"flow.py"}


async def test_a_git_checkout_is_one_change(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True
        )

    git("init", "-q", "-b", "main")
    for value in ("one", "two"):
        for number in range(300):
            (tmp_path / f"m{number}.py").write_text(value)
        git("add", ".")
        git("commit", "-q", "-m", value)
    async with aclosing(watch(tmp_path)) as changes:
        await next_of(changes)
        reported = await seen(changes, lambda: git("checkout", "-q", "HEAD~1"))
        while len(reported) < 300:  # a slow disk may spread it over more than one batch
            reported |= await next_of(changes)
    assert reported == {f"m{number}.py" for number in range(300)}


async def test_cancelling_ends_the_watch_and_its_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    stops: list[threading.Event] = []
    closed: list[bool] = []
    waiting = threading.Event()

    class Silent:
        def wait(self, stop: threading.Event) -> frozenset[str]:
            stops.append(stop)
            waiting.set()
            stop.wait(_LIMIT)
            return frozenset()

        def close(self) -> None:
            closed.append(stops[0].is_set())

    async def consume() -> None:
        async for _ in watch(tmp_path, tools=WatchTools(subscribe=lambda folders: Silent())):
            pass

    task = asyncio.create_task(consume())
    assert await asyncio.to_thread(waiting.wait, _LIMIT)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed == [True]
    assert threading.active_count() <= before + 4  # idle threads of the pool


class FakeTime:
    """Pauses end at once; what happens during the n-th one is scripted."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.during: list[Callable[[], object]] = []

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if self.during:
            self.during.pop(0)()
        await asyncio.sleep(0)


class OneBatch:
    """A subscription that reports the same paths once, then nothing."""

    def __init__(self, *paths: Path) -> None:
        self._batches = [frozenset(map(str, paths))]

    def wait(self, stop: threading.Event) -> frozenset[str]:
        if self._batches:
            return self._batches.pop()
        stop.wait(_LIMIT)
        return frozenset()

    def close(self) -> None:
        return


async def test_a_file_written_in_pieces_is_reported_once_it_is_whole(tmp_path: Path) -> None:
    flow = tmp_path / "flow.py"
    flow.write_text("x")
    clock = FakeTime()
    clock.during = [lambda size=size: flow.write_text("x" * size) for size in (3, 4, 5)]

    def subscribe(folders: Sequence[Path]) -> OneBatch:
        return OneBatch(flow)

    async with aclosing(watch(tmp_path, tools=WatchTools(clock.pause, subscribe=subscribe))) as it:
        await next_of(it)
        flow.write_text("xx")
        assert await next_of(it) == {"flow.py"}
    assert clock.pauses == [0.1] * 4
    assert flow.read_text() == "x" * 5


@pytest.mark.parametrize(
    ("error", "cause", "fix"),
    [
        (OSError('OS file watch limit reached about ["/x"]'), "max_user_watches", "524288"),
        (RuntimeError("Too many open files (os error 24)"), "max_user_instances", "512"),
    ],
)
async def test_at_a_system_limit_it_polls_and_says_so(
    tmp_path: Path, error: Exception, cause: str, fix: str
) -> None:
    (tmp_path / "flow.py").write_text("x = 1\n")
    notices: list[Problem] = []
    clock = FakeTime()

    def subscribe(folders: Sequence[Path]) -> OneBatch:
        raise error

    watcher = Watcher(
        tmp_path, notice=notices.append, tools=WatchTools(clock.pause, subscribe=subscribe)
    )
    async with aclosing(watcher.changes()) as changes:
        assert await next_of(changes) == frozenset()
        clock.during = [lambda: None, lambda: (tmp_path / "flow.py").write_text("x = 2\n")]
        assert await next_of(changes) == {"flow.py"}
    assert watcher.polling
    (notice,) = notices
    assert cause in notice.what
    assert fix in notice.fix
    assert max(clock.pauses) >= 1.0


def test_the_real_limit_of_the_kernel_is_understood(tmp_path: Path) -> None:
    """A user namespace of its own with room for three watches, so the machine's are left alone."""
    for number in range(10):
        (tmp_path / f"d{number}").mkdir()
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from flowtui.source.watcher import watch\n"
        "async def main():\n"
        "    noticed = asyncio.Event()\n"
        "    def notice(problem):\n"
        "        print(problem.what, '|', problem.fix)\n"
        "        noticed.set()\n"
        "    changes = watch(Path(sys.argv[1]), notice=notice)\n"
        "    await anext(changes)\n"
        "    waiting = asyncio.ensure_future(anext(changes))\n"
        "    await noticed.wait()\n"
        "    (Path(sys.argv[1]) / 'd3' / 'a.py').write_text('x')\n"
        "    print(sorted(await asyncio.wait_for(waiting, 20)))\n"
        "    await changes.aclose()\n"
        "asyncio.run(main())\n"
    )
    command = 'echo 3 > /proc/sys/user/max_inotify_watches && exec "$0" -c "$1" "$2"'
    done = subprocess.run(
        ["unshare", "-U", "-r", "sh", "-c", command, sys.executable, script, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if "unshare" in done.stderr or "cannot create" in done.stderr:
        missing("inotify limit", "user namespaces are not allowed: " + done.stderr.strip())
    assert "max_user_watches" in done.stdout, done.stderr
    assert "['d3/a.py']" in done.stdout


_MOUNTS = """\
22 28 0:20 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
90 22 0:45 / /mnt/team\\040share rw - nfs4 server:/x rw
91 22 0:46 / /mnt/team\\040share/local rw - ext4 /dev/sdb1 rw
92 22 0:47 / /home/me/remote rw - fuse.sshfs me@host: rw
93 22 0:47 / /home/me/crypt rw - fuse.gocryptfs x rw
broken line
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/me/project", None),
        ("/mnt/team share/project", "nfs4"),
        ("/mnt/team share/local/project", None),
        ("/mnt/team sharess", None),
        ("/home/me/remote", "fuse.sshfs"),
        ("/home/me/crypt/p", None),
    ],
)
def test_network_file_systems_are_told_from_local_ones(folder: str, kind: str | None) -> None:
    assert network_file_system(Path(folder), _MOUNTS) == kind
    assert network_file_system(Path(folder), "") is None


async def test_on_a_network_file_system_it_polls_without_asking_for_events(
    tmp_path: Path,
) -> None:
    (tmp_path / "flow.py").write_text("x = 1\n")
    clock = FakeTime()
    notices: list[Problem] = []

    def subscribe(folders: Sequence[Path]) -> OneBatch:
        raise AssertionError("no events there")

    tools = WatchTools(
        clock.pause,
        mounts=lambda: "1 1 0:1 / / rw - nfs4 server:/ rw\n",
        subscribe=subscribe,
    )
    async with aclosing(watch(tmp_path, notice=notices.append, tools=tools)) as changes:
        await next_of(changes)
        clock.during = [lambda: (tmp_path / "flow.py").write_text("x = 2\n")]
        assert await next_of(changes) == {"flow.py"}
    assert "nfs4" in notices[0].what


def test_contents_tell_real_changes_only(tmp_path: Path) -> None:
    contents = Contents(tmp_path)
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "data.bin").write_bytes(b"\0" * 10)
    assert contents.rescan() == {"a.py", "data.bin"}
    assert contents.rescan() == frozenset()
    (tmp_path / "a.py").write_text("1")
    assert contents.rescan() == frozenset()
    assert contents.changed(["a.py", "missing.py", "../outside.py", "no/folder.py"]) == frozenset()
    (tmp_path / "a.py").write_text("2")
    (tmp_path / "data.bin").unlink()
    assert contents.changed(["a.py", "data.bin"]) == {"a.py", "data.bin"}
    assert contents.rescan() == frozenset()
