"""Looking through a connection, on its page; and what was found so, wherever it is shown."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from connectors import syncing, syncs
from connectors.models import Connection, Message, Sync
from meshline import instant
from proposals.models import Proposal
from tests import factories
from tests.connectors.looked import drain, look, many
from tests.factories import digest_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def sign_in(staff):
    def signed_in(name):
        client = Client()
        client.force_login(staff[name])
        return client

    return signed_in


def text_of(answer):
    plain = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(plain.split())


def test_the_page_says_up_to_where_it_was_looked_through_and_what_was_found(quoting, sign_in):
    many(quoting, count=2)
    look()
    said = text_of(sign_in("vera").get("/connections/pandadoc/"))
    assert "Documents looked through" in said
    assert "What changed: documents by the clock" in said
    assert "Done 2 1 page 2" in said
    assert "Every 5 m, each time 10 m further back than it came" in said


def test_who_may_not_reads_why(quoting, sign_in):
    page = sign_in("vera").get("/connections/pandadoc/")
    assert "A Viewer may not look through what a connection holds." in text_of(page)
    answer = sign_in("vera").post("/connections/pandadoc/syncs/now/")
    assert answer.status_code == 403
    assert not Sync.objects.exists()


def test_a_connection_without_a_credential_says_so(pandadoc, sign_in):
    client = sign_in("olivia")
    assert "PandaDoc has no credential yet" in text_of(client.get("/connections/pandadoc/"))
    answer = client.post("/connections/pandadoc/syncs/now/", headers={"HX-Request": "true"})
    assert answer.status_code == 409


def test_what_cannot_be_looked_through_has_no_such_part(staff, sign_in):
    factories.standard()
    assert 'id="syncs"' not in sign_in("olivia").get("/connections/generic/").content.decode()


def test_a_person_asks_watches_and_cancels(quoting, sign_in, small_pages):
    many(quoting)
    client = sign_in("olivia")
    asked = client.post("/connections/pandadoc/syncs/now/", headers={"HX-Request": "true"})
    assert 'hx-trigger="every 2s"' in asked.content.decode()
    assert "Queued" in text_of(asked)
    syncing.read_next()
    running = client.get("/connections/pandadoc/syncs/", headers={"HX-Request": "true"})
    assert "Running" in text_of(running)
    assert "asked by Olivia Ortiz" in text_of(running)
    assert re.search(r'<progress value="\d+"', running.content.decode())
    sync = Sync.objects.get()
    stopped = client.post(f"/syncs/{sync.pk}/cancel/", headers={"HX-Request": "true"})
    assert "Cancelled" in text_of(stopped)
    assert "hx-trigger" not in stopped.content.decode()
    again = client.post(f"/syncs/{sync.pk}/cancel/", headers={"HX-Request": "true"})
    assert again.status_code == 409


def test_a_backfill_begins_with_the_day_of_whoever_asks(quoting, sign_in):
    day = (instant.now() - timedelta(days=3)).date()
    client = sign_in("rosa")
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


def test_a_full_snapshot_is_asked_for_and_named(quoting, sign_in):
    many(quoting, count=2)
    client = sign_in("olivia")
    client.post("/connections/pandadoc/syncs/snapshot/")
    drain()
    said = text_of(client.get("/connections/pandadoc/"))
    assert "newest complete snapshot" in said
    assert ": 2 records" in said


def test_an_error_is_masked_for_who_sees_values_masked(quoting, sign_in, staff):
    quoting.breaks({"kind": "status", "code": 400, "body": {"who": "nina@customer.example.com"}})
    look()
    assert "nina@customer.example.com" in Sync.objects.get().error
    assert "nina@customer.example.com" in text_of(sign_in("olivia").get("/connections/pandadoc/"))
    page = sign_in("ada").get("/connections/pandadoc/").content.decode()
    assert "nina@customer.example.com" not in page


def test_what_was_found_by_looking_says_so_wherever_it_is_shown(quoting, sign_in):
    with quoting.ago(minutes=40):
        quoting.make()
    look()
    digest_all()
    client = sign_in("olivia")
    found = Message.objects.get()
    assert "found by looking, 40 m late" in text_of(client.get("/messages/"))
    said = text_of(client.get(f"/messages/{found.pk}/"))
    assert "found by looking, 40 m late" in said
    assert "Found by looking: sync" in said
    story = text_of(client.get(f"/proposals/{Proposal.objects.get().pk}/"))
    assert "Found by looking, 40 m late." in story


def test_the_list_costs_no_query_a_message(quoting, sign_in, django_assert_max_num_queries):
    many(quoting, count=4)
    look()
    digest_all()
    client = sign_in("olivia")
    client.get("/messages/")
    with django_assert_max_num_queries(40):
        client.get("/messages/")


def test_paused_it_is_not_looked_through_and_says_so(quoting, sign_in, staff):
    factories.connections.set_status(
        slug="pandadoc", status="paused", reason="Away", by=staff["rosa"], at=instant.now()
    )
    said = text_of(sign_in("olivia").get("/connections/pandadoc/"))
    assert "PandaDoc is paused; let it run again first." in said
    with pytest.raises(syncs.SyncError):
        syncs.look_now(slug="pandadoc", by=staff["olivia"], at=instant.now())


def test_how_often_is_set_where_a_connection_is_changed(quoting, sign_in):
    form = sign_in("ada").get("/connections/pandadoc/change/").content.decode()
    assert "Look every" in form
    assert Connection.objects.get().options == {}


def test_what_a_second_asking_is_told_is_what_is_read(staff, sign_in):
    factories.connected("pandadoc", credential="key")
    client, today = sign_in("olivia"), timezone.localdate()
    near, far = today - timedelta(days=3), today - timedelta(days=30)

    def ask(day):
        where = "/connections/pandadoc/syncs/backfill/"
        answer = client.post(where, {"since": day.isoformat()})
        return text_of(client.get(answer["Location"]) if "Location" in answer else answer)

    ask(far)
    assert f"It is looked through from {far:%-d %B %Y} on." in ask(near)
    Sync.objects.update(state="running")
    assert f"from {far:%-d %B %Y} on, and was already: it was asked for at" in ask(near)
    Sync.objects.update(since=Sync.objects.get().since + timedelta(days=20))
    refused = ask(far)
    assert "Wait until that is done, or cancel it" in refused
    assert "It is looked through from" not in refused
