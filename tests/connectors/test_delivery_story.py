"""The story of a proposal, outwards: each promise is one proven effect, or on a ticket."""

from datetime import timedelta

import pytest

from connectors import retrying
from connectors.models import DeliveryAttempt, RecordLink
from exceptions.models import Ticket
from meshline import instant
from meshline.notices.models import Notice
from proposals.models import Outcome, Proposal
from tests import factories
from tests.connectors.crm import carry, carry_on, outcome, say, soon, states, sweep_late

pytestmark = pytest.mark.django_db


def test_a_sent_proposal_is_a_deal_a_task_and_a_word_to_its_owner_all_proven(crm, staff):
    say("sent")
    carry()
    assert states() == {"deal": "proven", "follow-up": "proven", "tell-owner": "proven"}
    (deal,), (task,) = crm.deals(), crm.tasks()
    assert deal["meshline_proposal_id"] == "pandadoc:doc-1"
    assert (deal["dealname"], deal["amount"]) == ("Website relaunch", "1234.50")
    assert deal["meshline_state"] == "sent"
    assert task["hs_task_subject"] == "Follow up: Website relaunch"
    assert task["hs_task_status"] == "NOT_STARTED"
    assert task["hubspot_owner_id"] == deal["hubspot_owner_id"] != ""
    assert Notice.objects.get(user=staff["remy"]).text.startswith("Website relaunch went out")
    assert set(crm.created().values()) == {1}


def test_what_was_made_there_is_linked_to_our_record(crm):
    say("sent")
    carry()
    record = Proposal.objects.get().record
    links = RecordLink.objects.filter(record=record, connection__slug="hubspot")
    assert dict(links.values_list("kind", "external_id")) == {
        "deal": outcome("deal").external_id,
        "task": outcome("follow-up").external_id,
    }


def test_every_attempt_says_what_went_out_and_never_the_credential(crm):
    say("sent")
    carry()
    attempt = DeliveryAttempt.objects.get(outcome=outcome("deal"))
    assert attempt.succeeded
    assert [call["status"] for call in attempt.calls] == [200, 200, 200]
    assert "pat-test" not in str(attempt.calls)
    assert "Read back: deal" in attempt.result


def test_while_the_crm_is_down_it_is_tried_again_and_then_a_person_knows(crm, staff):
    say("sent")
    crm.breaks({"kind": "down"})
    carry_on(times=3)
    deal = outcome("deal")
    assert (deal.state, deal.attempts, deal.failure) == ("due", 3, "unavailable")
    assert "503" in deal.last_error
    assert deal.next_attempt_at > instant.now()
    tried = DeliveryAttempt.objects.filter(outcome=deal)
    assert [one.calls[0]["status"] for one in tried] == [503, 503, 503]

    assert sweep_late() == 2
    ticket = Ticket.objects.get()
    assert ticket.owner == staff["olivia"]
    assert ticket.ack_due_at < ticket.fix_due_at
    assert ticket.occurrences == 2  # the deal, and the follow-up that waits behind it
    assert ticket.evidence["payload"]["title"] == "Website relaunch"
    assert [one["label"] for one in ticket.remedies] == ["Retry"]
    assert str(ticket.amount_at_risk) == "1234.5000"
    # Retries go on behind the ticket, and the sweep does not open another.
    assert sweep_late() == 0


def test_once_it_works_again_a_retry_proves_it_and_the_ticket_closes_on_evidence(crm, staff):
    say("sent")
    crm.breaks({"kind": "down"})
    carry_on(times=3)
    sweep_late()
    crm.mend()
    ticket = Ticket.objects.get()
    said = retrying.retry_ticket(ticket, by=staff["olivia"], at=instant.now())
    assert said == "2 outcomes go out again now, under the same key."
    carry()
    ticket.refresh_from_db()
    assert (ticket.status, ticket.resolution) == ("resolved", "closed on evidence")
    assert ticket.resolved_by is None
    assert set(states().values()) == {"proven"}
    assert set(crm.created().values()) == {1}


def test_a_signed_proposal_closes_its_follow_up_and_starts_onboarding_each_once(crm):
    say("sent")
    carry()
    say("completed", minute=5)
    carry()
    tasks = {task["hs_task_subject"]: task["hs_task_status"] for task in crm.tasks()}
    assert tasks == {
        "Follow up: Website relaunch": "COMPLETED",
        "Start onboarding: Website relaunch": "NOT_STARTED",
    }
    (deal,) = crm.deals()
    assert deal["meshline_state"] == "signed"
    assert set(crm.created().values()) == {1}
    assert Outcome.objects.exclude(state="proven").count() == 0


