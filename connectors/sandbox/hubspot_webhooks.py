"""HubSpot's webhooks: small events, gathered into batches of at most a hundred, and signed."""

import base64
import hashlib
import hmac
import json
import random
import secrets
import sqlite3
import time
from datetime import datetime
from typing import Any
from zlib import crc32

from connectors.sandbox import ids, times
from connectors.sandbox.sender import HELD, News, Parcel, Sender

MOST_PER_BATCH = 100
NEVER = {"hs_lastmodifieddate", "lastmodifieddate", "hs_object_id"}  # cannot be subscribed
# The escapes that are decoded before an address is signed; no others are.
DECODED = ("3A", "2F", "3F", "40", "21", "24", "27", "28", "29", "2A", "2C", "3B")


def signature(version: str, secret: str, url: str, body: str, stamp: str) -> str:
    if version == "v1":
        return hashlib.sha256(f"{secret}{body}".encode()).hexdigest()
    if version == "v2":
        return hashlib.sha256(f"{secret}POST{url}{body}".encode()).hexdigest()
    text = f"POST{decoded(url)}{body}{stamp}"
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def decoded(url: str) -> str:
    for code in DECODED:
        for written in (f"%{code}", f"%{code.lower()}"):
            url = url.replace(written, chr(int(code, 16)))
    return url


