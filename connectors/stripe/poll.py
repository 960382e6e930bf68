"""Looking through Stripe's events, which it keeps for a month, and its invoices.

Its events are those its webhooks carry, under the same ids: what was posted is known by its key.
"""

import json
from datetime import datetime, timedelta
from typing import Any

from connectors import moments, parsing
from connectors.base import Post, Trouble
from connectors.http import Reply
from connectors.minor import minor
from connectors.parsing import Unreadable
from connectors.polls import Asked, Entry, Find, Mode, Page, Poll
from connectors.stripe import money, receive, translate
from meshline.money import MoneyError

# A page must fit into what is kept of an answer; where it does not, half of it is asked for.
COUNT = 10
KEEPS = timedelta(days=30)


def events(client: Any, asked: Asked) -> Page:
    """One page of the events, the newest first: the first page has the newest moment."""
    span = {"created[lte]": str(int(asked.until.timestamp()))}
    if asked.since is not None:
        span["created[gte]"] = str(int(asked.since.timestamp()))
    types = {f"types[{place}]": kind for place, kind in enumerate(sorted(translate.KNOWN))}
    reply = client.page("events", **span, **types, **_paged(asked))
    if _is_too_long(reply, asked):
        return _half(asked)
    rows, has_more = _rows(client, reply)
    newest = max((_created(one) for one in rows), default=None)
    return Page(
        [_find(one, asked) for one in rows], _place(rows, asked), not has_more, newest,
        note=_note(asked),
    )  # fmt: skip


def invoices(client: Any, asked: Asked) -> Page:
    """One page of all invoices."""
    reply = client.page("invoices", **_paged(asked))
    if _is_too_long(reply, asked):
        return _half(asked)
    rows, has_more = _rows(client, reply)
    finds = [Find(parsing.canonical(one), entry=_entry(one)) for one in rows]
    return Page(finds, _place(rows, asked), not has_more)


EVENTS = Poll("events", "events", events, frozenset({Mode.INCREMENTAL, Mode.BACKFILL}))
INVOICES = Poll("invoices", "invoices", invoices, frozenset({Mode.FULL}))


def _paged(asked: Asked) -> dict[str, str]:
    params = {"limit": str(asked.place.get("limit", COUNT))}
    if after := asked.place.get("after"):
        params["starting_after"] = after
    return params


def _is_too_long(reply: Reply, asked: Asked) -> bool:
    return reply.truncated and asked.place.get("limit", COUNT) > 1


def _half(asked: Asked) -> Page:
    """Nothing was read yet: the same place, with half as many."""
    limit = asked.place.get("limit", COUNT) // 2
    return Page([], {**asked.place, "limit": limit}, is_last=False)


def _place(rows: list[dict[str, Any]], asked: Asked) -> dict[str, Any]:
    if not rows:
        return dict(asked.place)
    return {"limit": asked.place.get("limit", COUNT), "after": str(rows[-1]["id"])}


def _rows(client: Any, reply: Reply) -> tuple[list[dict[str, Any]], bool]:
    answer = client.caller.json(reply)
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or not all(
        isinstance(one, dict) and one.get("id") for one in rows
    ):
        raise Trouble("Stripe's list holds no data.", failure="garbled")
    has_more = answer.get("has_more") is True
    if has_more and not rows:
        raise Trouble("Stripe's list has more, but an empty page.", failure="garbled")
    return rows, has_more


def _is_object(one: Any) -> bool:
    return isinstance(one, dict) and bool(one.get("id"))


def _created(event: dict[str, Any]) -> datetime:
    try:
        return moments.seconds(event.get("created"), field="created")
    except Unreadable as error:
        raise Trouble(f"An event in Stripe's list: {error}", failure="garbled") from None


def _find(event: dict[str, Any], asked: Asked) -> Find:
    body = json.dumps(event, separators=(",", ":"), default=float).encode()
    post = Post(body=body, headers={}, query={}, at=asked.until)
    return Find(body, tuple(receive.split(post)))


def _note(asked: Asked) -> str:
    """What cannot be found by looking any more."""
    if asked.since is None or asked.since >= asked.until - KEEPS:
        return ""
    return "Stripe keeps its events for 30 days: what happened before is not among them."


def _entry(invoice: dict[str, Any]) -> Entry:
    currency = str(invoice.get("currency") or "").upper()[:3]
    fields = {
        "proposal": parsing.text(parsing.member(invoice, "metadata", translate.LINK)),
        "number": parsing.text(invoice.get("number")),
        "state": parsing.text(invoice.get("status")),
        "contact_email": parsing.text(invoice.get("customer_email")),
    }
    try:
        amount = money.from_units(int(invoice.get("total") or 0), currency)
    except (MoneyError, ValueError):
        return Entry(str(invoice["id"]), fields, None, currency)
    return Entry(
        str(invoice["id"]), {**fields, "amount": amount}, minor(amount, currency), currency
    )
