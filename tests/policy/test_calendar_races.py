"""Several managers at the same moment: real threads, real transactions."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from django.db import connection

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.people.models import Team
from meshline.policy import operating_model
from meshline.policy.models import BusinessCalendar
from meshline.policy.operating_model import Calendar, ModelError, Stale

pytestmark = pytest.mark.django_db(transaction=True)

MANAGERS = 4
MONDAYS = Calendar(
    slug="x", name="X", zone="UTC", windows=[(0, "09:00", "17:00")], holidays={}, country="DE"
)


def at_once(*deeds):
    """What each came to when all of them began together: its answer, or its error."""
    gate = threading.Barrier(len(deeds))

    def do(deed):
        try:
            connection.ensure_connection()
            gate.wait(timeout=10)
            return deed()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as threads:
        return list(threads.map(do, deeds))


def save(calendar, version):
    return operating_model.set_calendar(calendar, version=version, by=SETUP, at=instant.now())


def test_of_many_who_change_it_at_once_one_wins_and_the_others_read_why():
    row = save(MONDAYS, 0)
    for version in range(1, 6):
        names = [f"{version} by {number}" for number in range(MANAGERS)]
        said = at_once(*(partial(save, replace(MONDAYS, name=name), version) for name in names))
        assert sum(isinstance(one, Stale) for one in said) == MANAGERS - 1
        row.refresh_from_db()
        winner = next(one for one in said if isinstance(one, BusinessCalendar))
        assert (row.name, row.version) == (winner.name, version + 1)


def test_of_many_who_make_the_same_one_at_once_one_does_and_the_others_are_told():
    for number in range(5):
        wanted = replace(MONDAYS, slug=f"same-{number}")
        said = at_once(*[partial(save, wanted, 0)] * MANAGERS)
        assert sum(isinstance(one, ModelError) for one in said) == MANAGERS - 1
        assert BusinessCalendar.objects.filter(slug=wanted.slug).count() == 1


def test_one_team_and_one_default_are_given_once_however_many_ask_at_once():
    sales = Team.objects.create(slug="sales", name="Sales")
    for_sales = [replace(MONDAYS, slug=f"sales-{number}", team=sales) for number in range(MANAGERS)]
    said = at_once(*(partial(save, wanted, 0) for wanted in for_sales))
    assert sum(isinstance(one, ModelError) for one in said) == MANAGERS - 1
    defaults = [replace(MONDAYS, slug=f"all-{n}", is_default=True) for n in range(MANAGERS)]
    said = at_once(*(partial(save, wanted, 0) for wanted in defaults))
    assert all(isinstance(one, BusinessCalendar) for one in said), said
    assert BusinessCalendar.objects.filter(is_default=True).count() == 1
