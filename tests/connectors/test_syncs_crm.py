"""Looking through the CRM's deals: what closed there without a word."""

from datetime import timedelta

import pytest

from connectors import syncs
from connectors.hubspot import client, poll
from connectors.models import Connection, Message, RecordLink, Snapshot, Sync, SyncCursor
from connectors.sandbox import times
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.policy.models import SourceOfTruth
from meshline.shell import sandbox_control
from proposals.models import Proposal, Signal, Transition
from tests import factories
from tests.connectors.crm import REMY, carry_on, say
from tests.connectors.looked import drain, look, look_again, real, soon
from tests.factories import CLIENT_SECRET, digest_all, post_hubspot

pytestmark = pytest.mark.django_db


@pytest.fixture
def closing(crm):
    """A signed proposal with its deal over there; the CRM says what is won."""
    SourceOfTruth.objects.filter(field="close").update(connection="hubspot")
    say("sent")
    say("completed", minute=5)
    carry_on()
    begun = instant.now() - timedelta(hours=2)
    Connection.objects.filter(slug="hubspot").update(created_at=begun)
    return Proposal.objects.get()


def deal():
    return RecordLink.objects.get(kind="deal").external_id


def set_stage(stage, monkeypatch, *, minutes=30, pk=None):
    """Somebody at HubSpot's screen sets a stage, so long ago."""
    with monkeypatch.context() as patch:
        patch.setattr(times, "now", lambda: real() - timedelta(minutes=minutes))
        asked = {"properties": {"dealstage": stage}}
        sandbox_control.ask("POST", f"/hubspot/deals/{pk or deal()}/set", asked)


def test_a_deal_that_was_won_without_a_word_is_found_once(closing, monkeypatch):
    set_stage("closedwon", monkeypatch)
    (sync,) = look()
    digest_all()
    closing.refresh_from_db()
    assert (sync.state, sync.complete, sync.error) == ("done", True, "")
    assert closing.state == "closed-won"
    found = Message.objects.get(connection__slug="hubspot", late=True)
    assert timedelta(minutes=29) < found.late_by < timedelta(minutes=31)
    assert "Found by looking, 30 m late." in Transition.objects.get(to_state="closed-won").why
    (again,) = look_again()
    assert (again.state, again.brought) == ("done", 0)


def test_its_webhook_afterwards_is_a_repeat(closing, monkeypatch):
    set_stage("closedwon", monkeypatch)
    look()
    digest_all()
    found = Message.objects.get(connection__slug="hubspot", late=True)
    _connect_webhooks()
    before = Transition.objects.count(), Signal.objects.count()
    answer = post_hubspot([_event(found.occurred_at)])
    digest_all()
    said = factories.message(answer)
    assert (said.status, said.why.partition(", as")[0]) == (
        "ignored", "The same event came before",
    )  # fmt: skip
    assert (Transition.objects.count(), Signal.objects.count()) == before
    assert not Ticket.objects.filter(kind="not-the-authority").exists()


def test_what_its_webhook_told_is_not_told_again(closing, monkeypatch):
    set_stage("closedwon", monkeypatch)
    _connect_webhooks()
    stamp = sandbox_control.objects("deals", most=1)[0]["properties"]["hs_lastmodifieddate"]
    post_hubspot([_event(times.read(stamp))])
    digest_all()
    before = Message.objects.count()
    (sync,) = look()
    assert (sync.state, sync.brought, Message.objects.count()) == ("done", 0, before)


def _connect_webhooks():
    factories.connections.enter_secret(
        slug="hubspot", purpose="signing", secret=CLIENT_SECRET, by=SETUP, at=instant.now()
    )


def _event(at):
    return {
        "eventId": 100, "subscriptionId": 7, "portalId": 62515, "appId": 4711,
        "occurredAt": round(at.timestamp() * 1000), "subscriptionType": "deal.propertyChange",
        "attemptNumber": 0, "objectId": int(deal()), "propertyName": "dealstage",
        "propertyValue": "closedwon", "changeSource": "CRM_UI", "sourceId": "userId:9",
    }  # fmt: skip


def test_deals_that_are_not_ours_are_left_where_they_are(closing, monkeypatch):
    asked = {"properties": {"dealname": "Somebody else's", "dealstage": "closedwon"}}
    with monkeypatch.context() as patch:
        patch.setattr(times, "now", lambda: real() - timedelta(minutes=20))
        sandbox_control.ask("POST", "/hubspot/deals", asked)
    (sync,) = look()
    assert (sync.state, sync.brought) == ("done", 0)


