"""The HTTP side of the PandaDoc stand-in: who may, how often, which document, in its words."""

import hmac
import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.sandbox import times
from connectors.sandbox.config import Config
from connectors.sandbox.exchange import (
    Answer,
    FieldError,
    MoveError,
    RefusalError,
    Request,
    UnreadableError,
    json_answer,
)
from connectors.sandbox.limits import Limits
from connectors.sandbox.pandadoc_documents import (
    KIND,
    NUMBERS,
    SETTABLE,
    Documents,
    money,
    person,
    recipients,
)
from connectors.sandbox.records import Record
from connectors.sandbox.webhooks import Webhooks

BASE = "/public/v1"
ID = r"/(?P<id>[0-9A-Za-z-]+)"
ROUTES = [
    ("GET", re.compile(BASE + "/documents"), "list"),
    ("POST", re.compile(BASE + "/documents"), "create"),
    ("GET", re.compile(BASE + "/documents" + ID), "status"),
    ("PATCH", re.compile(BASE + "/documents" + ID), "describe"),
    ("GET", re.compile(BASE + "/documents" + ID + "/details"), "details"),
    ("POST", re.compile(BASE + "/documents" + ID + "/send"), "send"),
    ("PATCH", re.compile(BASE + "/documents" + ID + "/status"), "set_status"),
    ("GET", re.compile(BASE + "/webhook-events"), "events"),
    ("GET", re.compile(BASE + "/webhook-events" + ID), "event"),
]
DEFAULT_COUNT, MOST_COUNT = 50, 100
SERVICE = {"email": "integration@example.com", "first_name": "Integration", "last_name": "Key"}
# order_by → the field; "-" in front turns it round.
ORDERS = {
    "date_status_changed": "date_status_changed",
    "date_modified": "date_modified",
    "date_created": "date_created",
    "date_completed": "date_completed",
    "date_sent": "date_sent",
    "date_expiration": "expiration_date",
    "name": "name",
    "status": "status",
}
LISTED = [
    *("id", "name", "status", "date_created", "date_modified", "date_completed"),
    *("expiration_date", "version"),
]
EVENT_DETAILS = ["url", "signature", "event_time", "response_body", "response_headers"]


def error(status: int, kind: str, detail: Any) -> RefusalError:
    return RefusalError(json_answer(status, {"type": kind, "detail": detail}))


def invalid(name: str, sentence: str) -> RefusalError:
    return error(400, "validation_error", {name: [sentence]})


