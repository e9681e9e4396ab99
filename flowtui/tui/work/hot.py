"""Hot flows: what is saved is deployed, in the app as by `flowtui watch`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from flowtui.deploy.events import DeployFinished, Event
from flowtui.errors import FlowtuiError
from flowtui.hot.events import Deployed, Failed, HotEvent, Watching
from flowtui.models import LocalFlow, Problem
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part
from flowtui.workspace import Workspace

if TYPE_CHECKING:
    from flowtui.hot.loop import HotLoop
    from flowtui.tui.app import FlowtuiApp

_CLEAN_UP = 10.0
"""Seconds that a superseded deploy gets to clean up."""


class Hot:
    """Keeps one loop for the folder, its flows being those that are remembered as hot."""

    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app
        self._loop: HotLoop | None = None
        self._workspace: Workspace | None = None
        self._said: dict[str, Problem] = {}
        """The problem of each flow that was notified already."""

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.HotHappened: self._happened,
            msg.HotDeployDue: self._due,
            msg.HotDeploySuperseded: self._superseded,
        }

    def toggle(self, targets: tuple[str, ...]) -> None:
        """Make these flows hot; when all of them are already, none of them any more."""
        app = self._app
        before = app.remembering.hot
        if set(targets) <= set(before):
            after = tuple(target for target in before if target not in targets)
        else:
            after = tuple(dict.fromkeys((*before, *targets)))
        app.remembering.put_hot(after)
        for target in targets:
            self._said.pop(target, None)
        self.follow()

    def follow(self) -> None:
        """Have the loop do what is remembered, for the workspace in use."""
        app = self._app
        targets, workspace = app.remembering.hot, app.session.workspace
        if app.read_only or workspace is None:
            return
        if workspace is not self._workspace:
            self._stop()
        if self._loop is None and targets:
            self._start(workspace)
        if self._loop is not None:
            self._loop.mark(targets)
        app.session.hot.keep_only(targets)
        app.changed(Part.HOT)

    def saved(self, paths: frozenset[str]) -> None:
        """Files of the folder changed."""
        if self._loop is not None:
            self._loop.saved(paths)

    def connection_changed(self) -> None:
        if self._loop is not None:
            self._loop.connection_changed()

    def _stop(self) -> None:
        if self._loop is not None:
            self._app.cancel_group("hot")
            self._loop = None

    def _start(self, workspace: Workspace) -> None:
        from flowtui.hot.loop import HotLoop

        app = self._app
        loop = HotLoop(
            workspace,
            owner="flowtui",
            tell=self._tell,
            deploy=self._deploy,
            connect=lambda: self._connect(workspace),
            at_once=workspace.config.habits.at_once,
        )
        self._loop, self._workspace = loop, workspace
        app.begin(loop.run, group="hot", description="keeping flows hot", counts=False)

    def _tell(self, event: HotEvent) -> None:
        self._app.post_message(msg.HotHappened(event))

    async def _deploy(self, flow: LocalFlow, emit: Callable[[Event], None]) -> DeployFinished:
        """Through the app's own list of deploys. Runs in the loop's task."""
        ended: asyncio.Future[DeployFinished] = asyncio.get_running_loop().create_future()
        self._app.post_message(msg.HotDeployDue(flow, emit, ended))
        try:
            return await asyncio.shield(ended)
        except asyncio.CancelledError:
            if not ended.done():
                self._app.post_message(msg.HotDeploySuperseded(ended))
                await asyncio.wait({ended}, timeout=_CLEAN_UP)
            raise

    async def _connect(self, workspace: Workspace) -> None:
        """Ask whether the control plane answers again; the status line tells what it says."""
        if workspace.connected:
            await workspace.control_plane.identify()
            return
        try:
            identity = await workspace.connect()
        except FlowtuiError as error:
            self._app.post_message(msg.ConnectionFailed(error.problem, credentials=False))
            raise
        notes = workspace.credentials.notes
        self._app.post_message(msg.Connected(identity, workspace.token_source, notes))

    # ---------------------------------------------------------------------------------- handlers

    def _due(self, message: msg.HotDeployDue) -> None:
        self._app.deploying.start_hot(message.flow, message.emit, message.ended)

    def _superseded(self, message: msg.HotDeploySuperseded) -> None:
        self._app.deploying.supersede(message.ended)

    def _happened(self, message: msg.HotHappened) -> None:
        app, event = self._app, message.event
        app.session.hot.apply(event)
        self._say_once(event)
        app.changed(Part.HOT)

    def _say_once(self, event: HotEvent) -> None:
        """A failure is notified when it is another one than before, not at every save."""
        match event:
            case Failed() if self._said.get(event.target) != event.problem:
                self._said[event.target] = event.problem
                self._app.say(f"{event.flow}: {event.problem.what}", severity="error")
            case Deployed():
                self._said.pop(event.target, None)
            case Watching():
                pass
            case _:
                pass
