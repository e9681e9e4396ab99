"""What the stage tests share: a recorded event stream, and recipes for sample flows."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flowtui.deploy.docker.engine import Engine
from flowtui.deploy.docker.image import ImageRecipe, prepare
from flowtui.deploy.docker.image_spec import ImageSpec
from flowtui.deploy.docker.prefect_pins import pins_for
from flowtui.deploy.events import Event, LogLine, Progress, Stage, tidied
from flowtui.deploy.stages.build import BuiltImage, build_image
from flowtui.deploy.stages.context import StageContext
from flowtui.deploy.stages.healthcheck.expectation import Expectation
from tests.parts.engine import RunningEngine
from tests.parts.pickles import PickledSample


class Recorder:
    """Collects the events of one stage, as the pipeline hands them to its readers."""

    def __init__(self, stage: Stage) -> None:
        self.events: list[Event] = []
        self.deploy = f"test-{uuid.uuid4().hex}"
        self.ctx = StageContext(self.deploy, stage, self._take)
        self._waiting: list[tuple[Callable[[Event], bool], asyncio.Event]] = []

    def _take(self, event: Event) -> None:
        event = tidied(event)
        self.events.append(event)
        for wanted, seen in self._waiting:
            if wanted(event):
                seen.set()

    @property
    def lines(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, LogLine)]

    @property
    def progress(self) -> list[Progress]:
        return [event for event in self.events if isinstance(event, Progress)]

    def when(self, wanted: Callable[[Event], bool]) -> asyncio.Event:
        """Set when such an event comes."""
        seen = asyncio.Event()
        self._waiting.append((wanted, seen))
        return seen

    def when_line(self, part: str) -> asyncio.Event:
        return self.when(lambda event: isinstance(event, LogLine) and part in event.text)


def recipe_for(sample: PickledSample, folder: Path, base: str, **settings: Any) -> ImageRecipe:
    """A recipe with the Prefect that pickled the sample among its dependencies."""
    interpreter = sample.interpreter
    assert interpreter.prefect_version and interpreter.cloudpickle_version
    pins = pins_for(interpreter.prefect_version, interpreter.python_minor)
    given = {
        "base_image": base,
        "python_dependencies": (f"prefect=={interpreter.prefect_version}", *pins),
        **settings,
    }
    spec = ImageSpec(
        flow_name=sample.name,
        project_root=folder,
        python_minor=interpreter.python_minor,
        prefect_version=interpreter.prefect_version,
        cloudpickle_version=interpreter.cloudpickle_version,
        **given,
    )
    source = (folder / "sample_flow.py").read_bytes()
    return prepare(spec, flow_sources={"sample_flow.py": source})


def expectation_for(sample: PickledSample, recipe: ImageRecipe, **changes: Any) -> Expectation:
    interpreter = sample.interpreter
    expected: dict[str, Any] = {
        "flow_name": sample.name,
        "flow_path": recipe.spec.flow_path,
        "task_slugs": sample.slugs,
        "python_minor": interpreter.python_minor,
        "prefect_version": interpreter.prefect_version,
        "cloudpickle_version": interpreter.cloudpickle_version,
        **changes,
    }
    return Expectation(**expected)


async def built(recipe: ImageRecipe, pickle: bytes, image: str = "sample:test") -> BuiltImage:
    """The image of a recipe, on the engine that DOCKER_HOST names."""
    async with await Engine.connect() as engine:
        recorder = Recorder(Stage.BUILD)
        return await build_image(recorder.ctx, engine, recipe, pickle, image=image, pull=False)


async def cancelled_within(task: asyncio.Task[Any], seconds: float) -> None:
    """Cancel the task; it must have ended, as cancelled, before the limit."""
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=seconds)
    assert done, f"still running {seconds} s after the cancel"
    assert task.cancelled()


async def no_containers(engine: RunningEngine, mark: str, seconds: float) -> bool:
    """True as soon as no container has this mark, False if one is left after `seconds`."""
    for _ in range(int(seconds / 0.05)):
        if not await asyncio.to_thread(engine.containers, mark):
            return True
        await asyncio.sleep(0.05)
    return False
