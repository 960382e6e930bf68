"""How the CRM breaks, and what follows: never a second effect, never silence."""

import re
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from connectors import connections, delivery, draining
from connectors.models import Connection, DeliveryAttempt
from exceptions import troubles
from exceptions.models import Ticket
from meshline import instant
from proposals import outbox
from proposals.models import Outcome
from tests.connectors.crm import carry, carry_on, outcome, say, soon, states, sweep_late

pytestmark = pytest.mark.django_db

DEAL = {"match": {"method": "POST", "path": "deals"}}
TASK = {"match": {"method": "POST", "path": "objects/tasks"}}


@pytest.fixture
def hasty(monkeypatch):
    """An errand is given up after half a second instead of fifteen."""
    monkeypatch.setattr(delivery, "CALL_SECONDS", 0.5)


# --- The answer is lost, the effect is not ---------------------------------------------------
@pytest.mark.parametrize("where", [DEAL, TASK], ids=["deal", "task"])
@pytest.mark.parametrize("kind", ["commit_then_reset", "commit_then_hang"])
def test_a_lost_answer_is_one_effect(crm, hasty, kind, where):
    say("sent")
    crm.breaks({"kind": kind, "times": 1, **where})
    carry_on()
    assert states() == {"deal": "proven", "follow-up": "proven", "tell-owner": "proven"}
    assert set(crm.created().values()) == {1}
    assert (len(crm.deals()), len(crm.tasks())) == (1, 1)


def test_a_lost_answer_says_that_the_end_is_unknown(crm):
    say("sent")
    crm.breaks({"kind": "commit_then_reset", "times": 1, **DEAL})
    carry()
    attempt = DeliveryAttempt.objects.get(outcome=outcome("deal"))
    assert "Whether it acted on the request is not known." in attempt.result


def test_a_task_that_may_exist_is_looked_up_before_it_is_created(crm):
    say("sent")
    crm.breaks({"kind": "commit_then_reset", "times": 1, **TASK})
    carry_on()
    paths = [call["path"].rpartition("/objects/")[2] for call in crm.calls()]
    tasks = [path for path in paths if path.startswith("tasks") and "?" not in path]
    assert tasks == ["tasks", "tasks/batch/read"]
    assert "was there already" in DeliveryAttempt.objects.latest("pk").result


# --- A yes that is none ----------------------------------------------------------------------
def test_a_ghost_is_found_out_and_carried_again(crm):
    say("sent")
    crm.breaks({"kind": "ghost_200", "times": 1, **DEAL})
    carry()
    assert outcome("deal").state == "delivered"
    carry_on()
    assert states() == {"deal": "proven", "follow-up": "proven", "tell-owner": "proven"}
    assert set(crm.created().values()) == {1}


def test_a_ghost_that_stays_one_is_a_ticket_within_the_budget(crm):
    say("sent")
    crm.breaks({"kind": "ghost_200", **DEAL})
    for _ in range(5):
        soon()
        carry()
    sweep_late()
    ticket = Ticket.objects.get(kind="proof-missing")
    assert "cannot be read back" in ticket.reason
    assert crm.deals() == []
    crm.mend()
    carry_on()
    ticket.refresh_from_db()
    assert ticket.resolution == "closed on evidence"
    assert set(crm.created().values()) == {1}


def test_a_redelivery_that_fails_is_a_failure_and_no_delivery(crm):
    """The id of the ghost must not make the failed second try look delivered."""
    say("sent")
    crm.breaks({"kind": "ghost_200", "times": 1, **DEAL})
    while outcome("deal").failure != "unproven" or outcome("deal").delivered_at:
        soon(name="deal")
        carry()
    crm.breaks({"kind": "down"})
    soon()
    carry()
    deal = outcome("deal")
    assert (deal.state, deal.failure, deal.delivered_at) == ("due", "unavailable", None)


def test_a_web_page_with_200_is_a_failure(crm):
    say("sent")
    crm.breaks({"kind": "html_200", "times": 2})
    carry()
    assert outcome("deal").failure == "garbled"
    carry_on()
    assert states()["deal"] == "proven"
    assert set(crm.created().values()) == {1}


