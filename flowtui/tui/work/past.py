"""The history as the list of deploys shows it: read and searched in a thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from flowtui.errors import FlowtuiError
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler, Part
from flowtui.tui.session import PastDeploys

if TYPE_CHECKING:
    from flowtui.deploy.history import History
    from flowtui.deploy.history_search import HistoryQuery, Hit
    from flowtui.tui.app import FlowtuiApp

_FIRST_CHUNK = 500
"""Deploys that are handed over at once."""
_LONGEST_WAIT = 0.25
"""Seconds until hits are shown while older logs are still searched."""
_REST = 0.15
"""Seconds without a key before the logs are searched."""


HandOver: TypeAlias = "Callable[[tuple[Hit, ...], bool, bool], None]"
"""Takes hits, whether they are the first, and whether they are the last."""


class Past:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {msg.HistoryRead: self._read, msg.HistoryFailed: self._failed}

    def read_all(self) -> None:
        """The deploys made in this folder, without a filter."""
        workspace = self._app.session.workspace
        if workspace is not None:
            self._search(replace(PastDeploys().query, root=str(workspace.root)))

    def look_for(self, text: str) -> None:
        """Only those with this text in them; empty for all."""
        query = self._app.session.past.query
        if text != query.text:
            self._search(replace(query, text=text))

    def toggle_folders(self) -> None:
        """The deploys of all folders, or of this one."""
        query, workspace = self._app.session.past.query, self._app.session.workspace
        if workspace is not None:
            here = str(workspace.root)
            self._search(replace(query, root=here if query.root is None else None))

    def _search(self, query: HistoryQuery) -> None:
        app, workspace = self._app, self._app.session.workspace
        if workspace is None:
            return
        history, stop = workspace.history, threading.Event()

        def hand_over(hits: tuple[Hit, ...], first: bool, last: bool) -> None:
            app.post_message(msg.HistoryRead(query, hits, first, last))

        async def job() -> None:
            try:
                if query.text.strip():
                    await asyncio.sleep(_REST)
                await asyncio.to_thread(_in_chunks, history, query, hand_over, stop)
            except FlowtuiError as error:
                app.post_message(msg.HistoryFailed(error.problem))
            finally:
                stop.set()

        app.session.past = replace(app.session.past, query=query, reading=True)
        app.changed(Part.DEPLOYS)
        app.begin(job, group="history", description="reading the deploy history")

    def _read(self, message: msg.HistoryRead) -> None:
        session = self._app.session
        if message.query != session.past.query:
            return
        lines = tuple(hit.record for hit in message.hits)
        found = {hit.record.id: hit.line for hit in message.hits if hit.line}
        if not message.first:
            lines = (*(session.history or ()), *lines)
            found = {**session.past.found, **found}
        session.history = lines
        session.past = PastDeploys(message.query, found, reading=not message.last)
        session.history_problem = None
        self._app.changed(Part.DEPLOYS)

    def _failed(self, message: msg.HistoryFailed) -> None:
        session = self._app.session
        session.history_problem = message.problem
        session.past = replace(session.past, reading=False)
        self._app.changed(Part.DEPLOYS)


class _Chunks:
    """Hits gathered for the list: a few at first, then many; and none waits for long."""

    def __init__(self, hand_over: HandOver, clock: Callable[[], float] = time.monotonic) -> None:
        self._hand_over, self._clock = hand_over, clock
        self._hits: list[Hit] = []
        self._size = _FIRST_CHUNK
        self._first = True
        self._given = clock()

    def add(self, hit: Hit) -> None:
        self._hits.append(hit)
        if len(self._hits) >= self._size:
            # The list is made anew for each chunk: growing ones keep that cheap.
            self._size *= 4
            self.give()

    def give_if_waiting(self) -> None:
        if self._hits and self._clock() - self._given >= _LONGEST_WAIT:
            self.give()

    def give(self, *, last: bool = False) -> None:
        self._hand_over(tuple(self._hits), self._first, last)
        self._hits, self._first, self._given = [], False, self._clock()


def _in_chunks(
    history: History, query: HistoryQuery, hand_over: HandOver, stop: threading.Event
) -> None:
    from flowtui.deploy.history_search import search

    chunks = _Chunks(hand_over)

    def stopped() -> bool:
        chunks.give_if_waiting()
        return stop.is_set()

    for hit in search(history, query, stop=stopped):
        chunks.add(hit)
    if not stop.is_set():
        chunks.give(last=True)
