"""Looking through HubSpot: which changed, its search says; what each was and by whom, its history.

Here our deals, for the changes of their stage that no webhook told; what people did beside them is
looked for in `activity`, by the same walk.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connectors import moments, parsing
from connectors.base import Trouble
from connectors.elements import Element
from connectors.hubspot.deliver import DEAL_KEY
from connectors.keyset import Row, Walk
from connectors.minor import minor
from connectors.parsing import Unreadable
from connectors.polls import LOOKED, Asked, Entry, Find, Page, Poll

# Each costs a call of its own where changes are read.
COUNT = 20
CHANGED, STAGE, OWNER = "hs_lastmodifieddate", "dealstage", "hubspot_owner_id"
# What of a deal is compared: theirs in our words.
_FIELDS = {
    "title": "dealname", "amount": "amount", "owner": OWNER, "stage": STAGE,
    "state": "meshline_state", "proposal": DEAL_KEY, "invoice": "meshline_invoice_id",
}  # fmt: skip
CURRENCY = "deal_currency_code"
PROPERTIES = [*_FIELDS.values(), CURRENCY, CHANGED]
# While nothing is left of what they allow, for so long.
_TEN_SECONDS = 10.0

Headers = Mapping[str, str]
Object = dict[str, Any]


@dataclass(frozen=True)
class Reading:
    """What is searched for, and what becomes of each that is found: nothing, where it is gone or
    says nothing for us. `gather` reads once a page what `find` then needs of all of them."""

    kind: str
    only: tuple[dict[str, str], ...]
    properties: list[str]
    find: Callable[[Any, Row, Object, Asked, Any], tuple[Find | None, Headers]]
    gather: Callable[[Any, list[Object]], Any] = lambda client, fresh: None


def walk(client: Any, asked: Asked, reading: Reading) -> Page:
    """One page of what changed; without a beginning, of all that there is."""
    at = Walk.at(asked.place, since=asked.since)
    found = client.search(
        reading.kind, filters=[*reading.only, *_span(at.since, asked.until)], by=CHANGED,
        properties=reading.properties, limit=COUNT, after=(at.page - 1) * COUNT,
    )  # fmt: skip
    rows = [(_row(one), one) for one in found]
    gathered = reading.gather(client, [one for row, one in rows if at.is_new(row)])
    finds: list[Find] = []
    done: list[Row] = []
    quota: Headers = {}
    for row, one in rows:
        if not at.is_new(row):
            continue
        if finds and time.monotonic() > asked.ends_at:
            return _page(finds, at.after(done), quota, newest=done[-1][1])
        find, headers = reading.find(client, row, one, asked, gathered)
        finds += [find] if find else []
        quota = headers or quota
        done.append(row)
    newest = rows[-1][0][1] if rows else None
    if len(rows) < COUNT:
        return _page(finds, at.after(done), quota, newest=newest, is_last=True)
    return _page(finds, at.onward([row for row, _ in rows]), quota, newest=newest)


def page(client: Any, asked: Asked) -> Page:
    return walk(client, asked, _ALL if asked.since is None else _CHANGED)


def _whole(
    client: Any, row: Row, deal: Object, asked: Asked, emails: Mapping[str, str]
) -> tuple[Find | None, Headers]:
    return Find(parsing.canonical(deal), entry=_entry(row, deal["properties"], emails)), {}


def _emails(client: Any, fresh: list[Object]) -> Mapping[str, str]:
    """By which e-mail the owners of these are known: here nobody knows their ids."""
    ids = {_owner(one["properties"]) for one in fresh} - {""}
    return client.owner_emails(ids) if ids else {}


def _owner(properties: Mapping[str, Any]) -> str:
    return parsing.text(properties.get(OWNER))


def _steps(
    client: Any, row: Row, deal: Object, asked: Asked, gathered: Any
) -> tuple[Find | None, Headers]:
    pk = row[0]
    reply = client.history("deals", pk, STAGE)
    if reply is None or asked.since is None:
        return None, {}
    steps = steps_of(client.caller.json(reply), "deal", pk, STAGE, asked.since)
    return Find(reply.body, tuple(steps)), reply.headers


def has(name: str) -> dict[str, str]:
    """The filter that lets in what has this property."""
    return {"propertyName": name, "operator": "HAS_PROPERTY"}


_CHANGED = Reading("deals", (has(DEAL_KEY),), PROPERTIES, _steps)
_ALL = replace(_CHANGED, find=_whole, gather=_emails)
DEALS = Poll("deals", "deals", page)


def _page(
    finds: list[Find], walk: Walk, headers: Mapping[str, str], *, newest: datetime | None,
    is_last: bool = False,
) -> Page:  # fmt: skip
    left, most = (headers.get(f"X-HubSpot-RateLimit-{name}", "") for name in ("Remaining", "Max"))
    quota = f"{left} of {most} calls left in 10 s" if left and most else ""
    return Page(
        finds, walk.place, is_last, newest, quota, breather=_TEN_SECONDS if left == "0" else 0.0
    )


def _span(since: datetime | None, until: datetime) -> list[dict[str, str]]:
    """What changed within it: in milliseconds, as they count."""
    filters = []
    for operator, moment in (("GTE", since), ("LTE", until)):
        if moment is not None:
            value = str(int(moment.timestamp() * 1000))
            filters.append({"propertyName": CHANGED, "operator": operator, "value": value})
    return filters


def _row(one: Object) -> Row:
    pk = parsing.key(one.get("id"), longest=40)
    try:
        changed = parsing.member(one, "properties", CHANGED)
        moment = moments.moment(changed, field=CHANGED)
    except Unreadable as error:
        raise Trouble(f"One in HubSpot's search: {error}", failure="garbled") from None
    if not pk:
        raise Trouble("One in HubSpot's search has no id.", failure="garbled")
    return pk, moment


def steps_of(told: Any, thing: str, pk: str, name: str, since: datetime) -> list[Element]:
    """Each value its property came to since then, as the webhook of it would have been."""
    history = parsing.member(told, "propertiesWithHistory", name)
    steps = []
    for one in reversed(history if isinstance(history, list) else []):
        try:
            at = moments.moment(parsing.member(one, "timestamp"), field="timestamp")
        except Unreadable as error:
            raise Trouble(f"The history of {thing} {pk}: {error}", failure="garbled") from None
        if at >= since:
            steps.append(_element(thing, pk, name, one, at))
    return steps


def _element(thing: str, pk: str, name: str, one: Any, at: datetime) -> Element:
    stamp, value = int(at.timestamp() * 1000), parsing.text(one.get("value"))
    key, kind = parsing.key(f"{LOOKED}{thing}:{pk}:{value}:{stamp}"), f"{thing}.propertyChange"
    event = {
        "eventId": key, "subscriptionType": kind, "objectId": pk,
        "propertyName": name, "propertyValue": value, "occurredAt": stamp,
        "changeSource": one.get("sourceType"), "sourceId": one.get("sourceId"),
    }  # fmt: skip
    return Element(key=key, payload=parsing.canonical(event), type=kind)


def _entry(row: Row, properties: Mapping[str, Any], emails: Mapping[str, str]) -> Entry:
    pk, changed = row
    fields = {ours: properties.get(theirs) or "" for ours, theirs in _FIELDS.items()}
    # It is looked up by, so it is text whatever somebody made of it over there.
    fields |= {"proposal": parsing.text(fields["proposal"]), "changed_at": changed.isoformat()}
    fields["owner_email"] = emails.get(_owner(properties), "")
    currency = str(properties.get(CURRENCY) or "").upper()[:3]
    return Entry(pk, fields, minor(fields["amount"], currency), currency)