def test_an_endless_answer_is_a_failure(crm):
    say("sent")
    crm.breaks({"kind": "huge_body", "times": 1, **DEAL})
    carry()
    assert outcome("deal").failure == "garbled"
    carry_on()
    assert set(crm.created().values()) == {1}


def test_a_slow_answer_is_given_up_and_costs_no_second_effect(crm, hasty):
    say("sent")
    crm.breaks({"kind": "slow_drip", "bytes_per_second": 20, "times": 1, **DEAL})
    carry_on()
    assert states()["deal"] == "proven"
    assert set(crm.created().values()) == {1}


# --- No -------------------------------------------------------------------------------------
def test_a_refusal_for_good_is_given_up_with_a_ticket_at_once(crm):
    say("sent")
    crm.breaks({"kind": "status", "code": 400, "times": 1, **DEAL})
    carry()
    deal = outcome("deal")
    assert (deal.state, deal.failure, deal.attempts) == ("given_up", "refused-400", 1)
    ticket = Ticket.objects.get()
    assert (ticket.kind, ticket.severity) == ("delivery-failed", "high")
    assert "was answered 400" in ticket.reason
    # What waited behind it goes on.
    assert states()["follow-up"] == "proven"


@pytest.mark.parametrize(
    ("given", "least", "most"),
    [
        ({"retry_after": 7}, 7, 10),
        ({"retry_after_date": 9}, 7, 12),
        ({"policy": "TEN_SECONDLY_ROLLING"}, 10, 12),
        ({"retry_after": "soon"}, 10, 12),
        ({"retry_after": 10_000_000}, 3590, 3610),
    ],
    ids=["seconds", "date", "none", "garbage", "too long"],
)
def test_429_waits_as_long_as_asked_and_uses_up_no_try(crm, given, least, most):
    say("sent")
    crm.breaks({"kind": "status", "code": 429, "times": 1, **given})
    before = instant.now()
    carry()
    deal = outcome("deal")
    waited = (deal.next_attempt_at - before).total_seconds()
    assert least <= waited <= most + 1
    assert (deal.attempts, deal.tries, deal.failure) == (1, 0, "throttled")


@pytest.mark.parametrize("code", [423, 477])
def test_what_hubspot_says_passes_is_tried_again(crm, code):
    say("sent")
    crm.breaks({"kind": "status", "code": code, "times": 1, **DEAL})
    carry()
    assert outcome("deal").state == "due"
    carry_on()
    assert states()["deal"] == "proven"


def test_tries_run_out_and_a_person_takes_over(crm):
    say("sent")
    crm.breaks({"kind": "status", "code": 500, **DEAL})
    for _ in range(12):
        Connection.objects.update(breaker="closed")
        DeliveryAttempt.objects.all().update(at=instant.now() - timedelta(hours=1))
        soon(name="deal")
        carry()
    deal = outcome("deal")
    assert (deal.state, deal.tries) == ("given_up", 10)
    assert "All 10 tries are used up." in Ticket.objects.get(kind="delivery-failed").reason


# --- Who we are ------------------------------------------------------------------------------
def test_401_pauses_the_connection_with_one_ticket_and_nothing_more_goes_out(crm, staff):
    say("sent")
    say("sent", id="doc-2")
    crm.token("another")
    carry()
    calls = len(crm.calls())
    hubspot = Connection.objects.get(slug="hubspot")
    assert (hubspot.status, bool(hubspot.status_why)) == ("paused", True)
    carry_on()
    assert len(crm.calls()) == calls
    ticket = Ticket.objects.get()
    assert (ticket.kind, ticket.severity) == ("credentials-refused", "critical")
    assert {one.attempts for one in Outcome.objects.filter(connection="hubspot")} == {0}
    # What is late meanwhile hangs on the same ticket.
    assert sweep_late() == 4
    assert Ticket.objects.count() == 1


def test_a_new_credential_and_a_resume_let_everything_flow(crm, staff):
    say("sent")
    crm.token("another")
    carry()
    sweep_late()
    now = instant.now()
    connections.enter_secret(
        slug="hubspot", purpose="credential", secret="another", by=staff["ada"], at=now
    )
    carry_on()
    assert outcome("deal").state == "due"  # still paused
    connections.set_status(slug="hubspot", status="active", reason="", by=staff["ada"], at=now)
    carry()
    assert set(states().values()) == {"proven"}
    assert set(Ticket.objects.values_list("resolution", flat=True)) == {"closed on evidence"}


