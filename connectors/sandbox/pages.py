"""Pages for people, so that a link to a record leads somewhere. No script, everything escaped."""

import re
from html import escape
from typing import Any
from urllib.parse import quote

from connectors.sandbox.exchange import Answer, Request
from connectors.sandbox.hubspot_objects import KINDS, Objects
from connectors.sandbox.pandadoc_documents import KIND, Documents, allowed
from connectors.sandbox.records import Record

POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2733; background: #f5f6f8; margin: 0; }
header { background: #1f2733; color: #fff; padding: .6rem 1.5rem; }
header a { color: #fff; }
main { max-width: 60rem; margin: 1.5rem auto; padding: 1rem 1.5rem; background: #fff;
  border: 1px solid #dfe3e8; border-radius: 6px; }
h1 { font-size: 1.4rem; margin: .2rem 0; } h2 { font-size: 1.1rem; margin: 1.4rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0;
  border-bottom: 1px solid #eceff2; overflow-wrap: anywhere; }
th { font-weight: 600; width: 16rem; }
"""
HUBSPOT_PAGE = re.compile(r"/hubspot/app/([a-z]+)/([0-9]+)")
PANDADOC_PAGE = re.compile(r"/pandadoc/app/documents/([0-9A-Za-z]+)")
MOST_LISTED = 500


class Pages:
    def __init__(self, documents: Documents, objects: Objects) -> None:
        self._documents = documents
        self._objects = objects

    def answer(self, request: Request) -> Answer:
        if request.method not in ("GET", "HEAD"):
            return _page(405, "Not allowed", "<p>A page can only be looked at.</p>")
        if request.path == "/style.css":
            return Answer(200, STYLE.encode(), "text/css; charset=utf-8", dict(HEADERS))
        if request.path == "/":
            return self._index()
        if found := PANDADOC_PAGE.fullmatch(request.path):
            return self._document(found[1])
        if (found := HUBSPOT_PAGE.fullmatch(request.path)) and found[1] in KINDS:
            return self._object(KINDS[found[1]], found[2])
        return _missing()

    def _index(self) -> Answer:
        documents = self._documents.records.page(KIND, after=0, limit=MOST_LISTED)
        parts = ["<p>Stand-ins for PandaDoc and HubSpot. Nothing here leaves this computer.</p>"]
        parts += ["<h2>PandaDoc documents</h2>", _table(map(_document_line, documents))]
        for kind in ("deals", "tasks", "contacts", "notes"):
            found = self._objects.records.page(kind, after=0, limit=MOST_LISTED)
            lines = [(_object_link(record), escape(_title(record))) for record in found]
            parts += [f"<h2>HubSpot {kind}</h2>", _table(lines)]
        return _page(200, "Stand-in vendors", "".join(parts))

    def _document(self, number: str) -> Answer:
        record = self._documents.records.get(KIND, number)
        if record is None:
            return _missing()
        body = record.body
        lines = [(escape(name), _value(value)) for name, value in body.items()]
        lines.append(("next", escape(", ".join(allowed(body["status"])) or "nothing")))
        return _page(200, body["name"], "<p>PandaDoc document</p>" + _table(lines))

    def _object(self, kind: str, number: str) -> Answer:
        record = self._objects.records.get(kind, number)
        if record is None:
            return _missing()
        lines = [(escape(name), _value(value)) for name, value in sorted(record.body.items())]
        parts = [f"<p>HubSpot {kind[:-1]}{' (archived)' if record.archived else ''}</p>"]
        parts += [_table(lines), "<h2>Associations</h2>", self._associations(record)]
        return _page(200, _title(record), "".join(parts))

    def _associations(self, record: Record) -> str:
        lines = []
        for kind in ("deals", "tasks", "contacts", "notes"):
            for number in self._objects.records.linked(record, kind):
                other = self._objects.records.get(kind, number)
                if other is not None:
                    lines.append((f"{kind[:-1]} {_object_link(other)}", escape(_title(other))))
        return _table(lines)


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


def _value(value: Any) -> str:
    """A value as text; what is nested, as one line a part."""
    if isinstance(value, dict):
        return "<br>".join(f"{escape(str(name))}: {_value(part)}" for name, part in value.items())
    if isinstance(value, list):
        return "<br>".join(_value(part) for part in value)
    return "" if value is None else escape(str(value))


def _table(lines: Any) -> str:
    """Rows of a heading and a text, both already HTML."""
    rows = "".join(f'<tr><th scope="row">{head}</th><td>{text}</td></tr>' for head, text in lines)
    return f"<table>{rows}</table>" if rows else "<p>None yet.</p>"


def _missing() -> Answer:
    return _page(404, "Not here", "<p>There is no such record.</p>")


def _page(status: int, title: str, content: str) -> Answer:
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · stand-in</title>"
        '<link rel="stylesheet" href="/style.css"></head><body>'
        '<header><a href="/">Stand-in vendors</a></header>'
        f"<main><h1>{escape(title)}</h1>{content}</main></body></html>"
    )
    return Answer(status, html.encode(), "text/html; charset=utf-8", dict(HEADERS))
