"""What /metrics says: counted in the database, for whoever scrapes; never a person."""

from datetime import timedelta
from unittest import mock

import pytest
from django.db import OperationalError, connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from connectors import digest
from connectors.models import Connection, DeliveryAttempt, Message
from exceptions.models import Occurrence, Ticket
from meshline import instant
from meshline.pulse import pulse, vitals
from meshline.shell import invariants, reach
from proposals import outbox
from proposals.models import Outcome, Proposal
from tests import factories
from tests.factories import digest_all, document, post_pandadoc


def scraped(**headers):
    answer = Client(headers=headers).get("/metrics")
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.content.decode())
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def number(name, **labels):
    return scraped().get((f"meshline_{name}", *sorted(labels.items())))


@pytest.fixture
def busy(staff, pandadoc):
    factories.hubspot()
    post_pandadoc([document("sent")])
    post_pandadoc(b"{", event_id="evt-2")
    digest_all()
    post_pandadoc([document("sent", id="doc-2")], event_id="evt-3")


def test_messages_by_connection_and_status(busy):
    told = scraped()
    for status in ("accepted", "digested", "quarantined"):
        labels = (("connection", "pandadoc"), ("status", status))
        assert told["meshline_messages", *labels] == 1


def test_what_was_read_long_ago_is_not_counted(busy):
    Message.objects.update(received_at=instant.now() - timedelta(hours=2))
    assert number("messages", connection="pandadoc", status="digested") is None
    assert number("messages", connection="pandadoc", status="accepted") == 1


def test_how_long_the_oldest_message_has_been_due(busy):
    waiting = Message.objects.filter(status="accepted")
    waiting.update(next_attempt_at=instant.now() - timedelta(seconds=90))
    assert 90 <= number("message_oldest_due_age_seconds", connection="pandadoc") < 100
    waiting.update(next_attempt_at=instant.now() + timedelta(seconds=90))
    assert number("message_oldest_due_age_seconds", connection="pandadoc") == 0


def test_outcomes_by_connection_and_state(busy):
    due = Outcome.objects.filter(connection="hubspot", state="due").count()
    assert due
    assert number("outcomes", connection="hubspot", state="due") == due
    claimed = outbox.claim(["hubspot"], lease_seconds=60)
    outbox.give_up(claimed, because="No.", failure="refused", at=instant.now())
    assert number("outcomes", connection="hubspot", state="given_up") == 1
    Outcome.objects.filter(connection="hubspot", state="due").update(
        next_attempt_at=instant.now() - timedelta(seconds=50)
    )
    assert 50 <= number("outcome_oldest_due_age_seconds", connection="hubspot") < 60


def test_lapsed_leases(busy):
    assert number("message_leases_lapsed") == number("outcome_leases_lapsed") == 0
    digest._claim_fresh(1)
    assert number("message_leases_lapsed") == 0
    Message.objects.filter(status="accepted").update(lease_until=instant.now())
    outbox.claim(["hubspot"], lease_seconds=-1)
    assert number("message_leases_lapsed") == number("outcome_leases_lapsed") == 1


def test_breakers_and_what_is_held_behind_them(busy):
    assert number("connection_breaker_open", connection="hubspot") == 0
    assert number("outcomes_held", connection="hubspot") == 0
    due = Outcome.objects.filter(connection="hubspot", state="due").count()
    Connection.objects.filter(slug="hubspot").update(breaker="open")
    assert number("connection_breaker_open", connection="hubspot") == 1
    assert number("outcomes_held", connection="hubspot") == due
    Connection.objects.filter(slug="hubspot").update(breaker="closed", status="paused")
    assert number("connection_active", connection="hubspot") == 0
    assert number("outcomes_held", connection="hubspot") == due


def test_tickets_and_the_money_they_block(busy):
    labels = {"kind": "message-unreadable", "severity": "normal"}
    assert number("tickets_open", **labels) == 1
    assert number("tickets_overdue", **labels) == 0
    assert number("blocked_revenue", currency="EUR") is None
    long_ago = instant.now() - timedelta(days=30)
    Ticket.objects.update(ack_due_at=long_ago, fix_due_at=long_ago)
    Occurrence.objects.update(amount="1234.50", currency="EUR")
    assert number("tickets_overdue", **labels) == 1
    assert number("blocked_revenue", currency="EUR") == 1234.5


def test_tries_of_the_last_five_minutes(busy):
    outcome = Outcome.objects.filter(connection="hubspot").first()
    now = instant.now()
    for minutes, failure in ((0, ""), (1, "unavailable"), (2, "unavailable"), (6, "unavailable")):
        DeliveryAttempt.objects.create(
            outcome=outcome, connection="hubspot", number=1, at=now - timedelta(minutes=minutes),
            seconds=0.1, succeeded=not failure, result="x", failure=failure,
        )  # fmt: skip
    assert number("delivery_attempts", connection="hubspot", result="succeeded") == 1
    assert number("delivery_attempts", connection="hubspot", result="unavailable") == 2


