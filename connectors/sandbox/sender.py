"""Sending what a vendor tells by itself: kept as rows, in order per lane, tried again, remembered.

An event is a row from the moment of the change, written in the same transaction, so that neither a
crash nor a restart of the stand-in loses one. What is put into a POST, and how it is signed, is the
vendor's own matter: one subclass and one table for each.
"""

import http.client
import json
import random
import sqlite3
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from connectors.sandbox import times
from connectors.sandbox.config import Config
from connectors.sandbox.faults import FaultBook
from connectors.sandbox.store import Store, StoreClosedError

MOST_AT_ONCE = 8  # deliveries on the way at the same time
MOST_KEPT = 10_000  # bytes of a receiver's answer
HELD = "hold"  # the lane of what waits to be let go by hand


@dataclass(frozen=True)
class News:
    """One thing to tell: which record, what happened, in the vendor's words."""

    id: str
    record: str
    event: str
    status: str
    body: str
    name: str = ""


@dataclass(frozen=True)
class Parcel:
    """One POST as it goes out."""

    url: str
    body: bytes
    headers: dict[str, str]
    signature: str


class Sender:
    vendor = ""
    table = ""

    def __init__(
        self, store: Store, config: Config, faults: FaultBook, wake: threading.Event
    ) -> None:
        self._store = store
        self._config = config
        self._faults = faults
        self._wake = wake
        self._lock = threading.Lock()
        self._lanes_busy: set[str] = set()

    def parcel(self, row: sqlite3.Row) -> Parcel:
        """What goes out for a row, signed now."""
        raise NotImplementedError

    # Writing down what is to be sent

    def enqueue(self, news: News, *, at: datetime) -> None:
        """Queue one event, inside the caller's transaction; a fault may meet it here."""
        fault = self._faults.take_for_webhook(
            self.vendor, event=news.event, status=news.status, document=news.record
        )
        self.put(news, at=at, fault=fault)

    def put(self, news: News, *, at: datetime, fault: dict[str, Any] | None = None) -> None:
        """Queue one event, with the fault that met it."""
        kind = fault["kind"] if fault else ""
        state, lane = "due", news.record
        if kind == "webhook_drop":
            state = "dropped"
        if kind == "webhook_hold":
            state, lane = "held", HELD
        if fault and kind == "webhook_reorder":
            state, lane = "held", f"reorder-{fault['seq']}"
        self._store.run(
            f"INSERT INTO {self.table} (id, document, name, event, status, body, event_time, state,"
            " lane, rank, next_at, copies, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?,"
            f" (SELECT COALESCE(MAX(seq), 0) + 1 FROM {self.table}), ?, ?, ?)",
            *(news.id, news.record, news.name, news.event, news.status, news.body),
            *(times.micro(at), state, lane),
            at.timestamp() + (fault["seconds"] if fault and kind == "webhook_late" else 0),
            2 if kind == "webhook_double" else 1,
            "INTERNAL_ERROR" if state == "dropped" else None,
        )
        if fault and kind == "webhook_reorder":
            self._release(lane, when_held=int(fault["n"]))
        self._wake.set()

    def release_held(self, order: str = "") -> int:
        """Let go of everything that is held: `kept`, `reversed` or `shuffled`; how many.

        Without an order, what waits to be reordered goes last one first, the rest as it came.
        """
        count = 0
        with self._store.transaction():
            for row in self._store.rows(
                f"SELECT DISTINCT lane FROM {self.table} WHERE state = 'held'"
            ):
                usual = "kept" if row["lane"] == HELD else "reversed"
                count += self._release(row["lane"], when_held=1, order=order or usual)
        self._wake.set()
        return count

    def resend(self, event_id: str) -> bool:
        """Send an event once more, under its own id, whatever became of it; False if unknown."""
        known = self._store.run(
            f"UPDATE {self.table} SET state = 'due', next_at = ?, copies = 1 WHERE id = ?",
            *(time.time(), event_id),
        )
        self._wake.set()
        return known > 0

    def _release(self, lane: str, *, when_held: int, order: str = "reversed") -> int:
        held = self._store.rows(
            f"SELECT seq FROM {self.table} WHERE state = 'held' AND lane = ? ORDER BY seq", lane
        )
        if len(held) < when_held:
            return 0
        for position, row in enumerate(_ordered(held, order)):
            self._store.run(
                f"UPDATE {self.table} SET state = 'due', rank = ?, next_at = ? WHERE seq = ?",
                *(held[0]["seq"] + position / (len(held) + 1), time.time(), row["seq"]),
            )
        return len(held)

    # Sending

    def recover(self) -> None:
        """After a restart: what was on the way is due again, under the same id."""
        self._store.run(f"UPDATE {self.table} SET state = 'due' WHERE state = 'flying'")

    def send_due(self) -> float | None:
        """Start what is due, one at a time per lane; when to look again (epoch seconds)."""
        moment = time.time()
        with self._store.transaction():
            due = self._store.rows(
                f"SELECT seq, lane FROM {self.table} WHERE state = 'due' AND next_at <= ?"
                " ORDER BY rank LIMIT 200",
                moment,
            )
            for row in due:
                if self._enter(row["lane"]):
                    self._start(row["seq"], row["lane"])
            # A busy lane rings the bell when it is free; only a time to come must be told.
            later = self._store.row(
                f"SELECT MIN(next_at) AS at FROM {self.table} WHERE state = 'due' AND next_at > ?",
                moment,
            )
        return later["at"] if later else None

    def _start(self, seq: int, lane: str) -> None:
        self._store.run(f"UPDATE {self.table} SET state = 'flying' WHERE seq = ?", seq)
        threading.Thread(target=self._fly, args=(seq, lane), daemon=True).start()

    def _enter(self, lane: str) -> bool:
        with self._lock:
            if lane in self._lanes_busy or len(self._lanes_busy) >= MOST_AT_ONCE:
                return False
            self._lanes_busy.add(lane)
            return True

    def _fly(self, seq: int, lane: str) -> None:
        one = f"SELECT * FROM {self.table} WHERE seq = ?"
        try:
            copies = 1
            while copies and (row := self._store.row(one, seq)):
                copies = row["copies"] - 1
                self._try_once(row)
        except StoreClosedError:
            pass  # stopped meanwhile; the row is sent after the restart
        finally:
            with self._lock:
                self._lanes_busy.discard(lane)
            self._wake.set()

    def _try_once(self, row: sqlite3.Row) -> None:
        told, parcel = self._config[self.vendor], self.parcel(row)
        sent = post(parcel, told["webhook_timeout"])
        attempts = json.loads(row["attempts"])
        attempts.append(
            {"at": sent["delivery_time"], "status": sent["http_status"], "error": sent["error"]}
        )
        state, next_at = _after(sent["http_status"], len(attempts), told["retry_delays"])
        self._store.run(
            f"UPDATE {self.table} SET state = ?, next_at = ?, copies = 1, url = ?, signature = ?,"
            " http_status = ?, error = ?, delivery_time = ?, response_body = ?,"
            " response_headers = ?, attempts = ? WHERE seq = ?",
            *(state, next_at, told["webhook_url"], parcel.signature),
            *(sent["http_status"], sent["error"]),
            *(sent["delivery_time"], sent["response_body"], sent["response_headers"]),
            *(json.dumps(attempts), row["seq"]),
        )

    # Looking back

    def history(self) -> list[dict[str, Any]]:
        """Every event, the newest first, with its attempts."""
        rows = self._store.rows(f"SELECT * FROM {self.table} ORDER BY seq DESC")
        return [dict(row) | {"attempts": json.loads(row["attempts"])} for row in rows]


