"""Twenty-five ways in which vendors surprise, one test each.

What a number means to a vendor that is not connected yet (a page of its list, an id of its own) is
tried on the one that is.
"""

import json
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connections as database
from django.test import Client

from connectors import connections, delivery
from connectors.models import Connection, Message, RecordLink
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.actors import SETUP
from proposals.models import Outcome, Proposal, Signal
from tests import factories
from tests.connectors.billing import plain, tell
from tests.connectors.crm import REMY, carry, carry_on, outcome, say, sweep_late
from tests.factories import (
    MONDAY,
    SHARED_KEY,
    digest_all,
    document,
    message,
    post_hubspot,
    post_pandadoc,
    post_stripe,
    signature,
)

pytestmark = pytest.mark.django_db
threaded = pytest.mark.django_db(transaction=True)


def told(state, *, minute, id="doc-1", **changes):
    """A post of one event, not digested yet."""
    at = MONDAY + timedelta(minutes=minute)
    event = document(state, id=id, at=at, **changes)
    return post_pandadoc([event], event_id=f"{id}-{state}-{minute}")


def proposal():
    return Proposal.objects.get()


def hubspot_signs():
    factories.connections.enter_secret(
        slug="hubspot", purpose="signing", secret=factories.CLIENT_SECRET, by=SETUP,
        at=instant.now(),
    )  # fmt: skip


def deals():
    """The ids we know our proposal's deal by, the newest last."""
    known = RecordLink.objects.filter(kind="deal").order_by("pk")
    return list(known.values_list("external_id", flat=True))


@threaded
def test_1_the_same_event_many_times_at_once_is_one_event(staff, pandadoc):
    answers, together = [], threading.Barrier(8)

    def send():
        together.wait()
        answers.append(post_pandadoc([document()], client=Client()).status_code)
        database.close_all()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [*[200] * 7, 202]
    assert Message.objects.get().duplicates == 7


def test_2_the_same_id_with_other_bytes_is_flagged_and_the_first_counts(staff, pandadoc):
    post_pandadoc([document()])
    assert post_pandadoc([document(name="Another")]).status_code == 422
    digest_all()
    assert proposal().title == "Website relaunch"
    assert Ticket.objects.get().kind == "message-conflict"


def test_3_a_change_before_the_creation_is_no_contradiction(crm):
    told("sent", minute=5)
    told("draft", minute=0)
    digest_all()
    assert proposal().state == "sent"


def test_4_completed_before_viewed_and_sent_ends_signed(crm):
    for state, minute in (("completed", 9), ("viewed", 5), ("sent", 1)):
        told(state, minute=minute)
        digest_all()
    assert proposal().state == "signed"
    late = Message.objects.exclude(key__startswith="doc-1-completed")
    assert set(late.values_list("status", flat=True)) == {"superseded"}


def test_5_a_delayed_retry_of_an_older_state_changes_nothing_and_is_kept(crm):
    told("sent", minute=1)
    told("viewed", minute=5)
    digest_all()
    before = proposal()
    told("sent", minute=2)
    digest_all()
    assert (proposal().state, proposal().version) == ("viewed", before.version)
    assert Message.objects.order_by("pk").last().status == "superseded"


def test_6_a_poisonous_element_harms_only_itself(staff, pandadoc):
    good, bad = document(id="good"), {"event": "document_state_changed", "data": {"id": 7}}
    answer = post_pandadoc([good, bad])
    assert [one["status"] for one in answer.json()["messages"]] == ["accepted", "accepted"]
    digest_all()
    assert proposal().external_id == "good"
    assert Ticket.objects.get().kind == "message-unreadable"


def test_7_our_own_write_coming_back_makes_no_loop(crm):
    hubspot_signs()
    Connection.objects.filter(slug="hubspot").update(options={"app_id": "4711"})
    say("sent")
    carry_on()
    calls = len(crm.calls())
    deal = RecordLink.objects.get(kind="deal").external_id
    echo = {
        "eventId": 1, "subscriptionType": "deal.propertyChange", "objectId": deal, "portalId": 1,
        "propertyName": "dealstage", "propertyValue": "closedwon", "changeSource": "INTEGRATION",
        "sourceId": "4711", "occurredAt": int(instant.now().timestamp() * 1000),
    }  # fmt: skip
    post_hubspot([echo])
    digest_all()
    carry_on()
    assert (proposal().state, len(crm.calls())) == ("sent", calls)


