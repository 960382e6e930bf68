"""Looking through billing's events: the same events under the same ids, newest first."""

from datetime import timedelta

import pytest

from connectors import syncs
from connectors.models import Connection, Message, Snapshot, Sync, SyncCursor
from connectors.sandbox import times
from connectors.stripe import poll
from exceptions.models import Ticket
from meshline import instant
from proposals.models import Proposal, Signal, Transition
from tests import factories
from tests.connectors.billing import plain
from tests.connectors.looked import drain, look, look_again, real, soon
from tests.factories import digest_all, post_stripe

pytestmark = pytest.mark.django_db


@pytest.fixture
def quoted(billing, monkeypatch):
    """A quote that was made and accepted there half an hour ago; nobody told."""
    Connection.objects.update(created_at=instant.now() - timedelta(hours=2))
    with monkeypatch.context() as patch:
        patch.setattr(times, "now", lambda: real() - timedelta(minutes=30))
        customer = billing.customer(name="Nina Brook", email="nina@customer.example.com")
        quote = billing.quote(customer, description="Website relaunch")
        billing.move_quote(quote, "finalize", "accept")
    return quote


def stripes(syncs_made):
    return next(one for one in syncs_made if one.kind == "events")


def test_events_that_got_lost_are_found_once_whatever_their_order(quoted, billing):
    sync = stripes(look())
    digest_all()
    assert (sync.state, sync.complete, sync.error) == ("done", True, "")
    proposal = Proposal.objects.get(source="stripe")
    assert (proposal.external_id, proposal.state) == (quoted, "signed")
    late = Message.objects.filter(connection__slug="stripe", late=True)
    assert late.count() == sync.brought > 0
    assert all(one.late_by > timedelta(minutes=29) for one in late)
    assert stripes(look_again()).brought == 0
    before = Transition.objects.count(), Signal.objects.count(), Message.objects.count()
    answers = [post_stripe(one) for one in billing.events("quote.accepted", "quote.created")]
    digest_all()
    assert [one.json()["status"] for one in answers] == ["duplicate", "duplicate"]
    assert (Transition.objects.count(), Signal.objects.count(), Message.objects.count()) == before


def test_an_event_worded_otherwise_than_it_was_read_is_still_the_same(quoted, billing):
    """Events are told in the version of their endpoint, and read in the version of the reader."""
    look()
    (accepted,) = billing.events("quote.accepted")
    other = plain(accepted)
    other["api_version"] = "2024-06-20"
    assert post_stripe(other).json()["status"] == "duplicate"
    assert not Ticket.objects.filter(kind="message-conflict").exists()
    assert Message.objects.get(key=accepted["id"]).duplicates == 1


def test_what_its_webhooks_told_is_not_counted_as_a_repeat(quoted, billing):
    billing.tells("quote.created", "quote.finalized", "quote.accepted")
    sync = stripes(look())
    digest_all()
    told = Message.objects.filter(type__startswith="quote.")
    assert {(one.late, one.duplicates) for one in told} == {(False, 0)}
    assert sync.known >= 3
    assert Proposal.objects.get(source="stripe").state == "signed"


def test_page_by_page_and_resumed_in_between(quoted, billing, monkeypatch):
    monkeypatch.setattr(poll, "COUNT", 2)
    billing.breaks({"kind": "status", "code": 503, "match": {"path": "events"}, "times": 1})
    look()
    soon()
    drain()
    sync = Sync.objects.get(kind="events")
    assert (sync.state, sync.pages) == ("done", 2 if sync.records <= 4 else sync.pages)
    assert Message.objects.filter(late=True).count() == sync.brought
    newest = max(one["created"] for one in billing.events())
    assert SyncCursor.objects.get(kind="events").at.timestamp() == newest


def test_a_page_that_is_too_long_is_asked_for_in_halves(quoted, monkeypatch):
    monkeypatch.setattr("connectors.http.KEPT_BYTES", 6000)
    sync = stripes(look())
    assert (sync.state, sync.error) == ("done", "")
    assert Message.objects.filter(late=True).count() == sync.brought > 0


def test_what_is_older_than_a_month_cannot_be_found(quoted, staff):
    since = instant.now() - timedelta(days=60)
    syncs.backfill(slug="stripe", since=since, by=staff["olivia"], at=instant.now())
    drain()
    assert "30 days" in Sync.objects.get().note


def test_a_snapshot_of_its_invoices_holds_what_is_compared(quoted, billing, staff):
    syncs.snapshot(slug="stripe", by=staff["olivia"], at=instant.now())
    drain()
    kept = Snapshot.objects.get()
    row = kept.rows.get()
    assert (kept.kind, kept.complete, row.external_id) == (
        "invoices",
        True,
        billing.invoice()["id"],
    )
    assert (row.amount_minor, row.currency, row.fields["state"]) == (123450, "EUR", "draft")
    assert not Message.objects.exists()


def test_a_credential_alone_brings_no_polls_of_what_sends_nothing(staff):
    factories.connected("slack", credential="xoxb-test")
    assert syncs.queue_due(at=instant.now() + timedelta(hours=1)) == 0
