"""RevOps with two operators and a manager, on a Monday morning."""

from datetime import UTC, datetime

import pytest

from meshline.audit.actors import SETUP
from meshline.people import teams
from meshline.people.permissions import Role
from tests import factories
from tests.reading import signed_in

MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def day(number, hour=9, minute=0):
    """A day of March 2026, in UTC; the 2nd is a Monday."""
    return datetime(2026, 3, number, hour, minute, tzinfo=UTC)


@pytest.fixture
def revops(staff):
    return teams.change(slug="revops", name="RevOps", lead=staff["rosa"], by=SETUP, at=MONDAY)


@pytest.fixture
def nils(revops):
    return factories.person("nils@example.com", "Nils Aker", Role.OPERATOR, revops)


@pytest.fixture
def as_(staff):
    """A client of somebody, signed in."""

    return lambda user: signed_in(staff[user] if isinstance(user, str) else user)
