"""PandaDoc's webhooks: signed, sent in order per document, tried again, kept as history.

An event is a row from the moment of the change, written in the same transaction, so that neither a
crash nor a restart of the stand-in loses one. (HubSpot's webhooks would be a second sender
beside this one, with its own signature.)
"""

import hashlib
import hmac
import http.client
import json
import sqlite3
import threading
import time
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from connectors.sandbox import ids, times
from connectors.sandbox.config import Config
from connectors.sandbox.faults import FaultBook
from connectors.sandbox.store import Store, StoreClosedError

EVENT_ID_HEADER = "X-PandaDoc-Webhook-Event-Id"
SUBSCRIPTION = "Meshline"
ONE = "SELECT * FROM deliveries WHERE seq = ?"
MOST_AT_ONCE = 8  # deliveries on the way at the same time
MOST_KEPT = 10_000  # bytes of a receiver's answer


def sign(shared_key: str, body: bytes) -> str:
    """Hex HMAC-SHA256 over the raw body, as the vendor puts it into ?signature=."""
    return hmac.new(shared_key.encode(), body, hashlib.sha256).hexdigest()


def signed_url(url: str, signature: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}signature={signature}"


class Webhooks:
    def __init__(
        self, store: Store, config: Config, faults: FaultBook, wake: threading.Event
    ) -> None:
        self._store = store
        self._config = config
        self._faults = faults
        self._wake = wake
        self._lock = threading.Lock()
        self._lanes_busy: set[str] = set()

    # Writing down what is to be sent

    def announce(self, event: str, data: dict[str, Any], *, at: datetime) -> None:
        """Queue one event, inside the caller's transaction."""
        told = self._config["pandadoc"]
        if not told["webhook_url"] or event not in told["events"]:
            return
        status = data.get("status", "")
        fault = self._faults.take_for_webhook(
            "pandadoc", event=event, status=status, document=data["id"]
        )
        kind = fault["kind"] if fault else ""
        state, lane = "due", data["id"]
        if kind == "webhook_drop":
            state = "dropped"
        if fault and kind == "webhook_reorder":
            state, lane = "held", f"reorder-{fault['seq']}"
        self._store.run(
            "INSERT INTO deliveries (id, document, name, event, status, body, event_time, state,"
            " lane, rank, next_at, copies, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?,"
            " (SELECT COALESCE(MAX(seq), 0) + 1 FROM deliveries), ?, ?, ?)",
            *(ids.event_id(), data["id"], SUBSCRIPTION, event, status, _body(event, data)),
            *(times.micro(at), state, lane),
            at.timestamp() + (fault["seconds"] if fault and kind == "webhook_late" else 0),
            2 if kind == "webhook_double" else 1,
            "INTERNAL_ERROR" if state == "dropped" else None,
        )
        if fault and state == "held":
            self._release(lane, when_held=int(fault["n"]))
        self._wake.set()

    def release_held(self) -> None:
        """Let go, last one first, of everything that waits to be reordered."""
        with self._store.transaction():
            for row in self._store.rows(
                "SELECT DISTINCT lane FROM deliveries WHERE state = 'held'"
            ):
                self._release(row["lane"], when_held=1)
        self._wake.set()

    def _release(self, lane: str, *, when_held: int) -> None:
        held = self._store.rows(
            "SELECT seq FROM deliveries WHERE state = 'held' AND lane = ? ORDER BY seq", lane
        )
        if len(held) < when_held:
            return
        for position, row in enumerate(reversed(held)):
            self._store.run(
                "UPDATE deliveries SET state = 'due', rank = ?, next_at = ? WHERE seq = ?",
                *(held[0]["seq"] + position / (len(held) + 1), time.time(), row["seq"]),
            )

    # Sending

    def recover(self) -> None:
        """After a restart: what was on the way is due again, under the same id."""
        self._store.run("UPDATE deliveries SET state = 'due' WHERE state = 'flying'")

    def send_due(self) -> float | None:
        """Start what is due, one at a time per lane; when to look again (epoch seconds)."""
        moment = time.time()
        with self._store.transaction():
            due = self._store.rows(
                "SELECT seq, lane FROM deliveries WHERE state = 'due' AND next_at <= ?"
                " ORDER BY rank LIMIT 200",
                moment,
            )
            for row in due:
                if self._enter(row["lane"]):
                    self._start(row["seq"], row["lane"])
            # A busy lane rings the bell when it is free; only a time to come must be told.
            later = self._store.row(
                "SELECT MIN(next_at) AS at FROM deliveries WHERE state = 'due' AND next_at > ?",
                moment,
            )
        return later["at"] if later else None

    def _start(self, seq: int, lane: str) -> None:
        self._store.run("UPDATE deliveries SET state = 'flying' WHERE seq = ?", seq)
        threading.Thread(target=self._fly, args=(seq, lane), daemon=True).start()

    def _enter(self, lane: str) -> bool:
        with self._lock:
            if lane in self._lanes_busy or len(self._lanes_busy) >= MOST_AT_ONCE:
                return False
            self._lanes_busy.add(lane)
            return True

    def _fly(self, seq: int, lane: str) -> None:
        try:
            copies = 1
            while copies and (row := self._store.row(ONE, seq)):
                copies = row["copies"] - 1
                self._try_once(row)
        except StoreClosedError:
            pass  # stopped meanwhile; the row is sent after the restart
        finally:
            with self._lock:
                self._lanes_busy.discard(lane)
            self._wake.set()

    def _try_once(self, row: sqlite3.Row) -> None:
        told = self._config["pandadoc"]
        body = row["body"].encode()
        signature = sign(told["shared_key"], body)
        sent = _post(
            signed_url(told["webhook_url"], signature), body, row["id"], told["webhook_timeout"]
        )
        attempts = json.loads(row["attempts"])
        attempts.append(
            {"at": sent["delivery_time"], "status": sent["http_status"], "error": sent["error"]}
        )
        state, next_at = _after(sent["http_status"], len(attempts), told["retry_delays"])
        self._store.run(
            "UPDATE deliveries SET state = ?, next_at = ?, copies = 1, url = ?, signature = ?,"
            " http_status = ?, error = ?, delivery_time = ?, response_body = ?,"
            " response_headers = ?, attempts = ? WHERE seq = ?",
            *(state, next_at, told["webhook_url"], signature, sent["http_status"], sent["error"]),
            *(sent["delivery_time"], sent["response_body"], sent["response_headers"]),
            *(json.dumps(attempts), row["seq"]),
        )

    # Looking back

    def history(self) -> list[dict[str, Any]]:
        """Every event, the newest first, with its attempts."""
        rows = self._store.rows("SELECT * FROM deliveries ORDER BY seq DESC")
        return [dict(row) | {"attempts": json.loads(row["attempts"])} for row in rows]


def _body(event: str, data: dict[str, Any]) -> str:
    return json.dumps([{"event": event, "data": data}], ensure_ascii=False, separators=(",", ":"))


def _after(http_status: int | None, tries: int, delays: list[float]) -> tuple[str, float]:
    """What becomes of an event after a try: its state and when to try again."""
    if http_status is not None and 200 <= http_status < 300:
        return "delivered", 0.0
    if tries > len(delays):
        return "failed", 0.0
    return "due", time.time() + float(delays[tries - 1])


def _post(url: str, body: bytes, event_id: str, timeout: float) -> dict[str, Any]:
    """One POST without redirects; what came back, or why nothing did."""
    result: dict[str, Any] = {
        "http_status": None,
        "error": None,
        "response_body": None,
        "response_headers": None,
    }
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=timeout)
        try:
            headers = {"Content-Type": "application/json", EVENT_ID_HEADER: event_id}
            connection.request("POST", f"{parts.path or '/'}?{parts.query}", body, headers)
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
