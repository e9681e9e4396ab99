"""What goes wrong while a flow is loaded: each time one clear error, and never a hang."""

from __future__ import annotations

import asyncio
import re
import resource
import time
from dataclasses import replace
from pathlib import Path

import pytest

from flowtui.source.loader import LoadError, child_environment, inspect, pickle_flow
from tests.parts.processes import gone
from tests.source.loading import VERSIONS, Project, docker, interpreter, named

pytestmark = pytest.mark.real

FLOW = "from prefect import Flow\nflow = Flow('x')\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


async def failure(project: Project, version: str = "1.4.1", **options: float) -> LoadError:
    with pytest.raises(LoadError) as caught:
        await inspect(named("x"), project.root, interpreter(version), **options)
    assert caught.value.problem.what
    assert caught.value.problem.where
    assert caught.value.problem.fix
    return caught.value


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_exception_shows_the_users_frames_only(project: Project, version: str) -> None:
    project.write("flow.py", "import helper\nhelper.go()\n" + FLOW)
    project.write(
        "helper.py", "import json\ndef go():\n    print('before')\n    json.loads('{broken')\n"
    )
    error = await failure(project, version)
    assert error.kind == "JSONDecodeError"
    assert error.problem.what.startswith("JSONDecodeError: Expecting property name")
    assert [(frame.file, frame.line, frame.function) for frame in error.frames] == [
        ("flow.py", 2, "<module>"),
        ("helper.py", 4, "go"),
    ]
    assert error.problem.where == "helper.py:4 in go: json.loads('{broken')"
    assert "before" in error.log


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_syntax_error_names_its_line(project: Project, version: str) -> None:
    project.write("flow.py", "import helper\n" + FLOW)
    project.write("helper.py", "x = 1\ndef broken(:\n")
    error = await failure(project, version)
    assert error.kind == "SyntaxError"
    assert error.problem.where == "helper.py:2: def broken(:"
    project.write("flow.py", FLOW + "print 'old'\n")
    assert (await failure(project, version)).problem.where == "flow.py:3: print 'old'"


async def test_a_missing_package_says_where_to_install_it(project: Project) -> None:
    project.write("flow.py", "import numpy_of_nowhere.linalg\n" + FLOW)
    error = await failure(project)
    assert "No module named 'numpy_of_nowhere'" in error.problem.what
    assert error.problem.where == "flow.py:1: import numpy_of_nowhere.linalg"
    assert f"{interpreter('1.4.1').executable} -m pip install" in error.problem.fix


@pytest.mark.parametrize(
    ("version", "line", "hint"),
    [
        ("1.4.1", "from prefect.environments.storage import Docker", "prefect.storage"),
        ("0.6.1", "from prefect.storage import Docker", "prefect.environments.storage"),
        ("0.6.1", "from prefect.run_configs import DockerRun", "came with Prefect 0.13"),
    ],
)
async def test_names_of_another_prefect_version_are_explained(
    project: Project, version: str, line: str, hint: str
) -> None:
    project.write("flow.py", line + "\n" + FLOW)
    assert hint in (await failure(project, version)).problem.fix


async def test_a_hang_is_ended_and_says_where_it_hung(tmp_path: Path) -> None:
    """One file sleeps in a helper, the other refuses to end and has a child of its own.

    The limit leaves time for a busy machine to come to the hang.
    """
    sleepy, stubborn = Project(tmp_path / "sleepy"), Project(tmp_path / "stubborn")
    sleepy.write("flow.py", "import helper\nhelper.wait()\n" + FLOW)
    sleepy.write(
        "helper.py", "import time\ndef wait():\n    print('waiting')\n    time.sleep(600)\n"
    )
    stubborn.write(
        "flow.py",
        """
        import signal, subprocess, sys
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print("child", child.pid)
        while True:
            pass
        """,
    )
    asleep, refusing = await asyncio.gather(
        failure(sleepy, time_limit=10.0), failure(stubborn, time_limit=10.0)
    )
    assert (asleep.kind, refusing.kind) == ("TimedOut", "TimedOut")
    assert asleep.problem.what == "loading the flow took longer than 10 seconds"
    assert asleep.problem.where == "helper.py:4 in wait"
    assert [frame.file for frame in asleep.frames] == ["flow.py", "helper.py"]
    assert asleep.log[-1] == "waiting"
    (line,) = [line for line in refusing.log if line.startswith("child ")]
    await gone(int(line.split()[1]))


