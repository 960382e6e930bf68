"""HubSpot speaks: batches it signs, deals it closes, and our own echo."""

import hashlib
import json
from datetime import timedelta

import pytest

from connectors import crosswalk
from connectors.models import Connection, Message, RecordLink
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.policy.models import SourceOfTruth
from proposals.models import Proposal
from tests import factories
from tests.connectors.crm import carry_on, say
from tests.factories import CLIENT_SECRET, message, post_hubspot

pytestmark = pytest.mark.django_db
DEAL = "332507367156"  # beyond 2^31, as theirs are
APP = "4711"


@pytest.fixture
def linked(crm):
    """A sent proposal whose deal HubSpot knows as DEAL; webhooks are signed by CLIENT_SECRET."""
    factories.connections.enter_secret(
        slug="hubspot", purpose="signing", secret=CLIENT_SECRET, by=SETUP, at=instant.now()
    )
    set_options(app_id=APP)
    say("sent")
    carry_on()
    RecordLink.objects.filter(kind="deal").update(external_id=DEAL)
    return Proposal.objects.get()


def set_options(**options):
    Connection.objects.filter(slug="hubspot").update(options=options)


def event(**changes):
    """One event of HubSpot's, about a second ago."""
    return {
        "eventId": 100, "subscriptionId": 7, "portalId": 62515, "appId": 4711,
        "occurredAt": int(instant.now().timestamp() * 1000), "subscriptionType":
        "deal.propertyChange", "attemptNumber": 0, "objectId": int(DEAL),
        "propertyName": "dealstage", "propertyValue": "closedwon", "changeSource": "CRM_UI",
        "sourceId": "userId:9",
    } | changes  # fmt: skip


def told(*events):
    answer = post_hubspot(list(events))
    assert answer.status_code == 202, answer.content
    factories.digest_all()
    return answer


def by_the_crm():
    SourceOfTruth.objects.filter(field="close").update(connection="hubspot")


# --- The story ----------------------------------------------------------------------------------
def test_where_the_crm_closes_a_deal_won_there_is_won_here(linked, crm):
    by_the_crm()
    say("completed", minute=5)
    told(event())
    linked.refresh_from_db()
    assert linked.state == "closed-won"


def test_where_people_close_a_deal_won_there_is_a_ticket_and_changes_nothing(linked):
    say("completed", minute=5)
    told(event())
    linked.refresh_from_db()
    assert linked.state == "signed"
    assert "HubSpot may not" in Ticket.objects.get(kind="not-the-authority").reason


def test_our_own_write_comes_back_and_is_dropped(linked):
    by_the_crm()
    said = told(event(changeSource="INTEGRATION", sourceId=APP))
    linked.refresh_from_db()
    assert linked.state == "sent"
    assert "echo" in message(said).why
    assert not Ticket.objects.exists()


def test_an_echo_whose_app_is_not_known_repeats_what_is_so_and_is_no_conflict(linked):
    """People close here; the deal we closed over there comes back as if somebody had done it."""
    set_options()
    SourceOfTruth.objects.filter(field="close").update(connection="pandadoc")
    say("completed", minute=5)
    Proposal.objects.update(state="closed-won")
    told(event(changeSource="INTEGRATION", sourceId=APP))
    assert not Ticket.objects.exists()


def test_a_property_change_may_come_before_its_creation(linked):
    by_the_crm()
    say("completed", minute=5)
    now = int(instant.now().timestamp() * 1000)
    told(
        event(occurredAt=now),
        event(eventId=101, subscriptionType="deal.creation", occurredAt=now),
    )
    linked.refresh_from_db()
    assert linked.state == "closed-won"
    assert set(Message.objects.filter(connection__slug="hubspot").values_list("status", flat=True))
    assert not Ticket.objects.exists()


def test_a_deal_that_is_not_linked_yet_is_waited_for(linked):
    by_the_crm()
    say("completed", minute=5)
    RecordLink.objects.filter(kind="deal").update(external_id="1")
    said = told(event())
    assert message(said).status == "accepted"
    RecordLink.objects.filter(kind="deal").update(external_id=DEAL)
    Message.objects.filter(status="accepted").update(next_attempt_at=instant.now())
    factories.digest_all()
    linked.refresh_from_db()
    assert (message(said).status, linked.state) == ("digested", "closed-won")