def test_8_a_record_that_the_search_does_not_show_yet_is_not_made_twice(crm):
    """Nothing is ever looked up by search: it lags behind what was just written."""
    say("sent")
    crm.breaks({"kind": "commit_then_reset", "match": {"method": "POST"}, "times": 2})
    carry_on()
    assert set(crm.created().values()) == {1}
    assert not [call for call in crm.calls() if "search" in call["path"]]


def test_9_a_create_that_timed_out_but_succeeded_is_one_task(crm, monkeypatch):
    monkeypatch.setattr(delivery, "CALL_SECONDS", 1.0)
    say("sent")
    crm.breaks(
        {"kind": "commit_then_hang", "match": {"method": "POST", "path": "/tasks"}, "times": 1}
    )
    carry_on()
    assert outcome("follow-up").state == "proven"
    assert outcome("follow-up").attempts == 2
    assert len(crm.tasks()) == 1


@pytest.mark.parametrize(
    ("how", "least", "most"),
    [
        ({}, 5, 15),  # HubSpot's own ten seconds
        ({"retry_after": 40}, 35, 45),
        ({"retry_after_date": 60}, 50, 65),
        ({"retry_after": 0}, 0, 10),
        ({"retry_after": 999_999}, 3500, 3700),  # an hour at most
    ],
)
def test_10_too_many_requests_in_every_form_is_waited_for(crm, how, least, most):
    say("sent")
    crm.breaks({"kind": "status", "code": 429, "times": 1, **how})
    before = instant.now()
    carry()
    deal = outcome("deal")
    assert (deal.state, deal.tries) == ("due", 0)
    assert least <= (deal.next_attempt_at - before).total_seconds() <= most


SCOPES = {"status": "error", "category": "MISSING_SCOPES"}
NO_ACCESS = {"message": "No access", "errorCode": "INSUFFICIENT_ACCESS"}
API_LIMIT = {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
DAILY = {"status": "error", "errorType": "RATE_LIMIT", "policyName": "DAILY"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({**SCOPES, "message": "Scope tasks is missing"}, "Scope tasks is missing"),
        # A scope may be called as it likes.
        ({**SCOPES, "message": "Scope rate_limit.read is missing: limit exceeded"}, "rate_limit"),
        ({**SCOPES, "errors": [{"message": "RATE_LIMIT", "context": {"code": ["RATE_LIMIT"]}}]},
         "MISSING_SCOPES"),
        ({"error": "The scope rate_limit.read is missing"}, "is missing"),
        ([NO_ACCESS], "INSUFFICIENT_ACCESS"),
        ("<h1>Forbidden: request limit exceeded</h1>", "Forbidden"),
        ("[" * 3000, "[[["), ([], "[]"), ("REQUEST_LIMIT_EXCEEDED", "REQUEST_LIMIT"), ("", "403"),
    ],
)  # fmt: skip
def test_11_a_403_pauses_with_the_vendors_own_words(crm, body, words):
    say("sent")
    crm.breaks({"kind": "status", "code": 403, "body": body})
    carry()
    assert Connection.objects.get(slug="hubspot").status == "paused"
    assert words in Ticket.objects.get(kind="credentials-refused").reason


