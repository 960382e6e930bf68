"""The documents of the PandaDoc stand-in: their states as a table, and the verbs that move them."""

from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.sandbox import ids, times
from connectors.sandbox.config import Config
from connectors.sandbox.exchange import FieldError, MoveError
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.records import Record, Records
from connectors.sandbox.store import Store
from connectors.sandbox.webhooks import Webhooks

KIND = "documents"
# What a webhook tells of a document, beside its recipients.
TOLD = [
    *("id", "name", "status", "date_created", "date_modified", "expiration_date", "version"),
    *("created_by", "sent_by", "grand_total", "metadata"),
]
VALID_DAYS = 60  # from sending to expiring
# The number a list filters by and a status change asks for → the status.
NUMBERS = {
    0: "document.draft",
    1: "document.sent",
    2: "document.completed",
    3: "document.uploaded",
    4: "document.error",
    5: "document.viewed",
    6: "document.waiting_approval",
    7: "document.approved",
    8: "document.rejected",
    9: "document.waiting_pay",
    10: "document.paid",
    11: "document.voided",
    12: "document.declined",
    13: "document.external_review",
    14: "document.scheduled",
}
# What a person can do → the states it can be done in, and the one it leads to. A state may be
# skipped, as with the real ones: a recipient can sign what nobody saw them open.
ACTIONS: dict[str, tuple[set[str], str]] = {
    "send": ({"draft"}, "sent"),
    "view": ({"sent"}, "viewed"),
    "sign": ({"sent", "viewed"}, "completed"),
    "pay": ({"completed", "waiting_pay"}, "paid"),
    "decline": ({"sent", "viewed"}, "declined"),
    "void": ({"draft", "sent", "viewed", "waiting_pay"}, "voided"),
    "draft": ({"sent", "viewed", "declined", "voided"}, "draft"),
}
DONE = {
    "send": "sent",
    "view": "viewed",
    "sign": "signed",
    "pay": "paid",
    "decline": "declined",
    "void": "voided",
    "draft": "set back to draft",
}
# The statuses an API client may set, and what that amounts to.
SETTABLE = {2: "sign", 10: "pay", 11: "void", 12: "decline"}


def allowed(status: str) -> list[str]:
    """What can be done next with a document in this status."""
    state = status.removeprefix("document.")
    return [action for action, (starts, _) in ACTIONS.items() if state in starts]


def money(amount: Any, currency: Any) -> dict[str, str]:
    """Decimal text, kept as it was written ("199" stays "199"), and a currency of three letters."""
    text = str(amount)
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if isinstance(amount, bool) or not value.is_finite() or value < 0 or "e" in text.lower():
        raise FieldError("amount", "The amount is not a decimal number from 0.")
    if not (isinstance(currency, str) and len(currency) == 3 and currency.isalpha()):
        raise FieldError("currency", "The currency is not a code of three letters.")
    return {"amount": text, "currency": currency.upper()}


def person(given: Any, name: str) -> dict[str, str]:
    """A member or recipient; the e-mail is needed, names are not."""
    if not isinstance(given, dict) or "@" not in str(given.get("email", "")):
        raise FieldError(name, f"The {name} needs an email.")
    return {
        "id": ids.member_id(given["email"]),
        "email": given["email"],
        "first_name": str(given.get("first_name") or ""),
        "last_name": str(given.get("last_name") or ""),
    }


def recipients(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list):
        raise FieldError("recipients", "The recipients are not a list.")
    return [
        person(one, "recipient") | {"recipient_type": "signer", "has_completed": False}
        for one in given
    ]


