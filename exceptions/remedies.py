"""The buttons of a ticket: what whoever opened it offered, and what follows from that.

A button is an act of a room above, or the way to a page of one, by its URL name; among its args
the word "ticket" stands for the ticket's own id. Nothing of the database is asked.
"""

from typing import Any

from exceptions.models import Ticket

RETRY, RELEASE = "connectors:retry-ticket", "connectors:release-ticket"
_MAPPING = "connectors:mapping"
_REPLAY = {
    "label": "Replay",
    "explains": "Shows first, for all that hangs on it, what would fire, what is suppressed, what "
    "is blocked and what changed since; then does exactly that.",
    "url_name": "connectors:replay-ticket",
    "args": ["ticket"],
    "is_page": True,
}
_SKIP = {
    "label": "Skip",
    "explains": "Calls outcomes off for good, with a reason: they are cancelled, not proven.",
    "url_name": "connectors:skip-on-ticket",
    "args": ["ticket"],
    "is_page": True,
}
_FORCE = {
    "label": "Force a new effect",
    "explains": "Asks a second manager to let one be done anew under a new key, although the old "
    "one may have worked.",
    "url_name": "connectors:ask-to-force",
    "args": ["ticket"],
    "is_page": True,
}
_OWNER = {
    "label": "Set the owner",
    "explains": "Gives everything that hangs on it to somebody; the ticket then closes by itself.",
    "url_name": "proposals:set-owner",
    "args": ["ticket"],
    "is_page": True,
}
_MERGE = {
    "label": "Merge",
    "explains": "Makes it a part of another ticket, if both are of one cause; this one closes as a "
    "duplicate.",
    "url_name": "exceptions:merge",
    "args": ["ticket"],
    "is_page": True,
}
# What comes with an offer that is on the ticket, and with its kind.
_BESIDE = {RETRY: [_REPLAY, _SKIP, _FORCE], RELEASE: [_REPLAY]}
_BY_KIND = {"role-drift": [_OWNER], "route-by-hand": [_OWNER]}


def offered(ticket: Ticket) -> list[dict[str, Any]]:
    """All its buttons, in their order."""
    own = [_picked(one, ticket) for one in ticket.remedies]
    beside = [more for one in own for more in _BESIDE.get(one["url_name"], [])]
    return [*own, *beside, *_BY_KIND.get(ticket.kind, []), _MERGE]


def _picked(offer: dict[str, Any], ticket: Ticket) -> dict[str, Any]:
    """The way to a mapping leads to the very message that could not be read."""
    message = ticket.evidence.get("message")
    if offer["url_name"] != _MAPPING or not isinstance(message, int):
        return offer
    return {**offer, "query": {"message": message, "ticket": ticket.pk}}
