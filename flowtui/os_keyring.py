"""The operating system's keyring, behind one daemon thread and a time limit.

A keyring call can block for ever: a locked keyring waits for a window on a desktop that nobody
looks at. So no call is made on the event loop or in a thread that the interpreter waits for at
exit, and after a time-out no second call is made until the first one has come back.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flowtui.text import clean, redact

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

SERVICE = "flowtui"
"""Entries are stored under this service, with the API address as the user name."""

LIMIT = 3.0
"""Seconds a call may take before the keyring counts as waiting for a person."""

_IMPORT_LIMIT = 20.0
"""Seconds for importing the package: no person is waited for, but a loaded machine is slow."""

_WAITING = "the keyring is waiting for an unlock on the desktop"
_IN_WORDS = {
    "KeyringLocked": "the keyring is locked",
    "InitError": "the keyring could not be opened",
    "NoKeyringError": "there is no keyring service here",
    "FileNotFoundError": "the keyring service is gone",
    "ModuleNotFoundError": "the configured keyring backend is not installed",
}


@dataclass(frozen=True, slots=True)
class KeyringStatus:
    """Which keyring answers, and whether a token may be written to it."""

    name: str
    safe: bool
    reason: str = ""
    """Why it is not safe; empty when it is."""


class KeyringError(Exception):
    """The keyring cannot be used now; the text says why, with the cause's type."""


class KeyringWaitsError(KeyringError):
    """The time limit passed: a call is still waiting for a person."""


class OsKeyring:
    """All calls to the keyring package of this process. Every failure is a KeyringError."""

    def __init__(self, limit: float = LIMIT) -> None:
        self._limit = limit
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stuck: Future[Any] | None = None

    async def status(self) -> KeyringStatus:
        """Judge the backend by its class, without reading or writing anything."""
        try:
            _, status = await self._backend()
        except KeyringError as error:
            return KeyringStatus("none", False, str(error))
        return status

    async def get(self, address: str) -> tuple[str | None, str]:
        """The token kept for this address, if any, and the name of the keyring."""
        backend, status = await self._backend()
        if status.name == "none":
            return None, status.name
        return await self._call(lambda: backend.get_password(SERVICE, address)), status.name

    async def set(self, address: str, reveal: Callable[[], str]) -> str:
        """Write the token, read it back, and return the name of the keyring.

        Raises KeyringError, also when the keyring is not safe to write to.
        """
        backend, status = await self._backend()
        if not status.safe:
            raise KeyringError(status.reason)
        # The package's own type of this method is incomplete.
        untyped = cast("Any", backend)
        await self._call(lambda: untyped.set_password(SERVICE, address, reveal()))
        kept = await self._call(lambda: backend.get_password(SERVICE, address) == reveal())
        if not kept:
            raise KeyringError(f"the keyring {status.name} did not keep what was written to it")
        return status.name

    async def delete(self, address: str) -> str | None:
        """Delete the address's entry; the keyring's name if there was one, else None."""
        token, name = await self.get(address)
        if token is None:
            return None
        del token
        backend, _ = await self._backend()
        await self._call(lambda: backend.delete_password(SERVICE, address))
        if await self._call(lambda: backend.get_password(SERVICE, address) is not None):
            raise KeyringError(f"the keyring {name} still holds the token after deleting it")
        return name

    async def wait(self, seconds: float) -> bool:
        """Give a person time to unlock; True when the waiting call has come back."""
        if self._stuck is None:
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(
                asyncio.shield(asyncio.wrap_future(_settled(self._stuck))), seconds
            )
        return self._stuck.done()

    async def _backend(self) -> tuple[KeyringBackend, KeyringStatus]:
        """Judged where it is called: a chainer asks every keyring whether it is there."""
        await self._call(_import_quietly, _IMPORT_LIMIT)
        return await self._call(_judged_keyring)

    async def _call(self, call: Callable[[], T], limit: float | None = None) -> T:
        if self._stuck is not None and not self._stuck.done():
            raise KeyringWaitsError(_WAITING)
        future = self._submit(call)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), limit or self._limit)
        except TimeoutError as error:
            if future.done() and not future.cancelled():
                raise KeyringError(_in_words(error)) from None
            if future.running():
                self._stuck = future
            raise KeyringWaitsError(_WAITING) from None
        except Exception as error:  # noqa: BLE001  (backends raise anything: this is the one border)
            raise KeyringError(_in_words(error)) from None

    def _submit(self, call: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001  (handed to the waiter)
                future.set_exception(error)
            else:
                future.set_result(result)

        self._calls.put(run)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="keyring", daemon=True)
            self._thread.start()
        return future

    def _work(self) -> None:
        while True:
            self._calls.get()()


shared = OsKeyring()
"""The one of this process."""


def judge(backend: KeyringBackend) -> KeyringStatus:
    """Whether a token may be written to this backend, by its class and those it chains."""
    chained: list[KeyringBackend] = list(getattr(backend, "backends", ()))
    if chained:
        judged = [judge(each) for each in chained]
        name = " + ".join(each.name for each in judged)
        unsafe = next((each for each in judged if not each.safe), None)
        return KeyringStatus(name, unsafe is None, unsafe.reason if unsafe else "")
    classes = [f"{each.__module__}.{each.__qualname__}" for each in type(backend).__mro__]
    if (
        "keyring.backends.fail.Keyring" in classes
        or "keyring.backends.chainer.ChainerBackend" in classes
    ):
        return KeyringStatus("none", False, "there is no keyring service here")
    name = _name(type(backend))
    if "keyring.backends.null.Keyring" in classes:
        return KeyringStatus(name, False, "the null keyring keeps nothing")
    alternative = next((each for each in classes if each.startswith("keyrings.alt.")), None)
    if alternative is None:
        return KeyringStatus(name, True)
    if "plaintext" in alternative.lower():
        return KeyringStatus(name, False, f"{name} keeps tokens in a file as plain text")
    return KeyringStatus(name, False, f"{name} asks for its passphrase on this terminal")


def _name(cls: type) -> str:
    return cls.__module__.rpartition(".")[2] if cls.__name__ == "Keyring" else cls.__name__


def _import_quietly() -> None:
    importlib.import_module("keyring")
    # Without a handler Python prints warnings of the package to stderr, over the TUI.
    logger = logging.getLogger("keyring")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False


def _judged_keyring() -> tuple[KeyringBackend, KeyringStatus]:
    import keyring

    backend = keyring.get_keyring()
    return backend, judge(backend)


def _in_words(error: Exception) -> str:
    kind = type(error).__name__
    words = next(
        (_IN_WORDS[each.__name__] for each in type(error).__mro__ if each.__name__ in _IN_WORDS),
        "the keyring failed",
    )
    first_line = redact(clean((str(error).splitlines() or [""])[0]))[:200]
    return f"{words} ({kind}: {first_line})" if first_line else f"{words} ({kind})"


def _settled(future: Future[Any]) -> Future[None]:
    """Done when the other one is, whatever became of it."""
    settled: Future[None] = Future()
    future.add_done_callback(lambda _: settled.set_result(None))
    return settled
