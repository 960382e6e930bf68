"""Paging: every row once, whatever comes in meanwhile, at the same cost whatever the size."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exceptions import desk
from exceptions.models import Ticket
from meshline import instant
from meshline.web.rest.cursor import Cursor
from tests import factories
from tests.api.conftest import trouble

pytestmark = pytest.mark.django_db


def walk(script, path, *, limit, meanwhile=lambda: None, **query):
    """The ids of every row, page by page; between pages something else happens."""
    found, after = [], {}
    while True:
        answer = script.get(path, limit=limit, **query, **after)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= limit
        found += [item["id"] for item in page["items"]]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}
        meanwhile()


def test_a_walk_meets_every_row_once_while_rows_come_and_change(script, olivia):
    there = [trouble(f"old-{number}").pk for number in range(7)]
    new = []

    def meanwhile():
        new.append(trouble(f"new-{len(new)}").pk)
        # What was at the end changes, and stays in its place.
        first = Ticket.objects.get(pk=there[0])
        act = desk.release if first.claimed_by_id else desk.claim
        act(ticket_id=first.pk, by=olivia, at=instant.now())

    assert walk(script, "tickets", limit=2, meanwhile=meanwhile) == sorted(there, reverse=True)
    assert len(new) == 3


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 200])
def test_a_walk_ends_where_the_rows_end(script, staff, limit):
    there = [trouble(f"x{number}").pk for number in range(6)]
    assert walk(script, "tickets", limit=limit) == sorted(there, reverse=True)
    assert walk(script, "tickets", limit=limit, state="resolved") == []


def test_fifty_are_told_unless_more_are_asked_for(script, staff):
    for number in range(51):
        trouble(f"x{number}")
    assert len(script.items("tickets")) == 50
    assert len(script.items("tickets", limit=200)) == 51


def test_a_cursor_names_every_id_and_no_other():
    place = Cursor.of("t")
    for pk in (1, 15, 16, 2**40, 2**60 - 1):
        name = place.name_of(pk)
        assert place.check(name) == pk
        assert len(name) == place.longest


@pytest.mark.parametrize(
    "path", ["messages", "signals", "proposals", "follow-ups", "outcomes", "tickets", "trail"]
)
def test_a_page_costs_the_same_however_many_rows_are_on_it(script, staff, path):
    factories.pandadoc()
    factories.hubspot()

    def more(start, count):
        for number in range(start, start + count):
            document = factories.document("sent", id=f"doc-{number}")
            factories.post_pandadoc([document], event_id=f"evt-{number}")
            trouble(f"{number}")
        factories.digest_all()

    def cost():
        with CaptureQueriesContext(
            connection,
        ) as asked:
            found = len(script.items(path, limit=200))
        return found, len(asked)

    more(0, 1)
    cost()  # the first use is written down once a minute
    few, first = cost()
    more(1, 6)
    many, second = cost()
    assert many > few
    assert second == first
    assert first <= 12
