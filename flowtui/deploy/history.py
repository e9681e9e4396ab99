"""Every deploy, its events and its result, in one SQLite file that survives kill -9."""

from __future__ import annotations

import json
import os
import queue
import sqlite3
import threading
import time
import zlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

from flowtui import paths
from flowtui.deploy import checkpoint
from flowtui.deploy.applied import Applied, AppliedPayload
from flowtui.deploy.changes import Registered, StoredSource, content_hash
from flowtui.deploy.checkpoint import Checkpoint
from flowtui.deploy.deployment.earlier import deploy_id
from flowtui.deploy.events import (
    DeployFinished,
    DeployStarted,
    Event,
    Outcome,
    Planned,
    from_json,
    to_json,
)
from flowtui.errors import FlowtuiError
from flowtui.models import short_version, version_in_words

_UPGRADES = (
    # One statement each, oldest first. Add at the end and change nothing above: a file is as far as
    # its `user_version` says. Only add (columns, tables, indexes): an older flowtui reads on.
    """CREATE TABLE IF NOT EXISTS deploys (
        id TEXT PRIMARY KEY,
        started REAL NOT NULL,
        pid INTEGER NOT NULL,
        process_started TEXT NOT NULL,
        root TEXT NOT NULL,
        target TEXT NOT NULL,
        flow TEXT NOT NULL,
        project TEXT NOT NULL,
        api_url TEXT NOT NULL,
        storage TEXT,
        image TEXT,
        content_hash TEXT,
        fingerprint TEXT,
        outcome TEXT,
        seconds REAL,
        reason TEXT,
        version INTEGER,
        version_id TEXT,
        digest TEXT
    )""",
    "CREATE INDEX IF NOT EXISTS deploys_by_flow ON deploys (api_url, project, flow, started)",
    "CREATE INDEX IF NOT EXISTS deploys_by_version ON deploys (version_id)",
    """CREATE TABLE IF NOT EXISTS events (
        deploy TEXT NOT NULL REFERENCES deploys (id) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        event TEXT NOT NULL,
        PRIMARY KEY (deploy, seq)
    ) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS deploys_by_time ON deploys (started)",
    "CREATE INDEX IF NOT EXISTS deploys_by_folder ON deploys (root, started)",
    """CREATE TABLE IF NOT EXISTS checkpoints (
        deploy TEXT PRIMARY KEY REFERENCES deploys (id) ON DELETE CASCADE,
        checkpoint TEXT NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS sources (
        deploy TEXT NOT NULL REFERENCES deploys (id) ON DELETE CASCADE,
        path TEXT NOT NULL,
        hash TEXT NOT NULL,
        PRIMARY KEY (deploy, path)
    ) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS contents (hash TEXT PRIMARY KEY, content BLOB NOT NULL)",
    "ALTER TABLE deploys ADD COLUMN label TEXT",
    """CREATE TABLE IF NOT EXISTS applied (
        deploy TEXT PRIMARY KEY REFERENCES deploys (id) ON DELETE CASCADE,
        version_id TEXT NOT NULL,
        payload TEXT NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS applied_to ON applied (version_id)",
    "CREATE INDEX IF NOT EXISTS deploys_by_content ON deploys (content_hash)",
)

_FORGETTABLE = """
    started < :before
    AND (outcome IS NOT NULL OR started < :over)
    AND id NOT IN (
        SELECT id FROM (
            SELECT id, max(started) FROM deploys WHERE outcome IN ('done', 'unchanged')
            GROUP BY api_url, project, flow
        )
    )
"""
_LONGEST_DEPLOY = 7 * 86_400
"""Seconds. One that has not ended may still be running; after this it is not."""

_LARGEST_SOURCE = 128 * 1024
"""Bytes of a source whose text is kept; of a larger one only the hash is."""

INTERRUPTED = "interrupted"
"""Outcome shown for a deploy whose process ended before the deploy did."""
RUNNING = "running"


@dataclass(frozen=True, slots=True)
class DeployRecord:
    """One line of the history."""

    id: str
    started: float
    """Seconds since the epoch."""
    root: str
    target: str
    flow: str
    project: str
    api_url: str
    storage: str | None
    image: str | None
    content_hash: str | None
    fingerprint: str | None
    outcome: str
    """An `events.Outcome`, or `running`, or `interrupted`."""
    seconds: float | None
    reason: str
    version: int | None
    version_id: str | None
    digest: str | None
    label: str = ""
    """What a deployment calls its version."""

    @property
    def version_words(self) -> str:
        """`version 3`, `version 4f2a9c1+ab12cd3`; empty where it has neither."""
        return version_in_words(self.version, self.label)

    @property
    def version_short(self) -> str:
        """`v3`, or what the deployment calls its version; empty where it has none."""
        return short_version(self.version, self.label)


_COLUMNS = tuple(field.name for field in fields(DeployRecord))


class History:
    """Reads and writes the history file. Writing goes through a `Recorder`."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or paths.data_dir() / "history.sqlite"

    def recent(self, *, limit: int = 50, flow: str | None = None) -> tuple[DeployRecord, ...]:
        """Newest first."""
        if not self.path.exists():
            return ()
        where, values = ("WHERE flow = ?", [flow]) if flow else ("", [])
        sql = f"SELECT * FROM deploys {where} ORDER BY started DESC LIMIT ?"
        with self.open() as db:
            return tuple(record_of(row) for row in db.execute(sql, [*values, limit]))

    def count(self) -> int:
        """How many deploys there are."""
        if not self.path.exists():
            return 0
        with self.open() as db:
            return int(db.execute("SELECT count(*) FROM deploys").fetchone()[0])

    def by_version(self, version_ids: list[str]) -> dict[str, DeployRecord]:
        """The deploys that made these registered versions, as far as they were made from here.

        An earlier version of a deployment names its deploy: `deployment id@deploy id`.
        """
        if not self.path.exists() or not version_ids:
            return {}
        found: dict[str, DeployRecord] = {}
        for version_id in version_ids:
            record = self.find(deploy) if (deploy := deploy_id(version_id)) else None
            if record is not None:
                found[version_id] = record
        with self.open() as db:
            for start in range(0, len(version_ids), 500):
                chunk = version_ids[start : start + 500]
                marks = ",".join("?" * len(chunk))
                sql = (
                    f"SELECT * FROM deploys WHERE version_id IN ({marks}) "
                    "AND outcome IN ('done', 'unchanged') ORDER BY started"
                )
                for row in db.execute(sql, chunk):
                    found[row["version_id"]] = record_of(row)
        return found

    def events(self, deploy: str) -> Iterator[Event]:
        """The events of one deploy, in order."""
        if not self.path.exists():
            return
        sql = "SELECT event FROM events WHERE deploy = ? ORDER BY seq"
        with self.open() as db:
            for row in db.execute(sql, [deploy]).fetchall():
                yield from_json(json.loads(row["event"]))

    def find(self, deploy: str) -> DeployRecord | None:
        """The deploy of this id."""
        if not self.path.exists():
            return None
        with self.open() as db:
            row = db.execute("SELECT * FROM deploys WHERE id = ?", [deploy]).fetchone()
            return record_of(row) if row is not None else None

    def latest(self, *, root: Path, api_url: str, target: str) -> DeployRecord | None:
        """The newest deploy of this flow from this folder to this control plane."""
        if not self.path.exists():
            return None
        sql = (
            "SELECT * FROM deploys WHERE root = ? AND api_url = ? AND target = ?"
            " ORDER BY started DESC LIMIT 1"
        )
        with self.open() as db:
            row = db.execute(sql, [str(root), api_url, target]).fetchone()
            return record_of(row) if row is not None else None

    def checkpoint(self, deploy: str) -> Checkpoint | None:
        """What a later deploy needs to go on from where this one ended, if it got that far."""
        if not self.path.exists():
            return None
        sql = "SELECT checkpoint FROM checkpoints WHERE deploy = ?"
        with self.open() as db:
            row = db.execute(sql, [deploy]).fetchone()
        return checkpoint.from_json(json.loads(row["checkpoint"])) if row is not None else None

    def applied(self, version_id: str) -> tuple[Applied, ...]:
        """What was applied of this deployment from this machine, newest first. Blocking."""
        return self._applied("applied.version_id = ?", version_id)

    def made_from(self, content_hash: str) -> tuple[Applied, ...]:
        """Good deploys of exactly this content, newest first. Blocking."""
        return self._applied("content_hash = ? AND outcome = 'done'", content_hash)

    def _applied(self, which: str, value: str) -> tuple[Applied, ...]:
        if not self.path.exists():
            return ()
        sql = (
            "SELECT deploy, started, applied.version_id, payload, content_hash, image, digest"
            f" FROM applied JOIN deploys ON deploys.id = deploy WHERE {which}"
            " ORDER BY started DESC"
        )
        with self.open() as db:
            rows = db.execute(sql, [value]).fetchall()
        return tuple(
            Applied(
                deploy=row["deploy"],
                started=row["started"],
                version_id=row["version_id"],
                payload=json.loads(row["payload"]),
                content_hash=row["content_hash"] or "",
                image=row["image"],
                digest=row["digest"],
            )
            for row in rows
        )

    def ids_starting_with(self, start: str, *, limit: int = 3) -> tuple[str, ...]:
        """Ids of deploys that begin like this, as a person copies them from a list."""
        if not self.path.exists():
            return ()
        sql = "SELECT id FROM deploys WHERE substr(id, 1, ?) = ? ORDER BY started DESC LIMIT ?"
        with self.open() as db:
            return tuple(row["id"] for row in db.execute(sql, [len(start), start, limit]))

    def forgettable(self, before: float) -> int:
        """How many deploys `forget` would delete."""
        if not self.path.exists():
            return 0
        with self.open() as db:
            sql = f"SELECT count(*) FROM deploys WHERE {_FORGETTABLE}"
            return int(db.execute(sql, _ages(before)).fetchone()[0])

    def forget(self, before: float) -> int:
        """Delete ended deploys that started before this moment, with their events; how many.

        The newest good deploy of every flow stays: by it flowtui knows whether the flow's sources
        have changed since.
        """
        if not self.path.exists():
            return 0
        with self.open() as db:
            with db:
                gone = db.execute(
                    f"DELETE FROM deploys WHERE {_FORGETTABLE}", _ages(before)
                ).rowcount
                db.execute("DELETE FROM contents WHERE hash NOT IN (SELECT hash FROM sources)")
            db.execute("VACUUM")
        return gone

    def registered(self, version_id: str) -> Registered:
        """What the deploy that made this version knew of it; of another's nothing is known."""
        record = self.by_version([version_id]).get(version_id)
        if record is None:
            return Registered()
        with self.open() as db:
            rows = db.execute(
                "SELECT path, sources.hash, content FROM sources LEFT JOIN contents"
                " ON contents.hash = sources.hash WHERE deploy = ?",
                [record.id],
            ).fetchall()
            planned = db.execute(
                "SELECT event FROM events WHERE deploy = ? AND event LIKE ? ORDER BY seq LIMIT 1",
                [record.id, '{"event": "planned"%'],
            ).fetchone()
        sources = {
            row["path"]: StoredSource(
                row["hash"], zlib.decompress(row["content"]) if row["content"] else None
            )
            for row in rows
        }
        event: dict[str, Any] = json.loads(planned["event"]) if planned is not None else {}
        settings: dict[str, str] = event.get("settings", {})
        return Registered(sources, settings)

    def recorder(
        self, root: Path, fingerprint: str, sources: Mapping[str, bytes] | None = None
    ) -> Recorder:
        """A recorder for one deploy; everything given to it is on disk once it is closed.

        `sources`, by path, are what goes into the version: kept when the deploy is done, each
        content once. Creates the history file, or refuses one that cannot be used, before the
        deploy starts. Blocking.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(self.path, error) from error
        with self.open():
            pass
        with suppress(OSError):
            # Overrides of the command line are kept with it, for who goes on from a stage.
            self.path.chmod(0o600)
        return Recorder(self, root, fingerprint, sources or {})

    @contextmanager
    def open(self) -> Generator[sqlite3.Connection]:
        """A connection with the schema in place. Raises FlowtuiError for no history file."""
        try:
            with closing(sqlite3.connect(self.path, timeout=10.0)) as db:
                db.row_factory = sqlite3.Row
                db.execute("PRAGMA journal_mode=WAL")
                # What is committed survives this process; a power cut may take the last moment.
                db.execute("PRAGMA synchronous=NORMAL")
                db.execute("PRAGMA foreign_keys=ON")
                _upgrade(db)
                yield db
        except sqlite3.DatabaseError as error:
            raise _unusable(self.path, error) from error


_Recorded: TypeAlias = Event | Checkpoint | AppliedPayload


class Recorder:
    """Writes one deploy's events on a thread of its own, so the event loop never waits for a disk.

    Events are committed in batches, at most a tenth of a second after they happened.
    """

    _BATCH_SECONDS = 0.1

    def __init__(
        self, history: History, root: Path, fingerprint: str, sources: Mapping[str, bytes]
    ) -> None:
        self._history = history
        self._sources = sources
        self._root = str(root)
        self._fingerprint = fingerprint
        self._queue: queue.SimpleQueue[Event | Checkpoint | AppliedPayload | None] = (
            queue.SimpleQueue()
        )
        self._closing = threading.Event()
        self._error: FlowtuiError | None = None
        self.deploy = ""
        """Id of the deploy, once it has started."""
        self._thread = threading.Thread(target=self._write, name="flowtui-history", daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        self.deploy = event.deploy
        self._queue.put(event)

    def keep(self, reached: Checkpoint | AppliedPayload) -> None:
        """How far the deploy got, the last one counts; and what it applied."""
        self._queue.put(reached)

    def close(self) -> FlowtuiError | None:
        """Wait until everything is on disk; what kept it from being written, if anything did."""
        self._queue.put(None)
        self._closing.set()
        self._thread.join()
        return self._error

    def _write(self) -> None:
        try:
            with self._history.open() as db:
                self._drain(db)
        except FlowtuiError as error:
            self._error = error

    def _drain(self, db: sqlite3.Connection) -> None:
        seq = 0
        ended = False
        while not ended:
            batch = [self._queue.get()]
            if batch[0] is not None:
                self._closing.wait(self._BATCH_SECONDS)
            while not self._queue.empty():
                batch.append(self._queue.get())
            with db:
                for event in batch:
                    if event is None:
                        ended = True
                        continue
                    if isinstance(event, Checkpoint):
                        _store_checkpoint(db, event)
                        continue
                    if isinstance(event, AppliedPayload):
                        _store_applied(db, event)
                        continue
                    self._store(db, seq, event)
                    seq += 1

    def _store(self, db: sqlite3.Connection, seq: int, event: Event) -> None:
        if isinstance(event, DeployStarted):
            db.execute(
                "INSERT INTO deploys (id, started, pid, process_started, root, target, flow,"
                " project, api_url, fingerprint) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    event.deploy,
                    event.at,
                    os.getpid(),
                    _process_started(os.getpid()),
                    self._root,
                    event.target,
                    event.flow,
                    event.project,
                    event.api_url,
                    self._fingerprint,
                ],
            )
        db.execute(
            "INSERT INTO events (deploy, seq, event) VALUES (?, ?, ?)",
            [event.deploy, seq, json.dumps(to_json(event))],
        )
        if isinstance(event, Planned):
            db.execute(
                "UPDATE deploys SET flow = ?, project = ?, storage = ?, image = ?,"
                " content_hash = ? WHERE id = ?",
                [
                    event.flow,
                    event.project,
                    event.storage,
                    event.image,
                    event.content_hash,
                    event.deploy,
                ],
            )
        if isinstance(event, DeployFinished):
            db.execute(
                "UPDATE deploys SET outcome = ?, seconds = ?, reason = ?, version = ?,"
                " label = ?, version_id = ?, digest = ?, image = coalesce(?, image) WHERE id = ?",
                [
                    str(event.outcome),
                    event.seconds,
                    event.reason,
                    event.version,
                    event.label,
                    event.version_id,
                    event.digest,
                    event.image,
                    event.deploy,
                ],
            )
            if event.outcome in (Outcome.DONE, Outcome.UNCHANGED):
                self._store_sources(db, event.deploy)

    def _store_sources(self, db: sqlite3.Connection, deploy: str) -> None:
        for path, content in self._sources.items():
            hashed = content_hash(content)
            db.execute("INSERT OR IGNORE INTO sources VALUES (?, ?, ?)", [deploy, path, hashed])
            if len(content) <= _LARGEST_SOURCE:
                db.execute(
                    "INSERT OR IGNORE INTO contents VALUES (?, ?)",
                    [hashed, zlib.compress(content, 9)],
                )


def _ages(before: float) -> dict[str, float]:
    return {"before": before, "over": time.time() - _LONGEST_DEPLOY}


def _store_checkpoint(db: sqlite3.Connection, reached: Checkpoint) -> None:
    db.execute(
        "INSERT OR REPLACE INTO checkpoints (deploy, checkpoint) VALUES (?, ?)",
        [reached.deploy, json.dumps(checkpoint.to_json(reached))],
    )


def _store_applied(db: sqlite3.Connection, applied: AppliedPayload) -> None:
    db.execute(
        "INSERT OR REPLACE INTO applied (deploy, version_id, payload) VALUES (?, ?, ?)",
        [applied.deploy, applied.version_id, json.dumps(applied.payload)],
    )


def _upgrade(db: sqlite3.Connection) -> None:
    """Bring the file as far as this flowtui knows; one that is further is left as it is."""
    if _version(db) >= len(_UPGRADES):
        return
    with db:
        # Another process may be doing the same: whoever holds the lock looks again.
        db.execute("BEGIN IMMEDIATE")
        for statement in _UPGRADES[_version(db) :]:
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {max(_version(db), len(_UPGRADES))}")


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _unusable(path: Path, error: Exception) -> FlowtuiError:
    return FlowtuiError(
        f"the deploy history cannot be used: {error}",
        where=str(path),
        fix="move the file away to start a new history, or set FLOWTUI_HOME to a folder of yours",
    )


def record_of(row: sqlite3.Row) -> DeployRecord:
    """A row of the table `deploys`."""
    # By name: a newer flowtui may have added columns.
    values: dict[str, Any] = {name: row[name] for name in _COLUMNS}
    if values["outcome"] is None:
        alive = _process_started(row["pid"]) == row["process_started"]
        values["outcome"] = RUNNING if alive else INTERRUPTED
    values["reason"] = values["reason"] or ""
    values["label"] = values["label"] or ""
    return DeployRecord(**values)


def _process_started(pid: int) -> str:
    """Start time of a process in clock ticks since boot: tells a reused pid from the old one."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]