def test_our_own_writes_are_no_news(closing):
    """The deal was made by us a moment ago, in stages of ours."""
    syncs.look_now(slug="hubspot", by=_olivia(), at=instant.now())
    drain()
    digest_all()
    assert Sync.objects.get(kind="deals").state == "done"
    closing.refresh_from_db()
    assert closing.state == "signed"
    assert not Ticket.objects.filter(kind="not-the-authority").exists()


def _olivia():
    return factories.User.objects.get(email="olivia@example.com")


def test_more_than_the_search_gives_is_walked_through_by_time(closing, monkeypatch):
    """Its pages end at ten thousand; here none goes beyond the second."""
    monkeypatch.setattr(poll, "COUNT", 2)
    for number in range(7):
        with monkeypatch.context() as patch:
            at = real() - timedelta(minutes=60 - number)
            patch.setattr(times, "now", lambda at=at: at)
            ours = {"dealname": f"Deal {number}", "meshline_proposal_id": f"pandadoc:{number}"}
            sandbox_control.ask("POST", "/hubspot/deals", {"properties": ours})
    (sync,) = look()
    assert (sync.state, sync.records) == ("done", 7)
    asked = [one for one in _calls() if one["path"].endswith("/search")]
    assert len(asked) >= 4
    assert all(place["page"] <= 2 for place in [sync.place])


def _calls():
    return sandbox_control.ask("GET", "/calls", vendor="hubspot")["calls"]


def test_the_limit_of_its_search_is_waited_out(closing, crm, monkeypatch):
    set_stage("closedwon", monkeypatch)
    crm.breaks({"kind": "status", "code": 429, "policy": "SECONDLY", "times": 1})
    (sync,) = look()
    assert (sync.state, sync.failures) == ("running", 0)
    soon()
    drain()
    assert Sync.objects.get(kind="deals").state == "done"


def test_what_is_left_of_its_limit_is_kept(closing, monkeypatch):
    set_stage("closedwon", monkeypatch)
    look()
    assert SyncCursor.objects.get(kind="deals").quota.endswith("of 10000 calls left in 10 s")


def test_a_snapshot_of_its_deals_holds_what_is_compared(closing, staff):
    syncs.snapshot(slug="hubspot", by=staff["olivia"], at=instant.now())
    drain()
    kept = Snapshot.objects.get()
    row = kept.rows.get()
    assert (kept.complete, row.external_id) == (True, deal())
    assert (row.amount_minor, row.currency) == (123450, "EUR")
    assert row.fields["title"] == "Website relaunch"
    assert row.fields["proposal"] == "pandadoc:doc-1"
    assert b"Website relaunch" in bytes(row.raw)


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_snapshot_knows_owners_by_their_e_mail_also_of_who_left(
    closing, crm, staff, monkeypatch, is_gone
):
    monkeypatch.setattr(client, "_OWNERS_A_PAGE", 1)
    client._everybody.clear()
    mine = sandbox_control.objects("deals", most=1)[0]["properties"]["hubspot_owner_id"]
    first, last = ({"email": f"{name}@example.com", "archived": is_gone} for name in ("a", "z"))
    crm.owners(first, last, {**REMY, "archived": is_gone})
    row = _read_all(staff)
    assert (row.fields["owner"], row.fields["owner_email"]) == (mine, "remy@example.com")


def test_whom_nobody_there_knows_any_more_has_no_e_mail(closing, crm, staff):
    mine = sandbox_control.objects("deals", most=1)[0]["properties"]["hubspot_owner_id"]
    crm.owners({"email": "another@example.com"})
    client._everybody.clear()
    row = _read_all(staff)
    assert (row.fields["owner"], row.fields["owner_email"]) == (mine, "")


def _read_all(staff):
    syncs.snapshot(slug="hubspot", by=staff["olivia"], at=instant.now())
    drain()
    return Snapshot.objects.get().rows.get()


def test_one_that_does_not_answer_is_one_ticket_whatever_is_looked_through(closing, crm):
    crm.breaks({"kind": "down"})
    asked = syncs.queue_due(at=instant.now())
    for _ in range(8):
        drain()
        soon()
        _probe_is_due()
    there = Connection.objects.get(slug="hubspot")
    assert there.breaker == "open"
    assert [one.title for one in Ticket.objects.all()] == ["HubSpot does not answer"]
    assert Sync.objects.open().count() == asked > 1

    crm.mend()
    drain()
    assert not Sync.objects.exclude(state="done").exists()
    there.refresh_from_db()
    assert there.breaker == "closed"
    assert Ticket.objects.get().resolution == "closed on evidence"


def _probe_is_due():
    Connection.objects.update(next_probe_at=instant.now() - timedelta(seconds=1))
