"""The back door: for the demo and the tests to configure, act as a person, break and count."""

import re
from collections.abc import Callable
from typing import Any

from connectors.sandbox import times
from connectors.sandbox.config import Config, ConfigError
from connectors.sandbox.exchange import Answer, Request, UnreadableError, json_answer
from connectors.sandbox.faults import FaultBook, FaultError
from connectors.sandbox.hubspot_objects import Objects
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.pandadoc_documents import (
    ACTIONS,
    KIND,
    Documents,
    FieldError,
    MoveError,
    allowed,
    money,
    person,
    recipients,
)
from connectors.sandbox.records import Record
from connectors.sandbox.store import Store
from connectors.sandbox.webhooks import Webhooks

VENDOR = r"(?P<vendor>pandadoc|hubspot)"
ROUTES = [
    ("GET", re.compile("/configure"), "configuration"),
    ("POST", re.compile("/configure"), "configure"),
    ("GET", re.compile("/pandadoc/documents"), "list_documents"),
    ("POST", re.compile("/pandadoc/documents"), "create_document"),
    (
        "POST",
        re.compile(r"/pandadoc/documents/(?P<number>\w+)/(?P<action>" + "|".join(ACTIONS) + ")"),
        "move_document",
    ),
    ("GET", re.compile("/pandadoc/webhooks"), "list_webhooks"),
    ("GET", re.compile("/hubspot/(?P<kind>deals|tasks)"), "list_objects"),
    ("GET", re.compile("/faults/" + VENDOR), "list_faults"),
    ("PUT", re.compile("/faults/" + VENDOR), "set_faults"),
    ("DELETE", re.compile("/faults/" + VENDOR), "clear_faults"),
    ("GET", re.compile("/calls"), "calls"),
    ("GET", re.compile("/effects"), "effects"),
    ("POST", re.compile("/reset"), "reset"),
]


def no(status: int, sentence: str, field: str | None = None) -> Answer:
    return json_answer(status, {"error": sentence, "field": field})


class Control:
    def __init__(
        self,
        *,
        store: Store,
        config: Config,
        faults: FaultBook,
        ledger: Ledger,
        documents: Documents,
        objects: Objects,
        webhooks: Webhooks,
        forget_limits: Callable[[], None],
    ) -> None:
        self._store = store
        self._config = config
        self._faults = faults
        self._ledger = ledger
        self._documents = documents
        self._objects = objects
        self._webhooks = webhooks
        self._forget_limits = forget_limits

    def answer(self, request: Request) -> Answer:
        try:
            for method, pattern, action in ROUTES:
                found = pattern.fullmatch(request.path)
                if found and method == request.method:
                    answer: Answer = getattr(self, f"_{action}")(request, **found.groupdict())
                    return answer
            return no(404, f"There is no {request.method} /control{request.path}.")
        except (UnreadableError, ConfigError, FaultError) as problem:
            return no(400, str(problem))
        except FieldError as problem:
            return no(400, str(problem), problem.name)
        except MoveError as problem:
            return no(409, str(problem))
        except KeyError as problem:
            return no(404, f"There is no document {problem.args[0]}.")

    # Configuration

    def _configuration(self, request: Request) -> Answer:
        return json_answer(200, self._config.shown())

    def _configure(self, request: Request) -> Answer:
        self._config.change(request.json(exact_numbers=False))
        return self._configuration(request)

    def _reset(self, request: Request) -> Answer:
        self._store.wipe()
        self._forget_limits()
        return json_answer(200, {"reset": True})

    # A person at PandaDoc's screen

    def _list_documents(self, request: Request) -> Answer:
        """All in the order they were made, or with `?newest=n` the last n, newest first."""
        if most := _count(request):
            found = self._documents.records.newest(KIND, limit=most)
        else:
            found = self._documents.records.page(KIND, after=0, limit=10_000)
        return json_answer(200, {"documents": [document_view(record) for record in found]})

    def _create_document(self, request: Request) -> Answer:
        asked = request.json()
        if not isinstance(asked.get("name"), str) or not asked["name"].strip():
            raise FieldError("name", "The document needs a name.")
        metadata = asked.get("metadata") or {}
        if not isinstance(metadata, dict):
            raise FieldError("metadata", "The metadata is not an object.")
        record = self._documents.create(
            name=asked["name"],
            total=money(asked.get("amount"), asked.get("currency")),
            to=recipients([asked.get("recipient")]),
            owner=person(asked.get("owner"), "owner"),
            metadata=metadata,
            at=times.now(),
            by="person",
            at_once=True,
        )
        return json_answer(201, document_view(record))

    def _move_document(self, request: Request, number: str, action: str) -> Answer:
        record = self._documents.move(number, action, by="person", at=times.now())
        return json_answer(200, document_view(record))

    def _list_webhooks(self, request: Request) -> Answer:
        return json_answer(200, {"webhooks": self._webhooks.history()})

    # What the CRM holds, told past every fault, and without being counted as a call

    def _list_objects(self, request: Request, kind: str) -> Answer:
        found = self._objects.records.newest(kind, limit=_count(request) or 20)
        return json_answer(200, {"results": [object_view(record) for record in found]})

    # Faults and books

    def _list_faults(self, request: Request, vendor: str) -> Answer:
        return json_answer(200, {"faults": self._faults.listed(vendor)})

    def _set_faults(self, request: Request, vendor: str) -> Answer:
        self._faults.replace(vendor, request.json(exact_numbers=False).get("faults"))
        self._webhooks.release_held()
        return self._list_faults(request, vendor)

    def _clear_faults(self, request: Request, vendor: str) -> Answer:
        self._faults.replace(vendor, [])
        self._webhooks.release_held()
        return self._list_faults(request, vendor)

    def _calls(self, request: Request) -> Answer:
        return _look(self._ledger.calls, request)

    def _effects(self, request: Request) -> Answer:
        return _look(self._ledger.effects, request)


def _look(book: Callable[[str, str], dict[str, Any]], request: Request) -> Answer:
    try:
        return json_answer(200, book(request.first("vendor"), request.first("since")))
    except (ValueError, OverflowError):
        raise FieldError("since", "since is neither a position nor a moment.") from None


def _count(request: Request) -> int:
    text = request.first("newest")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0


def object_view(record: Record) -> dict[str, Any]:
    """A deal or task as the demo page shows it."""
    return {
        "id": record.id,
        "properties": record.body,
        "url": f"/hubspot/app/{record.kind}/{record.id}",
    }


def document_view(record: Record) -> dict[str, Any]:
    """A document as the demo page and the rig see it, with what can be done next."""
    body = record.body
    return {
        "id": record.id,
        "name": body["name"],
        "status": body["status"],
        "state": body["status"].removeprefix("document."),
        "actions": allowed(body["status"]),
        "amount": body["grand_total"]["amount"],
        "currency": body["grand_total"]["currency"],
        "recipients": body["recipients"],
        "owner": body["created_by"],
        "metadata": body["metadata"],
        "date_created": body["date_created"],
        "date_modified": body["date_modified"],
        "url": f"/pandadoc/app/documents/{record.id}",
    }