class PandaDocApi:
    name = "pandadoc"

    def __init__(self, documents: Documents, webhooks: Webhooks, config: Config) -> None:
        self._documents = documents
        self._webhooks = webhooks
        self._config = config
        self.limits = Limits()

    def answer(self, request: Request) -> Answer:
        try:
            self._check_key(request)
            action, named = _route(request)
            self._check_limits(action)
            answer: Answer = getattr(self, f"_{action}")(request, **named)
            return answer
        except UnreadableError as problem:
            return error(400, "validation_error", str(problem)).answer
        except FieldError as problem:
            return invalid(problem.name, str(problem)).answer
        except MoveError as problem:
            return error(409, "state_error", str(problem)).answer
        except RefusalError as refusal:
            return refusal.answer

    def error_body(self, code: int, policy: str | None) -> dict[str, Any]:
        """What PandaDoc says with a status that a fault asks for."""
        kind, detail = {
            401: ("authentication_error", "Authentication credentials were not provided."),
            403: ("permissions_error", "You do not have permission to perform this action."),
            404: ("not_found", "Not found"),
            409: ("state_error", "The document is not in a state that allows this."),
            423: ("locked", "The document is locked."),
            429: ("throttled", "Request was throttled."),
        }.get(code, ("error", "Something went wrong."))
        return {"type": kind, "detail": detail}

    def key_of(self, request: Request) -> str | None:
        """What in a call says which thing it is about: linking metadata, or the document's id."""
        wanted = _metadata_filter(request)
        if request.method == "POST" and request.path.endswith("/documents"):
            try:
                wanted = request.json().get("metadata") or {}
            except UnreadableError:
                wanted = {}
        if wanted and isinstance(wanted, dict):
            return ",".join(f"metadata.{name}={value}" for name, value in wanted.items())[:500]
        found = re.match(BASE + "/[a-z-]+" + ID, request.path)
        return found["id"] if found else None

    # Who and how often

    def _check_key(self, request: Request) -> None:
        key = self._config["pandadoc"]["api_key"]
        given = request.headers.get("Authorization", "").encode()
        if not given:
            raise RefusalError(json_answer(401, self.error_body(401, None)))
        forms = (f"API-Key {key}".encode(), f"Bearer {key}".encode())
        if not key or not any(hmac.compare_digest(given, form) for form in forms):
            raise error(401, "authentication_error", "Invalid authentication credentials.")

    def _check_limits(self, action: str) -> None:
        most = self._config["pandadoc"]["rate_limit"]["per_minute"]
        if self.limits.take(action, most=most, seconds=60) is None:
            raise RefusalError(json_answer(429, self.error_body(429, None)))

    # Documents

    def _list(self, request: Request) -> Answer:
        found = self._documents.records.changed(
            KIND,
            since=_moment(request, "modified_from") or "",
            until=_moment(request, "modified_to") or "~",
        )
        fitting = [record.body for record in found if _fits(record, request)]
        order = request.first("order_by", "date_status_changed")
        name = ORDERS.get(order.removeprefix("-"))
        if name is None:
            raise invalid("order_by", f'"{order}" is not a valid choice.')
        fitting.sort(key=lambda body: body[name] or "", reverse=order.startswith("-"))
        page = [{name: body[name] for name in LISTED} for body in _page(request, fitting)]
        return json_answer(200, {"results": page})

    def _create(self, request: Request) -> Answer:
        asked = request.json()
        if not isinstance(asked.get("name"), str) or not asked["name"].strip():
            raise invalid("name", "This field is required.")
        record = self._documents.create(
            name=asked["name"],
            total=_total(asked.get("pricing_tables") or []),
            to=recipients(asked.get("recipients") or []),
            owner=person(asked.get("owner") or SERVICE, "owner"),
            metadata=_metadata(asked),
            at=times.now(),
            by="api",
            at_once=False,
        )
        told = _brief(record) | {
            "links": [{"rel": "status", "href": f"{BASE}/documents/{record.id}", "type": "GET"}],
            "info_message": "The document is being created; ask for its status until it is draft.",
        }
        return json_answer(201, told)

    def _status(self, request: Request, id: str) -> Answer:
        return json_answer(200, _brief(self._get(id)))

    def _details(self, request: Request, id: str) -> Answer:
        empty: dict[str, Any] = {"tokens": [], "fields": [], "tags": [], "linked_objects": []}
        return json_answer(200, self._get(id).body | empty)

    def _describe(self, request: Request, id: str) -> Answer:
        asked = request.json()
        if not isinstance(asked.get("name", ""), str):
            raise invalid("name", "This is not a text.")
        self._documents.describe(
            self._get(id), name=asked.get("name"), metadata=_metadata(asked), at=times.now()
        )
        return Answer(204)

    def _send(self, request: Request, id: str) -> Answer:
        request.json()
        self._get(id)
        record = self._documents.move(id, "send", by="api", at=times.now())
        return json_answer(200, _brief(record) | {"recipients": record.body["recipients"]})

    def _set_status(self, request: Request, id: str) -> Answer:
        number = request.json().get("status")
        if not isinstance(number, int) or number not in SETTABLE:
            raise invalid("status", "A status can be set to 2, 10, 11 or 12.")
        self._get(id)
        self._documents.move(id, SETTABLE[number], by="api", at=times.now())
        return Answer(204)

    def _get(self, number: str) -> Record:
        record = self._documents.records.get(KIND, number)
        if record is None:
            raise error(404, "not_found", "Not found")
        return record

    # The history of webhooks

    def _events(self, request: Request) -> Answer:
        since, until = _moment(request, "since") or "", _moment(request, "to") or "~"
        types, errors = request.all("type"), request.all("error")
        groups = request.all("http_status_code")  # "400" stands for 400 to 499
        found = [
            event
            for event in self._webhooks.history()
            if since <= event["event_time"] <= until
            and (not types or event["event"] in types)
            and (not errors or event["error"] in errors)
            and (not groups or str((event["http_status"] or 0) // 100 * 100) in groups)
        ]
        return json_answer(200, {"items": [_event(one) for one in _page(request, found)]})

    def _event(self, request: Request, id: str) -> Answer:
        for event in self._webhooks.history():
            if event["id"] == id:
                told = {name: event[name] for name in EVENT_DETAILS}
                told["request_body"] = event["body"]
                return json_answer(200, _event(event) | told)
        raise error(404, "not_found", "Not found")


def _route(request: Request) -> tuple[str, dict[str, str]]:
    known_path = False
    for method, pattern, action in ROUTES:
        if found := pattern.fullmatch(request.path):
            known_path = True
            if method == request.method:
                return action, found.groupdict()
    if known_path:
        raise error(405, "method_not_allowed", f'Method "{request.method}" not allowed.')
    raise error(404, "not_found", "Not found")


def _brief(record: Record) -> dict[str, Any]:
    return {name: record.body[name] for name in LISTED} | {"uuid": record.id}


def _event(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "uuid": event["id"],
        "name": event["name"],
        "type": event["event"],
        "http_status_code": event["http_status"],
        "delivery_time": event["delivery_time"],
        "error": event["error"],
    }


def _moment(request: Request, name: str) -> str | None:
    text = request.first(name)
    if not text:
        return None
    try:
        return times.micro(times.read(text))
    except (ValueError, OverflowError):
        raise invalid(name, "This is not a moment in ISO 8601.") from None


def _page(request: Request, found: list[Any]) -> list[Any]:
    count = _number(request, "count", DEFAULT_COUNT, MOST_COUNT)
    page = _number(request, "page", 1, 1_000_000)
    return found[(page - 1) * count : page * count]


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.first(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise invalid(name, f"This must be a number from 1 to {most}.")
    return int(text)


def _fits(record: Record, request: Request) -> bool:
    body = record.body
    wanted = request.first("status")
    if wanted:
        if wanted not in [str(number) for number in NUMBERS]:
            raise invalid("status", f'"{wanted}" is not a valid choice.')
        if body["status"] != NUMBERS[int(wanted)]:
            return False
    if request.first("deleted") == "true":
        return False  # nothing is ever deleted here
    if request.first("q").lower() not in body["name"].lower():
        return False
    asked = _metadata_filter(request)
    return all(str(body["metadata"].get(name)) == value for name, value in asked.items())


def _metadata_filter(request: Request) -> dict[str, str]:
    """Both ways to ask: ?metadata_key=value, and ?metadata=metadata_key=value."""
    pairs = [(name, values[0]) for name, values in request.query.items()]
    for text in request.query.get("metadata", []):
        name, _, value = text.partition("=")
        pairs.append((name, value))
    return {
        name.removeprefix("metadata_"): value
        for name, value in pairs
        if name.startswith("metadata_")
    }


def _metadata(asked: dict[str, Any]) -> dict[str, Any]:
    metadata = asked.get("metadata") or {}
    if not isinstance(metadata, dict) or len(json.dumps(metadata)) > 10_000:
        raise invalid("metadata", "This is not a small object.")
    return metadata


def _total(tables: Any) -> dict[str, str]:
    """The sum of price × qty over all rows of the pricing tables, in the first one's currency."""
    total, currency = Decimal(0), "USD"
    try:
        for table in tables:
            currency = (table.get("options") or {}).get("currency", currency)
            for section in table["sections"]:
                for row in section["rows"]:
                    total += Decimal(str(row["data"]["price"])) * Decimal(str(row["data"]["qty"]))
        return money(str(total.quantize(Decimal("0.01"))), currency)
    except (AttributeError, KeyError, TypeError, InvalidOperation):
        raise invalid("pricing_tables", "A row needs a price and a qty.") from None
