"""The server of this app, embedded or Prefect's own: started and stopped with a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowtui.errors import CredentialsError, FlowtuiError
from flowtui.tui import embedded
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp


class Serving:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app
        self._server = embedded.EmbeddedServer()

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.ServerStarted: self._started,
            msg.ServerStopped: self._stopped,
            msg.ServerFailed: self._failed,
            msg.ContainersAddressFound: self._containers_address_found,
        }

    @property
    def running(self) -> bool:
        return self._server.running

    @property
    def words(self) -> str:
        """What it is called."""
        return self._server.kind.words

    def start(self) -> None:
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return
        kind = embedded.kind_at(workspace.profile.api_url) or embedded.EMBEDDED
        self._server = server = embedded.EmbeddedServer(kind, workspace.root)

        async def answers() -> bool:
            # Not by connecting: a connection that was being made may have found it already, and
            # may be in use.
            try:
                await workspace.check_token(None)
            except CredentialsError:
                return True
            except FlowtuiError:
                return False
            return True

        async def job() -> None:
            try:
                await server.start(workspace.profile.api_url, answers)
            except FlowtuiError as error:
                app.post_message(msg.ServerFailed(error.problem))
                return
            app.post_message(msg.ServerStarted())

        app.session.server_problem = None
        app.begin(job, group="server", description=f"starting {kind.words}")

    def _started(self, _: msg.ServerStarted) -> None:
        app = self._app
        server = self._server
        words = server.kind.words
        app.say(f"{words[0].upper()}{words[1:]} runs; it ends with flowtui.")

        async def until_it_ends() -> None:
            await server.ended()
            app.post_message(msg.ServerStopped())

        app.begin(until_it_ends, group="server-end", description=words, counts=False)
        if not app.session.connected:
            app.connecting.connect()

    def _stopped(self, _: msg.ServerStopped) -> None:
        self._app.connecting.connect()

    def _failed(self, message: msg.ServerFailed) -> None:
        self._app.session.server_problem = message.problem
        self._app.changed(Part.CONNECTION)
        self._app.say_problem(message.problem)

    def look_for_containers(self) -> None:
        """Ask the server in use where containers reach it, if it is an embedded one."""
        from flowtui.agents.containers import served_to_containers

        app, profile = self._app, self._app.session.profile
        identity = app.session.connection.identity
        said = identity.server if identity is not None and app.session.connected else ""
        if profile is None or not said.startswith("flowtui server"):
            return
        api_url = profile.api_url

        async def job() -> None:
            address = await served_to_containers(api_url)
            app.post_message(msg.ContainersAddressFound(api_url, address))

        app.begin(
            job, group="containers", description="asking where containers come in", counts=False
        )

    def _containers_address_found(self, message: msg.ContainersAddressFound) -> None:
        session = self._app.session
        if session.profile is None or session.profile.api_url != message.api_url:
            return
        if session.containers_address != message.address:
            session.containers_address = message.address
            self._app.changed(Part.CONNECTION)

    def stop(self) -> None:
        self._app.begin(self._server.stop, group="server", description=f"stopping {self.words}")

    async def end(self) -> None:
        """Stop it for good: the app is leaving."""
        self._app.cancel_group("server-end")
        await self._server.stop()
