"""Stage push: the checked image to its registry, and the registry's own word that it is there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flowtui.deploy import diagnosis
from flowtui.deploy.docker.engine_errors import EngineRefusedError
from flowtui.deploy.docker.registry import ImageReference, is_loopback
from flowtui.deploy.events import Level
from flowtui.deploy.stages.build import report_layer, silence_noticed
from flowtui.deploy.stages.context import StageContext
from flowtui.errors import EngineError
from flowtui.models import JsonObject

if TYPE_CHECKING:
    from flowtui.deploy.docker.engine import Engine
    from flowtui.deploy.docker.registry import Registry
    from flowtui.deploy.docker.registry_credentials import Credentials

_DIGEST_LINE = re.compile(r"digest: (?P<digest>sha256:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class PushedImage:
    """An image that its registry has confirmed."""

    image: str
    """`registry/name:tag`."""
    digest: str
    """`sha256:…` of the manifest."""

    @property
    def by_digest(self) -> str:
        """`registry/name@sha256:…`."""
        reference = ImageReference.parse(self.image)
        return f"{reference.name}@{self.digest}"


async def push_image(
    ctx: StageContext, engine: Engine, registry: Registry, *, image_id: str, image: str
) -> PushedImage:
    """Name the image `image` (`registry/name:tag`), push it, and ask `registry` for its digest.

    Cancelling ends the push on the engine. Raises EngineError when the registry refuses or does not
    confirm exactly what was pushed.
    """
    reference = ImageReference.parse(image)
    await engine.tag(image_id, reference.name, reference.tag)
    digest = await _push(ctx, engine, reference, registry.credentials)
    await _confirm(ctx, engine, registry, reference, digest)
    ctx.log(f"{reference.name}@{digest}")
    return PushedImage(image, digest)


async def _push(
    ctx: StageContext, engine: Engine, reference: ImageReference, credentials: Credentials | None
) -> str:
    auth = credentials.header(reference.registry) if credentials else None
    events = engine.push(reference.name, reference.tag, auth)
    digest = ""
    try:
        async with silence_noticed(ctx) as heard, aclosing(events):
            async for event in events:
                heard()
                if "error" in event:
                    raise _failed(str(event["error"]), reference)
                digest = _digest(event) or digest
                report_layer(ctx, event)
    except EngineRefusedError as refusal:
        raise _failed(refusal.message, reference) from refusal
    if not digest:
        raise EngineError(
            "the engine ended the push without a digest",
            where=str(reference),
            fix="see the registry's log, then deploy again",
        )
    return digest


async def _confirm(
    ctx: StageContext, engine: Engine, registry: Registry, reference: ImageReference, digest: str
) -> None:
    if is_loopback(reference.registry) and not engine.endpoint.is_local:
        ctx.log(
            f"the registry {reference.registry} is on the engine's machine, not on this one: "
            "its digest is taken from the engine",
            Level.WARNING,
        )
        return
    confirmed = await registry.manifest_digest(reference.repository, reference.tag)
    if confirmed == digest:
        return
    raise EngineError(
        f"the registry does not confirm the push: it has {confirmed or 'no such image'}",
        where=f"{reference}, pushed as {digest}",
        fix="somebody else may push the same tag; deploy again",
    )


def _digest(event: JsonObject) -> str:
    aux = event.get("aux")
    if isinstance(aux, Mapping) and aux.get("Digest"):
        return str(aux["Digest"])
    found = _DIGEST_LINE.search(str(event.get("status", "")))
    return found["digest"] if found else ""


def _failed(error: str, reference: ImageReference) -> EngineError:
    return EngineError.of(diagnosis.of_push(error, reference.registry, reference.repository))
