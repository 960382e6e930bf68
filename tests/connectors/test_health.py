"""A connection's breaker: one ticket, deliveries held and not failed, one probe every 30 s."""

from datetime import timedelta

import pytest

from connectors import draining, health, jobs, retrying
from connectors.models import Connection, DeliveryAttempt, PageTry
from exceptions import desk
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from proposals.models import Outcome
from tests import factories
from tests.connectors.crm import carry, outcome, say, soon, sweep_late

pytestmark = pytest.mark.django_db


def hubspot():
    return Connection.objects.get(slug="hubspot")


def tries(succeeded, failed, failure="unavailable", ago=timedelta(seconds=30)):
    """So many tries of the last five minutes, written down."""
    at = instant.now() - ago
    for worked in [True] * succeeded + [False] * failed:
        DeliveryAttempt.objects.create(
            outcome=outcome("deal"), connection="hubspot", number=1, at=at, seconds=0.1,
            succeeded=worked, failure="" if worked else failure, result="",
        )  # fmt: skip


def probe_is_due():
    Connection.objects.update(next_probe_at=instant.now() - timedelta(seconds=1))


@pytest.fixture
def broken(crm):
    """Ten proposals are sent while the CRM is down: the breaker opens."""
    for number in range(12):
        say("sent", id=f"doc-{number}")
    crm.breaks({"kind": "down"})
    carry()
    assert hubspot().breaker == "open"
    return crm


@pytest.mark.parametrize(
    ("succeeded", "failed", "opens"),
    [(0, 8, False), (0, 9, True), (3, 6, True), (4, 6, False), (30, 69, True), (31, 60, False)],
)
def test_it_opens_at_ten_tries_of_which_seventy_in_a_hundred_failed(crm, succeeded, failed, opens):
    say("sent")
    tries(succeeded, failed)
    crm.breaks({"kind": "down"})
    carry()  # one more try, and it fails
    assert (hubspot().breaker == "open") is opens


@pytest.mark.parametrize(
    ("came", "failed", "opens"), [(0, 8, False), (0, 9, True), (3, 6, True), (4, 6, False)]
)
def test_a_page_that_is_looked_for_is_a_try_like_any_other(crm, came, failed, opens):
    say("sent")
    there, at = hubspot(), instant.now() - timedelta(seconds=30)
    for failure in [""] * came + ["unavailable"] * failed:
        health.note_page(there, failure=failure, at=at)
    crm.breaks({"kind": "down"})
    carry()  # one more try, and it fails
    assert (hubspot().breaker == "open") is opens


def test_what_pages_said_is_kept_for_as_long_as_it_counts(crm):
    for ago in (600, 301, 30, 0):
        at = instant.now() - timedelta(seconds=ago)
        health.note_page(hubspot(), failure="unavailable", sentence="It is down.", at=at)
    assert PageTry.objects.count() == 2


def test_tries_of_more_than_five_minutes_ago_do_not_count(crm):
    say("sent")
    tries(0, 20, ago=timedelta(minutes=6))
    crm.breaks({"kind": "down"})
    carry()
    assert hubspot().breaker == "closed"


def test_refusals_of_single_requests_say_nothing_about_the_connection(crm):
    say("sent")
    tries(0, 20, failure="refused-400")
    crm.breaks({"kind": "down"})
    carry()
    assert hubspot().breaker == "closed"


def test_an_open_breaker_is_one_ticket_and_holds_without_failing(broken):
    ticket = Ticket.objects.get()
    assert ticket.title == "HubSpot does not answer"
    calls = len(broken.calls())
    untried = Outcome.objects.filter(connection="hubspot", attempts=0)
    assert untried.count() >= 2
    soon()
    assert carry() == 0
    assert len(broken.calls()) == calls
    # Late ones hang on that very ticket.
    sweep_late()
    assert Ticket.objects.count() == 1


def test_what_is_closed_while_it_is_down_comes_back_with_the_next_probe(broken, olivia):
    [ticket] = Ticket.objects.unresolved()
    desk.claim(ticket_id=ticket.pk, by=olivia, at=instant.now())
    desk.resolve(
        ticket_id=ticket.pk, resolution="fixed", note="Looked fine.", by=olivia, at=instant.now()
    )
    probe_is_due()
    carry()
    [back] = Ticket.objects.unresolved()
    assert (back.pk, back.reopened) == (ticket.pk, 1)
    # A further probe finds it open.
    probe_is_due()
    carry()
    assert [one.reopened for one in Ticket.objects.unresolved()] == [1]


