"""The outbox: one lease, one word that counts, one place in line; and what people may do."""

import threading
import time
import uuid
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from connectors import connections as doors
from connectors import delivery, draining, holding, telling, turns
from connectors.models import Connection, DeliveryAttempt
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.notices import notices
from meshline.notices.models import Notice
from meshline.people.permissions import NotAllowed
from proposals import outbox, steering
from proposals.models import Outcome, Proposal
from proposals.outbox import LeaseLost
from proposals.steering import NotNow
from tests.connectors.crm import carry, carry_on, outcome, say, soon, states
from tests.connectors.standins import until

pytestmark = pytest.mark.django_db
threaded = pytest.mark.django_db(transaction=True)


def why_not(outcome):
    return holding.reason(outcome, at=instant.now())


def claim(*slugs, seconds=60):
    return outbox.claim(slugs or ["hubspot"], lease_seconds=seconds)


def lapse(leased):
    Outcome.objects.filter(pk=leased.pk).update(lease_until=instant.now() - timedelta(seconds=1))


@pytest.fixture
def long_rest(monkeypatch):
    monkeypatch.setattr(turns, "LONGEST_REST", 60.0)


def test_while_urgent_ones_come_what_can_wait_rests_between_its_turns(crm, long_rest, monkeypatch):
    carried = []
    monkeypatch.setattr(delivery, "carry", lambda outcome, ends_at: carried.append(outcome.tier))
    say("sent")
    Outcome.objects.filter(connection="hubspot").update(tier="hours", tier_rank=2)
    carriers = draining.Carriers(0)
    carriers.turns.saw_urgent()
    carriers.turns.patient_took(20.0)
    assert not draining._claim_next(carriers)
    Outcome.objects.filter(connection="hubspot").update(tier="seconds", tier_rank=0)
    assert draining._claim_next(carriers)
    assert carried == ["seconds"]


def test_by_itself_what_can_wait_needs_no_rest(crm, long_rest, monkeypatch):
    monkeypatch.setattr(delivery, "carry", lambda outcome, ends_at: None)
    say("sent")
    Outcome.objects.filter(connection="hubspot").update(tier="hours", tier_rank=2)
    carriers = draining.Carriers(0)
    carriers.turns.patient_took(20.0)
    assert draining._claim_next(carriers)


def proven(leased, external_id="4711"):
    outbox.mark_proven(leased, external_id=external_id, evidence="It is.", at=instant.now())


# --- Leases ----------------------------------------------------------------------------------
def test_what_is_leased_is_nobody_elses(crm):
    say("sent")
    mine = claim()
    assert (mine.state, mine.name, mine.attempts) == ("leased", "deal", 1)
    assert claim() is None


def test_a_lapsed_lease_is_taken_by_another_and_the_first_ones_word_is_refused(crm):
    say("sent")
    first = claim()
    lapse(first)
    second = claim()
    assert (second.pk, second.attempts, second.crashes) == (first.pk, 2, 1)
    assert second.lease_owner != first.lease_owner
    for word in (
        lambda: proven(first),
        lambda: outbox.put_back(first, until=instant.now(), because="", at=instant.now()),
        lambda: outbox.give_up(first, because="x", failure="x", at=instant.now()),
        lambda: outbox.mark_delivered(
            first, external_id="1", prove_at=instant.now(), at=instant.now()
        ),
    ):
        with pytest.raises(LeaseLost):
            word()
    assert outcome("deal").lease_owner == second.lease_owner
    proven(second)
    assert outcome("deal").state == "proven"


def test_a_claim_shows_the_lease_it_took_itself(crm):
    """Read again afterwards, the row might show the lease of whoever took it over meanwhile."""
    say("sent")
    with CaptureQueriesContext(connection) as asked:
        mine = claim()
    assert len(asked) == 1
    assert outcome("deal").lease_owner == mine.lease_owner


def test_a_word_counts_once(crm):
    say("sent")
    mine = claim()
    proven(mine)
    with pytest.raises(LeaseLost):
        proven(mine)


