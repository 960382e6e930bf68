"""Tickets as the rooms above open them, and what a broken trail does."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from exceptions import escalation, troubles
from exceptions.troubles import Trouble
from meshline import instant
from meshline.audit import trail
from meshline.audit.actors import part

# A Monday morning within working hours.
MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CARRIER = part("carrier", "The carrier")
HTMX = {"HX-Request": "true"}


class TrailBroken(Exception):
    """The second half of every verb, failing."""


def trouble(name="one", **changes):
    """Something that went wrong in delivering outcome `name`."""
    facts = {
        "kind": "delivery-failed",
        "cause": f"cause-{name}",
        "title": f"Delivery of {name} failed",
        "reason": "HubSpot answered 503 eleven times.",
        "subject": f"outcome:{name}",
        "evidence": {"attempts": 11},
        "record": "proposal:17",
        "record_title": "Website relaunch",
        "connection": "hubspot",
        "amount": Decimal("1234.50"),
        "currency": "EUR",
    }
    return Trouble(**{**facts, **changes})


def open_one(name="one", *, at=MONDAY, **changes):
    return troubles.open_ticket(trouble(name, **changes), by=CARRIER, at=at)


def look(at):
    """The clock's look at every open ticket, to its end."""
    for _ in escalation.look(at=at):
        pass


@pytest.fixture
def monday():
    """The clock stands still at half past nine on a Monday."""
    with instant.stopped(MONDAY):
        yield MONDAY


@pytest.fixture
def ticket(staff):
    return open_one()


@pytest.fixture
def broken_trail(monkeypatch):
    """Break the trail from here on."""

    def fail(*args, **named):
        raise TrailBroken

    def break_it():
        monkeypatch.setattr(trail, "record", fail)

    return break_it


@pytest.fixture
def as_(client):
    """The browser of one person."""

    def sign_in(user):
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def at_that_time():
    """The clock stands still there for a while; whoever signs in then has just come."""
    return instant.stopped
