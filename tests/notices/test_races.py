"""Several who send at once: nothing goes twice, and what belongs together goes together."""

import threading

import pytest
from django.core import mail
from django.db import connections

from connectors import posting
from meshline import instant
from meshline.notices import choosing, notices
from meshline.notices.choosing import Choice
from meshline.notices.models import Sending
from meshline.notices.notices import News

pytestmark = pytest.mark.django_db(transaction=True)

SENDERS, PER_PERSON = 6, 25


def at_once(act):
    ready = threading.Barrier(SENDERS)

    def acts():
        try:
            ready.wait(10)
            act()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=acts) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


def test_what_is_due_for_one_person_is_one_letter_however_many_send(staff):
    people = [staff[name] for name in ("olivia", "rosa", "sam", "remy")]
    for user in people:
        choosing.settle(Choice(channels={"ticket": ["email"]}), by=user, at=instant.now())
    for turn in range(3):
        mail.outbox.clear()
        news = [
            News(user, f"Number {number}", f"{turn}-{number}", kind="ticket")
            for number in range(PER_PERSON)
            for user in people
        ]
        notices.tell_all(news, at=instant.now())
        at_once(posting.drain)
        assert sorted(letter.to[0] for letter in mail.outbox) == sorted(
            user.email for user in people
        )
    assert set(Sending.objects.values_list("state", flat=True)) == {"sent"}
