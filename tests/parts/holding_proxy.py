"""A TCP proxy that stops at a chosen moment: how tests make a registry or a server slow."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_PIECE = 65536


class HoldingProxy:
    """Forwards to a port on loopback until a client sends `needle`; that request never arrives."""

    def __init__(self, target: int, needle: bytes) -> None:
        self._target = target
        self._needle = needle
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = [self._listener]
        self.held = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def close(self) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [client, server]
                for source, sink, watched in ((client, server, True), (server, client, False)):
                    threading.Thread(
                        target=self._forward, args=(source, sink, watched), daemon=True
                    ).start()

    def _forward(self, source: socket.socket, sink: socket.socket, watched: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE):
                if watched and self._needle in piece:
                    self.held.set()
                    return
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def holding_proxy(target: int, needle: bytes) -> Iterator[HoldingProxy]:
    proxy = HoldingProxy(target, needle)
    try:
        yield proxy
    finally:
        proxy.close()