class Documents:
    def __init__(self, store: Store, config: Config, ledger: Ledger, webhooks: Webhooks) -> None:
        self._store = store
        self._config = config
        self._ledger = ledger
        self._webhooks = webhooks
        self.records = Records(store, "pandadoc")

    def create(
        self,
        *,
        name: str,
        total: dict[str, str],
        to: list[dict[str, Any]],
        owner: dict[str, str],
        metadata: dict[str, Any],
        at: datetime,
        by: str,
        at_once: bool,
    ) -> Record:
        """A new document: a draft at once, or uploaded and a draft after the configured delay."""
        stamp = times.micro(at)
        number = ids.document_id()
        body = {
            "id": number,
            "name": name,
            "status": "document.draft" if at_once else "document.uploaded",
            "date_created": stamp,
            "date_modified": stamp,
            "date_status_changed": stamp,
            "date_sent": None,
            "date_completed": None,
            "expiration_date": None,
            "version": "1",
            "created_by": owner,
            "sent_by": None,
            "recipients": to,
            "grand_total": total,
            "metadata": metadata,
        }
        with self._store.transaction():
            record = self.records.add(KIND, number, body, at=at)
            self._note("created", record, by)
            if at_once:
                self._tell("document_state_changed", record, at=at)
            else:
                due = at.timestamp() + self._config["pandadoc"]["draft_delay"]
                self._store.run("INSERT INTO drafts_due VALUES (?, ?)", number, due)
        return record

    def finish_drafts(self) -> float | None:
        """Uploaded documents whose time has come become drafts; when the next one will."""
        moment = times.now()
        with self._store.transaction():
            for row in self._store.rows(
                "SELECT id FROM drafts_due WHERE at <= ?", moment.timestamp()
            ):
                self._store.run("DELETE FROM drafts_due WHERE id = ?", row["id"])
                record = self.records.get(KIND, row["id"])
                if record is not None:
                    self._enter(record, "draft", by="vendor", at=moment)
            later = self._store.row("SELECT MIN(at) AS at FROM drafts_due")
        return later["at"] if later else None

    def move(self, number: str, action: str, *, by: str, at: datetime) -> Record:
        """Do what the action says; MoveError when the document's state forbids it."""
        with self._store.transaction():
            record = self.records.get(KIND, number)
            if record is None:
                raise KeyError(number)
            starts, end = ACTIONS[action]
            state = record.body["status"].removeprefix("document.")
            if state not in starts:
                raise MoveError(f"A document that is {state} cannot be {DONE[action]}.")
            self._prepare(record, action, at)
            self._enter(record, end, by=by, at=at)
        return record

    def describe(
        self, record: Record, *, name: str | None, metadata: dict[str, Any], at: datetime
    ) -> None:
        """New metadata in any state, a new name only in draft."""
        if name is not None and record.body["status"] != "document.draft":
            raise MoveError("Only a document in draft can be renamed.")
        with self._store.transaction():
            record.body["name"] = record.body["name"] if name is None else name
            record.body["metadata"] |= metadata
            self._save(record, at)
            self._note("updated", record, "api")

    def _prepare(self, record: Record, action: str, at: datetime) -> None:
        """The fields a move fills in, and the second event some of them cause."""
        body, stamp = record.body, times.micro(at)
        if action == "send":
            body |= {"sent_by": body["created_by"], "date_sent": stamp}
            body["expiration_date"] = times.micro(at + timedelta(days=VALID_DAYS))
        if action == "draft":
            body |= {"sent_by": None, "date_sent": None, "expiration_date": None}
            body["version"] = str(int(body["version"]) + 1)
            self._tell("document_updated", record, at=at)
        if action == "sign":
            body["date_completed"] = stamp
            for one in body["recipients"]:
                one["has_completed"] = True
            self._tell("recipient_completed", record, at=at)

    def _enter(self, record: Record, state: str, *, by: str, at: datetime) -> None:
        record.body["status"] = f"document.{state}"
        record.body["date_status_changed"] = times.micro(at)
        self._save(record, at)
        self._note("updated", record, by)
        self._tell("document_state_changed", record, at=at)

    def _save(self, record: Record, at: datetime) -> None:
        record.body["date_modified"] = times.micro(at)
        self.records.save(record, at=at)

    def _tell(self, event: str, record: Record, *, at: datetime) -> None:
        data = event_data(record.body) | {"date_modified": times.micro(at)}
        if event == "recipient_completed" and record.body["recipients"]:
            data |= {"action_by": data["recipients"][0], "action_date": times.micro(at)}
        self._webhooks.announce(event, data, at=at)

    def _note(self, action: str, record: Record, by: str) -> None:
        self._ledger.note_effect("pandadoc", action, KIND, record.id, key_of(record), by)


def key_of(record: Record) -> str | None:
    """The linking field of a document, as `metadata.name=value`."""
    for name, value in record.body["metadata"].items():
        if name.startswith("meshline"):
            return f"metadata.{name}={value}"
    return None


def event_data(body: dict[str, Any]) -> dict[str, Any]:
    """What a webhook says of a document."""
    return {name: body[name] for name in TOLD} | {
        "autonumbering_sequence_name": None,
        "recipients": [
            {
                name: one[name]
                for name in ("id", "email", "first_name", "last_name", "recipient_type")
            }
            for one in body["recipients"]
        ],
        "tokens": [],
        "products": [],
        "linked_objects": [],
        "shared_link": "",
    }
