"""What the stand-ins remember: one SQLite file, or memory, shared by all threads under one lock."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    vendor TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    created_at TEXT NOT NULL, modified_at TEXT NOT NULL, archived INTEGER NOT NULL DEFAULT 0,
    indexed_body TEXT, index_due REAL NOT NULL DEFAULT 0,
    UNIQUE (vendor, kind, id));
CREATE INDEX IF NOT EXISTS objects_by_change ON objects (vendor, kind, modified_at);
CREATE TABLE IF NOT EXISTS unique_values (
    vendor TEXT, kind TEXT, property TEXT, value TEXT, id TEXT NOT NULL,
    PRIMARY KEY (vendor, kind, property, value));
CREATE INDEX IF NOT EXISTS unique_values_by_id ON unique_values (vendor, kind, id);
CREATE TABLE IF NOT EXISTS links (
    from_kind TEXT, from_id TEXT, to_kind TEXT, to_id TEXT,
    PRIMARY KEY (from_kind, from_id, to_kind, to_id));
CREATE TABLE IF NOT EXISTS drafts_due (id TEXT PRIMARY KEY, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT, vendor TEXT, method TEXT, path TEXT,
    status INTEGER, worked INTEGER, key TEXT, fault TEXT);
CREATE TABLE IF NOT EXISTS effects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT, vendor TEXT, type TEXT, action TEXT,
    id TEXT, key TEXT, made_by TEXT);
CREATE TABLE IF NOT EXISTS faults (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, vendor TEXT, body TEXT, left INTEGER,
    seen INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS stripe_keys (
    key TEXT PRIMARY KEY, print TEXT, status INTEGER, body TEXT, request_id TEXT, at REAL);
CREATE TABLE IF NOT EXISTS hubspot_events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT, state TEXT, due REAL, rank REAL);
CREATE INDEX IF NOT EXISTS hubspot_events_by_state ON hubspot_events (state, due);
CREATE TABLE IF NOT EXISTS hubspot_merged (
    kind TEXT, id TEXT, into_id TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE TABLE IF NOT EXISTS hubspot_values (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, id TEXT, name TEXT, body TEXT);
CREATE INDEX IF NOT EXISTS hubspot_values_of ON hubspot_values (kind, id, name);
"""
# What is sent, one table for each vendor that sends.
OUTGOING = ["deliveries", "stripe_posts", "hubspot_posts"]
SCHEMA += "".join(
    f"""
CREATE TABLE IF NOT EXISTS {table} (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, document TEXT, name TEXT, event TEXT,
    status TEXT, body TEXT, event_time TEXT, state TEXT, lane TEXT, rank REAL, next_at REAL,
    copies INTEGER, url TEXT, signature TEXT, http_status INTEGER, error TEXT,
    delivery_time TEXT, response_body TEXT, response_headers TEXT,
    attempts TEXT NOT NULL DEFAULT '[]');
CREATE INDEX IF NOT EXISTS {table}_by_state ON {table} (state, next_at);
"""
    for table in OUTGOING
)
WIPED = [
    "objects", "unique_values", "links", "drafts_due", "calls", "effects", "faults", "stripe_keys",
    "hubspot_events", "hubspot_merged", "hubspot_values",
    *OUTGOING,
]  # fmt: skip


class StoreClosedError(RuntimeError):
    """The stand-in is stopping; whoever still works may simply end."""


class Store:
    def __init__(self, folder: Path | None) -> None:
        """With a folder the state outlives the process; without one it lives in memory."""
        path = ":memory:"
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            path = str(folder / "sandbox.sqlite3")
        self._lock = threading.RLock()
        self._depth = 0
        self._open = True
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        # A killed process loses nothing this way; only a power cut would, and this is a stand-in.
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(SCHEMA)

    @contextmanager
    def transaction(self, *, pretend: bool = False) -> Iterator[None]:
        """All or nothing, nestable; a pretended one is undone even when it succeeds."""
        with self._lock:
            mark = f"level_{self._depth}"
            self.run(f"SAVEPOINT {mark}")
            self._depth += 1
            keep = False
            try:
                yield
                keep = not pretend
            finally:
                self._depth -= 1
                if not keep:
                    self.run(f"ROLLBACK TO {mark}")
                self.run(f"RELEASE {mark}")

    def run(self, sql: str, *values: Any) -> int:
        """Execute one statement; how many rows it changed."""
        with self._lock:
            self._check_open()
            return self._db.execute(sql, values).rowcount

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            self._check_open()
            return self._db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        found = self.rows(sql, *values)
        return found[0] if found else None

    def setting(self, name: str) -> dict[str, Any]:
        found = self.row("SELECT value FROM settings WHERE name = ?", name)
        return json.loads(found["value"]) if found else {}

    def keep_setting(self, name: str, value: dict[str, Any]) -> None:
        self.run("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, json.dumps(value))

    def wipe(self) -> None:
        """Forget everything but the configuration."""
        with self.transaction():
            for table in WIPED:
                self.run(f"DELETE FROM {table}")

    def close(self) -> None:
        with self._lock:
            if self._open:
                self._open = False
                self._db.close()

    def _check_open(self) -> None:
        if not self._open:
            raise StoreClosedError("The stand-in has stopped.")