def test_a_refusal_of_the_credential_before_stops_nobody_who_has_a_new_one(crm, staff, monkeypatch):
    """It is entered while a call with the old one is on its way."""
    say("sent")
    crm.token("another")
    delivered = delivery._delivered

    def answered_late(*args):
        connections.enter_secret(
            slug="hubspot", purpose="credential", secret="another", by=staff["ada"],
            at=instant.now(),
        )  # fmt: skip
        return delivered(*args)

    monkeypatch.setattr(delivery, "_delivered", answered_late)
    carry()
    carry_on()
    assert Connection.objects.get(slug="hubspot").status == "active"
    assert set(states().values()) == {"proven"}
    assert Ticket.objects.count() == 0
    assert set(crm.created().values()) == {1}


def test_a_connection_without_a_credential_says_so(crm, staff):
    say("sent")
    Connection.objects.get(slug="hubspot").secrets.all().delete()
    carry()
    assert "has no credential yet" in Ticket.objects.get().reason
    assert crm.calls() == []


def test_who_lost_the_lease_in_a_call_leaves_word_of_the_call_and_nothing_else(crm, monkeypatch):
    say("sent")
    delivered = delivery._delivered

    def taken_over(claimed, *rest):
        Outcome.objects.filter(pk=claimed.pk).update(lease_owner=uuid.uuid4())
        return delivered(claimed, *rest)

    monkeypatch.setattr(delivery, "_delivered", taken_over)
    delivery.carry(outbox.claim(["hubspot"], lease_seconds=60))
    deal = outcome("deal")
    assert (deal.state, deal.proven_at, deal.external_id) == ("leased", None, "")
    assert DeliveryAttempt.objects.get(outcome=deal).succeeded


# --- Our own faults --------------------------------------------------------------------------
def test_our_own_mistake_is_tried_again_and_told(crm, monkeypatch):
    say("sent")
    monkeypatch.setattr(delivery, "_delivered", lambda *_: 1 / 0)
    carry()
    deal = outcome("deal")
    assert (deal.state, deal.failure) == ("due", "crashed")
    assert "ZeroDivisionError" in deal.last_error


def test_a_mistake_while_writing_the_proof_down_loses_neither_lease_nor_thread(crm, monkeypatch):
    say("sent")
    settle = troubles.settle
    monkeypatch.setattr(troubles, "settle", lambda **_: 1 / 0)
    carry()
    assert outcome("deal").state == "delivered"
    assert DeliveryAttempt.objects.get(outcome=outcome("deal")).succeeded
    monkeypatch.setattr(troubles, "settle", settle)
    carry_on()
    assert states()["deal"] == "proven"
    assert set(crm.created().values()) == {1}


def test_all_calls_of_an_errand_have_one_end(crm, monkeypatch):
    monkeypatch.setattr(delivery, "CALL_SECONDS", 0.4)
    say("sent")
    crm.breaks({"kind": "hang", "seconds": 5, "times": 2})
    started = datetime.now(UTC)
    carry()
    assert (datetime.now(UTC) - started).total_seconds() < 5  # both hangs in full
    said = outcome("deal").last_error
    assert re.search("did not answer in time|was not made", said)


def test_whoever_was_stopped_after_the_claim_calls_nobody(crm):
    """Its time is counted from the claim: what it would tell may be long overtaken."""
    say("sent")
    claimed = outbox.claim(["hubspot"], lease_seconds=60)
    delivery.carry(claimed, ends_at=time.monotonic() - 1)
    assert crm.calls() == []
    assert outcome("deal").state == "due"
    assert "was not made" in outcome("deal").last_error
    carry_on()
    assert states()["deal"] == "proven"


def test_the_time_budget_is_in_order(settings):
    """Connect 3 s, an errand 15 s, a job 30 s, a lease 50 s, and back within 75 s."""
    job = settings.RQ_QUEUES["outbox"]["DEFAULT_TIMEOUT"]
    assert 3 < delivery.CALL_SECONDS < job < settings.LEASE_SECONDS
    assert job > draining.CLAIM_SECONDS + delivery.CALL_SECONDS
    assert settings.LEASE_SECONDS <= 50
