"""Full snapshots: complete only when the last page was read without a gap."""

import pytest

from connectors import snapshots, syncing, syncs
from connectors.models import Connection, Message, Snapshot, Sync
from meshline import instant
from tests.connectors.looked import drain, many, soon

pytestmark = pytest.mark.django_db


def ask(staff):
    (sync,) = syncs.snapshot(slug="pandadoc", by=staff["olivia"], at=instant.now())
    return sync


def newest():
    return snapshots.newest_complete(Connection.objects.get().pk, "documents")


def test_everything_there_is_is_kept_with_its_amount(quoting, small_pages, staff):
    made = many(quoting)
    quoting.does(made[0], "send")
    ask(staff)
    assert drain() >= 3
    kept = newest()
    rows = {row.external_id: row for row in kept.rows.all()}
    assert set(rows) == set(made)
    first = rows[made[0]]
    assert (first.amount_minor, first.currency) == (123450, "EUR")
    assert (first.fields["title"], first.fields["state"]) == ("Document 0", "sent")
    assert rows[made[1]].fields["state"] == "draft"
    assert made[0].encode() in bytes(first.raw)
    # It is compared, not told.
    assert not Message.objects.exists()


def test_one_that_was_cut_off_is_not_complete(quoting, small_pages, staff):
    many(quoting)
    sync = ask(staff)
    assert syncing.read_next()
    quoting.breaks({"kind": "status", "code": 400})
    drain()
    sync.refresh_from_db()
    assert (sync.state, sync.complete) == ("failed", False)
    kept = Snapshot.objects.get()
    assert (kept.complete, kept.rows.count()) == (False, 2)
    assert newest() is None


def test_one_that_was_cancelled_is_not_complete(quoting, small_pages, staff):
    many(quoting)
    sync = ask(staff)
    syncing.read_next()
    syncs.cancel(sync_id=sync.pk, by=staff["olivia"], at=instant.now())
    drain()
    assert newest() is None


def test_a_page_that_was_cut_short_ends_nothing(quoting, small_pages, staff):
    """Half an answer is none: it is asked for again."""
    many(quoting)
    ask(staff)
    quoting.breaks({"kind": "commit_then_reset", "times": 1})
    drain()
    assert Sync.objects.get().state == "running"
    soon()
    drain()
    assert newest().rows.count() == 5


def test_the_newest_and_the_one_before_are_kept(quoting, staff):
    quoting.make()
    for _ in range(4):
        ask(staff)
        drain()
    assert Snapshot.objects.count() == snapshots.KEPT
    assert newest() == Snapshot.objects.latest("pk")


def test_a_document_that_is_too_long_to_keep_is_taken_as_its_list_says(quoting, staff, monkeypatch):
    document = quoting.make()
    monkeypatch.setattr("connectors.http.KEPT_BYTES", 700)
    ask(staff)
    drain()
    row = newest().rows.get()
    assert (row.external_id, row.fields["state"]) == (document, "draft")
