"""Work pools with their queues and workers: listed, made, paused and resumed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowtui.errors import FlowtuiError
from flowtui.models import Ability
from flowtui.run_models import WorkPool
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp

_EVERY = 30.0
"""Seconds between two looks: as often as a worker says that it is there."""


class WorkPools:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.WorkPoolsListed: self._listed,
            msg.WorkPoolsFailed: self._failed,
            msg.WorkPoolTypesRead: self._types_read,
        }

    def list(self, *, rest: float = 0.0) -> None:
        """Read them now, or after `rest` seconds once they are in sight; then again and again."""
        app, workspace = self._app, self._app.session.workspace
        app.cancel_group("work-pools-later")
        if workspace is None or Ability.TELL_WORK_POOLS not in app.session.abilities:
            return

        async def job() -> None:
            while True:
                await asyncio.sleep(rest)
                if not rest or len(app.screen_stack) == 1:
                    break  # what nobody sees is not asked for
            try:
                pools = await workspace.control_plane.work_pools()
            except FlowtuiError as error:
                app.post_message(msg.WorkPoolsFailed(error.problem))
                return
            app.post_message(msg.WorkPoolsListed(pools))

        app.begin(
            job,
            group="work-pools-later" if rest else "work-pools",
            description="listing the work pools",
            counts=not rest,
        )

    def _listed(self, message: msg.WorkPoolsListed) -> None:
        session = self._app.session
        session.work_pools, session.work_pools_problem = message.pools, None
        # Also where nothing is new: how long ago a worker was seen is.
        self._app.changed(Part.WORK_POOLS)
        self.list(rest=_EVERY)

    def _failed(self, message: msg.WorkPoolsFailed) -> None:
        self._app.session.work_pools_problem = message.problem
        self._app.changed(Part.WORK_POOLS)
        self.list(rest=_EVERY)

    def choose_type(self) -> None:
        """Ask the control plane which types of pool it has a template for, then the person."""
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            app.post_message(msg.WorkPoolTypesRead(await workspace.control_plane.work_pool_types()))

        app.begin(job, group="work-pool-types", description="reading the types of work pool")

    def _types_read(self, message: msg.WorkPoolTypesRead) -> None:
        from flowtui.tui import asking_pools

        if len(self._app.screen_stack) == 1:
            asking_pools.create(self._app, message.types)

    def create(self, name: str, pool_type: str) -> None:
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return

        async def job() -> None:
            await workspace.control_plane.create_work_pool(name, pool_type)
            done = f"Work pool “{name}” is there. Runs wait in it until a worker works for it."
            app.post_message(msg.ControlPlaneChanged(done))

        app.begin(job, group=f"change:pool {name}", description=f"creating {name}")

    def pause(self, pool: WorkPool, *, paused: bool) -> None:
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return
        key = app.keymap.key("projects.pause_pool")

        async def job() -> None:
            await workspace.control_plane.pause_work_pool(pool.name, paused)
            state = "paused: its workers take no runs" if paused else "no longer paused"
            done = f"“{pool.name}” is {state}. {key} puts it back."
            app.post_message(msg.ControlPlaneChanged(done))

        doing = f"{'pausing' if paused else 'resuming'} {pool.name}"
        app.begin(job, group=f"change:pool {pool.name}", description=doing)
