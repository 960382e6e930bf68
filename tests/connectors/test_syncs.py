"""Looking for what no webhook told: the gaps are filled once, in their order, marked late."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from connectors import health, sync_troubles, syncing, syncs, twins
from connectors.connections import set_status
from connectors.models import Connection, Message, Sync, SyncCursor
from connectors.sandbox import times
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.permissions import NotAllowed
from meshline.shell import sandbox_control
from proposals.models import Outcome, Proposal, Signal, Transition
from tests import factories
from tests.connectors.looked import (
    HOUR,
    KEY,
    drain,
    look,
    look_again,
    many,
    soon,
    told,
)
from tests.connectors.standins import ask
from tests.factories import digest_all

pytestmark = pytest.mark.django_db


def hear(quoting, *, but=()):
    """Its lost webhooks arrive after all."""
    answers = [
        factories.post_pandadoc(body, event_id=event_id) for event_id, body in quoting.untold()
    ]
    digest_all()
    return [factories.message(one) for one in answers]


def stands():
    """What is so here, and what work there is: the same, however it was told."""
    proposal = Proposal.objects.get()
    return (
        proposal.state, proposal.since, proposal.title, proposal.amount, proposal.owner.email,
        sorted(Transition.objects.values_list("from_state", "to_state")),
        sorted(Outcome.objects.values_list("name", "state", "key")),
        Ticket.objects.count(),
    )  # fmt: skip


# --- The story -------------------------------------------------------------------------------
def test_what_its_webhooks_did_not_tell_for_an_hour_is_found_once_and_marked_late(quoting):
    with quoting.ago(minutes=58):
        one = quoting.make("Website relaunch")
        quoting.does(one, "send")
    with quoting.ago(minutes=40):
        quoting.does(one, "sign")
        two = quoting.make("Intranet")
        quoting.does(two, "send")

    (sync,) = look()
    digest_all()

    assert (sync.state, sync.complete, sync.brought, sync.error) == ("done", True, 5, "")
    assert told() == [
        ("draft", True), ("sent", True), ("completed", True), ("draft", True), ("sent", True),
    ]  # fmt: skip
    relaunch = Proposal.objects.get(external_id=one)
    assert relaunch.state == "signed"
    assert (relaunch.title, relaunch.amount_words) == ("Website relaunch", "1,234.50 EUR")
    assert relaunch.owner.email == "remy@example.com"
    assert Proposal.objects.get(external_id=two).state == "sent"
    signed = Message.objects.get(key__contains="document.completed")
    assert timedelta(minutes=39) < signed.late_by < timedelta(minutes=41)
    assert Signal.objects.get(origin=signed.ref).occurred_at == signed.occurred_at
    why = Transition.objects.get(to_state="signed").why
    assert why == "PandaDoc, the authority for it, said signed. Found by looking, 40 m late."

    (again,) = look_again()
    assert (again.state, again.brought) == ("done", 0)
    assert (Message.objects.count(), digest_all()) == (5, 0)

    before = [Transition.objects.count(), Outcome.objects.count(), TrailLine.objects.count()]
    heard = hear(quoting)
    assert {one.status for one in heard} == {"ignored"}
    assert {one.why.partition(", as")[0] for one in heard} == {"The same event came before"}
    after = [Transition.objects.count(), Outcome.objects.count(), TrailLine.objects.count()]
    assert after == before


def test_what_a_webhook_told_is_not_told_again(quoting):
    with quoting.ago(minutes=40):
        document = quoting.make()
        quoting.does(document, "send", "sign")
    hear(quoting)
    before = stands(), Message.objects.count()

    (sync,) = look()
    digest_all()

    assert (sync.state, sync.records, sync.brought) == ("done", 1, 0)
    assert (stands(), Message.objects.count()) == before


def test_one_step_was_lost_and_only_that_is_found(quoting):
    with quoting.ago(minutes=40):
        document = quoting.make()
        quoting.does(document, "send")
    hear(quoting)
    with quoting.ago(minutes=20):
        quoting.does(document, "sign")

    (sync,) = look()
    digest_all()

    assert sync.brought == 1
    assert Proposal.objects.get().state == "signed"


@pytest.mark.parametrize("first", ["looking", "webhooks"])
def test_whichever_comes_first_it_stands_the_same(quoting, first):
    with quoting.ago(minutes=40):
        document = quoting.make()
        quoting.does(document, "send")
    with quoting.ago(minutes=20):
        quoting.does(document, "decline")

    if first == "webhooks":
        hear(quoting)
    look()
    digest_all()
    if first == "looking":
        hear(quoting)

    state, *_, outcomes, _ = stands()
    assert state == "disputed"
    assert len(outcomes) == len({key for *_, key in outcomes})
    assert Transition.objects.count() == 3


def test_two_that_cross_on_the_way_change_nothing_twice(quoting):
    """Neither is digested when the other is stored: both are told, the second changes nothing."""
    with quoting.ago(minutes=40):
        document = quoting.make()
        quoting.does(document, "send", "sign")
    for event_id, body in quoting.untold():
        factories.post_pandadoc(body, event_id=event_id)
    look()
    digest_all()
    assert Proposal.objects.get().state == "signed"
    moves = Transition.objects.exclude(from_state="").values_list("to_state", flat=True)
    assert list(moves).count("signed") == 1
    names = list(Outcome.objects.values_list("key", flat=True))
    assert len(names) == len(set(names))


def test_a_look_that_comes_late_overwrites_nothing_newer(quoting):
    """What it read is older than what a webhook told meanwhile."""
    with quoting.ago(minutes=40):
        document = quoting.make()
        quoting.does(document, "send")
    sync = _claimed()
    page = syncing.fetch(sync)
    with quoting.ago(minutes=1):
        quoting.does(document, "view")
    hear(quoting)
    assert Proposal.objects.get().state == "viewed"
    before = stands()

    syncing._keep(sync, page)
    digest_all()

    assert stands() == before


def _claimed():
    syncs.queue_due(at=instant.now())
    return syncing.claim()


def test_a_state_left_and_entered_again_is_two(quoting):
    with quoting.ago(minutes=40):
        document = quoting.make()
        quoting.does(document, "send")
    hear(quoting)
    with quoting.ago(minutes=30):
        quoting.does(document, "draft")
    with quoting.ago(minutes=20):
        quoting.does(document, "send")
    look()
    digest_all()
    proposal = Proposal.objects.get()
    assert proposal.state == "sent"
    assert Message.objects.filter(late=True, status="digested").count() == 1


def test_what_changed_besides_the_state_is_found_too(quoting):
    with quoting.ago(minutes=40):
        document = quoting.make()
    hear(quoting)
    with quoting.ago(minutes=20):
        _rename(document, "Website relaunch, second draft")
    look()
    digest_all()
    assert Proposal.objects.get().title == "Website relaunch, second draft"


def _rename(document, name):
    there = Connection.objects.get()
    answer = ask(
        f"{there.base_url}/public/v1/documents/{document}", "PATCH", {"name": name},
        Authorization=f"API-Key {KEY}",
    )  # fmt: skip
    assert answer.status == 204, answer.raw


# --- Page by page ----------------------------------------------------------------------------
def test_page_by_page_each_document_is_read_once(quoting, small_pages):
    made = many(quoting)
    (sync,) = look()
    digest_all()
    assert (sync.state, sync.brought, sync.records) == ("done", 5, 5)
    assert sorted(Proposal.objects.values_list("external_id", flat=True)) == sorted(made)
    assert len(quoting.calls("/details")) == 5


def test_what_changes_while_it_is_read_moves_nothing_out_of_sight(quoting, small_pages):
    """By the number of the page, the third would be on the page that was read already."""
    made = many(quoting)
    sync = _claimed()
    syncing._keep(sync, syncing.fetch(sync))
    with quoting.ago(minutes=5):
        quoting.does(made[0], "send")
    drain()
    digest_all()
    assert sorted(Proposal.objects.values_list("external_id", flat=True)) == sorted(made)
    assert Proposal.objects.get(external_id=made[0]).state == "sent"


def test_many_of_one_moment_are_more_than_a_page(quoting, small_pages, monkeypatch):
    at = times.now() - HOUR
    monkeypatch.setattr(times, "now", lambda: at)
    made = [quoting.make(f"Document {number}") for number in range(7)]
    (sync,) = look()
    digest_all()
    assert (sync.state, sync.brought) == ("done", 7)
    assert sorted(Proposal.objects.values_list("external_id", flat=True)) == sorted(made)


def test_what_time_is_not_enough_for_is_on_the_next_page(quoting, monkeypatch):
    many(quoting, count=3)
    monkeypatch.setattr(syncing, "PAGE_SECONDS", 0.0)
    (sync,) = look()
    assert (sync.state, sync.pages, sync.brought) == ("done", 3, 3)


def test_who_was_killed_in_the_middle_of_a_page_is_followed_by_the_next(quoting, small_pages):
    made = many(quoting)
    first = _claimed()
    syncing._keep(first, syncing.fetch(first))
    killed = syncing.claim()
    syncing.fetch(killed)
    # Its worker is gone; nobody takes it before its lease has lapsed.
    assert not syncing.something_is_due()
    assert syncing.claim() is None
    Sync.objects.update(lease_until=instant.now() - timedelta(seconds=1))

    drain()
    digest_all()

    sync = Sync.objects.get()
    assert (sync.state, sync.brought, sync.crashes) == ("done", 5, 0)
    assert sorted(Proposal.objects.values_list("external_id", flat=True)) == sorted(made)


def test_whoever_comes_back_after_their_lease_keeps_nothing(quoting):
    with quoting.ago(minutes=40):
        quoting.make()
    slow = _claimed()
    page = syncing.fetch(slow)
    Sync.objects.update(lease_until=instant.now() - timedelta(seconds=1))
    drain()
    before = Sync.objects.values().get(), Message.objects.count()
    syncing._keep(slow, page)
    assert (Sync.objects.values().get(), Message.objects.count()) == before


def test_a_page_and_how_far_it_was_read_are_kept_together(quoting, monkeypatch):
    with quoting.ago(minutes=40):
        quoting.make()
    sync = _claimed()
    page = syncing.fetch(sync)
    monkeypatch.setattr(syncing, "_write_down", broken)
    with pytest.raises(RuntimeError):
        syncing._keep(sync, page)
    assert Message.objects.count() == 0


def broken(*args):
    raise RuntimeError("the second half")


def test_a_page_that_kills_whoever_reads_it_is_put_before_a_person(quoting):
    _claimed()
    for _ in range(3):
        Sync.objects.update(lease_until=instant.now() - timedelta(seconds=1))
        syncing.claim()
    Sync.objects.update(lease_until=instant.now() - timedelta(seconds=1))
    assert syncing.read_next()
    sync = Sync.objects.get()
    assert (sync.state, sync.finished_at is not None) == ("failed", True)
    assert "died over it" in sync.error
    assert Ticket.objects.get().kind == "sync-failed"


# --- The cursor ------------------------------------------------------------------------------
def test_the_cursor_stands_at_the_newest_change_by_their_clock(quoting):
    with quoting.ago(minutes=40):
        quoting.make()
    look()
    changed = Message.objects.get().occurred_at
    cursor = SyncCursor.objects.get()
    assert cursor.at == changed
    with quoting.ago(minutes=20):
        quoting.make()
    (sync,) = look_again()
    assert sync.since == changed - syncs.OVERLAP
    assert SyncCursor.objects.get().at > changed


def test_nothing_new_leaves_the_cursor_where_it_is(quoting):
    look()
    there = Connection.objects.get()
    assert SyncCursor.objects.get().at == there.created_at


def test_what_shows_up_after_the_cursor_with_an_earlier_time_is_found_by_the_overlap(quoting):
    with quoting.ago(minutes=20):
        quoting.make("Seen at once")
    look()
    with quoting.ago(minutes=25):
        late = quoting.make("Written before, shown after")
    look_again()
    digest_all()
    assert Proposal.objects.filter(external_id=late).exists()


def test_what_was_read_and_did_not_change_is_not_read_once_more(quoting, small_pages):
    made = many(quoting)
    look()
    before = len(quoting.calls("/details"))
    look_again()
    assert len(quoting.calls("/details")) == before == len(made)
    with quoting.ago(minutes=50):
        quoting.does(made[-1], "send")
    (sync,) = look_again()
    assert (sync.records, sync.brought) == (1, 1)


def test_that_it_was_made_is_no_news_of_what_somebody_told_of(quoting):
    with quoting.ago(minutes=40):
        document = quoting.make()
        quoting.does(document, "send")
    (_, body) = quoting.untold()[-1]
    factories.post_pandadoc(body, event_id="sent")
    digest_all()
    (sync,) = look()
    assert (sync.brought, Message.objects.count()) == (0, 1)


def test_one_slow_system_keeps_one_worker_and_no_more(quoting, staff):
    """While its page is on the way, nobody takes a page of another one."""
    other = factories.connected("pandadoc", slug="other", credential=KEY)
    Connection.objects.filter(pk=other.pk).update(created_at=instant.now() - HOUR)
    assert syncs.queue_due(at=instant.now()) == 2
    assert syncing.claim() is not None
    assert (syncing.claim(), syncing.something_is_due()) == (None, False)
    Sync.objects.filter(state="running").update(lease_until=instant.now() - timedelta(seconds=1))
    assert syncing.something_is_due()


def test_the_latest_minute_is_left_to_the_webhooks_unless_a_person_asks(quoting, staff):
    quoting.make()
    (sync,) = look()
    assert (sync.state, sync.brought) == ("done", 0)
    syncs.look_now(slug="pandadoc", by=staff["olivia"], at=instant.now())
    drain()
    assert Message.objects.count() == 1


def test_a_failed_one_leaves_the_cursor_where_it_is(quoting):
    with quoting.ago(minutes=40):
        quoting.make()
    quoting.breaks({"kind": "status", "code": 400})
    before = Connection.objects.get().created_at
    (sync,) = look()
    assert (sync.state, sync.complete) == ("failed", False)
    assert SyncCursor.objects.get().at == before


def test_a_backfill_reads_from_a_day_on_and_leaves_the_cursor(quoting, staff):
    with quoting.ago(days=3):
        old = quoting.make()
    look()
    digest_all()
    assert not Proposal.objects.exists()
    cursor = SyncCursor.objects.get().at
    since = instant.now() - timedelta(days=4)
    syncs.backfill(slug="pandadoc", since=since, by=staff["olivia"], at=instant.now())
    drain()
    digest_all()
    assert Proposal.objects.get().external_id == old
    assert SyncCursor.objects.get().at == cursor
    line = TrailLine.objects.filter(what="connection.sync-asked").latest("pk")
    assert line.actor_label.startswith("Olivia Ortiz")


# --- By the clock ----------------------------------------------------------------------------
def test_the_clock_asks_every_five_minutes_and_never_twice(quoting):
    at = instant.now()
    assert syncs.queue_due(at=at) == 1
    assert syncs.queue_due(at=at + timedelta(minutes=4)) == 0
    # The one before is still to be read.
    assert syncs.queue_due(at=at + timedelta(minutes=6)) == 0
    drain()
    assert syncs.queue_due(at=at + timedelta(minutes=12)) == 1
    assert Sync.objects.count() == 2


@pytest.mark.parametrize(("every", "asked"), [("0", 0), ("60", 0), ("1", 1)])
def test_how_often_is_each_connections_own(quoting, every, asked):
    syncs.queue_due(at=instant.now())
    drain()
    Connection.objects.update(options={"poll_every": every})
    SyncCursor.objects.update(next_at=instant.now() - timedelta(minutes=1))
    if every == "60":
        syncs.queue_due(at=instant.now())
        drain()
    assert syncs.queue_due(at=instant.now() + timedelta(minutes=10)) == asked


def test_a_fresh_connection_is_not_looked_through_at_once(staff, settings):
    factories.connected("pandadoc", credential=KEY)
    assert syncs.queue_due(at=instant.now()) == 0
    assert syncs.queue_due(at=instant.now() + timedelta(minutes=6)) == 1


def test_who_has_no_credential_or_is_paused_is_not_looked_through(staff, pandadoc):
    later = instant.now() + HOUR
    assert syncs.queue_due(at=later) == 0
    factories.connected("pandadoc", slug="other", credential=KEY)
    set_status(slug="other", status="paused", reason="Away", by=staff["rosa"], at=later)
    assert syncs.queue_due(at=later) == 0


def test_what_is_queued_waits_while_its_connection_is_paused(quoting, staff):
    syncs.queue_due(at=instant.now())
    set_status(slug="pandadoc", status="paused", reason="Away", by=staff["rosa"], at=instant.now())
    assert (drain(), syncing.something_is_due()) == (0, False)
    set_status(slug="pandadoc", status="active", reason="", by=staff["rosa"], at=instant.now())
    assert drain() == 1


# --- When it says no -------------------------------------------------------------------------
def test_too_many_is_waited_out_as_long_as_they_ask(quoting):
    with quoting.ago(minutes=40):
        quoting.make()
    quoting.breaks({"kind": "status", "code": 429, "retry_after": 120, "times": 1})
    (sync,) = look()
    waits = sync.next_attempt_at - instant.now()
    assert (sync.state, sync.failures) == ("running", 0)
    assert timedelta(seconds=110) < waits <= timedelta(seconds=120)
    assert "429" in sync.error
    assert drain() == 0
    soon()
    drain()
    sync.refresh_from_db()
    assert (sync.state, sync.brought, sync.error) == ("done", 1, "")


def test_too_many_is_never_given_up(quoting):
    quoting.breaks({"kind": "status", "code": 429})
    look()
    for _ in range(8):
        soon()
        drain()
    assert Sync.objects.get().state == "running"
    assert not Ticket.objects.exists()


@pytest.mark.parametrize(("fault", "kind"), [
    ({"kind": "status", "code": 500}, "delivery-failed"),
    ({"kind": "reset_before"}, "delivery-failed"),
    ({"kind": "html_200"}, "sync-failed"), ({"kind": "down"}, "delivery-failed"),
])  # fmt: skip
def test_what_passes_is_tried_again_and_what_stays_is_a_ticket(quoting, fault, kind):
    with quoting.ago(minutes=40):
        quoting.make()
    quoting.breaks({**fault, "times": 2})
    (sync,) = look()
    for _ in range(2):
        assert sync.state == "running"
        soon()
        drain()
        sync.refresh_from_db()
    assert (sync.state, sync.brought) == ("done", 1)

    quoting.breaks(fault)
    (sync,) = look_again()
    for _ in range(len(syncing.SHORT)):
        soon()
        drain()
    sync.refresh_from_db()
    assert (sync.state, bool(sync.error)) == ("failed", True)
    assert Ticket.objects.get().kind == kind
    quoting.breaks()
    look_again()
    assert not Ticket.objects.unresolved().exists()


def test_a_list_that_is_cut_off_is_no_list(quoting):
    with quoting.ago(minutes=40):
        quoting.make()
    quoting.breaks({"kind": "huge_body", "times": 1})
    (sync,) = look()
    assert (sync.state, sync.pages, sync.brought) == ("running", 0, 0)
    soon()
    drain()
    assert Message.objects.count() == 1


def test_a_credential_that_is_refused_pauses_the_connection(quoting):
    sandbox_control.configure(pandadoc={"api_key": "another"})
    look()
    there = Connection.objects.get()
    assert there.status == "paused"
    assert Ticket.objects.get().kind == "credentials-refused"
    assert drain() == 0


def test_an_open_breaker_lets_one_page_through_and_closes_with_it(quoting):
    later = instant.now() + timedelta(seconds=30)
    Connection.objects.update(breaker="open", breaker_opened_at=later, next_probe_at=later)
    syncs.queue_due(at=instant.now())
    assert drain() == 0
    Connection.objects.update(next_probe_at=instant.now())
    assert drain() == 1
    assert Connection.objects.get().breaker == "closed"


def test_a_probe_that_fails_leaves_it_open_for_another_half_minute(quoting):
    quoting.breaks({"kind": "down"})
    now = instant.now()
    Connection.objects.update(breaker="open", breaker_opened_at=now, next_probe_at=now)
    look()
    there = Connection.objects.get()
    assert there.breaker == "open"
    assert there.next_probe_at > now + timedelta(seconds=20)


# --- People ----------------------------------------------------------------------------------
def test_who_may_not_is_refused(quoting, staff):
    for name in ("sam", "remy", "vera"):
        with pytest.raises(NotAllowed):
            syncs.look_now(slug="pandadoc", by=staff[name], at=instant.now())
        with pytest.raises(NotAllowed):
            syncs.backfill(
                slug="pandadoc", since=instant.now() - HOUR, by=staff[name], at=instant.now()
            )
    assert not Sync.objects.exists()


def test_rung_twice_it_is_one(quoting, staff):
    for _ in range(2):
        syncs.look_now(slug="pandadoc", by=staff["olivia"], at=instant.now())
    assert Sync.objects.count() == 1


def test_a_day_that_is_to_come_is_refused(quoting, staff):
    with pytest.raises(syncs.SyncError):
        syncs.backfill(
            slug="pandadoc", since=instant.now() + HOUR, by=staff["olivia"], at=instant.now()
        )


def test_cancelled_between_two_pages_it_reads_no_further(quoting, staff, small_pages):
    many(quoting)
    sync = _claimed()
    page = syncing.fetch(sync)
    syncing._keep(sync, page)
    in_hand = syncing.claim()
    page = syncing.fetch(in_hand)
    syncs.cancel(sync_id=sync.pk, by=staff["olivia"], at=instant.now())
    syncing._keep(in_hand, page)
    assert drain() == 0
    sync.refresh_from_db()
    assert (sync.state, sync.pages, sync.complete) == ("cancelled", 1, False)
    assert sync.ended_by == "Olivia Ortiz"
    assert Message.objects.count() == 2
    assert SyncCursor.objects.get().at == Connection.objects.get().created_at
    with pytest.raises(syncs.SyncError):
        syncs.cancel(sync_id=sync.pk, by=staff["olivia"], at=instant.now())
    assert TrailLine.objects.filter(what="connection.sync-cancelled").count() == 1


# --- One event, two names --------------------------------------------------------------------
def test_without_the_credential_nobody_asks_for_twins(staff, pandadoc, django_assert_num_queries):
    factories.post_pandadoc([factories.document("sent")])
    message = Message.objects.select_related("connection").get()
    with django_assert_num_queries(1):
        assert twins.find([(message, None)]) == {}


def test_a_repeat_is_counted_on_what_came_first(quoting):
    with quoting.ago(minutes=40):
        quoting.make()
    look()
    digest_all()
    hear(quoting)
    assert Message.objects.get(late=True).duplicates == 1


def test_the_database_lets_one_of_a_kind_run(quoting):
    there, at = Connection.objects.get(), instant.now()
    running = {"connection": there, "kind": "documents", "state": "running", "asked_at": at,
               "until": at}  # fmt: skip
    Sync.objects.create(mode="incremental", **running)
    with pytest.raises(IntegrityError), transaction.atomic():
        Sync.objects.create(mode="backfill", **running)


# --- Asked for while one is open -----------------------------------------------------------------
@pytest.fixture
def asks(staff):
    """Olivia asks PandaDoc's documents to be looked through again since so many days."""
    factories.connected("pandadoc", credential=KEY)

    def backfill(days):
        since = instant.now() - timedelta(days=days)
        (made,) = syncs.backfill(
            slug="pandadoc", since=since, by=staff["olivia"], at=instant.now()
        )  # fmt: skip
        return made

    return backfill