def test_what_takes_its_worker_down_three_times_is_set_apart_with_a_ticket(crm):
    say("sent")
    for _ in range(3):
        lapse(claim())
    carry()
    deal = outcome("deal")
    assert (deal.state, deal.failure) == ("given_up", "crashed")
    ticket = Ticket.objects.get()
    assert ticket.kind == "processing-failed"
    assert crm.deals() == []


def test_the_clock_sees_what_is_due_and_what_lapsed(crm):
    assert not draining.something_is_due()
    say("sent")
    assert draining.something_is_due()
    leased = [claim("hubspot"), claim("meshline")]
    assert not draining.something_is_due()
    for one in leased:
        lapse(one)
    assert draining.something_is_due()


# --- Order, and how many at once -------------------------------------------------------------
def test_what_is_behind_is_not_claimed_before_what_is_in_front_is_through(crm):
    say("sent")
    deal = claim()
    assert claim() is None
    proven(deal)
    assert claim().name == "follow-up"


def test_a_paused_connection_holds_what_is_due_and_says_so(crm, staff):
    doors.set_status(
        slug="hubspot", status="paused", reason="They migrate.", by=staff["olivia"],
        at=instant.now(),
    )  # fmt: skip
    say("sent")
    carry()
    assert states() == {"deal": "due", "follow-up": "due", "tell-owner": "proven"}
    assert crm.calls() == []
    assert why_not(outcome("deal")).why == "HubSpot is paused. They migrate."
    doors.set_status(slug="hubspot", status="active", reason="", by=staff["rosa"], at=instant.now())
    carry()
    assert set(states().values()) == {"proven"}


def test_each_wait_has_its_reason(crm):
    say("sent")
    deal, task, notice = Outcome.objects.order_by("pk")
    assert why_not(deal) is None
    assert why_not(task).why == "It waits behind the deal of the same record."
    assert why_not(task).behind == deal.pk
    assert why_not(notice) is None
    Connection.objects.filter(slug="hubspot").update(
        breaker="open", breaker_opened_at=instant.now(), next_probe_at=instant.now()
    )
    assert "does not answer" in why_not(deal).why
    Outcome.objects.update(connection="")
    assert why_not(outcome("deal")).why == "No connection plays the part of the CRM yet."


@threaded
def test_one_connection_never_has_more_than_its_share_and_holds_up_nobody(crm, monkeypatch):
    for number in range(12):
        say("sent", id=f"doc-{number}")
    at_once, most = set(), []

    together = threading.Barrier(draining.CAP)

    def carried(one, **_):
        at_once.add(one.pk)
        most.append(len(at_once))
        # The CRM hangs until its share is full and everybody is told: it stands in nobody's way.
        together.wait(20)
        until(lambda: Notice.objects.count() == 12, within=20)
        at_once.discard(one.pk)

    monkeypatch.setattr(delivery, "carry", carried)
    assert draining.drain(linger=0.05) == 24
    assert max(most) == draining.CAP


@threaded
def test_who_lets_us_wait_is_left_out_for_the_rest_of_the_drain(crm, monkeypatch):
    """What is claimed late and hangs would hold up the drain's end, and with it everybody."""
    say("sent")
    say("sent", id="doc-2")
    answers = threading.Event()
    monkeypatch.setattr(draining, "SLOW_SECONDS", 0.1)
    monkeypatch.setattr(delivery, "carry", lambda one, **_: answers.wait(20))
    carriers = draining.Carriers(2)
    assert draining._claim_next(carriers)
    until(lambda: carriers.slow() == {"hubspot"}, within=20)
    assert not draining._claim_next(carriers)
    answers.set()
    until(lambda: carriers.are_idle, within=20)
    assert not draining._claim_next(carriers)
    carriers.stop()
    # The next drain asks it again.
    fresh = draining.Carriers(2)
    assert draining._claim_next(fresh)
    fresh.stop()


