"""The books of the stand-ins: every call received, and every effect it really had.

A test counts effects here, at the vendor, and not in the tables of the one being tested.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from connectors.sandbox import times
from connectors.sandbox.exchange import Request
from connectors.sandbox.store import Store

MOST_ROWS = 10_000  # a listing longer than this is cut; ask again with since=<last>


class Ledger:
    def __init__(self, store: Store) -> None:
        self._store = store

    def note_call(
        self,
        vendor: str,
        request: Request,
        *,
        at: datetime,
        status: int | None,
        worked: int | None,
        key: str | None,
        fault: str | None,
    ) -> None:
        self._store.run(
            "INSERT INTO calls (at, vendor, method, path, status, worked, key, fault)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            *(times.micro(at), vendor, request.method, request.target),
            *(status, worked, key, fault),
        )

    def note_effect(
        self, vendor: str, action: str, kind: str, record_id: str, key: str | None, made_by: str
    ) -> None:
        """`made_by`: api (a client), person (at the vendor's screen) or vendor (by itself)."""
        self._store.run(
            "INSERT INTO effects (at, vendor, type, action, id, key, made_by)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            *(times.micro(times.now()), vendor, kind, action, record_id, key, made_by),
        )

    def calls(self, vendor: str, since: str) -> dict[str, Any]:
        rows = self._since("calls", vendor, since)
        return {"calls": rows, "last": rows[-1]["seq"] if rows else None}

    def effects(self, vendor: str, since: str) -> dict[str, Any]:
        rows = self._since("effects", vendor, since)
        return {
            "effects": rows,
            "last": rows[-1]["seq"] if rows else None,
            "counts": _tally(rows, lambda row: [row["type"]]),
            "by_key": _tally(rows, _keys),
        }

    def _since(self, table: str, vendor: str, since: str) -> list[dict[str, Any]]:
        """Rows after a position (a number) or from a moment on (ISO text), in order."""
        position, moment = 0, ""
        if since.isascii() and since.isdigit() and len(since) < 10:
            position = int(since)
        elif since:
            moment = times.micro(times.read(since))
        rows = self._store.rows(
            f"SELECT * FROM {table} WHERE seq > ? AND at >= ? AND (? = '' OR vendor = ?)"
            " ORDER BY seq LIMIT ?",
            *(position, moment, vendor, vendor, MOST_ROWS),
        )
        return [dict(row) for row in rows]


def _keys(row: dict[str, Any]) -> list[str]:
    """An effect may have several keys, one a line: it counts for each of them."""
    return [f"{row['type']}:{key}" for key in (row["key"] or "").splitlines()]


def _tally(
    rows: list[dict[str, Any]], names_of: Callable[[dict[str, Any]], list[str]]
) -> dict[str, dict[str, int]]:
    """Name → action → how often."""
    counted: dict[str, Counter[str]] = {}
    for row in rows:
        for name in names_of(row):
            counted.setdefault(name, Counter())[row["action"]] += 1
    return {name: dict(actions) for name, actions in counted.items()}