def test_a_longer_backfill_is_taken_up_by_one_that_has_not_begun(asks):
    first = asks(3)
    second = asks(30)
    assert (second.pk, second.since) == (first.pk, Sync.objects.get().since)
    assert instant.now() - second.since > timedelta(days=29)
    assert asks(5).since == second.since


def test_a_longer_backfill_than_the_running_one_is_refused_with_its_name(asks):
    running = asks(3)
    Sync.objects.update(state="running")
    with pytest.raises(syncs.SyncError, match=r"The documents are looked through from .* on just"):
        asks(30)
    assert Sync.objects.get().since == running.since
    assert TrailLine.objects.filter(what="connection.sync-asked").count() == 1


def test_a_running_backfill_that_reads_as_far_back_holds_a_shorter_one(asks):
    running = asks(30)
    Sync.objects.update(state="running")
    assert asks(3).pk == running.pk


# --- One cause, one ticket -------------------------------------------------------------------
def failed(there, kind, failure="unavailable"):
    """Reading it was given up."""
    at = instant.now()
    sync = Sync.objects.create(
        connection=there, kind=kind, mode="incremental", asked_at=at, until=at, state="failed"
    )
    sync_troubles.tell(sync, "It answered 503.", failure=failure, by=syncing.LOOKER, at=at)
    return sync


@pytest.mark.parametrize("first", ["carrying", "looking"])
def test_a_system_that_is_down_is_one_ticket_whatever_was_tried(staff, first):
    there = factories.hubspot()
    if first == "carrying":
        health._open_breaker("hubspot", "throttled", "It answered 429.", instant.now())
    syncs_failed = [failed(there, kind) for kind in ("deals", "tasks", "calls")]
    if first == "looking":
        health._open_breaker("hubspot", "unavailable", "It answered 503.", instant.now())
    ticket = Ticket.objects.get()
    assert (ticket.title, ticket.occurrences) == ("HubSpot does not answer", 4)
    health._close_breaker("hubspot", instant.now())
    for sync in syncs_failed:
        assert Ticket.objects.unresolved().exists()
        sync_troubles.settle(sync, at=instant.now())
    assert not Ticket.objects.unresolved().exists()


def test_what_says_something_of_what_is_read_is_a_ticket_of_its_own(staff):
    there = factories.hubspot()
    health._open_breaker("hubspot", "unavailable", "It answered 503.", instant.now())
    failed(there, "deals", "garbled")
    assert set(Ticket.objects.values_list("kind", flat=True)) == {"delivery-failed", "sync-failed"}
