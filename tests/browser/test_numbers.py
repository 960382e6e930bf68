"""The numbers of the queue in a real browser, in sizes and schemes, without any mouse."""

from datetime import timedelta

import pytest

from exceptions import desk
from exceptions.models import Ticket
from meshline import instant
from tests.chromium import check, on_every_screen
from tests.exceptions.conftest import open_one

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def busy(staff):
    """Some weeks of a queue: four failure modes, two people, one cause again and again."""
    now = instant.now()
    modes = [("delivery-failed", "timeout"), ("delivery-failed", "refused"), ("role-drift", ""),
             ("message-unreadable", "mapping")]  # fmt: skip
    for number in range(24):
        kind, failure = modes[number % 4]
        at = now - timedelta(days=number)
        ticket = open_one(str(number), at=at, kind=kind, failure=failure)
        if number % 3:
            by = staff["rosa" if number % 2 else "olivia"]
            desk.claim(ticket_id=ticket.pk, by=by, at=at)
            desk.acknowledge(ticket_id=ticket.pk, by=by, at=at + timedelta(minutes=9))
        if number % 3 == 2:
            given = {"resolution": "fixed", "minutes": number, "by": by}
            desk.resolve(ticket_id=ticket.pk, at=at + timedelta(hours=5), **given)
    Ticket.objects.resolved().filter(kind="role-drift").update(cause="again", reopened=1)


@on_every_screen
def test_they_are_read_and_followed_to_their_rows(look, busy, staff, size, scheme):
    page = look(staff["rosa"], size, scheme)
    page.goto("/queue/")
    page.goto("/queue/numbers/")
    check(page, f"numbers-{size}-{scheme}")
    link = page.get_by_role("row", name="Less than a day").get_by_role("link")
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/queue/?*age_to=0*")
    assert page.locator("tr[data-ticket]").count() == 1
    check(page, f"numbers-rows-{size}-{scheme}", whole=False)


def test_what_cannot_be_read_is_marked(look, busy, staff):
    page = look(staff["rosa"])
    page.goto("/queue/numbers/?since=2026-03-02&until=2026-03-01")
    check(page, "numbers-bad", whole=False)
