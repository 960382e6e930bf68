"""One state change, one notice, whatever is retried."""

import threading
import time

import pytest
from django.core import mail
from django.db import connections

from connectors import posting
from exceptions import troubles
from exceptions.troubles import Trouble
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.notices import choosing, notices
from meshline.notices.choosing import Choice
from meshline.notices.models import Notice, Sending
from proposals import outbox
from proposals.models import Outcome
from tests.connectors.crm import carry, outcome, say

pytestmark = pytest.mark.django_db


def by_email(user, *kinds):
    choosing.settle(Choice(channels={kind: ["email"] for kind in kinds}), by=user, at=instant.now())


def trouble(number):
    return Trouble(
        kind="delivery-failed", cause="one outage", title="HubSpot does not answer",
        reason="503", subject=f"outcome:{number}", evidence={"attempts": number + 1},
    )  # fmt: skip


def test_a_hundred_occurrences_of_one_cause_are_one_notice_and_one_letter(staff):
    by_email(staff["olivia"], "ticket")
    for number in range(100):
        ticket = troubles.open_ticket(trouble(number), by=SETUP, at=instant.now())
    posting.drain()
    assert ticket.occurrences == 100
    assert Notice.objects.count() == 1
    assert len(mail.outbox) == 1


def test_a_record_that_is_carried_again_is_told_once(crm, staff):
    by_email(staff["remy"], "record")
    say("sent")
    carry()
    told = outcome("tell-owner")
    # Carried again, as if its first carrier had died before it could say so.
    for _ in range(3):
        Outcome.objects.filter(pk=told.pk).update(
            state="due", delivered_at=None, proven_at=None, next_attempt_at=instant.now()
        )
        carry()
        posting.drain()
    assert Notice.objects.filter(key=told.key).count() == 1
    assert len(mail.outbox) == 1
    assert outbox.something_is_due(["meshline"]) is False


def test_a_letter_whose_sender_died_goes_out_once_more_under_its_id(staff, monkeypatch):
    """Nobody can tell whether it went: mail systems know a repeat by its id."""
    by_email(staff["olivia"], "ticket")
    troubles.open_ticket(trouble(1), by=SETUP, at=instant.now())
    first = posting.sendings.claim(["email"], lease_seconds=60)
    assert posting.sendings.claim(["email"], lease_seconds=60) == []
    Sending.objects.update(lease_until=instant.now())
    posting.drain()
    # The first one comes back late, and is not believed.
    with pytest.raises(posting.LeaseLost):
        posting.sendings.mark_sent(first, external_id="x", at=instant.now())
    [letter] = mail.outbox
    assert letter.extra_headers["Message-ID"].startswith(f"<{first[0].parcel}@")


@pytest.mark.django_db(transaction=True)
def test_of_ten_that_tell_the_same_at_once_one_tells(staff):
    by_email(staff["olivia"], "ticket")
    ready = threading.Barrier(10)

    def tells():
        try:
            ready.wait(10)
            notices.tell(
                staff["olivia"], "Look", key="ticket:1:opened", kind="ticket", at=instant.now()
            )
            posting.drain()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=tells) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    until = time.monotonic() + 5
    while Sending.objects.exclude(state="sent").exists() and time.monotonic() < until:
        posting.drain()
    assert Notice.objects.count() == 1
    assert Sending.objects.count() == 1
    assert len(mail.outbox) == 1