def test_a_deal_of_somebody_else_is_ignored_in_the_end(linked):
    said = told(event(objectId=1))
    looked = crosswalk.MOST_LOOKS
    Message.objects.filter(status="accepted").update(attempts=looked, next_attempt_at=instant.now())
    factories.digest_all()
    assert message(said).status == "ignored"
    assert not Ticket.objects.exists()


def test_a_merged_deal_is_known_by_its_survivor(linked):
    by_the_crm()
    say("completed", minute=5)
    told(
        event(
            subscriptionType="deal.merge", primaryObjectId=int(DEAL), mergedObjectIds=[5],
            newObjectId=999,
        )
    )  # fmt: skip
    told(event(eventId=2, objectId=999))
    linked.refresh_from_db()
    assert linked.state == "closed-won"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"propertyName": "amount", "propertyValue": "7"}, "compared, not followed"),
        ({"propertyValue": "contractsent"}, "closes nothing"),
        ({"subscriptionType": "deal.creation"}, "says nothing"),
    ],
)
def test_what_is_not_the_crms_to_say_is_kept_and_ignored(linked, changes, why):
    said = told(event(**changes))
    assert message(said).status == "ignored"
    assert why in message(said).why


def test_a_batch_of_a_hundred_is_a_hundred_messages_and_one_poisonous_harms_only_itself(linked):
    batch = [event(eventId=number, propertyValue="qualified") for number in range(99)]
    answer = told(*batch, "poison")
    assert len(answer.json()["messages"]) == 100
    statuses = Message.objects.filter(connection__slug="hubspot").values_list("status", flat=True)
    assert sorted(statuses) == [*["ignored"] * 99, "quarantined"]
    assert Ticket.objects.get().kind == "message-unreadable"


def test_a_repeat_with_another_attempt_number_is_a_duplicate(linked):
    one = event()
    told(one)
    again = post_hubspot([{**one, "attemptNumber": 3}])
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")


def test_generic_subscriptions_speak_of_deals_too(linked):
    by_the_crm()
    say("completed", minute=5)
    told(event(subscriptionType="object.propertyChange", objectTypeId="0-3"))
    linked.refresh_from_db()
    assert linked.state == "closed-won"
    said = told(event(eventId=8, subscriptionType="object.propertyChange", objectTypeId="0-1"))
    assert message(said).status == "ignored"


# --- Signatures -----------------------------------------------------------------------------------
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_older_signatures_count_where_they_are_configured(linked, settings, version):
    body = json.dumps([event(propertyValue="x")]).encode()
    where = f"POST{settings.PUBLIC_URL}/hooks/hubspot/".encode() if version == "v2" else b""
    signed = hashlib.sha256(CLIENT_SECRET.encode() + where + body).hexdigest()
    headers = {"X-HubSpot-Signature": signed, "X-HubSpot-Signature-Version": version}
    assert post_hubspot(body, **headers, **no_v3()).status_code == 401
    set_options(signature=version)
    assert post_hubspot(body, **headers, **no_v3()).status_code == 202
    assert post_hubspot(body + b" ", **headers, **no_v3()).status_code == 401


def no_v3():
    return {"X-HubSpot-Signature-v3": "", "X-HubSpot-Request-Timestamp": ""}


@pytest.mark.parametrize("off", [-6, 6])
def test_a_request_six_minutes_off_is_refused(linked, off):
    stamp = int((instant.now() + timedelta(minutes=off)).timestamp() * 1000)
    assert post_hubspot([event()], stamp=stamp).status_code == 401


def test_a_signature_for_another_address_is_refused_and_says_so(linked):
    answer = post_hubspot([event()], url="http://behind-the-proxy.example.com/hooks/hubspot/")
    assert answer.status_code == 401
    assert "PUBLIC_URL" in answer.json()["error"]


@pytest.mark.parametrize("stamp", ["", "soon", "١٢٣", "1e12", "-5", "99999999999999"])
def test_a_malformed_timestamp_is_refused(linked, stamp):
    headers = {"X-HubSpot-Request-Timestamp": stamp}
    assert post_hubspot([event()], **headers).status_code == 401


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"objectId": None}, "objectId is missing"),
        ({"subscriptionType": None}, "subscriptionType is missing"),
        ({"occurredAt": "noon"}, "occurredAt"),
        ({"occurredAt": 10**30}, "occurredAt"),
        ({"occurredAt": 1.5}, "occurredAt"),
    ],
)
def test_what_cannot_be_read_is_a_ticket_naming_the_field(linked, changes, said):
    told(event(**changes))
    assert said in Ticket.objects.get().reason
