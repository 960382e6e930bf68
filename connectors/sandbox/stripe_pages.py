"""The pages of the Stripe stand-in: what a person would see of an invoice or a customer there."""

import re
from datetime import UTC, datetime
from html import escape

from connectors.sandbox.exchange import Answer
from connectors.sandbox.page_parts import Section, link, missing, page, table, value
from connectors.sandbox.records import Record, Records
from connectors.sandbox.stripe_books import KINDS
from connectors.sandbox.stripe_money import shown

PAGE = re.compile(r"/stripe/app/(?P<kind>\w+)/(?P<number>\w+)")
LISTED = ("invoices", "customers", "quotes", "disputes")
MOMENTS = ("created", "due_date", "effective_at", "period_start", "period_end", "date")
MONEY = re.compile(r"amount_\w+|amount|total\w*|subtotal\w*|net_amount")


class StripePages:
    def __init__(self, records: Records) -> None:
        self._records = records

    def sections(self, most: int) -> list[Section]:
        found = []
        for kind in LISTED:
            lines = [
                (_link(record), escape(_title(record)))
                for record in self._records.newest(kind, limit=most)
            ]
            found.append((f"Stripe {kind}", table(lines)))
        return found

    def answer(self, path: str) -> Answer | None:
        found = PAGE.fullmatch(path)
        if found is None or found["kind"] not in KINDS:
            return None
        record = self._records.get(found["kind"], found["number"])
        return missing() if record is None else self._page(record)

    def _page(self, record: Record) -> Answer:
        body = record.body
        noun = KINDS[record.kind][0].replace("_", " ")
        parts = [f"<p>Stripe {noun}{' (deleted)' if record.archived else ''}</p>"]
        if record.kind == "invoices":
            parts.append(self._invoice(record))
        lines = [(escape(name), _told(record, name)) for name in body if name != "lines"]
        parts += ["<h2>All of it</h2>", table(lines)]
        return page(200, _title(record), "".join(parts))

    def _invoice(self, record: Record) -> str:
        body = record.body
        customer = self._records.get("customers", body["customer"])
        facts = [
            ("Status", escape(body["status"])),
            ("Customer", _link(customer) if customer else escape(body["customer"])),
            ("Owed", escape(shown(body["amount_remaining"], body["currency"]))),
            ("Due", escape(_moment(body["due_date"]))),
        ]
        lines = [
            (escape(line["description"] or "Item"), escape(shown(line["amount"], line["currency"])))
            for line in body["lines"]["data"]
        ]
        return table(facts) + "<h2>Lines</h2>" + table(lines)


def _title(record: Record) -> str:
    body = record.body
    if record.kind == "customers":
        return str(body["name"] or body["email"] or record.id)
    amount = body.get("amount_due", body.get("amount_total", body.get("amount", 0)))
    name = body.get("number") or record.id
    return f"{name} · {body['status']} · {shown(amount, body['currency'])}"


def _link(record: Record) -> str:
    return link(f"/stripe/app/{record.kind}/{record.id}", record.id)


def _told(record: Record, name: str) -> str:
    found = record.body[name]
    if name in MOMENTS and isinstance(found, int):
        return escape(_moment(found))
    if MONEY.fullmatch(name) and isinstance(found, int) and record.body.get("currency"):
        return escape(shown(found, record.body["currency"]))
    return value(found)


def _moment(seconds: int | None) -> str:
    if seconds is None:
        return ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
