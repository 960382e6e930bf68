"""What every object of the Stripe stand-in shares: an id, a life in the store, events, books."""

import json
from collections.abc import Callable, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.sandbox import ids
from connectors.sandbox.config import Config
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.records import Record, Records
from connectors.sandbox.store import Store
from connectors.sandbox.stripe_forms import refusal
from connectors.sandbox.stripe_webhooks import StripeWebhooks

# Kind → (what it calls itself, the beginning of its ids, how long the rest is).
KINDS = {
    "customers": ("customer", "cus", 14),
    "invoices": ("invoice", "in", 24),
    "invoiceitems": ("invoiceitem", "ii", 24),
    "quotes": ("quote", "qt", 24),
    "charges": ("charge", "ch", 24),
    "disputes": ("dispute", "du", 24),
    "credit_notes": ("credit_note", "cn", 24),
    "invoice_payments": ("invoice_payment", "inpay", 24),
    "events": ("event", "evt", 24),
}
CHANGING = {"lines", "line_items", "payments", "object", "id"}  # not told as previous attributes


@dataclass(frozen=True)
class Who:
    """On whose behalf something happens: a client's call, or a person at the screen."""

    by: str = "person"  # api, person or vendor, as the ledger has it
    request_id: str | None = None
    key: str | None = None


class Books:
    def __init__(
        self,
        store: Store,
        config: Config,
        ledger: Ledger,
        webhooks: StripeWebhooks,
        home: Callable[[], str],
    ) -> None:
        self._store = store
        self._config = config
        self._ledger = ledger
        self._webhooks = webhooks
        self.home = home
        self.records = Records(store, "stripe", lambda: config["stripe"]["search_lag"])

    def all_or_nothing(self) -> AbstractContextManager[None]:
        return self._store.transaction()

    def get(self, kind: str, number: str, param: str = "id") -> Record:
        record = self.records.get(kind, number)
        if record is None or record.archived:
            name = KINDS[kind][0].replace("_", " ")
            message = f"No such {name}: '{number[:80]}'"
            raise refusal(404, message, code="resource_missing", param=param)
        return record

    def referred(self, kind: str, number: str, param: str) -> Record:
        """An object named by a parameter: when there is none, the call is bad."""
        record = self.records.get(kind, number)
        if record is None or record.archived:
            name = KINDS[kind][0].replace("_", " ")
            message = f"No such {name}: '{number[:80]}'"
            raise refusal(400, message, code="resource_missing", param=param)
        return record

    def add(self, kind: str, body: dict[str, Any], *, who: Who, at: datetime) -> Record:
        """A new object, in the books; who adds it tells of it."""
        noun, prefix, length = KINDS[kind]
        head = {"id": ids.stripe_id(prefix, length), "object": noun}
        common = {"created": int(at.timestamp()), "livemode": self.livemode}
        record = self.records.add(kind, head["id"], {**head, **common, **body}, at=at)
        self.note("created", record, who)
        return record

    def save(self, record: Record, *, at: datetime) -> None:
        self.records.save(record, at=at)

    def note(self, action: str, record: Record, who: Who) -> None:
        keys = keys_of(record, who)
        self._ledger.note_effect("stripe", action, record.kind, record.id, keys, who.by)

    def tell(
        self,
        name: str,
        record: Record,
        *,
        who: Who,
        at: datetime,
        before: dict[str, Any] | None = None,
    ) -> None:
        """An event of this object as it is now; `before` is how it was."""
        data: dict[str, Any] = {"object": view(record)}
        if before is not None:
            data["previous_attributes"] = changed(before, record.body)
        number = ids.stripe_id("evt")
        event = {
            "id": number,
            "object": "event",
            "api_version": self._config["stripe"]["api_version"],
            "created": int(at.timestamp()),
            "data": data,
            "livemode": self.livemode,
            "pending_webhooks": 1,
            "request": {"id": who.request_id, "idempotency_key": who.key},
            "type": name,
        }
        self.records.add("events", number, event, at=at)
        self._webhooks.announce(event, record=record.id, at=at)

    @property
    def livemode(self) -> bool:
        return "_live_" in self._config["stripe"]["api_key"]


def view(record: Record, expanded: Set[str] = frozenset()) -> dict[str, Any]:
    """An object as it is told; what must be asked for is left out."""
    hidden = {"payments", "line_items"} - expanded
    return {name: value for name, value in record.body.items() if name not in hidden}


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The former values of what is different now."""
    return {
        name: before.get(name)
        for name, value in after.items()
        if name not in CHANGING and before.get(name) != value
    }


def copied(body: dict[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(body))
    return copy


def keys_of(record: Record, who: Who) -> str | None:
    """By what a test may count it: our metadata, and the idempotency key; one a line."""
    metadata = record.body.get("metadata") or {}
    keys = [f"metadata.{n}={v}" for n, v in metadata.items() if n.startswith("meshline")]
    if who.key:
        keys.append(f"idempotency={who.key}")
    return "\n".join(keys) or None
