"""What tickets say of their cause, by whoever met it; and clocks that stop with a connection."""

from datetime import timedelta

import pytest

from connectors import health, jobs
from connectors.models import Connection
from exceptions.models import Ticket
from meshline import instant
from proposals import outbox
from tests.connectors.crm import say
from tests.factories import digest_all, document, post_pandadoc

pytestmark = pytest.mark.django_db


def give_up(failure):
    claimed = outbox.claim(["hubspot"], lease_seconds=60)
    outbox.give_up(claimed, because="No.", failure=failure, at=instant.now())
    return claimed


def test_what_is_refused_is_told_apart_by_contract_and_step(crm):
    say("sent")
    refused = give_up("refused-422")
    ticket = Ticket.objects.get()
    assert (ticket.contract, ticket.step, ticket.failure) == ("sent", refused.name, "refused-422")
    assert ticket.cause == f"delivery-failed:hubspot:refused-422:sent:{refused.name}"


def test_the_same_request_of_other_records_is_the_same_cause(crm):
    for number in range(3):
        say("sent", id=f"doc-{number}")
    for _ in range(6):
        give_up("refused-422")
    told = Ticket.objects.order_by("step").values_list("step", "occurrences")
    assert list(told) == [("deal", 3), ("follow-up", 3)]


def test_what_fails_because_of_the_connection_is_one_cause_for_every_contract(crm):
    for state, name in (("sent", "doc-1"), ("completed", "doc-2")):
        say(state, id=name)
        give_up("unavailable")
    ticket = Ticket.objects.get()
    assert (ticket.contract, ticket.step, ticket.failure, ticket.occurrences) == (
        "", "", "unavailable", 2,
    )  # fmt: skip
    # The breaker's own ticket is that one.
    health._open_breaker("hubspot", "unavailable", "503", instant.now())
    assert Ticket.objects.get().occurrences == 3


def test_a_message_that_cannot_be_read_names_its_field(pandadoc):
    post_pandadoc([document("sent", grand_total={"amount": "many", "currency": "EUR"})])
    digest_all()
    ticket = Ticket.objects.get()
    assert (ticket.failure, ticket.field_name) == ("message-unreadable", "data.grand_total.amount")


def test_while_a_connection_does_not_answer_the_clocks_of_its_tickets_stand_still(crm):
    say("sent")
    give_up("refused-422")
    opened = instant.now()
    Connection.objects.filter(slug="hubspot").update(breaker="open", breaker_opened_at=opened)
    jobs.stop_clocks()
    ticket = Ticket.objects.get()
    assert (ticket.paused_by_rule, ticket.paused_since) == ("connection-down", opened)
    Connection.objects.filter(slug="hubspot").update(breaker="closed")
    jobs.stop_clocks()
    ticket.refresh_from_db()
    assert ticket.paused_since is None
    assert ticket.paused_for < timedelta(minutes=1)
