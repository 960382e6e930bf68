"""Looking through PandaDoc's documents, for the steps that no webhook told.

The list says which documents changed, their details what became of them: when each was made, sent
and completed, and what it is now. Each such moment is told as the webhook of it would have been.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from connectors import moments, parsing
from connectors.base import Trouble
from connectors.elements import Element
from connectors.keyset import Row, Walk
from connectors.parsing import Unreadable
from connectors.polls import LOOKED, Asked, Find, Page, Poll

# Each costs a call of its own, and a page must be over within its time.
COUNT = 20
CHANGED, UPDATED = "document_state_changed", "document_updated"
# What its details say of the steps it has behind it.
_MADE = frozenset({"document.draft", "document.uploaded"})
_STEPS = (("document.sent", "date_sent"), ("document.completed", "date_completed"))


def page(client: Any, asked: Asked) -> Page:
    """One page of the documents that changed; what time is not enough for is on the next."""
    walk = Walk.at(asked.place, since=asked.since)
    listed = client.changed(since=walk.since, until=asked.until, page=walk.page, count=COUNT)
    rows = [(_row(one), one) for one in listed]
    finds: list[Find] = []
    done: list[Row] = []
    for row, brief in rows:
        if not walk.is_new(row):
            continue
        if finds and time.monotonic() > asked.ends_at:
            return Page(finds, walk.after(done).place, is_last=False, newest=done[-1][1])
        finds += _find(client, row[0], brief)
        done.append(row)
    newest = rows[-1][0][1] if rows else None
    if len(rows) < COUNT:
        return Page(finds, walk.after(done).place, is_last=True, newest=newest)
    return Page(finds, walk.onward([row for row, _ in rows]).place, is_last=False, newest=newest)


DOCUMENTS = Poll("documents", "documents", page)


def _row(brief: dict[str, Any]) -> Row:
    try:
        pk = parsing.key(brief.get("id"), longest=200)
        moment = moments.moment(brief.get("date_modified"), field="date_modified")
    except Unreadable as error:
        raise Trouble(f"A document in PandaDoc's list: {error}", failure="garbled") from None
    if not pk:
        raise Trouble("A document in PandaDoc's list has no id.", failure="garbled")
    return pk, moment


def _find(client: Any, pk: str, brief: dict[str, Any]) -> Iterator[Find]:
    """What became of a document; nothing of one that is gone meanwhile."""
    reply = client.details(pk)
    if reply is None:
        return
    if reply.truncated:
        # Longer than what is kept of an answer: what the list says of it must do.
        raw, document = parsing.canonical(brief), brief
    else:
        raw, document = reply.body, {**brief, **client.caller.json(reply)}
    yield Find(raw, tuple(events(document)), _birth(document))


def _birth(document: dict[str, Any]) -> Element | None:
    """That it was made; of one that is still a draft, its status says so."""
    if document.get("status") in _MADE or not document.get("date_created"):
        return None
    return _element(document, CHANGED, "document.draft", document["date_created"])


def events(document: dict[str, Any]) -> list[Element]:
    """The steps it has behind it, what it is now, and what changed since."""
    now, entered = document.get("status"), _entered(document)
    told = [
        _element(document, CHANGED, status, document[name])
        for status, name in _STEPS
        if document.get(name) and status != now and _is_before(document[name], entered)
    ]
    told.append(_element(document, CHANGED, now, entered))
    if _is_before(entered, document.get("date_modified")):
        told.append(_element(document, UPDATED, now, document.get("date_modified")))
    return told


def _entered(document: dict[str, Any]) -> Any:
    """When it came into its present status, as exactly as they say."""
    dated = dict(_STEPS).get(str(document.get("status")), "")
    named = ("date_status_changed", dated, "date_modified")
    return next((document[name] for name in named if document.get(name)), None)


def _is_before(one: Any, other: Any) -> bool:
    try:
        return moments.moment(one, field="one") < moments.moment(other, field="other")
    except Unreadable:
        return False


def _element(document: dict[str, Any], event: str, status: Any, at: Any) -> Element:
    data = {**document, "status": status, "date_modified": at}
    what = status if event == CHANGED else UPDATED
    # Which moment it was, however many digits of a second they write.
    moment: datetime | str = str(at)
    with suppress(Unreadable):
        moment = moments.moment(at, field="date")
    key = parsing.key(f"{LOOKED}{document.get('id')}:{what}:{moment}")
    return Element(key=key, payload=parsing.canonical({"event": event, "data": data}), type=event)