@threaded
def test_beside_somebody_who_hangs_the_others_are_claimed_for_until_they_are_done(crm, monkeypatch):
    say("sent")
    carriers, told = [], threading.Event()
    monkeypatch.setattr(draining, "CLAIM_SECONDS", 0.2)

    def carried(one, **_):
        if "/doc-1/" not in one.key:
            return
        # Long after claiming should be over somebody else's is due, and is told meanwhile.
        until(lambda: carriers[0].age > 0.5, within=10)
        say("sent", id="doc-2")
        until(lambda: Notice.objects.count() == 2, within=10)
        told.set()
        connections.close_all()

    class Watched(draining.Carriers):
        def __init__(self, threads):
            super().__init__(threads)
            carriers.append(self)

    monkeypatch.setattr(draining, "Carriers", Watched)
    monkeypatch.setattr(delivery, "carry", carried)
    draining.drain(linger=0.05)
    assert told.is_set()


def test_a_probe_goes_out_at_a_drains_beginning_alone(crm):
    say("sent")
    now = instant.now()
    Connection.objects.filter(slug="hubspot").update(
        breaker="open", breaker_opened_at=now, next_probe_at=now
    )
    old = draining.Carriers(0)
    old._started -= draining.FRESH_SECONDS
    assert not draining._claim_next(old)
    assert draining._claim_next(draining.Carriers(0))


def test_whatever_is_claimed_is_over_before_its_job_is():
    late = draining.Carriers(0)
    late._started -= draining.TAIL_SECONDS
    left = late.ends_at() - time.monotonic()
    assert 0 < left <= draining.OVER_SECONDS - draining.TAIL_SECONDS
    assert settings.RQ_QUEUES["outbox"]["DEFAULT_TIMEOUT"] > draining.OVER_SECONDS


def test_people_are_told_in_one_go_and_what_is_out_of_the_ordinary_alone(
    crm, django_assert_max_num_queries
):
    for number in range(6):
        say("sent", id=f"doc-{number}")
    due = Outcome.objects.filter(kind="notice.tell").order_by("pk")
    nobody, unwanted = due[0], due[1]
    Outcome.objects.filter(pk=nobody.pk).update(params=nobody.params | {"owner_email": "x@y.z"})
    Outcome.objects.filter(pk=unwanted.pk).update(unwanted_at=instant.now())
    with django_assert_max_num_queries(20):
        told, alone = telling.tell_batch()
    assert told == 4
    assert {one.pk for one in alone} == {nobody.pk, unwanted.pk}
    assert Notice.objects.count() == 4
    assert list(due.values_list("state", flat=True)) == ["leased", "leased", *["proven"] * 4]
    lines = TrailLine.objects.filter(what="outcome.proven")
    assert {int(one.subject_id) for one in lines} == {one.pk for one in due[2:]}
    assert DeliveryAttempt.objects.filter(succeeded=True).count() == 4


@threaded
def test_what_is_told_alone_starts_no_more_threads_than_there_may_be(crm, monkeypatch):
    for number in range(12):
        say("sent", id=f"doc-{number}")
    told = list(Outcome.objects.filter(kind="notice.tell").order_by("pk"))
    deals = list(Outcome.objects.filter(connection="hubspot").order_by("pk"))
    monkeypatch.setattr(telling, "tell_batch", lambda: (0, told))
    answers, carried = threading.Event(), []

    def carry(one, **_):
        if one.connection == "hubspot":
            answers.wait(20)
        carried.append(one.pk)

    monkeypatch.setattr(delivery, "carry", carry)
    carriers = draining.Carriers(2)
    try:
        # A third waits until one of the two is free.
        for deal in deals[:3]:
            carriers.take(deal, carriers.ends_at())
        # The other side hangs; whoever is to be told does not wait for it.
        assert draining._tell(carriers)
        assert carried == [one.pk for one in told]
        assert len(carriers._threads) == 2
    finally:
        answers.set()
        carriers.stop()
    assert carriers.carried == len(carried) == 15


