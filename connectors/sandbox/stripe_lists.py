"""Lists and searches of the Stripe stand-in: newest first, page by page."""

import re
from typing import Any

from connectors.sandbox.records import Record, Records
from connectors.sandbox.stripe_books import view
from connectors.sandbox.stripe_forms import MOST_PAGE, Params, refusal

# Kind → the parameters a list can be narrowed by.
FILTERS = {
    "customers": ("email",),
    "invoices": ("customer", "status", "collection_method"),
    "invoiceitems": ("customer", "invoice"),
    "quotes": ("customer", "status"),
    "charges": ("customer", "payment_intent"),
    "disputes": ("charge", "payment_intent"),
    "credit_notes": ("customer", "invoice"),
    "invoice_payments": ("invoice", "status"),
    "events": (),
}
SPANS = {"gt": int.__gt__, "gte": int.__ge__, "lt": int.__lt__, "lte": int.__le__}
CLAUSE = re.compile(
    r"(?P<negated>-?)(?P<field>\w+)(?:\[(?P<key_quote>['\"])(?P<key>.+?)(?P=key_quote)\])?"
    r"(?P<sign>:|>=|<=|>|<|~)"
    r"(?:(?P<quote>['\"])(?P<text>.*?)(?P=quote)|(?P<bare>\w+))"
)
BETWEEN = re.compile(r"\s+(?:AND\s+)?", re.IGNORECASE)


def listed(
    records: Records, kind: str, params: Params, url: str, *, undelivered: set[str]
) -> dict[str, Any]:
    """A page: `data` newest first, and whether there is more."""
    limit = _limit(params)
    after, before = params.text("starting_after"), params.text("ending_before")
    wanted = {name: text for name in FILTERS[kind] if (text := params.text(name))}
    if kind == "invoice_payments" and isinstance(by := params.object("payment"), dict):
        wanted["payment.payment_intent"] = str(by.get("payment_intent", ""))
    found = records.chosen(kind, wanted)
    if "created" in params:
        span = params.object("created")
        found = [one for one in found if _in_span(one, span)]
    if kind == "events":
        found = _events(found, params, undelivered)
    params.done()
    page = _page(found, after, before, limit)
    return {"object": "list", "url": url, **page}


def _limit(params: Params) -> int:
    limit = params.number("limit")
    limit = 10 if limit is None else limit
    if not 1 <= limit <= MOST_PAGE:
        raise refusal(400, f"Limit must be between 1 and {MOST_PAGE}: {limit}", param="limit")
    return limit


def _page(found: list[Record], after: str | None, before: str | None, limit: int) -> dict[str, Any]:
    numbers = [record.id for record in found]
    for name, cursor in (("starting_after", after), ("ending_before", before)):
        if cursor and cursor not in numbers:
            message = f"No such object: '{cursor[:80]}'"
            raise refusal(400, message, code="resource_missing", param=name)
    if after:
        found = found[numbers.index(after) + 1 :]
    elif before:
        earlier = found[: numbers.index(before)]
        page = earlier[-limit:]
        return {"has_more": len(earlier) > limit, "data": [view(one) for one in page]}
    return {"has_more": len(found) > limit, "data": [view(one) for one in found[:limit]]}


def _in_span(record: Record, span: Any) -> bool:
    created: int = record.body["created"]
    if isinstance(span, str) and span.isdigit():
        return created == int(span)
    if not isinstance(span, dict) or not set(span) <= set(SPANS):
        raise refusal(400, "Invalid created", param="created")
    if not all(str(text).isdigit() for text in span.values()):
        raise refusal(400, "Invalid timestamp", param="created")
    return all(SPANS[name](created, int(text)) for name, text in span.items())


def _events(found: list[Record], params: Params, undelivered: set[str]) -> list[Record]:
    types, one = params.object("types"), params.text("type")
    wanted = [one] if one else types if isinstance(types, list) else None
    if wanted is not None:
        found = [event for event in found if any(_is(event, str(name)) for name in wanted)]
    if "delivery_success" in params:
        well = params.flag("delivery_success")
        found = [event for event in found if (event.id not in undelivered) == well]
    return found


def _is(event: Record, wanted: str) -> bool:
    """`invoice.paid`, or all of a kind as `invoice.*`."""
    name: str = event.body["type"]
    return name.startswith(wanted[:-1]) if wanted.endswith(".*") else name == wanted


def searched(found: list[Record], params: Params, url: str) -> dict[str, Any]:
    """What the index knows and the query fits; `found` oldest first."""
    limit, query, start = _limit(params), params.needed("query"), params.text("page") or "0"
    params.done()
    clauses = _clauses(query)
    if not start.isdigit():
        raise refusal(400, "Invalid page", param="page")
    fits = [one for one in reversed(found) if all(_fits(one, clause) for clause in clauses)]
    end = int(start) + limit
    return {
        "object": "search_result",
        "url": url,
        "has_more": end < len(fits),
        "next_page": str(end) if end < len(fits) else None,
        "data": [view(one) for one in fits[int(start) : end]],
    }


def _clauses(query: str) -> list[dict[str, str | None]]:
    """`metadata['k']:'v' AND status:'open'` as its parts."""
    clauses, rest = [], query.strip()
    while rest:
        found = CLAUSE.match(rest)
        if not found:
            message = f"We were unable to parse your search query: {query[:200]}"
            raise refusal(400, message, param="query")
        clauses.append(found.groupdict())
        rest = rest[found.end() :]
        gap = BETWEEN.match(rest)
        rest = rest[gap.end() :] if gap else rest
    return clauses


def _fits(record: Record, clause: dict[str, str | None]) -> bool:
    value = record.body.get(str(clause["field"]))
    if clause["key"] is not None:
        value = value.get(clause["key"]) if isinstance(value, dict) else None
    wanted = clause["text"] if clause["text"] is not None else clause["bare"]
    if wanted == "null":
        fits = value is None
    elif clause["sign"] == ":":
        fits = value is not None and str(value).lower() == str(wanted).lower()
    elif clause["sign"] == "~":
        fits = value is not None and str(wanted).lower() in str(value).lower()
    else:
        name = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}[str(clause["sign"])]
        is_number = str(wanted).lstrip("-").isdigit()
        fits = isinstance(value, int) and is_number and SPANS[name](value, int(str(wanted)))
    return fits != (clause["negated"] == "-")