def test_from_accepted_to_proven_by_tier(busy):
    outcomes = Outcome.objects.filter(connection="hubspot").order_by("pk")
    received = outcomes[0].signal.received_at
    for seconds, outcome in zip((4, 8), outcomes, strict=False):
        proven_at = received + timedelta(seconds=seconds)
        Outcome.objects.filter(pk=outcome.pk).update(
            state="proven", proven_at=proven_at, tier="minutes"
        )
    told = scraped()
    tier = ("tier", "minutes")
    assert told["meshline_outcome_latency_outcomes", tier] == 2
    assert told["meshline_outcome_latency_seconds", ("quantile", "0.5"), tier] == 6
    assert 7 < told["meshline_outcome_latency_seconds", ("quantile", "0.95"), tier] <= 8


def test_signs_of_life(busy):
    pulse.beat(vitals.CLOCK)
    pulse.task_begins("tidying", every=5)
    assert number("task_duration_seconds", task="tidying") is None
    pulse.task_ended("tidying", seconds=0.25, error="ValueError: no")
    told = scraped()
    assert told["meshline_heartbeat_age_seconds", ("name", "clock")] < 60
    assert told["meshline_task_age_seconds", ("task", "tidying")] < 60
    assert told["meshline_task_duration_seconds", ("task", "tidying")] == 0.25
    assert told["meshline_task_failed", ("task", "tidying")] == 1
    assert told["meshline_redis_up",] == 1
    assert told["meshline_workers_alive",] == 0
    assert told["meshline_trail_chain_position",] >= 0
    assert told["process_resident_memory_bytes",] > 0
    assert ("meshline_invariants_broken",) not in told
    pulse.beat(invariants.CHECKED, broken=["x"])
    assert number("invariants_broken") == 1


def test_every_gauge_says_what_it_is(busy):
    text = Client().get("/metrics").content.decode()
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name


def test_no_person_is_named(busy, staff):
    text = Client().get("/metrics").content.decode()
    proposal = Proposal.objects.first()
    for word in (proposal.contact_email, proposal.contact_name, proposal.title, "@example.com"):
        assert word
        assert word not in text
    for one in staff.values():
        assert one.name not in text


def test_a_scrape_is_a_handful_of_questions(busy, django_assert_num_queries):
    Client().get("/metrics")
    with django_assert_num_queries(13):
        Client().get("/metrics")


def test_with_a_token_it_takes_that_token(db, settings):
    settings.METRICS_TOKEN = "scrape-me"
    refused = Client().get("/metrics")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    for wrong in ("Bearer no", "Basic scrape-me", "scrape-me", "Bearer scrape-mé"):
        assert Client(headers={"Authorization": wrong}).get("/metrics").status_code == 401
    assert scraped(Authorization="Bearer scrape-me")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_without_a_token_this_machine_itself_may_ask(db, address):
    assert Client(REMOTE_ADDR=address).get("/metrics").status_code == 200


@pytest.mark.parametrize(
    "address", ["192.0.2.7", "10.0.0.7", "2001:db8::7", "::ffff:10.0.0.7", "", "localhost", "127.1"]
)
def test_without_a_token_others_are_told_to_set_one(db, address):
    refused = Client(REMOTE_ADDR=address).get("/metrics")
    assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "Set METRICS_TOKEN" in refused.text


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "Forwarded", "X-Forwarded-Proto", "X-Real-IP", "Via"]
)
def test_without_a_token_a_proxy_on_this_machine_lets_nobody_in(db, header):
    """Its callers are the world, and its own address is the loopback's."""
    for value in ("192.0.2.7", "127.0.0.1", ""):
        refused = Client(headers={header: value}).get("/metrics")
        assert refused.status_code == 401, value
        assert "Set METRICS_TOKEN" in refused.text


def test_with_a_token_it_does_not_matter_where_from(db, settings):
    settings.METRICS_TOKEN = "scrape-me"
    headers = {"Authorization": "Bearer scrape-me", "X-Forwarded-For": "192.0.2.7"}
    there = Client(headers=headers, REMOTE_ADDR="192.0.2.7")
    assert there.get("/metrics").status_code == 200
    assert Client().get("/metrics").status_code == 401


def test_it_is_only_read(db):
    assert Client().post("/metrics").status_code == 405


def test_without_the_database_it_is_503(db):
    with mock.patch.object(reach, "database_answers", return_value=False):
        assert Client().get("/metrics").status_code == 503
    with mock.patch.object(connection, "cursor", side_effect=OperationalError("gone")):
        answer = Client().get("/metrics")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "15")