def test_where_nobody_has_that_e_mail_any_more_the_present_owner_is_told(crm):
    say("sent")
    meant = Outcome.objects.get(kind="notice.tell")
    Outcome.objects.filter(pk=meant.pk).update(params=meant.params | {"owner_email": "x@y.z"})
    carry()
    assert outcome("tell-owner").state == "proven"
    assert Notice.objects.get(key=meant.key).user == Proposal.objects.get().owner


def test_a_batch_whose_lease_was_taken_over_tells_nobody(crm, monkeypatch):
    say("sent")
    claim_all = outbox.claim_all

    def taken_over(*args, **options):
        claimed = claim_all(*args, **options)
        Outcome.objects.filter(connection="meshline").update(lease_owner=uuid.uuid4())
        return claimed

    monkeypatch.setattr(outbox, "claim_all", taken_over)
    assert telling.tell_batch() == (1, [])
    assert not Notice.objects.exists()
    assert outcome("tell-owner").state == "leased"


def test_when_a_batch_fails_each_is_carried_alone(crm, monkeypatch):
    for number in range(3):
        say("sent", id=f"doc-{number}")
    monkeypatch.setattr(notices, "tell_all", lambda news, at: 1 / 0)
    carry()
    assert Notice.objects.count() == 3
    assert set(Outcome.objects.values_list("state", flat=True)) == {"proven"}