def test_the_clocks_own_look_hangs_late_ones_on_the_same_ticket(broken):
    Outcome.objects.update(budget_ends_at=instant.now() - timedelta(seconds=1))
    jobs.open_late_tickets()
    ticket = Ticket.objects.get()
    assert ticket.occurrences == 1 + Outcome.objects.filter(connection="hubspot").count()


def test_one_probe_goes_out_and_the_next_one_thirty_seconds_later(broken):
    soon()
    probe_is_due()
    before = instant.now()
    calls = len(broken.calls())
    assert carry() == 1
    assert len(broken.calls()) == calls + 1
    wait = (hubspot().next_probe_at - before).total_seconds()
    assert 29 < wait < 32
    soon()
    assert carry() == 0


def test_a_probe_is_not_used_up_by_what_is_due_elsewhere(broken):
    """Notices are due at the same moment, and come first in the order of claims."""
    soon()
    say("sent", id="doc-new")
    Outcome.objects.filter(connection="meshline").update(tier_rank=0)
    Outcome.objects.filter(connection="hubspot").update(tier_rank=3)
    probe_is_due()
    broken.mend()
    carry()
    assert hubspot().breaker == "closed"


def test_each_broken_connection_gets_its_probe_also_for_what_can_wait(broken, monkeypatch):
    """The first of two takes the one place of the patient tiers; the second needs none."""
    factories.connected("slack", credential="xoxb-of-the-tests")
    hubspots = Outcome.objects.filter(connection="hubspot", name="deal").order_by("pk")
    Outcome.objects.filter(pk=hubspots.last().pk).update(connection="slack")
    Outcome.objects.exclude(connection="meshline").update(tier="daily", tier_rank=3)
    Connection.objects.filter(slug="slack").update(breaker="open")
    soon()
    probe_is_due()
    carriers = draining.Carriers(8)
    monkeypatch.setattr(carriers, "_start_one", lambda: None)
    assert draining._claim_next(carriers)
    assert carriers.in_flight == {"hubspot": 1, "slack": 1}


def test_a_probe_goes_out_for_what_a_killed_worker_left(broken):
    leased = Outcome.objects.filter(connection="hubspot", name="deal").first()
    Outcome.objects.filter(connection="hubspot").exclude(pk=leased.pk).update(state="cancelled")
    gone = instant.now() - timedelta(seconds=1)
    Outcome.objects.filter(pk=leased.pk).update(
        state="leased", lease_owner="00000000-0000-0000-0000-000000000001", lease_until=gone,
        next_attempt_at=gone,
    )  # fmt: skip
    probe_is_due()
    assert health.take_probes() == ["hubspot"]


def test_a_success_closes_it_and_everything_follows(broken):
    sweep_late()
    broken.mend()
    soon()
    probe_is_due()
    carry()
    assert hubspot().breaker == "closed"
    for _ in range(3):
        soon()
        carry()
    assert set(Outcome.objects.values_list("state", flat=True)) == {"proven"}
    assert Ticket.objects.get().resolution == "closed on evidence"
    assert set(broken.created().values()) == {1}
    told = TrailLine.objects.filter(subject_kind="connection", what__contains="breaker")
    assert list(told.order_by("pk").values_list("what", flat=True)) == [
        "connection.breaker-opened", "connection.breaker-closed",
    ]  # fmt: skip


def test_a_no_to_one_request_shows_that_it_answers(broken):
    broken.breaks({"kind": "status", "code": 400, "times": 1})
    soon()
    probe_is_due()
    carry()
    assert hubspot().breaker == "closed"


def test_a_person_need_not_wait_for_the_probe(broken, olivia):
    broken.mend()
    ticket = Ticket.objects.get()
    said = retrying.retry_ticket(ticket, by=olivia, at=instant.now())
    assert said.endswith("HubSpot is tried now; once it answers, what waits for it follows.")
    carry()
    assert hubspot().breaker == "closed"
    line = TrailLine.objects.get(what="connection.retried")
    assert line.actor_label.startswith("Olivia Ortiz")


def test_what_is_paused_takes_no_probe(broken):
    probe_is_due()
    Connection.objects.update(status="paused")
    assert health.take_probes() == []
    assert not draining.something_is_due()
