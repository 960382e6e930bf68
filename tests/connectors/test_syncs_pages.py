"""Looking through a connection, on its page; and what was found so, wherever it is shown."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from connectors import syncing, syncs
from connectors.models import Connection, Message, Sync
from meshline import instant
from proposals.models import Proposal
from tests import factories
from tests.connectors.looked import drain, look, many
from tests.factories import digest_all
from tests.reading import words

pytestmark = pytest.mark.django_db


def test_the_page_says_up_to_where_it_was_looked_through_and_what_was_found(quoting, as_):
    many(quoting, count=2)
    look()
    said = words(as_("vera").get("/connections/pandadoc/"))
    assert "Documents looked through" in said
    assert "What changed: documents by the clock" in said
    assert "Done 2 1 page 2" in said
    assert "Every 5 m, each time 10 m further back than it came" in said


def test_who_may_not_reads_why(quoting, as_):
    page = as_("vera").get("/connections/pandadoc/")
    assert "A Viewer may not look through what a connection holds." in words(page)
    answer = as_("vera").post("/connections/pandadoc/syncs/now/")
    assert answer.status_code == 403
    assert not Sync.objects.exists()


def test_a_connection_without_a_credential_says_so(pandadoc, as_):
    client = as_("olivia")
    assert "PandaDoc has no credential yet" in words(client.get("/connections/pandadoc/"))
    answer = client.post("/connections/pandadoc/syncs/now/", headers={"HX-Request": "true"})
    assert answer.status_code == 409


def test_what_cannot_be_looked_through_has_no_such_part(staff, as_):
    factories.standard()
    assert 'id="syncs"' not in as_("olivia").get("/connections/generic/").content.decode()


def test_a_person_asks_watches_and_cancels(quoting, as_, small_pages):
    many(quoting)
    client = as_("olivia")
    asked = client.post("/connections/pandadoc/syncs/now/", headers={"HX-Request": "true"})
    assert 'hx-trigger="every 2s"' in asked.content.decode()
    assert "Queued" in words(asked)
    syncing.read_next()
    running = client.get("/connections/pandadoc/syncs/", headers={"HX-Request": "true"})
    assert "Running" in words(running)
    assert "asked by Olivia Ortiz" in words(running)
    assert re.search(r'<progress value="\d+"', running.content.decode())
    sync = Sync.objects.get()
    stopped = client.post(f"/syncs/{sync.pk}/cancel/", headers={"HX-Request": "true"})
    assert "Cancelled" in words(stopped)
    assert "hx-trigger" not in stopped.content.decode()
    again = client.post(f"/syncs/{sync.pk}/cancel/", headers={"HX-Request": "true"})
    assert again.status_code == 409


def test_a_backfill_begins_with_the_day_of_whoever_asks(quoting, as_):
    day = (instant.now() - timedelta(days=3)).date()
    client = as_("rosa")
    answer = client.post("/connections/pandadoc/syncs/backfill/", {"since": day.isoformat()})
    assert answer.status_code == 303
    sync = Sync.objects.get()
    assert (sync.mode, sync.asked_by.name) == ("backfill", "Rosa Marin")
    assert abs(sync.since.replace(tzinfo=None) - _midnight(day)) < timedelta(hours=15)
    wrong = client.post(
        "/connections/pandadoc/syncs/backfill/", {"since": "soon"}, headers={"HX-Request": "true"}
    )
    assert wrong.status_code == 422


def _midnight(day):
    return instant.now().replace(
        year=day.year, month=day.month, day=day.day, hour=0, minute=0, second=0, microsecond=0,
        tzinfo=None,
    )  # fmt: skip


def test_a_full_snapshot_is_asked_for_and_named(quoting, as_):
    many(quoting, count=2)
    client = as_("olivia")
    client.post("/connections/pandadoc/syncs/snapshot/")
    drain()
    said = words(client.get("/connections/pandadoc/"))
    assert "newest complete snapshot" in said
    assert ": 2 records" in said


def test_an_error_is_masked_for_who_sees_values_masked(quoting, as_, staff):
    quoting.breaks({"kind": "status", "code": 400, "body": {"who": "nina@customer.example.com"}})
    look()
    assert "nina@customer.example.com" in Sync.objects.get().error
    assert "nina@customer.example.com" in words(as_("olivia").get("/connections/pandadoc/"))
    page = as_("ada").get("/connections/pandadoc/").content.decode()
    assert "nina@customer.example.com" not in page


def test_what_was_found_by_looking_says_so_wherever_it_is_shown(quoting, as_):
    with quoting.ago(minutes=40):
        quoting.make()
    look()
    digest_all()
    client = as_("olivia")
    found = Message.objects.get()
    assert "found by looking, 40 m late" in words(client.get("/messages/"))
    said = words(client.get(f"/messages/{found.pk}/"))
    assert "found by looking, 40 m late" in said
    assert "Found by looking: sync" in said
    story = words(client.get(f"/proposals/{Proposal.objects.get().pk}/"))
    assert "Found by looking, 40 m late." in story


def test_the_list_costs_no_query_a_message(quoting, as_, django_assert_max_num_queries):
    many(quoting, count=4)
    look()
    digest_all()
    client = as_("olivia")
    client.get("/messages/")
    with django_assert_max_num_queries(40):
        client.get("/messages/")


def test_paused_it_is_not_looked_through_and_says_so(quoting, as_, staff):
    factories.connections.set_status(
        slug="pandadoc", status="paused", reason="Away", by=staff["rosa"], at=instant.now()
    )
    said = words(as_("olivia").get("/connections/pandadoc/"))
    assert "PandaDoc is paused; let it run again first." in said
    with pytest.raises(syncs.SyncError):
        syncs.look_now(slug="pandadoc", by=staff["olivia"], at=instant.now())


def test_how_often_is_set_where_a_connection_is_changed(quoting, as_):
    form = as_("ada").get("/connections/pandadoc/change/").content.decode()
    assert "Look every" in form
    assert Connection.objects.get().options == {}


def test_what_a_second_asking_is_told_is_what_is_read(staff, as_):
    factories.connected("pandadoc", credential="key")
    client, today = as_("olivia"), timezone.localdate()
    near, far = today - timedelta(days=3), today - timedelta(days=30)

    def ask(day):
        where = "/connections/pandadoc/syncs/backfill/"
        answer = client.post(where, {"since": day.isoformat()})
        return words(client.get(answer["Location"]) if "Location" in answer else answer)

    ask(far)
    assert f"It is looked through from {far:%-d %B %Y} on." in ask(near)
    Sync.objects.update(state="running")
    assert f"from {far:%-d %B %Y} on, and was already: it was asked for at" in ask(near)
    Sync.objects.update(since=Sync.objects.get().since + timedelta(days=20))
    refused = ask(far)
    assert "Wait until that is done, or cancel it" in refused
    assert "It is looked through from" not in refused
