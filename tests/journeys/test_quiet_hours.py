"""Olivia sets quiet hours: a ticket at night waits until morning, a critical one does not."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from connectors import posting
from exceptions import troubles
from exceptions.troubles import Trouble
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.notices.models import Preferences, Sending
from meshline.notices.quiet import DAYS
from tests.reading import hidden, signed_in, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia(staff):
    return signed_in(staff["olivia"])


def night():
    """Quiet hours around this very moment, as somebody in UTC types them for every day."""
    now = timezone.now()
    starts, ends = now - timedelta(hours=1), now + timedelta(hours=2)
    return {
        f"{day}_{end}": f"{at:%H:%M}"
        for day in DAYS
        for end, at in (("from", starts), ("until", ends))
    }


def trouble(kind, number):
    return troubles.open_ticket(
        Trouble(
            kind=kind, cause=f"night-{number}", title=f"Trouble {number}", reason="It is late.",
            subject=f"outcome:{number}", evidence={"hour": "late"},
        ),
        by=SETUP,
        at=instant.now(),
    )  # fmt: skip


def test_a_ticket_at_night_waits_until_morning_and_a_critical_one_does_not(staff, olivia):
    # From the page one is on to the form, as one clicks.
    assert 'href="/profile/notices/"' in olivia.get("/profile/").content.decode()
    form = olivia.get("/profile/notices/")
    asked = {
        "seen": hidden(form, "seen"), "to_ticket": ["email"], "critical_breaks_through": "on",
        "digest_at": "never", **night(),
    }  # fmt: skip
    assert olivia.post("/profile/notices/", asked).status_code == 303
    assert "It is quiet now" in words(olivia.get("/profile/notices/"))

    # Two tickets at night: in the app at once, outside not at all.
    first, second = trouble("delivery-failed", 1), trouble("proof-missing", 2)
    assert set(Sending.objects.values_list("was_held", flat=True)) == {True}
    posting.drain()
    assert mail.outbox == []
    told = words(olivia.get("/notices/"))
    assert "New ticket for you: Trouble 1" in told
    assert "Notices, 2 unread" in told

    # A critical one wakes her.
    critical = trouble("credentials-refused", 3)
    posting.drain()
    assert [letter.subject for letter in mail.outbox] == ["New ticket for you: Trouble 3"]
    assert mail.outbox[0].to == ["olivia@example.com"]
    assert f"/queue/{critical.pk}/" in mail.outbox[0].body

    # In the morning the others come, as one message.
    held = Sending.objects.filter(state="due")
    assert [one.was_held for one in held] == [True, True]
    assert held[0].next_attempt_at > instant.now() + timedelta(minutes=100)
    held.update(next_attempt_at=instant.now())
    # Whoever looks too early puts them back: what counts is her clock.
    posting.drain()
    assert len(mail.outbox) == 1
    assert held.filter(next_attempt_at__gt=instant.now(), failure="", attempts=0).count() == 2
    Preferences.objects.update(quiet=[])
    held.update(next_attempt_at=instant.now())
    posting.drain()
    assert len(mail.outbox) == 2
    morning = mail.outbox[1]
    assert morning.subject == "2 notices from your quiet hours"
    for ticket in (first, second):
        assert ticket.title in morning.body
        assert f"/queue/{ticket.pk}/" in morning.body
    # Looking again sends nothing again.
    posting.drain()
    assert len(mail.outbox) == 2