class HubSpotWebhooks(Sender):
    vendor = "hubspot"
    table = "hubspot_posts"

    # What there is to tell

    def created(self, kind: str, body: dict[str, str], *, by: str, at: datetime) -> None:
        """A creation and a change for every property, all of one moment, in either order."""
        number = body["hs_object_id"]
        changes = [_change(name, value) for name, value in body.items() if value]
        creation = {"type": "creation", "changeFlag": "CREATED"}
        first = self._config["hubspot"]["changes_first"]
        events = [*changes, creation] if first else [creation, *changes]
        self._announce(kind, number, events, by=by, at=at)

    def changed(
        self, kind: str, number: str, values: dict[str, str], *, by: str, at: datetime
    ) -> None:
        events = [_change(name, value) for name, value in values.items()]
        self._announce(kind, number, events, by=by, at=at)

    def deleted(self, kind: str, number: str, *, by: str, at: datetime) -> None:
        event = {"type": "deletion", "changeFlag": "DELETED"}
        self._announce(kind, number, [event], by=by, at=at)

    def merged(self, kind: str, number: str, gone: str, *, by: str, at: datetime) -> None:
        event = {
            "type": "merge",
            "primaryObjectId": int(number),
            "mergedObjectIds": [int(gone)],
            "newObjectId": int(number),
            "numberOfPropertiesMoved": 0,
        }
        self._announce(kind, number, [event], by=by, at=at)

    def _announce(
        self, kind: str, number: str, events: list[dict[str, Any]], *, by: str, at: datetime
    ) -> None:
        told = self._config["hubspot"]
        if not told["webhook_url"]:
            return
        for event in events:
            name = f"{kind[:-1]}.{event.pop('type')}"
            if name in told["subscriptions"] and event.get("propertyName") not in NEVER:
                self._wait(self._event(name, number, event, by=by, at=at), at)
        self._wake.set()

    def _event(
        self, name: str, number: str, event: dict[str, Any], *, by: str, at: datetime
    ) -> dict[str, Any]:
        told = self._config["hubspot"]
        is_app = by == "api"
        subscription = f"{name}{event.get('propertyName', '')}".encode()
        return {
            "eventId": secrets.randbelow(2**32),
            "subscriptionId": 1_000_000 + crc32(subscription) % 1_000_000,
            "portalId": told["portal_id"],
            "appId": told["app_id"],
            "occurredAt": int(at.timestamp() * 1000),
            "subscriptionType": name,
            "attemptNumber": 0,
            "objectId": int(number),
            **event,
            "changeSource": ids.source_of(by),
            "sourceId": str(told["app_id"]) if is_app else f"userId:{ids.author_of(by)}",
        }

    # Waiting for a batch

    def _wait(self, event: dict[str, Any], at: datetime) -> None:
        name, number = event["subscriptionType"], str(event["objectId"])
        value = str(event.get("propertyValue", ""))
        fault = self._faults.take_for_webhook(
            self.vendor, event=name, status=value, document=number
        )
        kind = fault["kind"] if fault else ""
        due = at.timestamp() + self._config["hubspot"]["batch_window"]
        state = "waiting"
        if fault and kind == "webhook_late":
            due += fault["seconds"]
        if kind == "webhook_drop":
            state = "dropped"
        if fault and kind in ("webhook_hold", "webhook_reorder"):
            state = HELD if kind == "webhook_hold" else f"reorder-{fault['seq']}"
        for _ in range(2 if kind == "webhook_double" else 1):
            self._store.run(
                "INSERT INTO hubspot_events (body, state, due, rank) VALUES (?, ?, ?,"
                " (SELECT COALESCE(MAX(seq), 0) + 1 FROM hubspot_events))",
                *(json.dumps(event), state, due),
            )
        if fault and kind == "webhook_reorder":
            self._let_go(state, when_held=int(fault["n"]), order="reversed")

    def release_held(self, order: str = "") -> int:
        count = 0
        with self._store.transaction():
            held = "state NOT IN ('waiting', 'dropped', 'sent')"
            for row in self._store.rows(f"SELECT DISTINCT state FROM hubspot_events WHERE {held}"):
                usual = "kept" if row["state"] == HELD else "reversed"
                count += self._let_go(row["state"], when_held=1, order=order or usual)
        self._wake.set()
        return count

    def _let_go(self, state: str, *, when_held: int, order: str) -> int:
        held = self._store.rows(
            "SELECT seq FROM hubspot_events WHERE state = ? ORDER BY seq", state
        )
        if len(held) < when_held:
            return 0
        numbers = [row["seq"] for row in held]
        first = numbers[0]
        if order == "reversed":
            numbers.reverse()
        if order == "shuffled":
            random.shuffle(numbers)
        for position, number in enumerate(numbers):
            self._store.run(
                "UPDATE hubspot_events SET state = 'waiting', rank = ?, due = ? WHERE seq = ?",
                *(first + position / (len(numbers) + 1), time.time(), number),
            )
        return len(numbers)

    def gather(self) -> float | None:
        """Once the first event has waited long enough, all go in batches; when the next will."""
        moment = time.time()
        with self._store.transaction():
            first = self._next_due()
            if first is not None and first <= moment:
                self._gather_until(moment + self._config["hubspot"]["batch_window"])
            return self._next_due()

    def _gather_until(self, moment: float) -> None:
        while due := self._store.rows(
            "SELECT seq, body FROM hubspot_events WHERE state = 'waiting' AND due <= ?"
            " ORDER BY rank LIMIT ?",
            *(moment, MOST_PER_BATCH),
        ):
            self._batch(due)

    def _next_due(self) -> float | None:
        row = self._store.row("SELECT MIN(due) AS at FROM hubspot_events WHERE state = 'waiting'")
        return row["at"] if row else None

    def _batch(self, due: list[sqlite3.Row]) -> None:
        events = ",".join(row["body"] for row in due)
        news = News(ids.event_id(), "batch", "batch", "", f"[{events}]")
        self.put(news, at=times.now())
        for row in due:
            self._store.run("UPDATE hubspot_events SET state = 'sent' WHERE seq = ?", row["seq"])

    # On its way

    def parcel(self, row: sqlite3.Row) -> Parcel:
        told, stamp = self._config["hubspot"], str(int(time.time() * 1000))
        events = json.loads(row["body"])
        for event in events:
            event["attemptNumber"] = len(json.loads(row["attempts"]))
        body = json.dumps(events, separators=(",", ":"), ensure_ascii=False)
        version, url = told["signature_version"], told["signed_url"] or told["webhook_url"]
        proof = signature(version, told["client_secret"], url, body, stamp)
        if version == "v3":
            headers = {"X-HubSpot-Signature-v3": proof, "X-HubSpot-Request-Timestamp": stamp}
        else:
            headers = {"X-HubSpot-Signature": proof, "X-HubSpot-Signature-Version": version}
        return Parcel(told["webhook_url"], body.encode(), headers, proof)


def _change(name: str, value: str) -> dict[str, Any]:
    return {"type": "propertyChange", "propertyName": name, "propertyValue": value}