async def test_cancelling_ends_the_whole_process_group(project: Project) -> None:
    project.write(
        "flow.py",
        """
        import os, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        print("pids", os.getpid(), child.pid)
        time.sleep(600)
        """,
    )
    pids: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()

    def line(text: str) -> None:
        if text.startswith("pids "):
            pids.set_result([int(pid) for pid in text.split()[1:]])

    task = asyncio.create_task(
        inspect(named("x"), project.root, interpreter("1.4.1"), on_line=line)
    )
    running = await pids
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    took = time.monotonic() - started
    for pid in running:
        await gone(pid)
    assert took < 5  # the promise is one second; a loaded machine must not fail the test


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("import sys\nsys.exit(3)", "SystemExit", r"ends Python while it is loaded: sys.exit\(3\)"),
        ("import os\nos._exit(0)", "Ended", "exit status 0"),
        ("import os\nos._exit(7)", "Ended", "exit status 7"),
        ("import os\nos.kill(os.getpid(), 9)", "Ended", "ended by SIGKILL"),
        ("import os\nos.abort()", "Ended", "ended by SIGABRT"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", "KeyboardInterrupt"),
        ("def f(): f()\nf()", "RecursionError", "maximum recursion"),
        ("import os\nos.remove(__file__)\nimport nothing_here", "ModuleNotFoundError", "nothing"),
    ],
)
async def test_code_that_ends_python(project: Project, code: str, kind: str, message: str) -> None:
    project.write("flow.py", FLOW + code + "\n")
    error = await failure(project)
    assert error.kind == kind
    assert re.search(message, error.problem.what)


@pytest.mark.parametrize(
    "code",
    [
        "import sys; sys.stdout.write('{\"error\": 1}\\n' * 10); sys.stdout.close()",
        "import os; os.close(1); os.close(2)",
        "import os; os.closerange(0, 200)",
        "import sys; sys.stdout = sys.stderr = None",
        "import os; os.chdir('/')",
        "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()",
        "import atexit, time; atexit.register(time.sleep, 600)",
        "import os; os.fork()",
        "import os, time\nif os.fork() == 0: time.sleep(600)",
        "import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(20)",
        "import os\nif os.fork() == 0: raise ValueError('in the child')",
        "import sys; sys.argv; sys.path[:] = []",
        "import sys; [sys.stdout.write('x' * 300000 + '\\n') for _ in range(20)]",
        "print('\\udcff \\x1b]52;c;aGk=\\x07')",
        "import os; os.write(1, b'\\xff\\xfe\\n')",
    ],
    ids=lambda code: re.sub(r"\W+", "-", code)[:40],
)
async def test_code_that_misbehaves_but_makes_its_flow(project: Project, code: str) -> None:
    project.write("flow.py", FLOW + code + "\n")
    loaded = await inspect(named("x"), project.root, interpreter("1.4.1"), time_limit=30.0)
    assert loaded.name == "x"
    assert all(len(line) <= 20_010 for line in loaded.log)


async def test_output_is_streamed_while_the_file_runs(project: Project) -> None:
    """The flow file waits until its first line has been seen."""
    project.write(
        "flow.py",
        """
        import pathlib, time
        print("first")
        while not pathlib.Path("seen").exists():
            time.sleep(0.01)
        """
        + "\n",
    )
    with (project.root / "flow.py").open("a") as file:
        file.write(FLOW)
    seen: list[str] = []

    def on_line(line: str) -> None:
        seen.append(line)
        (project.root / "seen").touch()

    loaded = await inspect(named("x"), project.root, interpreter("1.4.1"), on_line=on_line)
    assert seen[0] == "first"
    assert loaded.log == tuple(seen)


