"""A ticket's other buttons: skip, set the owner, take a value, go to the mapping and back, and
where the record is in its own system."""

import html
import re

import pytest

from connectors import registry, skipping
from connectors.models import Connection, RecordLink
from connectors.skipping import CannotSkip
from exceptions import desk, remedies, troubles
from exceptions.models import Ticket
from exceptions.troubles import Trouble
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people.permissions import Role
from proposals.models import Outcome, Proposal
from tests import factories
from tests.connectors.crm import carry, carry_on, outcome, say, sweep_late
from tests.connectors.mapped import sent
from tests.factories import digest_all
from tests.reading import signed_in, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def olivia(staff):
    return staff["olivia"]


@pytest.fixture
def stuck(crm):
    """A deal and the follow-up behind it, late on one ticket."""
    say("sent")
    crm.breaks({"kind": "down"})
    carry_on(times=3)
    sweep_late()
    crm.mend()
    return Ticket.objects.get()


# --- Skip -----------------------------------------------------------------------------------------
def test_skipped_is_cancelled_with_its_reason_and_never_proven(stuck, crm, olivia):
    client, page = signed_in(olivia), f"/queue/{stuck.pk}/skip/"
    assert "It counts as cancelled, not as proven" in words(client.get(page))
    asked = {"outcomes": [outcome("deal").pk], "reason": "They have it there."}
    answer = client.post(page, asked)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/queue/{stuck.pk}/")
    deal = outcome("deal")
    assert (deal.state, deal.proven_at) == ("cancelled", None)
    line = TrailLine.objects.get(what="ticket.remedied")
    assert line.why == "They have it there."
    assert line.after["did"] == "Skipped: create or update the deal of Website relaunch."
    assert Ticket.objects.get().is_unresolved
    client.post(page, {"outcomes": [outcome("follow-up").pk], "reason": "Nor this."})
    ticket = Ticket.objects.get()
    # It closes, but not on evidence: somebody said so.
    assert (ticket.status, ticket.resolution) == ("resolved", "no action")
    assert ticket.resolved_by == olivia
    assert ticket.resolution_note == "Olivia Ortiz called it off: Nor this."
    carry_on()
    assert crm.created() == {}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reason": " "}, "This field is required."),
        ({"outcomes": []}, "Choose what is called off."),
        ({"outcomes": ["999999"]}, "does not hang open on this ticket any more"),
        ({"outcomes": ["x"]}, "does not hang open on this ticket any more"),
    ],
)
def test_nothing_is_skipped_without_a_reason_nor_by_a_foreign_id(stuck, olivia, changes, said):
    asked = {"outcomes": [outcome("deal").pk], "reason": "They have it."} | changes
    answer = signed_in(olivia).post(f"/queue/{stuck.pk}/skip/", asked)
    assert (answer.status_code, said in words(answer)) == (422, True)
    assert asked["reason"].strip() in answer.content.decode()
    assert not Outcome.objects.filter(state="cancelled").exists()


def test_all_or_none_is_skipped_and_a_second_click_is_told(stuck, olivia):
    both = [outcome("deal").pk, outcome("follow-up").pk]
    Outcome.objects.filter(pk=both[1]).update(state="proven", proven_at=instant.now())
    with pytest.raises(CannotSkip):
        skipping.skip(
            ticket_id=stuck.pk, outcomes=both, reason="x", by=olivia, at=instant.now()
        )  # fmt: skip
    assert outcome("deal").state == "due"
    client, page = signed_in(olivia), f"/queue/{stuck.pk}/skip/"
    assert client.post(page, {"outcomes": both[:1], "reason": "x"}).status_code == 303
    assert client.post(page, {"outcomes": both[:1], "reason": "x"}).status_code == 422
    assert TrailLine.objects.filter(what="outcome.cancelled").count() == 1