def _ordered(held: list[sqlite3.Row], order: str) -> list[sqlite3.Row]:
    if order == "reversed":
        return held[::-1]
    return random.sample(held, len(held)) if order == "shuffled" else held


def _after(http_status: int | None, tries: int, delays: list[float]) -> tuple[str, float]:
    """What becomes of an event after a try: its state and when to try again."""
    if http_status is not None and 200 <= http_status < 300:
        return "delivered", 0.0
    if tries > len(delays):
        return "failed", 0.0
    return "due", time.time() + float(delays[tries - 1])


def post(parcel: Parcel, timeout: float) -> dict[str, Any]:
    """One POST without redirects; what came back, or why nothing did."""
    result: dict[str, Any] = {
        "http_status": None,
        "error": None,
        "response_body": None,
        "response_headers": None,
    }
    parts = urlsplit(parcel.url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=timeout)
        try:
            headers = {"Content-Type": "application/json", **parcel.headers}
            target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            connection.request("POST", target, parcel.body, headers)
            answer = connection.getresponse()
            result["http_status"] = answer.status
            result["response_body"] = answer.read(MOST_KEPT).decode(errors="replace")
            result["response_headers"] = json.dumps(dict(answer.getheaders()))
        finally:
            connection.close()
    except TimeoutError:
        result["error"] = "TIMEOUT_ERROR"
    except (OSError, http.client.HTTPException, ValueError):
        result["error"] = "CONNECT_ERROR"
    result["delivery_time"] = times.micro(times.now())
    return result