async def test_what_cannot_be_pickled_is_named(project: Project) -> None:
    project.write(
        "flow.py",
        """
        import threading
        from prefect import Flow, task
        lock = threading.Lock()
        @task
        def fine(): return 1
        @task
        def uses_lock():
            with lock: return 1
        with Flow("x") as flow:
            fine(); uses_lock()
        """,
    )
    with pytest.raises(LoadError) as caught:
        await pickle_flow(project.flow(), project.root, interpreter("1.4.1"), docker())
    assert caught.value.kind == "CannotPickle"
    assert "task 'uses_lock' cannot be pickled" in caught.value.problem.what


_HEAVY = """
    import os
    from prefect import Flow, task
    DATA = os.urandom(3000000)
    @task
    def heavy(): return len(DATA)
    with Flow("x") as flow:
        heavy()
"""


async def test_a_pickle_beyond_the_limit_names_its_heaviest_task(project: Project) -> None:
    project.write(
        "flow.py",
        _HEAVY,
    )
    python = interpreter("1.4.1")
    with pytest.raises(LoadError, match=r"limit is 2\.0 MB; the most is in task 'heavy'"):
        await pickle_flow(project.flow(), project.root, python, docker(), pickle_limit=2_000_000)


async def test_a_disk_without_room_for_the_pickle(project: Project) -> None:
    """A limit on the size of a file is the full disk that can be had anywhere."""
    project.write("flow.py", _HEAVY)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, before[1]))
    try:
        with pytest.raises(LoadError, match="cannot be written: File too large") as caught:
            await pickle_flow(project.flow(), project.root, interpreter("1.4.1"), docker())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.kind == "NoRoom"
    assert "TMPDIR" in caught.value.problem.fix


async def test_tokens_are_not_handed_to_user_code(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FLOWTUI_API_KEY", "PREFECT_API_KEY", "PREFECT__CLOUD__AUTH_TOKEN"):
        monkeypatch.setenv(name, "very-secret")
    monkeypatch.setenv("PREFECT__USER__MINE", "kept")
    project.write("flow.py", "import os\nprint(sorted(os.environ.items()))\n" + FLOW)
    loaded = await inspect(named("x"), project.root, interpreter("1.4.1"))
    assert "very-secret" not in "".join(loaded.log)
    assert "kept" in "".join(loaded.log)


def test_the_child_environment_keeps_the_users_own() -> None:
    kept = child_environment({"PATH": "/bin", "PREFECT__CLOUD__API_KEY": "s", "HOME": "/h"})
    assert kept["PATH"] == "/bin"
    assert kept["HOME"] == "/h"
    assert kept["PYTHONDONTWRITEBYTECODE"] == "1"
    assert "PREFECT__CLOUD__API_KEY" not in kept


async def test_no_prefect_in_the_chosen_python(project: Project) -> None:
    project.write("flow.py", FLOW)
    bare = replace(interpreter("1.4.1"), prefect_version=None, origin="the project's .venv")
    with pytest.raises(LoadError, match="Prefect is not installed") as caught:
        await inspect(project.flow(), project.root, bare)
    assert bare.executable in caught.value.problem.where
    assert "the project's .venv" in caught.value.problem.where


async def test_a_flow_that_is_for_another_prefect(project: Project) -> None:
    project.write("flow.py", "from prefect import flow\n@flow\ndef x(): ...\n")
    with pytest.raises(LoadError, match=r"Prefect 2 or 3 has them.*has Prefect 1\.4\.1") as caught:
        await inspect(project.flow(), project.root, interpreter("1.4.1"))
    assert caught.value.kind == "OtherPrefect"
    project.write("flow.py", FLOW)
    newer = replace(interpreter("1.4.1"), prefect_version="3.1.0")
    with pytest.raises(LoadError, match=r"Prefect 0\.6 to 1\.4 has them.*has Prefect 3\.1\.0"):
        await inspect(project.flow(), project.root, newer)


async def test_a_python_that_does_not_start(project: Project) -> None:
    project.write("flow.py", FLOW)
    broken = replace(interpreter("1.4.1"), executable=str(project.root / "no-python"))
    with pytest.raises(LoadError, match="does not start"):
        await inspect(project.flow(), project.root, broken)


async def test_nothing_is_left_behind_in_the_temporary_folder(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    project.write("flow.py", FLOW)
    await pickle_flow(project.flow(), project.root, interpreter("1.4.1"), docker())
    assert list(scratch.iterdir()) == []
    assert list(project.listing()) == ["flow.py"]
