"""A manager takes a day off: sees which tickets it would move, saves, and they are due later."""

from datetime import UTC, datetime, timedelta

import pytest

from exceptions import desk, troubles
from exceptions.troubles import Trouble
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.policy.models import BusinessCalendar
from tests.reading import hidden, signed_in, words

pytestmark = pytest.mark.django_db

FRIDAY = datetime(2026, 3, 6, 16, 30, tzinfo=UTC)
MONDAY, TUESDAY = datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 10, tzinfo=UTC)


def filled(answer):
    """What a browser would send from the form as it stands."""
    sent = {bound.name: bound.value() for bound in answer.context["form"]}
    return {name: value for name, value in sent.items() if value not in (None, False)}


def test_a_day_off_moves_the_open_tickets_once_it_was_seen_that_it_would(staff):
    company = BusinessCalendar.objects.get(is_default=True)
    trouble = Trouble(
        kind="delivery-failed", cause="journey", title="Deal could not be written",
        reason="HubSpot answered 503.", subject="outcome:1", evidence={"attempts": 11},
    )  # fmt: skip
    ticket = troubles.open_ticket(trouble, by=SETUP, at=FRIDAY)
    # Half an hour and four hours of work: Friday evening, and Monday.
    assert ticket.ack_due_at == FRIDAY + timedelta(minutes=30)
    assert ticket.fix_due_at == MONDAY + timedelta(hours=12, minutes=30)
    desk.claim(ticket_id=ticket.pk, by=staff["olivia"], at=FRIDAY)
    desk.acknowledge(ticket_id=ticket.pk, by=staff["olivia"], at=FRIDAY)

    rosa = signed_in(staff["rosa"])
    with instant.stopped(FRIDAY + timedelta(minutes=5)):
        page = rosa.get(f"/operating-model/calendars/{company.pk}/").content.decode()
        url = f"/operating-model/calendars/{company.pk}/change/"
        assert f'href="{url}"' in page
        typed = {**filled(rosa.get(url)), "days_off": "2026-03-09 Company day"}

        # Saving what moves tickets shows them first, and saves nothing.
        shown = rosa.post(url, typed)
        assert shown.status_code == 200
        assert "Would move 1 open ticket, none would be overdue." in words(shown)
        ticket.refresh_from_db()
        assert ticket.fix_due_at.day == 9
        assert not company.holidays.exists()

        # The same, seen: it is done.
        done = rosa.post(url, {**typed, "previewed": hidden(shown, "previewed")})
        assert done.status_code == 303
        assert "Company hours is saved. 1 open ticket moved." in words(rosa.get(done["Location"]))

        ticket.refresh_from_db()
        assert ticket.fix_due_at == TUESDAY + timedelta(hours=12, minutes=30)
        # What is acknowledged keeps the time it was to be acknowledged by.
        assert ticket.ack_due_at == FRIDAY + timedelta(minutes=30)
        story = words(signed_in(staff["olivia"]).get(f"/queue/{ticket.pk}/"))
        assert "The working hours changed: Company hours." in story

    moved = TrailLine.objects.get(what="ticket.due-moved")
    assert moved.cause == f"businesscalendar:{company.pk}"
    assert moved.before == {"fix by": "2026-03-09T12:30:00Z"}
    assert moved.after == {"fix by": "2026-03-10T12:30:00Z"}
