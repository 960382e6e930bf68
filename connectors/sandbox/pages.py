"""Pages for people, so that a link to a record leads somewhere."""

import re
from html import escape
from typing import Protocol
from urllib.parse import quote

from connectors.sandbox.exchange import Answer, Request
from connectors.sandbox.hubspot_objects import KINDS, STAMPS, Objects
from connectors.sandbox.page_parts import HEADERS, STYLE, Section, missing, page, table, value
from connectors.sandbox.pandadoc_documents import KIND, Documents, allowed
from connectors.sandbox.records import Record

HUBSPOT_PAGE = re.compile(r"/hubspot/app/([a-z]+)/([0-9]+)")
PANDADOC_PAGE = re.compile(r"/pandadoc/app/documents/([0-9A-Za-z]+)")
MOST_LISTED = 500


class Wing(Protocol):
    """The pages of one more vendor."""

    def sections(self, most: int) -> list[Section]: ...

    def answer(self, path: str) -> Answer | None: ...


class Pages:
    def __init__(self, documents: Documents, objects: Objects, wings: list[Wing]) -> None:
        self._wings = wings
        self._documents = documents
        self._objects = objects

    def answer(self, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return page(405, "Not allowed", "<p>A page can only be looked at.</p>")
        if request.path == "/style.css":
            return Answer(200, STYLE.encode(), "text/css; charset=utf-8", dict(HEADERS))
        if request.path == "/":
            return self._index()
        if found := PANDADOC_PAGE.fullmatch(request.path):
            return self._document(found[1])
        if (found := HUBSPOT_PAGE.fullmatch(request.path)) and found[1] in KINDS:
            return self._object(KINDS[found[1]], found[2])
        for wing in self._wings:
            if (answer := wing.answer(request.path)) is not None:
                return answer
        return missing()

    def _index(self) -> Answer:
        documents = self._documents.records.page(KIND, after=0, limit=MOST_LISTED)
        parts = ["<p>Stand-ins for other companies' services. Nothing leaves this computer.</p>"]
        parts += ["<h2>PandaDoc documents</h2>", table(map(_document_line, documents))]
        for kind in STAMPS:
            found = self._objects.records.page(kind, after=0, limit=MOST_LISTED)
            lines = [(_object_link(record), escape(_title(record))) for record in found]
            parts += [f"<h2>HubSpot {kind}</h2>", table(lines)]
        for wing in self._wings:
            parts += [f"<h2>{escape(head)}</h2>{text}" for head, text in wing.sections(MOST_LISTED)]
        return page(200, "Stand-in vendors", "".join(parts))

    def _document(self, number: str) -> Answer:
        record = self._documents.records.get(KIND, number)
        if record is None:
            return missing()
        body = record.body
        lines = [(escape(name), value(told)) for name, told in body.items()]
        lines.append(("next", escape(", ".join(allowed(body["status"])) or "nothing")))
        return page(200, body["name"], "<p>PandaDoc document</p>" + table(lines))

    def _object(self, kind: str, number: str) -> Answer:
        record = self._objects.records.get(kind, number)
        if record is None:
            return missing()
        lines = [(escape(name), value(told)) for name, told in sorted(record.body.items())]
        parts = [f"<p>HubSpot {kind[:-1]}{' (archived)' if record.archived else ''}</p>"]
        parts += [table(lines), "<h2>Associations</h2>", self._associations(record)]
        return page(200, _title(record), "".join(parts))

    def _associations(self, record: Record) -> str:
        lines = []
        for kind in STAMPS:
            for number in self._objects.records.linked(record, kind):
                other = self._objects.records.get(kind, number)
                if other is not None:
                    lines.append((f"{kind[:-1]} {_object_link(other)}", escape(_title(other))))
        return table(lines)


def _title(record: Record) -> str:
    body = record.body
    name = f"{body.get('firstname', '')} {body.get('lastname', '')}".strip()
    chosen = body.get("dealname") or body.get("hs_task_subject") or name or body.get("email")
    return chosen or f"{record.kind[:-1]} {record.id}"


def _document_line(record: Record) -> tuple[str, str]:
    link = f'<a href="/pandadoc/app/documents/{quote(record.id)}">{escape(record.id)}</a>'
    total = record.body["grand_total"]
    told = (record.body["name"], record.body["status"], total["amount"], total["currency"])
    return link, escape(" · ".join(told))


def _object_link(record: Record) -> str:
    return f'<a href="/hubspot/app/{record.kind}/{quote(record.id)}">{escape(record.id)}</a>'
