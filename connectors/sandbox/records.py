"""The objects a vendor holds, with unique values, links, and a search index that lags."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.sandbox import times
from connectors.sandbox.store import Store


@dataclass
class Record:
    kind: str
    id: str
    body: dict[str, Any]
    created_at: str
    modified_at: str
    archived: bool = False
    seq: int = 0


def _record(row: sqlite3.Row, body: str | None = None) -> Record:
    return Record(
        kind=row["kind"],
        id=row["id"],
        body=json.loads(body or row["body"]),
        created_at=row["created_at"],
        modified_at=row["modified_at"],
        archived=bool(row["archived"]),
        seq=row["seq"],
    )


class Records:
    """One vendor's objects. `lag` says how many seconds the search index is behind."""

    def __init__(self, store: Store, vendor: str, lag: Callable[[], float] = lambda: 0.0) -> None:
        self._store = store
        self._vendor = vendor
        self._lag = lag

    def add(self, kind: str, record_id: str, body: dict[str, Any], *, at: datetime) -> Record:
        stamp = times.micro(at)
        self._store.run(
            "INSERT INTO objects (vendor, kind, id, body, created_at, modified_at, index_due)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(self._vendor, kind, record_id, json.dumps(body), stamp, stamp),
            at.timestamp() + self._lag(),
        )
        return Record(kind, record_id, body, stamp, stamp)

    def save(self, record: Record, *, at: datetime) -> None:
        """Write a changed record; the index shows the old one until the lag has passed."""
        record.modified_at = times.micro(at)
        self._store.run(
            "UPDATE objects SET indexed_body = CASE WHEN index_due <= ? THEN body"
            " ELSE indexed_body END, body = ?, modified_at = ?, archived = ?, index_due = ?"
            " WHERE vendor = ? AND kind = ? AND id = ?",
            *(at.timestamp(), json.dumps(record.body), record.modified_at, record.archived),
            *(at.timestamp() + self._lag(), self._vendor, record.kind, record.id),
        )

    def get(self, kind: str, record_id: str) -> Record | None:
        row = self._store.row(
            "SELECT * FROM objects WHERE vendor = ? AND kind = ? AND id = ?",
            *(self._vendor, kind, record_id),
        )
        return _record(row) if row else None

    def changed(self, kind: str, *, since: str = "", until: str = "~") -> list[Record]:
        """Live records whose last change lies between two moments (text), oldest first."""
        rows = self._store.rows(
            "SELECT * FROM objects WHERE vendor = ? AND kind = ? AND archived = 0"
            " AND modified_at >= ? AND modified_at <= ? ORDER BY modified_at, seq",
            *(self._vendor, kind, since, until),
        )
        return [_record(row) for row in rows]

    def page(self, kind: str, *, after: int, limit: int, archived: bool = False) -> list[Record]:
        """In order of creation, from the position after the one given."""
        rows = self._store.rows(
            "SELECT * FROM objects WHERE vendor = ? AND kind = ? AND archived = ? AND seq > ?"
            " ORDER BY seq LIMIT ?",
            *(self._vendor, kind, archived, after, limit),
        )
        return [_record(row) for row in rows]

    def newest(self, kind: str, *, limit: int) -> list[Record]:
        """The records created last, the newest first."""
        rows = self._store.rows(
            "SELECT * FROM objects WHERE vendor = ? AND kind = ? AND archived = 0"
            " ORDER BY seq DESC LIMIT ?",
            *(self._vendor, kind, limit),
        )
        return [_record(row) for row in rows]

    def chosen(self, kind: str, wanted: dict[str, str]) -> list[Record]:
        """The live records that have these values (name, or a path with dots), newest first."""
        fits = "".join(" AND json_extract(body, ?) = ?" for _ in wanted)
        values = [part for name, value in wanted.items() for part in (f"$.{name}", value)]
        rows = self._store.rows(
            "SELECT * FROM objects WHERE vendor = ? AND kind = ? AND archived = 0"
            f"{fits} ORDER BY seq DESC",
            *(self._vendor, kind, *values),
        )
        return [_record(row) for row in rows]

    def indexed(self, kind: str, *, at: datetime) -> list[Record]:
        """What a search sees: every record as it was before the lag."""
        rows = self._store.rows(
            "SELECT * FROM objects WHERE vendor = ? AND kind = ? ORDER BY seq", self._vendor, kind
        )
        seen = []
        for row in rows:
            if row["index_due"] > at.timestamp():
                if row["indexed_body"]:
                    seen.append(_record(row, row["indexed_body"]))
            elif not row["archived"]:
                seen.append(_record(row))
        return seen

    # Unique values

    def holder(self, kind: str, name: str, value: str) -> str | None:
        """The id of the record that has this value of a unique property."""
        row = self._store.row(
            "SELECT id FROM unique_values WHERE vendor = ? AND kind = ? AND property = ?"
            " AND value = ?",
            *(self._vendor, kind, name, value),
        )
        return row["id"] if row else None

    def hold_values(self, record: Record, values: dict[str, str]) -> None:
        """From now on these unique values, and only these, are this record's."""
        self._store.run(
            "DELETE FROM unique_values WHERE vendor = ? AND kind = ? AND id = ?",
            *(self._vendor, record.kind, record.id),
        )
        for name, value in values.items():
            self._store.run(
                "INSERT INTO unique_values VALUES (?, ?, ?, ?, ?)",
                *(self._vendor, record.kind, name, value, record.id),
            )

    # Links, always in both directions

    def link(self, one: Record, other: Record) -> bool:
        """Associate two records; False when they already were."""
        new = 0
        for here, there in ((one, other), (other, one)):
            new += self._store.run(
                "INSERT OR IGNORE INTO links VALUES (?, ?, ?, ?)",
                *(here.kind, here.id, there.kind, there.id),
            )
        return new > 0

    def linked(self, record: Record, kind: str) -> list[str]:
        rows = self._store.rows(
            "SELECT to_id FROM links JOIN objects ON objects.vendor = ?"
            " AND objects.kind = to_kind AND objects.id = to_id AND NOT objects.archived"
            " WHERE from_kind = ? AND from_id = ? AND to_kind = ? ORDER BY objects.seq",
            *(self._vendor, record.kind, record.id, kind),
        )
        return [row["to_id"] for row in rows]
