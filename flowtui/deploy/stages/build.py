"""Stage build: the image from its Dockerfile and context, on the engine."""

from __future__ import annotations

import asyncio
import os
import re
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowtui.deploy import diagnosis
from flowtui.deploy.docker.engine_errors import EngineRefusedError
from flowtui.deploy.docker.registry import ImageReference
from flowtui.deploy.docker.registry_credentials import encode_header, find_credentials, server_key
from flowtui.deploy.events import Level
from flowtui.deploy.stages.context import StageContext
from flowtui.errors import DeployError, EngineError
from flowtui.models import JsonObject

if TYPE_CHECKING:
    from flowtui.deploy.docker.engine import Engine, ImageInfo
    from flowtui.deploy.docker.image import ImageRecipe

_STEP = re.compile(r"(?:Step|STEP) (?P<step>\d+)/(?P<steps>\d+)\s*: ?(?P<command>.*)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PLAIN = "\x1b[0m"
_SILENCE_SECONDS = 30.0
_TAIL = 60


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """An image on the engine."""

    id: str
    """`sha256:…`: what is checked and pushed."""


async def build_image(
    ctx: StageContext,
    engine: Engine,
    recipe: ImageRecipe,
    pickle: bytes | None,
    *,
    image: str,
    pull: bool = True,
    environ: Mapping[str, str] = os.environ,
) -> BuiltImage:
    """Build `recipe` with the flow's `pickle`, where it has one, and name the image `image`.

    With `pull` a base image that the engine does not have is pulled. Cancelling ends the build on
    the engine. Raises DeployError for a build that fails, EngineError for an engine that does not
    answer.
    """
    base = recipe.spec.base_image or recipe.spec.dockerfile or ""
    if recipe.spec.base_image:
        await ensure_image(ctx, engine, recipe.spec.base_image, pull=pull, environ=environ)
    summary = recipe.summary(len(pickle or b""))
    ctx.log(f"build context: {summary.count} files, {in_bytes(summary.size)}")
    events = engine.build(
        recipe.context.tar(*recipe.extra_entries(pickle)),
        tag=image,
        dockerfile=recipe.spec.dockerfile_path,
        build_args=recipe.build_args,
        registry_config=None
        if recipe.spec.base_image
        else await _all_credentials(recipe.dockerfile, environ),
    )
    output = _Output(ctx)
    image_id = ""
    try:
        async with silence_noticed(ctx) as heard, aclosing(events):
            async for event in events:
                heard()
                image_id = _image_id(event) or image_id
                output.take(event)
                if "error" in event:
                    output.finish()
                    raise _failed(str(event["error"]), output.tail, base)
    except EngineRefusedError as refusal:
        raise _failed(refusal.message, output.tail, base) from refusal
    output.finish()
    if not image_id:
        raise EngineError(
            "the Docker engine ended the build without an image",
            where=image,
            fix="see the engine's own log, then deploy again",
        )
    return BuiltImage(image_id)


async def ensure_image(
    ctx: StageContext,
    engine: Engine,
    image: str,
    *,
    pull: bool,
    environ: Mapping[str, str] = os.environ,
) -> ImageInfo:
    """The image on the engine, pulled when it is not there and `pull` allows it.

    Raises DeployError when it cannot be had.
    """
    found = await engine.image(image)
    if found is not None:
        return found
    if not pull:
        raise DeployError(
            f"the base image {image} is not on the engine",
            where="local_image = true forbids to pull it",
            fix=f"build it there (`docker build -t {image} …`), or set `local_image = false`",
        )
    await _pull(ctx, engine, image, environ)
    found = await engine.image(image)
    if found is None:
        raise EngineError(f"the engine pulled {image} and does not have it", where=image)
    return found


def in_bytes(size: int) -> str:
    """A size for people: `2.3 MB`."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


@asynccontextmanager
async def silence_noticed(
    ctx: StageContext, seconds: float = _SILENCE_SECONDS
) -> AsyncGenerator[Callable[[], None]]:
    """Says in the log when nothing is heard for a while. Call what it gives at each sound."""
    loop = asyncio.get_running_loop()
    last = loop.time()

    def heard() -> None:
        nonlocal last
        last = loop.time()

    async def watch() -> None:
        said = last
        while True:
            await asyncio.sleep(max(0.0, max(last, said) + seconds - loop.time()))
            if loop.time() - max(last, said) >= seconds:
                said = loop.time()
                ctx.log(f"no output for {said - last:.0f} s, still waiting", Level.DEBUG)

    watcher = asyncio.create_task(watch())
    try:
        yield heard
    finally:
        watcher.cancel()


async def _pull(ctx: StageContext, engine: Engine, image: str, environ: Mapping[str, str]) -> None:
    reference = ImageReference.parse(image)
    credentials = await find_credentials(reference.registry, environ)
    auth = credentials.header(reference.registry) if credentials else None
    ctx.log(f"pulling the base image {image}")
    events = engine.pull(reference.name, reference.version, auth)
    try:
        async with silence_noticed(ctx) as heard, aclosing(events):
            async for event in events:
                heard()
                if "error" in event:
                    raise DeployError.of(diagnosis.of_pull(str(event["error"]), image))
                report_layer(ctx, event)
    except EngineRefusedError as refusal:
        raise DeployError.of(diagnosis.of_pull(refusal.message, image)) from refusal


def report_layer(ctx: StageContext, event: JsonObject) -> None:
    """One event of a pull or push: progress of a layer, or a line."""
    status = str(event.get("status", ""))
    layer = str(event.get("id", ""))
    detail = event.get("progressDetail")
    if layer and isinstance(detail, Mapping) and isinstance(detail.get("current"), int):
        current, total = int(str(detail["current"])), detail.get("total")
        known = total if isinstance(total, int) and total > 0 else None
        # The engine counts the tar's padding too: current may exceed total.
        ctx.progress(layer, min(current, known) if known else current, known, "bytes", status)
    elif layer:
        ctx.progress(layer, 0, None, "bytes", status)
    elif status:
        ctx.log(status)


class _Output:
    """Joins the pieces of the builder's output to lines; `\\r` overwrites what is before it."""

    def __init__(self, ctx: StageContext) -> None:
        self.tail: deque[str] = deque(maxlen=_TAIL)
        self._ctx = ctx
        self._open = ""
        self._colour = ""

    def take(self, event: JsonObject) -> None:
        if "status" in event:
            report_layer(self._ctx, event)
        *lines, self._open = (self._open + str(event.get("stream") or "")).split("\n")
        self._open = self._open.rpartition("\r")[2] if "\r" in self._open[:-1] else self._open
        for line in lines:
            self._line(line)

    def finish(self) -> None:
        self._line(self._open)
        self._open = ""

    def _line(self, text: str) -> None:
        line = text.rstrip("\r").rpartition("\r")[2].rstrip()
        step = _STEP.match(line)
        if step is not None:
            self._colour = ""
            number, steps = int(step["step"]), int(step["steps"])
            self._ctx.progress("step", number, steps, "steps", step["command"][:80])
        coloured = self._with_its_colour(line)
        if _COLOUR.sub("", line):
            self.tail.append(line)
            self._ctx.log(coloured)

    def _with_its_colour(self, line: str) -> str:
        """The engine colours pieces of stderr, not lines: none may colour what is shown after it.

        A line starts with the colour that the one before it left on, and ends without any.
        """
        if not _COLOUR.match(line):
            line = self._colour + line
        codes = _COLOUR.findall(line)
        self._colour = codes[-1] if codes and codes[-1] not in (_PLAIN, "\x1b[m") else ""
        return line + _PLAIN if self._colour else line


def _image_id(event: JsonObject) -> str:
    aux = event.get("aux")
    return str(aux.get("ID", "")) if isinstance(aux, Mapping) else ""


def _failed(error: str, tail: deque[str], base: str) -> DeployError:
    return DeployError.of(diagnosis.of_build(error, tuple(tail), base=base))


async def _all_credentials(dockerfile: str, environ: Mapping[str, str]) -> str | None:
    """X-Registry-Config with the credentials for the registries of the FROM lines, and no more."""
    found: dict[str, JsonObject] = {}
    names = re.findall(r"(?im)^\s*FROM\s+(?:--\S+\s+)*(?P<name>[^\s$]+)\s*(?:AS\s|$)", dockerfile)
    for name in names:
        registry = ImageReference.parse(name).registry if _is_reference(name) else ""
        credentials = await find_credentials(registry, environ) if registry else None
        if credentials is not None:
            found[server_key(registry)] = credentials.entry()
    return encode_header(found) if found else None


def _is_reference(name: str) -> bool:
    return name == name.lower() and name != "scratch"