# --- Whose ticket it is ---------------------------------------------------------------------------
@pytest.mark.parametrize("act", ["skip", "retry", "release-held", "owner", "replay"])
def test_who_does_not_have_it_does_not_put_it_right(stuck, olivia, act):
    nils = factories.person("nils@example.com", "Nils Holm", Role.OPERATOR)
    desk.claim(ticket_id=stuck.pk, by=nils, at=instant.now())
    before = list(Outcome.objects.order_by("pk").values())
    answer = signed_in(olivia).post(
        f"/queue/{stuck.pk}/{act}/",
        {"outcomes": [outcome("deal").pk], "reason": "x", "owner": nils.pk, "shown": "x"},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 403
    assert "Nils Holm has claimed this" in words(answer)
    assert list(Outcome.objects.order_by("pk").values()) == before
    assert not TrailLine.objects.filter(what="ticket.remedied").exists()
    # The buttons say it before one tries.
    page = words(signed_in(olivia).get(f"/queue/{stuck.pk}/"))
    assert "Nils Holm has claimed this; only they can put it right." in page


@pytest.mark.parametrize("act", ["retry", "release-held", "skip", "replay", "owner", "merge"])
def test_a_resolved_ticket_is_not_put_right(stuck, olivia, act):
    desk.resolve(ticket_id=stuck.pk, resolution="fixed", by=olivia, at=instant.now())
    answer = signed_in(olivia).post(
        f"/queue/{stuck.pk}/{act}/",
        {"outcomes": [outcome("deal").pk], "reason": "x", "owner": olivia.pk, "into": stuck.pk},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code in (409, 422)
    assert not TrailLine.objects.filter(what="ticket.remedied").exists()


def test_each_button_says_what_it_will_do_and_afterwards_what_it_did(stuck, olivia):
    client = signed_in(olivia)
    page = words(client.get(f"/queue/{stuck.pk}/"))
    for label in ("Retry", "Replay", "Skip", "Merge"):
        assert label in page
    for offer in remedies.offered(stuck):
        assert offer["explains"].split(",")[0] in page, offer["label"]
    client.post(f"/queue/{stuck.pk}/retry/")
    page = words(client.get(f"/queue/{stuck.pk}/"))
    assert "2 outcomes go out again now, under the same key." in page


# --- Set the owner --------------------------------------------------------------------------------
@pytest.fixture
def drift(staff, pandadoc):
    """Two documents of somebody nobody knows."""
    for number in range(2):
        factories.post_pandadoc(
            [factories.document("sent", id=f"doc-{number}", owner="ghost@example.com")],
            event_id=str(number),
        )
    digest_all()
    return Ticket.objects.get(kind="role-drift")


def test_who_sets_the_owner_sets_it_for_all_and_the_ticket_closes_itself(drift, staff, olivia):
    client, page = signed_in(olivia), f"/queue/{drift.pk}/owner/"
    shown = re.search(r'name="shown" value="(\w+)"', client.get(page).content.decode())[1]
    remy = staff["remy"]
    asked = {"owner": remy.pk, "reason": "His accounts.", "shown": shown}
    answer = client.post(page, asked)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/queue/{drift.pk}/")
    assert {one.owner for one in Proposal.objects.all()} == {remy}
    drift.refresh_from_db()
    assert (drift.status, drift.resolution) == ("resolved", "closed on evidence")
    said = words(client.get(f"/queue/{drift.pk}/"))
    assert "Gave 2 records to Remy Park." in said
    again = client.post(page, asked)
    assert (again.status_code, "resolved" in words(again)) == (409, True)


def test_records_that_changed_meanwhile_are_looked_at_again(drift, staff, olivia):
    client, page = signed_in(olivia), f"/queue/{drift.pk}/owner/"
    shown = re.search(r'name="shown" value="(\w+)"', client.get(page).content.decode())[1]
    last = Proposal.objects.order_by("-pk").first()
    Proposal.objects.filter(pk=last.pk).update(version=last.version + 1)
    before = list(Proposal.objects.order_by("pk").values())
    asked = {"owner": staff["remy"].pk, "reason": "His accounts.", "shown": shown}
    answer = client.post(page, asked)
    assert (answer.status_code, "changed meanwhile" in words(answer)) == (409, True)
    assert "His accounts." in answer.content.decode()
    assert list(Proposal.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("changes", [{"owner": ""}, {"owner": "999999"}, {"reason": ""}])
def test_an_owner_who_is_nobody_is_said_beside_the_field(drift, staff, olivia, changes):
    asked = {"owner": staff["remy"].pk, "reason": "His.", "shown": "x"} | changes
    answer = signed_in(olivia).post(f"/queue/{drift.pk}/owner/", asked)
    assert answer.status_code == 422
    assert Ticket.objects.get(pk=drift.pk).is_unresolved


# --- The list one works through -------------------------------------------------------------------
LISTED = "tab=open&kind=overdue"
THERE = "?view=tab%3Dopen%26kind%3Doverdue"


@pytest.mark.parametrize("came_by", ["/queue/?{list}", "/queue/{ticket}/{there}"])
@pytest.mark.parametrize("act", ["skip", "force", "replay", "merge"])
def test_a_page_aside_leads_back_to_the_ticket_with_the_list_one_came_from(
    stuck, olivia, staff, came_by, act
):
    if act == "force":
        factories.person("max@example.com", "Max Hale", Role.MANAGER, staff["rosa"].team)
    client = signed_in(staff["rosa"] if act == "force" else olivia)
    came = "http://testserver" + came_by.format(list=LISTED, ticket=stuck.pk, there=THERE)
    page = client.get(f"/queue/{stuck.pk}/{act}/", headers={"Referer": came})
    assert page.status_code == 200
    main = page.content.decode().partition("<main")[2].partition("</main>")[0]
    links = re.findall(rf'href="(/queue/{stuck.pk}/[^"]*)"', main)
    assert {html.unescape(link) for link in links} == {f"/queue/{stuck.pk}/{THERE}"}
    forms = re.findall(r"<form.*?</form>", main, re.DOTALL)
    told = [re.findall(r'name="view" value="([^"]*)"', form) for form in forms]
    assert forms
    assert {tuple(map(html.unescape, one)) for one in told} == {(LISTED,)}


def test_done_there_the_list_is_known_still(stuck, olivia):
    client, here = signed_in(olivia), {"Referer": f"http://testserver/queue/{stuck.pk}/skip/"}
    asked = {"outcomes": [outcome("deal").pk], "reason": "", "view": LISTED}
    refused = client.post(f"/queue/{stuck.pk}/skip/", asked, headers=here)
    assert f'href="/queue/{stuck.pk}/{THERE}"' in refused.content.decode()
    asked["reason"] = "They have it."
    done = client.post(f"/queue/{stuck.pk}/skip/", asked, headers=here)
    assert done.headers["Location"] == f"/queue/{stuck.pk}/{THERE}"
    merged = client.post(f"/queue/{stuck.pk}/merge/", {"into": "", "view": LISTED})
    assert f'href="/queue/{stuck.pk}/{THERE}"' in merged.content.decode()


def test_given_to_its_owner_the_ticket_is_of_the_list_still(drift, staff, olivia):
    client, page = signed_in(olivia), f"/queue/{drift.pk}/owner/"
    came = {"Referer": f"http://testserver/queue/?{LISTED}"}
    shown = client.get(page, headers=came).content.decode()
    sent = dict(re.findall(r'name="(shown|view)" value="([^"]+)"', shown))
    assert html.unescape(sent["view"]) == LISTED
    asked = {"owner": staff["remy"].pk, "reason": "His accounts.", "shown": sent["shown"]}
    done = client.post(page, asked | {"view": LISTED})
    assert done.headers["Location"] == f"/queue/{drift.pk}/{THERE}"


# --- To the mapping and back ----------------------------------------------------------------------
def test_the_ticket_leads_to_the_mapping_with_the_message_picked_and_back(pandadoc, staff, olivia):
    sent("in_legal_review", 1)
    digest_all()
    ticket = Ticket.objects.get()
    client = signed_in(olivia)
    page = client.get(f"/queue/{ticket.pk}/").content.decode()
    way = html.unescape(re.search(r'href="(/connections/pandadoc/mapping/\?[^"]+)"', page)[1])
    shown = client.get(way)
    assert f"Message {ticket.evidence['message']} Back to ticket #{ticket.pk}" in words(shown)
    assert f'href="/queue/{ticket.pk}/"' in shown.content.decode()
    assert "in_legal_review" in words(shown)
    # Without it, too: whoever published is led back.
    plain = client.get("/connections/pandadoc/mapping/")
    assert f"Back to what waits for it: ticket #{ticket.pk}" in words(plain)


@pytest.mark.parametrize("asked", ["message=999", "message=x&ticket=y", "message=" + "9" * 40])
def test_a_message_that_is_not_there_is_none_picked(pandadoc, olivia, asked):
    answer = signed_in(olivia).get(f"/connections/pandadoc/mapping/?{asked}")
    assert answer.status_code == 200
    assert 'id="picked"' not in answer.content.decode()


# --- Where it is ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("system", "base_url", "kind", "options", "address"),
    [
        ("hubspot", "https://api.hubapi.com", "deal", {"portal_id": "4711"},
         "https://app.hubspot.com/contacts/4711/record/0-3/7"),
        ("hubspot", "https://api.hubapi.com", "deal", {}, ""),
        ("hubspot", "https://api.hubapi.com", "task", {"portal_id": "4711"}, ""),
        ("hubspot", "http://127.0.0.1:9/hubspot", "deal", {},
         "http://127.0.0.1:9/hubspot/app/deals/7"),
        ("stripe", "https://api.stripe.com", "invoice", {},
         "https://dashboard.stripe.com/invoices/7"),
        ("pandadoc", "https://api.pandadoc.com", "document", {},
         "https://app.pandadoc.com/a/#/documents/7"),
    ],
)  # fmt: skip
def test_the_address_of_a_record_over_there(system, base_url, kind, options, address):
    known = registry.system(system)
    assert known.page(base_url, kind, "7", known.told(options)) == address


@pytest.mark.parametrize(
    ("typed", "fine"), [("4711", True), ("", True), ("x", False), ("0", False)]
)
def test_a_hub_id_is_a_number(typed, fine):
    assert (registry.system("hubspot").option("portal_id").refusal(typed) == "") is fine


def test_a_ticket_opens_its_record_in_its_system(stuck, crm, olivia, staff):
    proposal = Proposal.objects.get()
    RecordLink.objects.create(
        connection=Connection.objects.get(slug="hubspot"), record=proposal.record, kind="deal",
        external_id="501", linked_at=instant.now(),
    )  # fmt: skip
    page = signed_in(olivia).get(f"/queue/{stuck.pk}/").content.decode()
    assert f'hx-get="/queue/{stuck.pk}/places/"' in page
    part = signed_in(olivia).get(f"/queue/{stuck.pk}/places/", headers={"HX-Request": "true"})
    assert "/app/deals/501" in part.content.decode()
    assert "<html" not in part.content.decode()
    # As a page as well, for whoever has no scripts.
    assert "/app/deals/501" in signed_in(olivia).get(f"/queue/{stuck.pk}/places/").content.decode()
    assert signed_in(staff["remy"]).get(f"/queue/{stuck.pk}/places/").status_code == 403


def test_a_ticket_about_nothing_elsewhere_says_so(olivia):
    ticket = troubles.open_ticket(
        Trouble(kind="delivery-failed", cause="c", title="t", reason="r", subject="outcome:0",
                evidence={"x": 1}),
        by=SETUP, at=instant.now(),
    )  # fmt: skip
    answer = signed_in(olivia).get(f"/queue/{ticket.pk}/places/")
    assert "It is about no record that is anywhere else." in words(answer)


# --- Take a value ---------------------------------------------------------------------------------
def test_a_value_taken_on_the_ticket_leads_back_to_it(staff, olivia, crm):
    say("sent")
    carry()
    proposal = Proposal.objects.get()
    answer = signed_in(olivia).post(
        f"/proposals/{proposal.pk}/take/amount/0/",
        headers={"Referer": "http://testserver/queue/3/"},
    )
    # Nothing is to be decided here: said where one was.
    assert (answer.status_code, answer.headers["Location"]) == (303, "/queue/3/")
