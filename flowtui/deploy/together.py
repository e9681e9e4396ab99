"""Deploys that are made together: how many are in a stage at a time, and the images they share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from flowtui.deploy.at_once import cores
from flowtui.deploy.docker.shared_image import Wanted, share
from flowtui.deploy.events import Stage
from flowtui.deploy.stages.healthcheck.looks_together import Look
from flowtui.deploy.stages.push import PushedImage
from flowtui.errors import FlowtuiError
from flowtui.models import LocalFlow, RegisteredDeployment
from flowtui.run_models import WorkPool

_BUILDS = 2
"""An engine does not build faster for more."""
_LOADS = 2
"""For each processor: while one is loaded another one is compared with what is registered."""
_PUSHES = 2
_REGISTRATIONS = 8

_Made = TypeVar("_Made")


class Once(Generic[_Made]):
    """Work that several need and one does. If that one is cancelled, the next does it."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._made: list[_Made] = []
        self._failed: FlowtuiError | None = None

    async def result(self, work: Callable[[], Awaitable[_Made]]) -> _Made:
        """What the first made of it; what failed for it failed for all. Raises FlowtuiError."""
        async with self._turn:
            if self._failed is not None:
                raise type(self._failed).of(self._failed.problem)
            if not self._made:
                try:
                    self._made.append(await work())
                except FlowtuiError as error:
                    self._failed = error
                    raise
            return self._made[0]


@dataclass(frozen=True, slots=True)
class NamedImage:
    """An image on the engine under its name."""

    id: str
    image: str
    """`registry/name:tag`."""


class SharedImage:
    """One image for the source of several deployments."""

    def __init__(self, wanted: tuple[Wanted, ...]) -> None:
        self.wanted = wanted
        self.built = Once[NamedImage]()
        self.looked = Once[dict[str, Look]]()
        """At the flows of all of them, by entrypoint."""
        self.pushed = Once[PushedImage]()

    @property
    def entrypoints(self) -> tuple[str, ...]:
        """Those that have a health check; several deployments may have the same one."""
        return tuple(dict.fromkeys(each.entrypoint for each in self.wanted if each.entrypoint))


class Together:
    """What deploys of one batch have in common. Each still has its own events and history."""

    def __init__(self, flows: Sequence[LocalFlow]) -> None:
        """`flows` are those of all deploys: what they share is decided when all have a plan."""
        self.flow_names = frozenset(flow.name for flow in flows if flow.name)
        """As far as the sources tell them: these are looked up with one question."""
        self.deployments = Once[tuple[RegisteredDeployment, ...]]()
        busy = cores()
        self._places = {
            Stage.SERIALIZE: asyncio.Semaphore(busy * _LOADS),
            Stage.BUILD: asyncio.Semaphore(_BUILDS),
            Stage.HEALTH_CHECK: asyncio.Semaphore(busy),
            Stage.PUSH: asyncio.Semaphore(_PUSHES),
            Stage.REGISTER: asyncio.Semaphore(_REGISTRATIONS),
        }
        self._expected = len(flows)
        self.work_pools = Once[tuple[WorkPool, ...]]()
        self.new_pool = Once[WorkPool]()
        self._planned: dict[Hashable, Wanted | None] = {}
        self._decided = asyncio.Event()
        self._images: dict[Hashable, SharedImage] = {}

    @asynccontextmanager
    async def turn(self, stage: Stage) -> AsyncGenerator[None]:
        """A place in this stage, as soon as one is free; in the order of asking."""
        async with self._places[stage]:
            yield

    @asynccontextmanager
    async def taking_part(self, member: Hashable) -> AsyncGenerator[None]:
        """One deploy, from its beginning to its end."""
        try:
            yield
        finally:
            self.planned(member)

    def planned(self, member: Hashable, wanted: Wanted | None = None) -> None:
        """This deploy knows what it will build, or ended before that. The first word counts."""
        self._planned.setdefault(member, wanted)
        self._decide_when_all_have_planned()

    def one_less(self) -> None:
        """One of them shares nothing: it goes on with what an earlier deploy made."""
        self._expected -= 1
        self._decide_when_all_have_planned()

    async def image_of(self, member: Hashable) -> SharedImage | None:
        """The image that this deploy shares, once that is decided; None where it is alone."""
        await self._decided.wait()
        return self._images.get(member)

    def _decide_when_all_have_planned(self) -> None:
        if self._decided.is_set() or len(self._planned) < self._expected:
            return
        wanted = [(member, each) for member, each in self._planned.items() if each is not None]
        known = dict(wanted)
        for members in share(wanted):
            if len(members) > 1:
                image = SharedImage(tuple(known[member] for member in members))
                self._images |= dict.fromkeys(members, image)
        self._decided.set()
