"""The pages of what goes out: who sees how much of it, and what a click does."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from connectors.models import Connection, DeliveryAttempt
from exceptions.models import Ticket
from proposals.models import Outcome, Proposal
from tests.connectors.crm import TOKEN, carry, outcome, say, states, sweep_late

pytestmark = pytest.mark.django_db


def text(answer):
    assert answer.status_code == 200, answer.content
    return " ".join(answer.content.decode().split())


def page_of(client, name="deal"):
    return text(client.get(f"/outcomes/{outcome(name).pk}/"))


# --- The list --------------------------------------------------------------------------------
def test_the_list_says_in_words_what_goes_where_and_how_it_stands(crm, as_):
    say("sent")
    crm.breaks({"kind": "down"})
    carry()
    shown = text(as_("olivia").get("/outcomes/"))
    for words in (
        "Create or update the deal", "Create a task for the owner", "Tell the owner",
        "Website relaunch", "was answered 503", "It waits behind the deal of the same record.",
        "A proposal is sent, v1", "Due in",
    ):  # fmt: skip
        assert words in shown


def test_the_tabs_count_what_they_show(crm, as_):
    say("sent")
    crm.breaks({"kind": "down"})
    carry()
    client = as_("olivia")
    counts = {"all": 3, "waiting": 2, "failing": 1, "given-up": 0, "proven": 1}
    for tab, count in counts.items():
        answer = client.get(f"/outcomes/?tab={tab}")
        assert answer.content.decode().count('<tr id="outcome-') == count
        told = {one["url"].rpartition("=")[2]: one["count"] for one in answer.context["tabs"]}
        assert told == counts


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=proven", 1), ("kind=deal.upsert", 1), ("connection=hubspot", 2),
        ("connection=meshline", 1), ("tier=seconds", 0), ("q=relaunch", 3),
        ("q=doc-1/sent/follow-up", 1), ("q=%00", 3), ("state=nonsense", 3), ("after=nonsense", 3),
        ("q=nothing+such", 0), ("tab=nonsense", 3),
    ],
)  # fmt: skip
def test_the_filters_live_in_the_url(crm, as_, query, found):
    say("sent")
    crm.breaks({"kind": "down"})
    carry()
    answer = as_("olivia").get(f"/outcomes/?{query}")
    assert answer.content.decode().count('<tr id="outcome-') == found
    assert answer.status_code == 200


def test_htmx_gets_the_list_alone(crm, as_):
    say("sent")
    shown = text(as_("olivia").get("/outcomes/", headers={"HX-Request": "true"}))
    assert "<html" not in shown
    assert 'id="outcomes"' in shown


def test_a_long_list_costs_no_more_questions_than_a_short_one(crm, as_):
    client = as_("olivia")
    say("sent")
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get("/outcomes/")
    for number in range(20):
        say("sent", id=f"doc-more-{number}")
    with CaptureQueriesContext(connection) as many:
        client.get("/outcomes/")
    assert len(many) <= len(few) + 1


def test_people_see_the_outcomes_of_the_proposals_they_see(crm, as_, staff):
    say("sent")
    say("sent", id="doc-2", owner="olivia@example.com")
    mine, other = Proposal.objects.order_by("pk")
    assert as_("remy").get("/outcomes/").content.decode().count('<tr id="outcome-') == 3
    hers = outcome("deal", proposal=other)
    assert as_("remy").get(f"/outcomes/{hers.pk}/").status_code == 404
    assert as_("sam").get(f"/outcomes/{hers.pk}/").status_code == 404
    assert as_("vera").get(f"/outcomes/{hers.pk}/").status_code == 200
    assert as_("remy").get(f"/records/{mine.record}/links/").status_code == 200
    assert as_("remy").get(f"/records/{other.record}/links/").status_code == 404


# --- One outcome -----------------------------------------------------------------------------
def test_an_outcome_shows_its_whole_way(crm, as_):
    say("sent")
    carry()
    shown = page_of(as_("olivia"))
    deal = outcome("deal")
    for words in (
        deal.key, "Upsert by external id.", "A proposal is sent", "version 1", "Proven.",
        f"deal {deal.external_id}", f"/app/deals/{deal.external_id}", "Read back: deal",
        "/crm/v3/objects/deals/batch/upsert", "meshline_proposal_id", "Outcome promised",
    ):  # fmt: skip
        assert words in shown
    assert f"/messages/{deal.signal.origin.partition(':')[2]}/" in shown


def test_a_credential_is_on_no_page(crm, as_):
    say("sent")
    crm.token("another")
    carry()
    for who in ("olivia", "rosa", "ada"):
        assert TOKEN not in page_of(as_(who))
        assert "Bearer" not in page_of(as_(who))


def test_what_strangers_say_is_text(crm, as_):
    say("sent", name="<script>alert(1)</script>")
    body = "<img src=x onerror=alert(2)>"
    crm.breaks({"kind": "status", "code": 400, "body": body, "match": {"path": "deals"}})
    carry()
    shown = page_of(as_("olivia"))
    assert "<script>alert" not in shown
    assert "<img src=x" not in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert "&lt;img src=x" in shown


def test_how_much_of_the_payload_is_seen_follows_the_role(crm, as_):
    say("sent")
    carry()
    assert "1234.50" in page_of(as_("olivia"))
    admin = page_of(as_("ada"))
    assert "owner_email" in admin
    assert "1234.50" not in admin
    assert "remy@example.com" not in admin
    for who in ("vera", "remy"):
        shown = page_of(as_(who))
        assert "What was said word for word is not shown" in shown
        assert "owner_email" not in shown


def test_a_page_that_is_watched_changes_only_when_there_is_news(crm, as_):
    say("sent")
    client = as_("olivia")
    address = f"/outcomes/{outcome('deal').pk}/"
    seen = client.get(address).context["fingerprint"]
    htmx = {"HX-Request": "true"}
    assert f"seen={seen}" in client.get(address).content.decode()
    assert client.get(f"{address}?seen={seen}", headers=htmx).status_code == 204
    carry()
    news = client.get(f"{address}?seen={seen}", headers=htmx)
    assert "Proven" in text(news)
    # What is over is watched no longer.
    assert "every 5s" not in text(news)


@pytest.mark.parametrize(("who", "allowed"), [("olivia", True), ("rosa", True), ("vera", False)])
def test_retry_and_cancel_are_offered_to_who_may(crm, as_, who, allowed):
    say("sent")
    shown = page_of(as_(who))
    assert ("may not retry or cancel an outcome" in shown) is not allowed


def test_a_retry_makes_it_due_and_says_what_still_holds_it(crm, as_):
    say("sent")
    crm.breaks({"kind": "down"})
    carry()
    Connection.objects.filter(slug="hubspot").update(status="paused", status_why="They migrate.")
    deal = outcome("deal")
    answer = as_("olivia").post(f"/outcomes/{deal.pk}/retry/", headers={"HX-Request": "true"})
    assert "It is due now. HubSpot is paused. They migrate." in text(answer)
    plain = as_("olivia").post(f"/outcomes/{deal.pk}/retry/")
    assert (plain.status_code, plain.headers["Location"]) == (303, f"/outcomes/{deal.pk}/")


def test_a_cancel_asks_for_a_reason(crm, as_):
    say("sent")
    deal, htmx = outcome("deal"), {"HX-Request": "true"}
    client = as_("olivia")
    refused = client.post(f"/outcomes/{deal.pk}/cancel/", {"reason": " "}, headers=htmx)
    assert refused.status_code == 422
    assert "Say why" in refused.content.decode()
    done = client.post(f"/outcomes/{deal.pk}/cancel/", {"reason": "By hand."}, headers=htmx)
    assert "It is called off." in text(done)
    again = client.post(f"/outcomes/{deal.pk}/cancel/", {"reason": "By hand."}, headers=htmx)
    assert again.status_code == 409


def test_a_ticket_is_retried_as_a_whole(crm, as_):
    say("sent")
    crm.breaks({"kind": "down"})
    carry()
    sweep_late()
    crm.mend()
    ticket = Ticket.objects.get()
    assert ticket.title in page_of(as_("olivia"))
    assert "2 outcomes go out again now, under the same key." in retried(as_("olivia"), ticket)
    carry()
    assert set(states().values()) == {"proven"}
    assert Ticket.objects.get().status == "resolved"
    # Pressed once more, it says so.
    said = retried(as_("olivia"), ticket)
    assert "This ticket is resolved." in said


def retried(client, ticket):
    answer = client.post(f"/queue/{ticket.pk}/retry/")
    assert answer.status_code == 303
    return text(client.get(answer.headers["Location"]))


# --- Where a record is -----------------------------------------------------------------------
def test_the_links_part_says_where_a_record_is(crm, as_):
    say("sent")
    record = Proposal.objects.get().record
    before = text(as_("olivia").get(f"/records/{record}/links/"))
    assert "document doc-1" in before
    carry()
    shown = text(as_("olivia").get(f"/records/{record}/links/"))
    for found in (outcome("deal"), outcome("follow-up")):
        assert found.external_id in shown
    assert "/hubspot/app/deals/" in shown
    assert "/hubspot/app/tasks/" in shown


@pytest.mark.parametrize(
    "record", ["proposal:0", "proposal:x", "lead:1", "proposal", "proposal:" + "9" * 30]
)
def test_the_links_of_nothing_are_nowhere(crm, as_, record):
    assert as_("olivia").get(f"/records/{record}/links/").status_code == 404


def test_an_outcome_that_does_not_exist_is_nowhere(crm, as_):
    assert as_("olivia").get("/outcomes/999999/").status_code == 404
    assert DeliveryAttempt.objects.count() == 0
    assert Outcome.objects.count() == 0
