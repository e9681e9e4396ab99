"""The socket that the server listens at."""

from __future__ import annotations

import socket

from flowtui.server import main


def test_an_answer_does_not_wait_until_the_client_confirms_its_head() -> None:
    listener = main._listen(main._Address(socket.AF_INET, "127.0.0.1", 0))
    with listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