def test_signed_before_anything_went_out_makes_no_follow_up_at_all(crm):
    say("sent")
    say("completed", minute=5)
    carry()
    assert [task["hs_task_subject"] for task in crm.tasks()] == [
        "Start onboarding: Website relaunch"
    ]
    assert outcome("follow-up").state == "cancelled"


def test_the_task_waits_behind_the_deal_of_its_record_and_nobody_else_does(crm):
    say("sent")
    say("sent", id="doc-2")
    crm.breaks({"kind": "status", "code": 500, "times": 1, "match": {"path": "deals"}})
    carry()
    first, second = Proposal.objects.order_by("pk")
    stuck = outcome("follow-up", proposal=first)
    assert (outcome("deal", proposal=first).state, stuck.state, stuck.attempts) == ("due", "due", 0)
    assert outcome("follow-up", proposal=second).state == "proven"
    soon()
    carry()
    task = next(t for t in crm.tasks() if t["meshline_key"] == stuck.key)
    assert task
    assert set(Outcome.objects.values_list("state", flat=True)) == {"proven"}


def test_a_mirror_whose_content_moved_on_is_never_written_again(crm):
    """The earlier content, delivered but unproven, must not overwrite the later one."""
    say("sent")
    crm.breaks({"kind": "html_200", "match": {"method": "GET", "path": "/objects/deals/"}})
    carry()
    assert outcome("deal").state == "delivered"
    crm.mend()
    say("viewed", minute=5)
    for _ in range(5):
        soon()
        carry()
    (deal,) = crm.deals()
    assert deal["meshline_state"] == "viewed"
    sent, viewed = Outcome.objects.filter(name="deal").order_by("pk")
    assert viewed.state == "proven"
    assert sent.state in {"cancelled", "proven"}


def test_a_person_missing_over_there_is_a_ticket_that_ends_when_they_are_there(crm, staff):
    crm.owners()
    say("sent")
    carry()
    assert set(states().values()) == {"proven"}
    ticket = Ticket.objects.get()
    assert ticket.kind == "link-missing"
    assert ticket.title == "HubSpot has no owner with the e-mail remy@example.com"
    assert ticket.occurrences == 1  # however many records name them
    assert "hubspot_owner_id" not in crm.deals()[0]

    crm.owners({"email": "remy@example.com", "firstName": "Remy", "lastName": "Park"})
    say("viewed", minute=5)
    carry()
    ticket.refresh_from_db()
    assert ticket.resolution == "closed on evidence"
    assert crm.deals()[0]["hubspot_owner_id"]


@pytest.mark.parametrize("fault", [{"kind": "html_200"}, {"kind": "status", "code": 404}])
def test_a_person_missing_there_is_a_ticket_also_where_the_proof_comes_later(crm, staff, fault):
    crm.owners()
    crm.breaks({**fault, "match": {"method": "GET", "path": "/objects/"}})
    say("sent")
    carry()
    assert outcome("deal").state == "delivered"
    crm.mend()
    carry_on()
    assert set(states().values()) == {"proven"}
    ticket = Ticket.objects.get(kind="link-missing")
    assert ticket.evidence["id"]
    assert "not given to them" in ticket.reason


def test_what_nobody_plays_yet_waits_and_follows_once_somebody_does(staff, settings):
    factories.pandadoc()
    say("sent")
    carry()
    assert outcome("deal").connection == ""
    assert sweep_late() == 2
    assert "No connection plays the part of the CRM yet." in Ticket.objects.get().reason
    factories.hubspot("http://127.0.0.1:9")
    assert outcome("deal").connection == "hubspot"


def test_the_same_story_told_again_leads_to_nothing_new(crm):
    say("sent")
    carry()
    before = crm.effects()
    say("sent", minute=1)
    carry()
    assert crm.effects() == before


def test_the_proof_comes_within_the_budget(crm):
    say("sent")
    carry()
    for one in Outcome.objects.all():
        assert one.proven_at < one.budget_ends_at
        assert one.proven_at - one.promised_at < timedelta(seconds=20)
