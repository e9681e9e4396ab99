"""textual-serve behind a door: whoever opens the app in a browser must have its token.

textual-serve lets everybody in. The app can deploy code with the person's rights, so each request
must bring the token of this run, as the link does once and a cookie afterwards; must name the host
that was given out (a page elsewhere that makes its own name point here does not); and a websocket
must come from our own page.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from textual_serve.server import Server

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class GuardedServer(Server):
    """Serves a command's app to who has the token."""

    def __init__(self, command: str, *, listener: socket.socket, host: str, title: str) -> None:
        """`listener` is bound already; `host` is how people write the address."""
        port = int(listener.getsockname()[1])
        written = f"[{host}]" if ":" in host else host
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            command, host=host, port=port, title=title, public_url=f"http://{written}:{port}"
        )
        self._listener = listener
        self._authority = f"{written}:{port}"
        self._cookie = f"flowtui-{port}"
        self.token = secrets.token_urlsafe(32)

    @property
    def link(self) -> str:
        """The address with the token: whoever has it has the app."""
        return f"{self.public_url}/?token={self.token}"

    async def make_app(self) -> web.Application:
        app: web.Application = await self._make_app()
        app.middlewares.append(self._guard())
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Nothing: the command tells the address, without textual-serve's banner."""

    def run(self) -> None:
        """Serve until Ctrl+C."""
        web.run_app(self.make_app(), sock=self._listener, print=None, access_log=None)

    def _guard(self) -> Any:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            refusal = self._refusal(request)
            if refusal:
                return web.Response(status=403, text=f"{refusal}\n", headers=_HEADERS)
            if "token" in request.query:
                # Out of the address line and the history at once.
                answer = web.HTTPSeeOther("/", headers=_HEADERS)
                answer.set_cookie(
                    self._cookie, self.token, httponly=True, samesite="Strict", path="/"
                )
                raise answer
            response = await handler(request)
            if not response.prepared:
                response.headers.update(_HEADERS)
            return response

        return guard

    def _refusal(self, request: web.Request) -> str:
        """Why this request is not let in; empty when it is."""
        if request.headers.get("Host", "") != self._authority:
            return "this is not the address that flowtui gave out"
        wants_app = request.path == "/ws"
        origin = request.headers.get("Origin")
        if (wants_app or origin is not None) and origin != self.public_url:
            return "another page asked for this"
        given = request.cookies.get(self._cookie, "")
        if request.path == "/" and "token" in request.query:
            given = request.query["token"]
        if not secrets.compare_digest(given.encode(), self.token.encode()):
            return "open the link that flowtui web printed: it has the token"
        return ""