@threaded
def test_two_drains_at_once_double_nothing(crm):
    for number in range(10):
        say("sent", id=f"doc-{number}")
    threads = [threading.Thread(target=_drain) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(Outcome.objects.values_list("state", flat=True)) == {"proven"}
    created = crm.created()
    assert len(created) == 20
    assert set(created.values()) == {1}


def _drain():
    try:
        draining.drain(threads=3, linger=0.2)
    finally:
        connections.close_all()


@threaded
def test_of_claims_at_the_same_instant_one_wins_every_time(crm):
    say("sent")
    rounds, claimers = 40, 6
    together, won = threading.Barrier(claimers), []

    def race():
        try:
            connection.ensure_connection()
            for number in range(rounds):
                together.wait(20)
                if leased := claim():
                    won.append(number)
                together.wait(20)
                # Free again for the next round, now that everybody has had their try.
                if leased:
                    Outcome.objects.filter(pk=leased.pk).update(state="due", lease_owner=None)
        finally:
            connection.close()

    threads = [threading.Thread(target=race) for _ in range(claimers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == list(range(rounds))


# --- The story moves on meanwhile ------------------------------------------------------------
def test_what_is_no_longer_wanted_while_it_is_carried_is_undone_after(crm):
    say("sent")
    carry_only("deal")
    follow_up = claim()
    say("completed", minute=5)
    delivery.carry(follow_up)
    carry_on()
    statuses = {task["hs_task_subject"]: task["hs_task_status"] for task in crm.tasks()}
    assert statuses["Follow up: Website relaunch"] == "COMPLETED"
    assert outcome("follow-up-undo").state == "proven"


def test_what_is_no_longer_wanted_and_failed_is_called_off_and_looked_after(crm):
    say("sent")
    carry_only("deal")
    follow_up = claim()
    say("completed", minute=5)
    crm.breaks({"kind": "commit_then_reset", "times": 1, "match": {"path": "objects/tasks"}})
    delivery.carry(follow_up)
    assert outcome("follow-up").state == "cancelled"
    carry_on()
    statuses = {task["hs_task_subject"]: task["hs_task_status"] for task in crm.tasks()}
    assert statuses["Follow up: Website relaunch"] == "COMPLETED"


def test_what_is_no_longer_wanted_is_not_carried_by_who_takes_over_a_lapsed_lease(crm):
    say("sent")
    carry_only("deal")
    follow_up = claim()
    say("completed", minute=5)
    lapse(follow_up)
    carry_on()
    assert outcome("follow-up").state == "cancelled"
    assert [t["hs_task_subject"] for t in crm.tasks()] == ["Start onboarding: Website relaunch"]


def test_what_is_no_longer_wanted_and_put_back_is_called_off(crm, staff):
    say("sent")
    carry_only("deal")
    follow_up = claim()
    say("completed", minute=5)
    crm.token("another")
    delivery.carry(follow_up)
    assert outcome("follow-up").state == "cancelled"


def carry_only(name):
    leased = claim()
    assert leased.name == name
    delivery.carry(leased)


# --- People ----------------------------------------------------------------------------------
@pytest.mark.parametrize("who", ["sam", "remy", "ada", "vera"])
def test_who_may_not_retry_or_cancel(crm, staff, who):
    say("sent")
    deal = outcome("deal")
    with pytest.raises(NotAllowed, match="may not retry or cancel an outcome"):
        steering.retry(outcome_id=deal.pk, by=staff[who], at=instant.now())
    with pytest.raises(NotAllowed):
        steering.cancel(outcome_id=deal.pk, reason="No.", by=staff[who], at=instant.now())
    assert outcome("deal").state == "due"


def test_a_cancelled_outcome_has_a_reason_and_closes_its_ticket(crm, olivia):
    say("sent")
    crm.breaks({"kind": "status", "code": 400, "times": 1, "match": {"path": "deals"}})
    carry()
    deal = outcome("deal")
    with pytest.raises(ValueError, match="Say why"):
        steering.cancel(outcome_id=deal.pk, reason=" ", by=olivia, at=instant.now())
    steering.cancel(outcome_id=deal.pk, reason="Done by hand.", by=olivia, at=instant.now())
    assert outcome("deal").state == "cancelled"
    ticket = Ticket.objects.get()
    assert "Olivia Ortiz called it off: Done by hand." in ticket.resolution_note
    # It stays off, also when the story is told again.
    say("sent", minute=1)
    assert outcome("deal").state == "cancelled"


def test_a_retry_of_what_was_given_up_keeps_its_key(crm, olivia):
    say("sent")
    crm.breaks({"kind": "status", "code": 400, "times": 1, "match": {"path": "deals"}})
    carry()
    deal = outcome("deal")
    steering.retry(outcome_id=deal.pk, by=olivia, at=instant.now())
    carry()
    again = outcome("deal")
    assert (again.state, again.key) == ("proven", deal.key)
    assert Ticket.objects.get().resolution == "closed on evidence"


def test_after_a_persons_retry_the_waits_begin_anew(crm, olivia):
    """One hiccup after it is not ten hours, and "too many" is free again for an hour."""
    say("sent")
    crm.breaks({"kind": "status", "code": 500, "match": {"path": "deals"}})
    for _ in range(12):
        Connection.objects.update(breaker="closed")
        DeliveryAttempt.objects.update(at=instant.now() - timedelta(hours=1))
        soon(name="deal")
        carry()
    given_up = outcome("deal")
    assert (given_up.state, given_up.attempts) == ("given_up", 10)
    assert given_up.last_error
    Outcome.objects.update(first_failed_at=instant.now() - timedelta(hours=20))
    crm.breaks({"kind": "status", "code": 429, "times": 1, "match": {"path": "deals"}})
    before = instant.now()
    steering.retry(outcome_id=given_up.pk, by=olivia, at=before)
    carry()
    deal = outcome("deal")
    assert (deal.state, deal.attempts, deal.tries) == ("due", 11, 0)
    assert deal.next_attempt_at - before < timedelta(minutes=1)


def test_what_is_proven_can_be_neither_retried_nor_cancelled(crm, olivia):
    say("sent")
    carry()
    deal = outcome("deal")
    with pytest.raises(NotNow, match="needs no retry"):
        steering.retry(outcome_id=deal.pk, by=olivia, at=instant.now())
    with pytest.raises(NotNow, match="cannot be cancelled"):
        steering.cancel(outcome_id=deal.pk, reason="No.", by=olivia, at=instant.now())


def test_hurried_outcomes_are_due_now(crm):
    say("sent")
    crm.breaks({"kind": "down"})
    carry()
    assert carry() == 0
    crm.mend()
    assert outbox.hurry(connection="hubspot", at=instant.now()) == 1
    carry()
    assert set(states().values()) == {"proven"}
    soon()
    assert Proposal.objects.count() == 1
