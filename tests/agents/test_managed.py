"""Environments of flowtui's own: made once, and what goes wrong is told. No pip is run."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from flowtui.agents import managed
from flowtui.agents.kinds import AgentKind
from flowtui.agents.managed import DOCKER_AGENT, LOCAL_AGENT, BasePython, managed_python
from flowtui.agents.preparing import managed_version
from flowtui.agents.spec import AgentSpec
from flowtui.errors import FlowtuiError, UsageError
from flowtui.models import Interpreter

_PYTHON = """#!/bin/sh
# Stands in for a Python: `-m venv FOLDER` copies it there, `-m pip install …` says what it does.
echo "$0 $*" >> {calls}
case "$2" in
venv) {venv}; mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
pip) echo "Collecting prefect"; echo "a line that is no step"; {pip} ;;
esac
"""


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return tmp_path / "calls"


@pytest.fixture
def python(
    tmp_path: Path, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., BasePython]:
    """Makes a stand-in; the first one is all that is found on this machine."""
    found: list[BasePython] = []
    monkeypatch.setattr(managed, "_bases", lambda _version, _first: list(found))

    def make(name: str = "python3.11", venv: str = "true", pip: str = "true") -> BasePython:
        file = tmp_path / name
        file.write_text(_PYTHON.format(calls=calls, venv=venv, pip=pip))
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        found.append(BasePython(str(file), "3.11"))
        return found[-1]

    return make


def said(calls: Path) -> list[str]:
    return calls.read_text().splitlines()


async def test_it_is_made_once(python: Callable[..., BasePython], calls: Path) -> None:
    python()
    told: list[str] = []
    first = await managed_python(DOCKER_AGENT, told.append)
    assert Path(first).parent.parent.name.startswith("prefect-1.4.1-py3.11-")
    assert told[0].startswith("making an environment with Prefect 1.4.1")
    assert told[1:] == ["Collecting prefect", "the environment with Prefect 1.4.1 is ready"]
    venv, pip = said(calls)
    assert "-m venv" in venv
    assert pip.endswith("prefect==1.4.1 marshmallow<4")
    assert await managed_python(DOCKER_AGENT, told.append) == first
    assert len(said(calls)) == 2


async def test_one_whose_making_was_interrupted_is_made_anew(
    python: Callable[..., BasePython], calls: Path
) -> None:
    python()
    made = Path(await managed_python(DOCKER_AGENT, lambda _: None)).parent.parent
    (made / ".complete").unlink()
    (made / "left").touch()
    await managed_python(DOCKER_AGENT, lambda _: None)
    assert len(said(calls)) == 4
    assert not (made / "left").exists()


async def test_two_at_once_make_one(python: Callable[..., BasePython], calls: Path) -> None:
    python()
    both = await asyncio.gather(
        managed_python(DOCKER_AGENT, lambda _: None), managed_python(DOCKER_AGENT, lambda _: None)
    )
    assert both[0] == both[1]
    assert len(said(calls)) == 2


async def test_what_pip_says_is_told(python: Callable[..., BasePython]) -> None:
    python(pip="echo 'ERROR: No matching distribution found for prefect==1.4.1'; exit 1")
    with pytest.raises(FlowtuiError) as caught:
        await managed_python(DOCKER_AGENT, lambda _: None)
    assert "No matching distribution found" in caught.value.problem.what
    assert "package index" in caught.value.problem.fix


async def test_a_python_without_venv_is_passed_over(
    python: Callable[..., BasePython], calls: Path
) -> None:
    bare = python("bare", venv="echo 'No module named venv'; exit 1")
    good = python("good")
    await managed_python(DOCKER_AGENT, lambda _: None)
    assert [line.split()[0] for line in said(calls)[:2]] == [bare.executable, good.executable]


async def test_no_python_with_venv(python: Callable[..., BasePython]) -> None:
    python("bare", venv="echo 'No module named venv'; exit 1")
    with pytest.raises(FlowtuiError, match="No module named venv") as caught:
        await managed_python(DOCKER_AGENT, lambda _: None)
    assert "python3.11-venv" in caught.value.problem.fix


async def test_no_python_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(managed, "_bases", lambda _version, _first: [])
    with pytest.raises(UsageError, match=r"needs a Python 3\.6 to 3\.9"):
        await managed_python(LOCAL_AGENT, lambda _: None)


def project(prefect: str | None) -> Interpreter:
    return Interpreter("/project/.venv/bin/python", "3.9.1", prefect, None, "the project's .venv")


@pytest.mark.parametrize(
    ("kind", "prefect", "version"),
    [
        (AgentKind.DOCKER, "0.6.1", DOCKER_AGENT),
        (AgentKind.DOCKER, None, DOCKER_AGENT),
        (AgentKind.DOCKER, "3.4.1", DOCKER_AGENT),
        (AgentKind.DOCKER, "0.6.2", None),
        (AgentKind.DOCKER, "1.4.1", None),
        (AgentKind.LOCAL, "0.6.1", LOCAL_AGENT),
        (AgentKind.LOCAL, "0.7.3", LOCAL_AGENT),
        (AgentKind.LOCAL, "0.8.0", None),
        (AgentKind.LOCAL, "1.4.1", None),
    ],
)
def test_which_agents_are_our_own(
    kind: AgentKind, prefect: str | None, version: str | None
) -> None:
    assert managed_version(AgentSpec(kind), project(prefect)) == version


def test_ours_may_be_wanted() -> None:
    spec = AgentSpec(AgentKind.DOCKER, managed=True)
    assert managed_version(spec, project("0.15.13")) == DOCKER_AGENT


def test_the_local_agent_of_a_project_that_has_one_is_its_own() -> None:
    with pytest.raises(UsageError, match="the project's own Python"):
        managed_version(AgentSpec(AgentKind.LOCAL, managed=True), project("1.4.1"))


@pytest.mark.parametrize(
    ("prefect", "what"), [(None, "is not installed"), ("3.4.1", "has workers, not agents")]
)
def test_no_local_agent_for_this_project(prefect: str | None, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        managed_version(AgentSpec(AgentKind.LOCAL), project(prefect))
