"""The loop on a real folder: what is deployed, in which order, and what is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from flowtui.api.base import ControlPlane
from flowtui.config import ProjectConfig, load_project
from flowtui.deploy.events import (
    DeployFinished,
    Event,
    Outcome,
    ProblemFound,
    Stage,
    StageStarted,
)
from flowtui.errors import ControlPlaneError, ExitCode
from flowtui.hot.events import (
    Deployed,
    Failed,
    Held,
    HotEvent,
    Saved,
    Started,
    Superseded,
    Watching,
)
from flowtui.hot.locks import HotLocks
from flowtui.hot.loop import HotLoop
from flowtui.models import Identity, LocalFlow, Origin, Profile
from flowtui.workspace import Workspace
from tests.tui.memory import ADDRESS, MemoryControlPlane

ETL = "from prefect import Flow\nimport helper\nflow = Flow('etl')\n"
REPORT = "from prefect import Flow\nflow = Flow('report')\n"
_PATIENCE = 60.0


class Folder(Workspace):
    """A real folder against a control plane in memory, which may be down."""

    def __init__(self, root: Path) -> None:
        profile = Profile("memory", ADDRESS, Origin.COMMAND_LINE)
        super().__init__(root, config=ProjectConfig(root=root), profile=profile)
        self.server = MemoryControlPlane()
        self.up = True

    @property
    def connected(self) -> bool:
        return self.up

    @property
    def control_plane(self) -> ControlPlane:
        return self.server

    async def connect(self) -> Identity:
        identity = await self.server.identify()
        self.up = True
        return identity


class Scene:
    """Saves, deploys that end when the test says so, and everything that was told."""

    def __init__(self, root: Path, *, at_once: int = 1) -> None:
        self.workspace = Folder(root)
        self.told: list[HotEvent] = []
        self.running: dict[str, asyncio.Future[DeployFinished]] = {}
        self.emits: dict[str, Callable[[Event], None]] = {}
        self.now = 0.0
        self.loop = HotLoop(
            self.workspace,
            owner="the test",
            tell=self.told.append,
            deploy=self.deploy,
            at_once=at_once,
            clock=lambda: self.now,
            pause=self.pause,
        )

    async def pause(self, seconds: float) -> None:
        """Time passes when the loop waits for it, and only then."""
        await asyncio.sleep(0)
        self.now += seconds

    async def deploy(self, flow: LocalFlow, emit: Callable[[Event], None]) -> DeployFinished:
        name = flow.display_name
        self.emits[name] = emit
        self.running[name] = asyncio.get_running_loop().create_future()
        try:
            return await self.running[name]
        finally:
            del self.running[name]

    def finish(
        self,
        name: str,
        outcome: Outcome = Outcome.DONE,
        *,
        version: int | None = None,
        exit_code: ExitCode = ExitCode.OK,
    ) -> None:
        self.running[name].set_result(
            DeployFinished(
                deploy="x",
                flow=name,
                outcome=outcome,
                seconds=2.0,
                exit_code=exit_code,
                version=version,
            )
        )

    def write(self, path: str, text: str) -> None:
        file = self.workspace.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.loop.saved(frozenset({path}))

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(_PATIENCE):
            while not holds():  # noqa: ASYNC110  (what is waited for is told by nobody)
                await asyncio.sleep(0.001)

    async def see(self, kind: type[HotEvent], count: int = 1) -> HotEvent:
        """The newest event of this kind, once there are so many."""
        await self.until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[-1]

    def of(self, kind: type[HotEvent]) -> list[HotEvent]:
        return [event for event in self.told if isinstance(event, kind)]


@asynccontextmanager
async def watching(scene: Scene, *targets: str) -> AsyncIterator[Scene]:
    scene.loop.mark(targets)
    task = asyncio.create_task(scene.loop.run())
    try:
        await scene.see(Watching)
        yield scene
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etl.py").write_text(ETL)
    (tmp_path / "helper.py").write_text("x = 1\n")
    (tmp_path / "report.py").write_text(REPORT)
    return tmp_path


async def test_a_save_of_a_module_deploys_the_flow_that_imports_it(root: Path) -> None:
    async with watching(Scene(root), "etl.py:etl", "report.py:report") as scene:
        scene.write("helper.py", "x = 2\n")
        await scene.until(lambda: "etl" in scene.running)
        scene.finish("etl", version=4)
        deployed = await scene.see(Deployed)
        assert isinstance(deployed, Deployed)
        assert (deployed.flow, deployed.version, deployed.seconds) == ("etl", 4, 2.2)
        assert [type(event) for event in scene.told] == [Watching, Saved, Started, Deployed]
        saved = scene.of(Saved)[0]
        assert isinstance(saved, Saved)
        assert (saved.target, saved.paths) == ("etl.py:etl", ("helper.py",))


async def test_a_newer_save_cancels_the_deploy_before_and_follows(root: Path) -> None:
    async with watching(Scene(root), "etl.py:etl") as scene:
        scene.write("helper.py", "x = 2\n")
        await scene.until(lambda: "etl" in scene.running)
        first = scene.running["etl"]
        scene.write("helper.py", "x = 3\n")
        await scene.see(Superseded)
        await scene.see(Started, 2)
        assert first.cancelled()
        await scene.until(lambda: "etl" in scene.running)
        scene.finish("etl", version=1)
        await scene.see(Deployed)


async def test_a_deploy_that_registers_is_not_called_back(root: Path) -> None:
    async with watching(Scene(root), "etl.py:etl") as scene:
        scene.write("helper.py", "x = 2\n")
        await scene.until(lambda: "etl" in scene.running)
        scene.emits["etl"](StageStarted(deploy="x", stage=Stage.REGISTER))
        scene.write("helper.py", "x = 3\n")
        held = await scene.see(Held)
        assert isinstance(held, Held)
        assert held.words == "the save before is being registered"
        scene.finish("etl", version=1)
        await scene.see(Started, 2)
        assert scene.of(Superseded) == []


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("etl.py", "from prefect import Flow\nflow = Flow('etl'\n", "etl.py:2 does not parse"),
        ("helper.py", "x = (\n", "helper.py:1 does not parse"),
        ("etl.py", ETL.replace("etl", "load"), "“etl” is gone from etl.py; in it now: load"),
        ("flowtui.toml", "projekt = 'x'\n", "the settings cannot be used: unknown key 'projekt'"),
        ("more.py", ETL, "2 flows here are named “etl”"),
    ],
)
async def test_a_broken_save_is_held_with_its_reason_and_never_deployed(
    root: Path, path: str, text: str, words: str
) -> None:
    async with watching(Scene(root), "etl.py:etl") as scene:
        before = (root / path).read_text() if (root / path).exists() else None
        scene.write(path, text)
        held = await scene.see(Held)
        assert isinstance(held, Held)
        assert words in held.words
        scene.write("helper.py", "x = 2\n" if path != "helper.py" else "x = ((\n")
        await scene.until(
            lambda: any(
                isinstance(event, Saved) and "helper.py" in event.paths for event in scene.told
            )
        )
        assert scene.of(Started) == []
        scene.write(path, before or "# nothing\n")
        scene.write("helper.py", "x = 3\n")
        await scene.see(Started)


async def test_settings_that_changed_count_for_the_next_deploy(root: Path) -> None:
    async with watching(Scene(root), "etl.py:etl") as scene:
        scene.write("flowtui.toml", 'project = "Other"\n')
        await scene.see(Started)
        assert scene.workspace.config == load_project(root)
        assert scene.workspace.config.table.project == "Other"


async def test_a_file_that_only_the_settings_name_counts(root: Path) -> None:
    (root / "data").mkdir()
    (root / "data" / "table.csv").write_text("1\n")
    (root / "flowtui.toml").write_text('[storage]\nfiles = { "data" = "/data" }\n')
    async with watching(Scene(root), "etl.py:etl") as scene:
        scene.write("data/table.csv", "2\n")
        await scene.see(Started)
        scene.write("notes.txt", "nothing to do with it\n")
        scene.finish("etl", version=1)
        await scene.see(Deployed)
        assert len(scene.of(Saved)) == 1


async def test_a_failure_is_told_with_its_problem_and_the_next_save_tries_again(
    root: Path,
) -> None:
    async with watching(Scene(root), "etl.py:etl") as scene:
        scene.write("helper.py", "x = 2\n")
        await scene.until(lambda: "etl" in scene.running)
        scene.emits["etl"](ProblemFound(deploy="x", stage=Stage.BUILD, what="no pandas", fix="pin"))
        scene.finish("etl", Outcome.FAILED, exit_code=ExitCode.FAILED)
        failed = await scene.see(Failed)
        assert isinstance(failed, Failed)
        assert (failed.problem.what, failed.problem.fix) == ("no pandas", "pin")
        scene.write("helper.py", "x = 3\n")
        await scene.see(Started, 2)


async def test_a_lost_control_plane_holds_the_save_and_it_is_deployed_once_it_is_back(
    root: Path,
) -> None:
    async with watching(Scene(root), "etl.py:etl") as scene:
        scene.write("helper.py", "x = 2\n")
        await scene.until(lambda: "etl" in scene.running)
        scene.workspace.server.refusal = ControlPlaneError("nothing answers")
        scene.finish("etl", Outcome.FAILED, exit_code=ExitCode.CONTROL_PLANE)
        held = await scene.see(Held)
        assert isinstance(held, Held)
        assert held.words == "not connected: nothing answers; trying again"
        scene.workspace.server.refusal = None
        await scene.see(Started, 2)
        assert scene.of(Failed) == []
        assert len(scene.of(Held)) == 1


async def test_a_refusal_of_a_control_plane_that_answers_is_a_failure(root: Path) -> None:
    async with watching(Scene(root), "etl.py:etl") as scene:
        scene.write("helper.py", "x = 2\n")
        await scene.until(lambda: "etl" in scene.running)
        scene.finish("etl", Outcome.FAILED, exit_code=ExitCode.CONTROL_PLANE)
        await scene.see(Failed)


async def test_not_connected_at_the_start_is_waited_for(root: Path) -> None:
    scene = Scene(root)
    scene.workspace.up = False
    scene.workspace.server.refusal = ControlPlaneError("nothing answers")
    async with watching(scene, "etl.py:etl"):
        scene.write("helper.py", "x = 2\n")
        await scene.see(Held)
        scene.workspace.server.refusal = None
        await scene.see(Started)


async def test_hot_in_another_flowtui_is_said_and_taken_over_when_that_one_ends(
    root: Path,
) -> None:
    other = HotLocks(root, "flowtui watch")
    assert other.take("etl.py:etl") == ""
    scene = Scene(root)
    scene.loop.mark(("etl.py:etl",))
    task = asyncio.create_task(scene.loop.run())
    held = await scene.see(Held)
    assert isinstance(held, Held)
    assert "hot elsewhere already: flowtui watch, process" in held.words
    scene.write("helper.py", "x = 2\n")
    other.release()
    await scene.until(lambda: not scene.loop.state.flows["etl.py:etl"].elsewhere)
    await scene.until(lambda: scene.loop.state.flows["etl.py:etl"].look is not None)
    assert scene.of(Started) == []
    scene.write("helper.py", "x = 3\n")
    await scene.see(Started)
    task.cancel()
    await asyncio.wait({task})


async def test_its_end_cancels_the_deploys_and_frees_the_flows(root: Path) -> None:
    scene = Scene(root)
    async with watching(scene, "etl.py:etl"):
        scene.write("helper.py", "x = 2\n")
        await scene.until(lambda: "etl" in scene.running)
    assert scene.running == {}
    assert HotLocks(root, "the next").take("etl.py:etl") == ""


async def test_two_at_once_where_the_setting_allows_it(root: Path) -> None:
    async with watching(Scene(root, at_once=2), "etl.py:etl", "report.py:report") as scene:
        scene.write("flowtui.toml", 'project = "Other"\n')
        await scene.until(lambda: set(scene.running) == {"etl", "report"})
