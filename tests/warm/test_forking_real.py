"""Programs forked from a Python that has imported Prefect: as if each had been started itself."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from flowtui import child_processes
from flowtui.errors import UsageError
from flowtui.source.apart import apart
from flowtui.warm import place
from flowtui.warm.forking import keep_seconds, start_warm
from flowtui.warm.meeting import PREFECT, Warm
from tests.parts.prefect_server import PREFECT2, PREFECT3
from tests.parts.prefects import prefect_python
from tests.parts.processes import gone
from tests.parts.waiting import until

pytestmark = pytest.mark.real

_LIMIT = 120.0
_WATCHED_BY = "import os; print(os.getppid())"


async def run(
    source: str,
    folder: Path,
    *arguments: str,
    limit: float = _LIMIT,
    version: str = PREFECT3,
    **more: str,
) -> tuple[int, str]:
    """Exit status and output of `python -c source`."""
    said = bytearray()
    code = await child_processes.run(
        [str(prefect_python(version)), "-c", source, *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **apart(folder), **more},
        on_output=said.extend,
        time_limit=limit,
        start=start_warm,
    )
    return code, said.decode()


@pytest.mark.parametrize("version", [PREFECT3, PREFECT2])
async def test_a_program_finds_all_that_it_would_find_alone(tmp_path: Path, version: str) -> None:
    source = (
        "import json, os, sys\n"
        "warm = 'prefect.flows' in sys.modules\n"
        "print(json.dumps([warm, os.getcwd(), sys.argv, os.environ['PREFECT_HOME'], __name__,"
        " os.getsid(0) == os.getpid(), sys.stdin.read(), 'flowtui_warm_up' in sys.modules,"
        " sorted(os.listdir('/proc/self/fd'))]))\n"
        "sys.exit(7)"
    )
    before = os.umask(0o027)
    try:
        code, said = await run(source, tmp_path, "one", "two", version=version)
        made = await run("open('made', 'w').close(); print()", tmp_path, version=version)
    finally:
        os.umask(before)
    assert code == 7, said
    folder = str(tmp_path)
    *found, descriptors = json.loads(said)
    assert found == [*(True, folder, ["-c", "one", "two"], folder, "__main__", True, "", False)]
    assert descriptors == ["0", "1", "2", "3"]  # the last one lists the folder
    assert made[0] == 0 and (tmp_path / "made").stat().st_mode & 0o777 == 0o640


async def test_what_one_leaves_behind_no_other_finds(tmp_path: Path) -> None:
    leave = "import sys, os; sys.modules['left'] = sys; os.environ['LEFT'] = '1'; print('left')"
    look = "import sys, os; print('left' in sys.modules, 'LEFT' in os.environ)"
    assert await run(leave, tmp_path) == (0, "left\n")
    assert await run(look, tmp_path) == (0, "False False\n")


async def test_failures_signals_and_limits_are_those_of_a_process(tmp_path: Path) -> None:
    code, said = await run("raise ValueError('no')", tmp_path)
    assert (code, said.strip().splitlines()[-1]) == (1, "ValueError: no")
    assert (await run("import os; os.kill(os.getpid(), 11)", tmp_path))[0] == -11
    with pytest.raises(TimeoutError):
        await run("import time; time.sleep(600)", tmp_path, limit=0.5)
    assert await run("print('still there')", tmp_path) == (0, "still there\n")


async def test_what_is_not_meant_for_it_is_started_as_ever(tmp_path: Path) -> None:
    alone = {"PATH": os.environ["PATH"]}
    for command, env in (
        (["git", "--version"], {**alone, **apart(tmp_path)}),
        ([str(prefect_python(PREFECT3)), "-c", "print()"], alone),
        ([str(tmp_path / "no-python"), "-c", "print()"], {**alone, **apart(tmp_path)}),
    ):
        made = await start_warm(command, stdin=0, stdout=1, stderr=2, cwd=str(tmp_path), env=env)
        assert made is None


async def test_one_python_serves_all_that_need_the_same(tmp_path: Path) -> None:
    _, first = await run(_WATCHED_BY, tmp_path)
    _, again = await run(_WATCHED_BY, tmp_path, HOME=str(tmp_path), ANYTHING="1")
    _, other = await run(_WATCHED_BY, tmp_path, PYTHONPATH=str(tmp_path))
    assert first == again != other


async def test_it_ends_when_nobody_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWTUI_KEEP_WARM", "0")
    _, pid = await run(_WATCHED_BY, tmp_path)
    await gone(int(pid))


async def test_one_whose_packages_have_changed_is_not_asked_again(tmp_path: Path) -> None:
    python = prefect_python(PREFECT3)
    packages = next(python.parent.parent.glob("lib/python3*/site-packages"))
    _, before = await run(_WATCHED_BY, tmp_path)
    packages.touch()
    pids = set[str]()

    async def asked() -> None:
        pids.add((await run(_WATCHED_BY, tmp_path))[1])

    await asked()
    while pids == {before}:  # what was looked at a moment ago is not looked at again
        await asked()
    assert before not in pids or len(pids) == 2


async def test_settings_of_the_folder_count(tmp_path: Path) -> None:
    source = "from prefect.settings import PREFECT_LOGGING_LEVEL as level; print(level.value())"
    assert await run(source, tmp_path) == (0, "INFO\n")
    (tmp_path / "prefect.toml").write_text('[logging]\nlevel = "WARNING"\n')
    assert await run(source, tmp_path) == (0, "WARNING\n")


async def test_a_folder_that_others_can_enter_is_not_used(
    tmp_path: Path, own_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_place / "flowtui").mkdir()
    (own_place / "flowtui").chmod(0o755)
    assert place.folder() is None
    look = "import sys; print('prefect.flows' in sys.modules)"
    assert await run(look, tmp_path) == (0, "False\n")


async def test_one_that_was_killed_is_started_again(tmp_path: Path) -> None:
    _, pid = await run(_WATCHED_BY, tmp_path)
    os.kill(int(pid), signal.SIGKILL)
    _, other = await run(_WATCHED_BY, tmp_path)
    assert pid != other
    env = {"PATH": os.environ["PATH"], **apart(tmp_path)}
    warm = Warm(PREFECT, str(prefect_python(PREFECT3)), env, 600)
    channel = warm.connect()
    assert channel is not None
    channel.close()


async def test_what_runs_ends_with_who_asked_for_it(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    source = f"import os, time; open({str(pid)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    asking = (
        "import asyncio, os\n"
        "from flowtui import child_processes\n"
        "from flowtui.source.apart import apart\n"
        "from flowtui.warm.forking import start_warm\n"
        f"command = [{str(prefect_python(PREFECT3))!r}, '-c', {source!r}]\n"
        f"env = dict(PATH=os.environ['PATH'], **apart({str(tmp_path)!r}))\n"
        "asyncio.run(child_processes.run(command, cwd='/', env=env, on_output=print,"
        " time_limit=600, start=start_warm))\n"
    )
    asks = await asyncio.create_subprocess_exec(sys.executable, "-c", asking)
    await asyncio.to_thread(until, lambda: pid.exists() and pid.read_text() != "", "its pid")
    asks.kill()
    await asks.wait()
    await gone(int(pid.read_text()))


@pytest.mark.parametrize("said", ["soon", "-1", "inf", "nan"])
def test_how_long_one_waits_is_checked(said: str) -> None:
    assert (keep_seconds({}), keep_seconds({"FLOWTUI_KEEP_WARM": "0"})) == (600, 0)
    with pytest.raises(UsageError, match="not a number of seconds"):
        keep_seconds({"FLOWTUI_KEEP_WARM": said})
