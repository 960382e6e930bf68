"""The objects of the HubSpot stand-in: what they are, and the verbs that change them."""

import json
import re
import uuid
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.sandbox import ids, times
from connectors.sandbox.config import Config
from connectors.sandbox.exchange import RefusalError, json_answer
from connectors.sandbox.hubspot_webhooks import HubSpotWebhooks
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.records import Record, Records
from connectors.sandbox.store import Store

KINDS = {
    "deals": "deals",
    "tasks": "tasks",
    "contacts": "contacts",
    "notes": "notes",
    "calls": "calls",
    "emails": "emails",
    "meetings": "meetings",
    "0-3": "deals",
    "0-27": "tasks",
    "0-1": "contacts",
    "0-46": "notes",
    "0-48": "calls",
    "0-49": "emails",
    "0-47": "meetings",
    "deal": "deals",
    "task": "tasks",
    "contact": "contacts",
    "note": "notes",
    "call": "calls",
    "email": "emails",
    "meeting": "meetings",
}
# What people and programs do with a customer; each says where it came from.
ENGAGEMENTS = ("notes", "calls", "emails", "meetings")
# Kind → (property of its creation, property of its last change).
STAMPS = {
    "deals": ("createdate", "hs_lastmodifieddate"),
    "contacts": ("createdate", "lastmodifieddate"),
    "tasks": ("hs_createdate", "hs_lastmodifieddate"),
    **dict.fromkeys(ENGAGEMENTS, ("hs_createdate", "hs_lastmodifieddate")),
}
# Shown when nobody asks for particular properties.
SHOWN = {
    "deals": ["amount", "closedate", "dealname", "dealstage", "pipeline"],
    "contacts": ["email", "firstname", "lastname"],
    "tasks": [],
    **{kind: [] for kind in ENGAGEMENTS},
}
UNIQUE = {
    "deals": ["meshline_proposal_id"],
    "tasks": ["meshline_key"],
    "notes": ["meshline_key"],
    "contacts": ["email"],
    **{kind: [] for kind in ENGAGEMENTS if kind != "notes"},
}
DATES = {"closedate", "hs_timestamp"} | {name for pair in STAMPS.values() for name in pair}
NUMBERS = {"amount"}
SOURCE, AUTHOR = "hs_object_source", "hs_created_by_user_id"
READ_ONLY = {"hs_object_id", SOURCE, AUTHOR} | {name for pair in STAMPS.values() for name in pair}
# Type id → (from, to), as HubSpot defines them.
LINK_TYPES = {
    3: ("deals", "contacts"),
    4: ("contacts", "deals"),
    201: ("contacts", "notes"),
    202: ("notes", "contacts"),
    203: ("contacts", "tasks"),
    204: ("tasks", "contacts"),
    205: ("deals", "calls"),
    206: ("calls", "deals"),
    209: ("deals", "emails"),
    210: ("emails", "deals"),
    211: ("deals", "meetings"),
    212: ("meetings", "deals"),
    213: ("deals", "notes"),
    214: ("notes", "deals"),
    215: ("deals", "tasks"),
    216: ("tasks", "deals"),
}
NAME = re.compile(r"^[a-z][a-z0-9_]{0,99}$")


def error(status: int, message: str, category: str, **more: Any) -> RefusalError:
    body = {"status": "error", "message": message, "correlationId": str(uuid.uuid4())}
    return RefusalError(json_answer(status, body | {"category": category} | more))


def invalid(name: str, message: str, code: str) -> RefusalError:
    """HubSpot's answer to a property value it does not like."""
    detail = f'[{{"isValid":false,"message":"{message}","error":"{code}","name":"{name}"}}]'
    return error(
        400,
        f"Property values were not valid: {detail}",
        "VALIDATION_ERROR",
        errors=[{"message": message, "code": code, "context": {"propertyName": [name]}}],
    )


def not_found() -> RefusalError:
    return error(404, "resource not found", "OBJECT_NOT_FOUND")


def key_of(kind: str, properties: dict[str, str]) -> str | None:
    """The value that makes an object one of a kind, as `property=value`."""
    for name in UNIQUE[kind]:
        if properties.get(name):
            return f"{name}={properties[name]}"
    return None


def link_type(from_kind: str, to_kind: str) -> int | None:
    return next(
        (number for number, pair in LINK_TYPES.items() if pair == (from_kind, to_kind)), None
    )