@pytest.mark.parametrize(
    "body",
    [
        [API_LIMIT],
        [NO_ACCESS, API_LIMIT],
        {**DAILY, "category": "RATE_LIMITS", "message": "You have reached your daily limit."},
        {**DAILY, "message": "You have reached your daily limit."},
        {"error": {"code": 403, "errors": [{"reason": "dailyLimitExceeded"}]}},
        {"error": {"code": 403, "status": "RESOURCE_EXHAUSTED"}},
        {"error": "too_many_requests"},
    ],
)
def test_11_a_403_that_says_a_limit_is_used_up_waits_long_and_pauses_nothing(crm, body):
    say("sent")
    crm.breaks({"kind": "status", "code": 403, "body": body, "times": 1})
    before = instant.now()
    carry()
    assert Connection.objects.get(slug="hubspot").status == "active"
    assert not Ticket.objects.filter(kind="credentials-refused").exists()
    deal = outcome("deal")
    assert (deal.state, deal.tries, deal.failure) == ("due", 0, "throttled")
    assert 3500 <= (deal.next_attempt_at - before).total_seconds() <= 3700
    carry_on()
    assert outcome("deal").state == "proven"


def test_11_a_403_that_says_how_long_its_limit_lasts_is_waited_for_as_it_says(crm):
    say("sent")
    crm.breaks({"kind": "status", "code": 403, "body": [API_LIMIT], "times": 1, "retry_after": 40})
    before = instant.now()
    carry()
    assert 35 <= (outcome("deal").next_attempt_at - before).total_seconds() <= 45


def test_11_a_401_is_no_limit_whatever_it_says(crm):
    say("sent")
    crm.breaks({"kind": "status", "code": 401, "body": [API_LIMIT]})
    carry()
    assert Connection.objects.get(slug="hubspot").status == "paused"


def test_12_a_token_that_expires_between_two_calls_loses_nothing_and_repeats_nothing(crm):
    say("sent")
    crm.breaks({"kind": "status", "code": 401, "match": {"path": "/tasks"}})
    carry_on(times=2)
    assert Connection.objects.get(slug="hubspot").status == "paused"
    assert outcome("deal").state == "proven"
    crm.mend()
    connections.set_status(
        slug="hubspot", status="active", reason="", by=SETUP, at=instant.now()
    )  # fmt: skip
    carry_on()
    assert outcome("follow-up").state == "proven"
    assert set(crm.created().values()) == {1}


@pytest.mark.parametrize(("minutes", "status"), [(-6, 401), (-4, 202), (4, 202), (6, 401)])
def test_13_a_clock_six_minutes_off_is_refused_and_one_of_four_is_not(staff, minutes, status):
    factories.stripe()
    factories.standard()
    factories.connected("hubspot", signing=factories.CLIENT_SECRET)
    stamp = (instant.now() + timedelta(minutes=minutes)).timestamp()
    assert post_stripe({"id": "evt_1"}, stamp=int(stamp)).status_code == status
    assert factories.post_standard({"type": "x"}, stamp=int(stamp)).status_code == status
    # HubSpot's are milliseconds.
    assert post_hubspot([{"eventId": 1}], stamp=int(stamp * 1000)).status_code == status


def test_14_a_signature_over_the_same_json_written_anew_fails(staff, pandadoc):
    signed_over = json.dumps([document()]).encode()
    sent = json.dumps([document()], indent=1).encode()
    answer = Client().post(
        f"/hooks/pandadoc/?signature={signature(signed_over)}", sent,
        content_type="application/json", headers={"X-PandaDoc-Webhook-Event-Id": "e"},
    )  # fmt: skip
    assert answer.status_code == 401


def test_15_while_a_secret_is_rotated_both_are_good(staff, pandadoc):
    connections.enter_secret(
        slug="pandadoc", purpose="signing", secret="the new one", by=SETUP, at=instant.now()
    )
    old = post_pandadoc([document()], event_id="old", secret=SHARED_KEY)
    new = post_pandadoc([document()], event_id="new", secret="the new one")
    assert (old.status_code, new.status_code) == (202, 202)


def test_16_ids_are_text_and_two_that_differ_in_case_are_two(crm):
    say("sent", id="0065f00000AbcDe")
    say("sent", id="0065f00000aBcDe")
    assert Proposal.objects.count() == 2


