"""Trouble that was met before: the ticket says what resolved it and how long that took, and what
is written down about it. It keeps coming back, so the clock asks for a permanent fix: its page
compares the weeks before with those since, and when it comes back all the same, so does the ticket.
"""

from datetime import UTC, datetime, timedelta

import pytest

from exceptions import desk, jobs, troubles
from exceptions.models import Ticket
from exceptions.troubles import Trouble
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from tests.reading import hidden, signed_in, words

pytestmark = pytest.mark.django_db

# Mondays, at half past nine in working hours.
FIRST = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
WEEK = timedelta(weeks=1)
RUNBOOK = "/operating-model/runbooks/delivery-failed/"


def fails(at, number):
    """The CRM refuses the deal of one more proposal, for the same reason."""
    with instant.stopped(at):
        return troubles.open_ticket(
            Trouble(
                kind="delivery-failed", cause="hubspot:rejected", title=f"Deal {number} refused",
                reason="HubSpot answered 400: unknown stage.", subject=f"outcome:{number}",
                evidence={"attempts": 1}, connection="hubspot", contract="signed", step="deal",
                failure="rejected",
            ),
            by=SETUP, at=at,
        )  # fmt: skip


def put_right(ticket, by, at, note="The stage is mapped now."):
    """Somebody resolves it, and what hung on it is delivered."""
    with instant.stopped(at):
        desk.claim(ticket_id=ticket.pk, by=by, at=at)
        desk.resolve(ticket_id=ticket.pk, resolution="mapping gap", note=note, by=by, at=at)
        for subject in troubles.unsettled(ticket):
            troubles.settle(subject=subject, because="It was delivered.", by=SETUP, at=at)


def look(at):
    """The clock's daily look."""
    with instant.stopped(at):
        jobs.learn()


def page(reader, ticket, at):
    """The ticket's page, to somebody who signs in at that moment."""
    with instant.stopped(at):
        return words(signed_in(reader).get(f"/queue/{ticket.pk}/"))


def test_what_keeps_coming_back_is_learned_from_and_fixed_for_good(staff):
    olivia = staff["olivia"]

    # Nothing like it was met before; the runbook that Meshline comes with is there.
    ticket = fails(FIRST, 1)
    told = page(olivia, ticket, FIRST)
    assert "Nothing like it was resolved yet." in told
    assert "Retry from here. The outcome keeps its key" in told

    # It comes back every other week, and is put right by hand within an hour.
    times = [FIRST, FIRST + WEEK + timedelta(days=3), FIRST + 3 * WEEK]
    for number, at in enumerate(times, start=1):
        put_right(fails(at, number), olivia, at + timedelta(minutes=40 + number))
    now = times[-1] + timedelta(days=1, hours=1)
    with instant.stopped(now):
        other = troubles.open_ticket(
            Trouble(
                kind="delivery-failed", cause="hubspot:rejected:other", title="Deal 9 refused",
                reason="HubSpot answered 400.", subject="outcome:9", evidence={"attempts": 1},
                connection="hubspot", contract="signed", step="deal", failure="rejected",
            ),
            by=SETUP, at=now,
        )  # fmt: skip
    told = page(olivia, other, now)
    assert "Resolved 3 of 3 times as mapping gap, in 42 min at the median." in told
    assert "Mapping gap by Olivia Ortiz, in 43 min" in told
    assert "The stage is mapped now." in told

    # A manager writes down what to do when the CRM refuses, and the operator reads it there.
    with instant.stopped(now):
        rosa = signed_in(staff["rosa"])
        form = rosa.get(f"{RUNBOOK}change/?failure=rejected")
        typed = {
            "text": "1. Open the mapping: https://wiki.example.com/stages.\n2. Map the stage.",
            "note": "Third time", "seen": hidden(form, "seen"),
        }  # fmt: skip
        assert rosa.post(f"{RUNBOOK}change/?failure=rejected", typed).status_code == 303
        written = signed_in(olivia).get(f"/queue/{other.pk}/").content.decode()
    assert 'href="https://wiki.example.com/stages"' in written
    assert "Map the stage." in written
    assert "Retry from here. The outcome keeps its key" not in written

    # Three of the last four weeks: the clock asks once for a permanent fix, of who owns it.
    look(now)
    look(now + timedelta(days=1))
    fix = Ticket.objects.get(kind="permanent-fix")
    assert fix.owner.name == "Olivia Ortiz"
    assert fix.process == "delivery"
    assert "The same cause in 3 of the last 4 weeks." in page(olivia, fix, now)
    assert Notice.objects.filter(key=f"ticket:{fix.pk}:opened").count() == 1
    back = f"It keeps coming back: ticket {fix.pk} is to fix it for good."
    last = Ticket.objects.filter(kind="delivery-failed").exclude(pk=other.pk).latest("pk")
    assert back in page(olivia, last, now)
    assert back not in page(olivia, other, now)

    # Resolved: its page compares the weeks before with the time since.
    done = now + timedelta(days=1)
    with instant.stopped(done):
        desk.claim(ticket_id=fix.pk, by=olivia, at=done)
        desk.resolve(
            ticket_id=fix.pk, resolution="fixed", note="All stages are mapped.",
            by=olivia, at=done,
        )  # fmt: skip
    told = page(olivia, fix, done + timedelta(days=1))
    assert "4 weeks before it was opened 3 0.8" in told
    assert "Since it was resolved 0 too soon to say" in told
    assert "It did not happen again since it was resolved." in told
    look(done + timedelta(days=1))
    fix.refresh_from_db()
    assert fix.status == "resolved"

    # It comes back all the same: its page says so, and the ticket is open again.
    again = done + timedelta(days=2)
    fails(again, 4)
    assert "It came back: once since it was resolved." in page(olivia, fix, again)
    look(again)
    look(again + timedelta(minutes=5))
    fix.refresh_from_db()
    assert (fix.status, fix.reopened) == ("open", 1)
    assert "It was resolved (fixed by Olivia Ortiz)" in page(olivia, fix, again)
    assert TrailLine.objects.filter(what="ticket.reopened", subject_id=str(fix.pk)).count() == 1
    assert Ticket.objects.filter(kind="permanent-fix").count() == 1