class Objects:
    def __init__(
        self, store: Store, config: Config, ledger: Ledger, webhooks: HubSpotWebhooks
    ) -> None:
        self._store = store
        self._webhooks = webhooks
        self._config = config
        self._ledger = ledger
        self.records = Records(store, "hubspot", lambda: config["hubspot"]["search_lag"])
        row = store.row(
            "SELECT MAX(CAST(id AS INTEGER)) AS top FROM objects WHERE vendor = 'hubspot'"
        )
        self._ids = ids.ObjectIds((row and row["top"]) or 0)

    def find(self, kind: str, value: str, id_property: str = "") -> Record | None:
        """A record by its id or by a unique property, archived ones included."""
        if id_property and id_property != "hs_object_id":
            self.check_unique(kind, id_property)
            held_by = self.records.holder(kind, id_property, _plain(id_property, value))
            return self.records.get(kind, held_by) if held_by else None
        return self.records.get(kind, self._survivor(kind, value))

    def live(self, kind: str, value: str, id_property: str = "") -> Record:
        record = self.find(kind, value, id_property)
        if record is None or record.archived:
            raise not_found()
        return record

    def check_unique(self, kind: str, name: str) -> None:
        if name not in UNIQUE[kind]:
            raise error(
                400,
                f"Unable to perform update/upsert by non-unique {kind} property {name}",
                "VALIDATION_ERROR",
            )

    def create(
        self,
        kind: str,
        given: dict[str, Any],
        links: list[Any],
        *,
        at: datetime,
        by: str = "api",
    ) -> Record:
        """`by` is the API, a workflow, or the e-mail of a person at the screen."""
        with self._store.transaction():
            values = self._checked(given)
            if kind in ("tasks", *ENGAGEMENTS) and not values.get("hs_timestamp"):
                raise invalid("hs_timestamp", "hs_timestamp is required", "REQUIRED_FIELD")
            self._check_free(kind, values, but_for=None)
            number = self._ids.next()
            created, modified = STAMPS[kind]
            stamp = times.milli(at)
            body = values | {"hs_object_id": number, created: stamp, modified: stamp}
            if kind in ENGAGEMENTS:
                body |= {SOURCE: ids.source_of(by), AUTHOR: ids.author_of(by)}
            record = self.records.add(kind, number, body, at=at)
            self.records.hold_values(record, _unique_values(kind, body))
            self._note("created", record, by)
            self._remember(record, values, by=by, at=at)
            self._webhooks.created(kind, body, by=by, at=at)
            for link in links:
                self._link_as_told(record, link)
        return record

    def change(
        self, record: Record, given: dict[str, Any], *, at: datetime, by: str = "api"
    ) -> bool:
        """Take over the values; False, and no new date, when they all were so already."""
        with self._store.transaction():
            values = self._checked(given)
            self._check_free(record.kind, values, but_for=record.id)
            fresh = {n: v for n, v in values.items() if record.body.get(n, "") != v}
            if not fresh:
                return False
            record.body |= fresh | {STAMPS[record.kind][1]: times.milli(at)}
            self.records.save(record, at=at)
            self.records.hold_values(record, _unique_values(record.kind, record.body))
            self._note("updated", record, by)
            self._remember(record, fresh, by=by, at=at)
            self._webhooks.changed(record.kind, record.id, fresh, by=by, at=at)
        return True

    def upsert(
        self, kind: str, name: str, value: str, given: dict[str, Any], *, at: datetime
    ) -> tuple[Record, bool]:
        """The one record with this unique value, created if need be; and whether it was."""
        with self._store.transaction():
            if not isinstance(given, dict):
                raise error(400, "Invalid input JSON: properties", "VALIDATION_ERROR")
            found = self.find(kind, value, name)
            if found is None:
                return self.create(kind, {**given, name: value}, [], at=at), True
            self.change(found, given, at=at)
            return found, False

    def archive(self, kind: str, number: str, *, at: datetime, by: str = "api") -> None:
        """Into the bin, and its unique values free again; a second time changes nothing."""
        with self._store.transaction():
            record = self.records.get(kind, number)
            if record is None or record.archived:
                return
            record.archived = True
            self.records.save(record, at=at)
            self.records.hold_values(record, {})
            self._note("archived", record, by)
            self._webhooks.deleted(kind, number, by=by, at=at)

    def merge(self, kind: str, number: str, other: str, *, at: datetime, by: str = "api") -> Record:
        """Two become one: the first stays, with what only the second had; its id leads there."""
        with self._store.transaction():
            record, gone = self.live(kind, number), self.live(kind, other)
            if record.id == gone.id:
                raise error(400, "An object cannot be merged with itself.", "VALIDATION_ERROR")
            gone.archived = True
            self.records.save(gone, at=at)
            self.records.hold_values(gone, {})
            self._store.run(
                "UPDATE hubspot_merged SET into_id = ? WHERE kind = ? AND into_id = ?",
                *(record.id, kind, gone.id),
            )
            self._store.run("INSERT INTO hubspot_merged VALUES (?, ?, ?)", kind, gone.id, record.id)
            own = {name for name, value in record.body.items() if value} | READ_ONLY
            missing = {name: value for name, value in gone.body.items() if name not in own}
            self._note("merged", record, by)
            self._webhooks.merged(kind, record.id, gone.id, by=by, at=at)
            self.change(record, missing, at=at, by=by)
        return record

    def history(self, record: Record, name: str) -> list[dict[str, Any]]:
        """Every value a property ever had, the newest first."""
        rows = self._store.rows(
            "SELECT body FROM hubspot_values WHERE kind = ? AND id = ? AND name = ?"
            " ORDER BY seq DESC",
            *(record.kind, record.id, name),
        )
        return [json.loads(row["body"]) for row in rows]

    def _remember(self, record: Record, values: dict[str, str], *, by: str, at: datetime) -> None:
        is_app = by == "api"
        source = str(self._config["hubspot"]["app_id"]) if is_app else f"userId:{ids.author_of(by)}"
        for name, value in values.items():
            body = {
                "value": value,
                "timestamp": times.milli(at),
                "sourceType": ids.source_of(by),
                "sourceId": source,
            }
            self._store.run(
                "INSERT INTO hubspot_values (kind, id, name, body) VALUES (?, ?, ?, ?)",
                *(record.kind, record.id, name, json.dumps(body)),
            )

    def _survivor(self, kind: str, number: str) -> str:
        """The id under which a merged object goes on."""
        row = self._store.row(
            "SELECT into_id FROM hubspot_merged WHERE kind = ? AND id = ?", kind, number
        )
        return row["into_id"] if row else number

    def link(self, one: Record, other: Record) -> None:
        with self._store.transaction():
            if self.records.link(one, other):
                self._note("associated", one, "api")

    def owners(self) -> list[dict[str, Any]]:
        return [
            {
                "id": ids.owner_id(owner["email"]),
                "email": owner["email"],
                "type": "PERSON",
                "firstName": owner.get("firstName", ""),
                "lastName": owner.get("lastName", ""),
                "userId": ids.user_id(owner["email"]),
                "archived": bool(owner.get("archived")),
            }
            for owner in self._config["hubspot"]["owners"]
        ]

    def _checked(self, given: Any) -> dict[str, str]:
        """Values as HubSpot keeps them: text, dates in one form, e-mails in lower case."""
        if not isinstance(given, dict):
            raise error(400, "Invalid input JSON: properties is not an object", "VALIDATION_ERROR")
        values = {}
        for name, value in given.items():
            if not NAME.match(name):
                raise invalid(name[:100], "Property does not exist", "PROPERTY_DOESNT_EXIST")
            if name in READ_ONLY:
                raise invalid(name, f"{name} is a read only property", "READ_ONLY_VALUE")
            values[name] = _plain(name, _text(value))
        self._check_owner(values.get("hubspot_owner_id", ""))
        return values

    def _check_owner(self, number: str) -> None:
        known = [owner["id"] for owner in self.owners()]
        if number and known and number not in known:
            message = f"Owner {number} does not exist"
            raise invalid("hubspot_owner_id", message, "INVALID_OWNER_ID")

    def _check_free(self, kind: str, values: dict[str, str], *, but_for: str | None) -> None:
        for name, value in _unique_values(kind, values).items():
            holder = self.records.holder(kind, name, value)
            if holder and holder != but_for:
                noun = kind.removesuffix("s").capitalize()
                raise error(409, f"{noun} already exists. Existing ID: {holder}", "CONFLICT")

    def _link_as_told(self, record: Record, link: Any) -> None:
        """One entry of the `associations` of a create."""
        try:
            number = str(link["to"]["id"])
            type_ids = [int(kind["associationTypeId"]) for kind in link["types"]]
        except (KeyError, TypeError, ValueError):
            raise error(400, "Invalid input JSON: associations", "VALIDATION_ERROR") from None
        for type_id in type_ids:
            from_kind, to_kind = LINK_TYPES.get(type_id, ("", ""))
            other = self.records.get(to_kind, number)
            if from_kind != record.kind or other is None or other.archived:
                message = f"No {record.kind} can be associated to {number} as type {type_id}"
                raise error(400, message, "VALIDATION_ERROR")
            self.link(record, other)

    def _note(self, action: str, record: Record, by: str) -> None:
        key = key_of(record.kind, record.body)
        made_by = by if by in ("api", ids.WORKFLOW) else "person"
        self._ledger.note_effect("hubspot", action, record.kind, record.id, key, made_by)


def _unique_values(kind: str, values: dict[str, str]) -> dict[str, str]:
    return {name: values[name] for name in UNIQUE[kind] if values.get(name)}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return str(value)
    raise error(400, "Invalid input JSON: a property value is not a text", "VALIDATION_ERROR")


def _plain(name: str, value: str) -> str:
    """The one form in which HubSpot keeps and shows a value."""
    if not value:
        return ""
    if name == "email":
        return value.strip().lower()
    if name in NUMBERS:
        try:
            # Infinity and NaN are numbers to Decimal, not to HubSpot.
            if not Decimal(value).is_finite():
                raise InvalidOperation
        except InvalidOperation:
            raise invalid(name, f"{value[:80]} was not a valid number.", "INVALID_DOUBLE") from None
    if name in DATES:
        try:
            return times.milli(times.read(value))
        except (ValueError, OverflowError):
            raise invalid(name, f"{value[:80]} was not a valid date.", "INVALID_DATE") from None
    return value