def test_17_a_record_that_was_deleted_over_there_is_made_again_with_the_next_change(crm):
    say("sent")
    carry_on()
    (gone,) = deals()
    crm.delete_deal(gone)
    assert crm.deals() == []
    say("viewed", minute=3)
    carry_on()
    first, second = deals()
    assert first == gone != second
    (deal,) = crm.deals()
    assert (deal["hs_object_id"], deal["meshline_state"]) == (second, "viewed")
    assert set(Outcome.objects.filter(name="deal").values_list("state", flat=True)) == {"proven"}
    made = crm.effects()["deals:meshline_proposal_id=pandadoc:doc-1"]
    assert (made["created"], made["archived"]) == (2, 1)


def test_17_a_record_that_is_not_there_when_it_is_read_back_is_read_again(crm):
    say("sent")
    carry_on()
    (deal,) = deals()
    not_there = {"kind": "status", "code": 404, "match": {"path": f"/deals/{deal}"}}
    crm.breaks({**not_there, "times": 1})
    say("viewed", minute=3)
    carry_on()
    assert set(Outcome.objects.filter(name="deal").values_list("state", flat=True)) == {"proven"}
    assert deals() == [deal]


def test_17_a_record_that_was_merged_over_there_goes_on_as_what_it_became(crm):
    say("sent")
    carry_on()
    (gone,) = deals()
    stays = crm.merge_deal(gone, into_name="By hand")
    say("viewed", minute=3)
    carry_on()
    assert deals() == [gone, stays]
    (deal,) = crm.deals()
    assert (deal["hs_object_id"], deal["meshline_state"]) == (stays, "viewed")
    assert deal["dealname"] == proposal().title
    assert set(Outcome.objects.filter(name="deal").values_list("state", flat=True)) == {"proven"}


@pytest.mark.parametrize(
    ("amount", "currency", "kept"),
    [
        ("199", "USD", "199.00"), ("199.00", "USD", "199.00"), ("5000", "JPY", "5000"),
        ("12.345", "KWD", "12.345"),
    ],
)  # fmt: skip
def test_18_amounts_are_exact_in_their_own_currency(crm, amount, currency, kept):
    say("sent", grand_total={"amount": amount, "currency": currency})
    assert Signal.objects.get().fields["amount"] == kept
    assert proposal().amount == Decimal(amount)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-29T03:30:00+02:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("2026-10-25T02:30:00+02:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T02:30:00+01:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        ("2026-03-02T09:30:00.123456Z", datetime(2026, 3, 2, 9, 30, 0, 123456, tzinfo=UTC)),
        ("2026-03-02T09:30:00", None),
        (1772443800, None),
    ],
)
def test_19_times_with_an_offset_are_exact_and_others_are_never_guessed(crm, written, meant):
    event = document("sent")
    event["data"]["date_modified"] = written
    post_pandadoc([event])
    digest_all()
    if meant:
        assert Signal.objects.get().occurred_at == meant
    else:
        assert "data.date_modified" in Ticket.objects.get().reason


TEN = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("created", "meant"), [(1772445600, TEN), (1772445601, TEN + timedelta(seconds=1))]
)
def test_19_seconds_are_exact_where_a_vendor_writes_seconds(crm, billing, created, meant):
    say("sent")
    say("completed", minute=5)
    carry_on()
    (event,) = billing.events("invoice.finalized")
    tell([{**plain(event), "created": created}])
    assert Signal.objects.get(source="stripe").occurred_at == meant


@pytest.mark.parametrize(
    ("occurred", "meant"),
    [(1772445600000, TEN), (1772445600123, TEN + timedelta(milliseconds=123))],
)
def test_19_milliseconds_are_exact_where_a_vendor_writes_milliseconds(crm, occurred, meant):
    hubspot_signs()
    say("sent")
    carry_on()
    won(occurred)
    assert Signal.objects.get(source="hubspot").occurred_at == meant


def test_19_seconds_where_milliseconds_are_due_are_not_taken_for_them(crm):
    hubspot_signs()
    say("sent")
    carry_on()
    won(1772445600)
    assert not Signal.objects.filter(source="hubspot").exists()
    assert "occurredAt" in Ticket.objects.unresolved().get().reason


def won(occurred):
    """HubSpot says that our deal was won then."""
    event = {
        "eventId": 1, "subscriptionType": "deal.propertyChange", "objectId": int(deals()[0]),
        "portalId": 1, "propertyName": "dealstage", "propertyValue": "closedwon",
        "changeSource": "CRM_UI", "sourceId": "userId:9", "occurredAt": occurred,
    }  # fmt: skip
    assert post_hubspot([event]).status_code == 202
    digest_all()


@pytest.mark.parametrize("said", [{"name": None}, {"name": ""}, {"name": "  "}])
def test_20_null_empty_and_missing_leave_what_is_known(crm, said):
    say("sent")
    say("viewed", minute=2, **said)
    assert proposal().title == "Website relaunch"


def test_21_a_property_the_crm_does_not_have_is_a_ticket_that_names_it(crm):
    wrong = {"status": "error", "message": "Property meshline_key does not exist"}
    crm.breaks({"kind": "status", "code": 400, "body": wrong, "match": {"path": "/tasks"}})
    say("sent")
    carry_on()
    assert outcome("follow-up").state == "given_up"
    assert "meshline_key does not exist" in Ticket.objects.get(kind="delivery-failed").reason


def test_22_an_owner_nobody_knows_or_who_is_gone_over_there_leaves_no_hole(crm):
    crm.owners({**REMY, "archived": True})
    say("sent", owner="somebody@example.com")
    carry_on()
    kinds = set(Ticket.objects.unresolved().values_list("kind", flat=True))
    assert kinds == {"role-drift", "link-missing"}
    assert proposal().owner.is_active
    assert outcome("deal").state == "proven"


def test_23_a_billing_id_that_is_not_written_back_is_a_ticket_within_the_budget(crm, billing):
    """The CRM says yes and keeps nothing of the invoice: that is no proof."""
    say("sent")
    say("completed", minute=5)
    carry_on()
    crm.breaks({"kind": "ghost_200", "match": {"path": "/deals/batch/upsert"}})
    billing.tells()
    carry_on(times=2)
    mirror = Outcome.objects.filter(name="deal").order_by("pk").last()
    assert (mirror.params["invoice_status"], mirror.state) == ("open", "delivered")
    assert mirror.failure == "unproven"
    missing = Ticket.objects.filter(kind="proof-missing")
    assert sweep_late(minutes=0) == 0
    assert not missing.exists()
    assert mirror.budget_ends_at <= mirror.promised_at + timedelta(minutes=5)
    assert sweep_late(minutes=5) >= 1
    ticket = missing.get()
    assert ticket.evidence["outcome"] == mirror.pk
    assert "delivered, but cannot be read back" in ticket.reason
    crm.mend()
    carry_on()
    mirror.refresh_from_db()
    assert mirror.state == "proven"
    assert not missing.unresolved().exists()


def test_24_a_list_that_grows_while_it_is_read_still_holds_ours(crm, billing):
    """Pages go on after the last row seen, not at a number of rows."""
    say("sent")
    say("completed", minute=5)
    lost = {"kind": "commit_then_reset", "match": {"method": "POST", "path": "finalize"}}
    billing.breaks({**lost, "times": 1})
    carry_on(times=1, name="invoice")
    billing.forgets_its_keys()
    customer = billing.objects("customers")[0]["id"]
    for _ in range(41):
        billing.make_by_hand(customer)
    carry_on(name="invoice")
    assert outcome("invoice").state == "proven"
    done = billing.effects()[f"invoices:metadata.meshline_key={outcome('invoice').key}"]
    assert done == {"created": 1, "finalized": 1}


def test_25_ids_beyond_what_a_double_holds_stay_what_they_are(crm):
    event = json.dumps(document("sent", id="ID")).replace('"ID"', "9007199254740993")
    said = post_pandadoc(f"[{event}]".encode())
    digest_all()
    assert message(said).status == "digested"
    assert proposal().external_id == "9007199254740993"


def test_every_number_of_the_catalogue_has_its_test():
    numbers = {int(name.split("_")[1]) for name in globals() if name.startswith("test_")
               and name.split("_")[1].isdecimal()}  # fmt: skip
    assert numbers == set(range(1, 26))
