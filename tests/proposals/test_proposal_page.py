"""One proposal's page: what is so and why, what must follow, the whole story, who sees how much."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from exceptions.models import Ticket
from meshline import instant
from proposals import outbox
from proposals.models import Outcome, Signal
from tests import factories
from tests.factories import MONDAY


def page_of(client, proposal):
    answer = client.get(f"/proposals/{proposal.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


def steps(client, proposal):
    return client.get(f"/proposals/{proposal.pk}/").context["steps"]


# --- Who sees it -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "status"),
    [("olivia", 200), ("rosa", 200), ("sam", 200), ("remy", 200), ("ada", 200), ("vera", 200)],
)
def test_everybody_in_scope_sees_it(as_, sent, name, status):
    assert as_(name).get(f"/proposals/{sent.pk}/").status_code == status


@pytest.mark.parametrize("name", ["sam", "remy"])
def test_out_of_scope_it_does_not_exist(as_, tell, name):
    theirs = tell("sent", owner="olivia@example.com")
    assert as_(name).get(f"/proposals/{theirs.pk}/").status_code == 404


@pytest.mark.parametrize("pk", [0, 10**12, 10**30])
def test_what_is_not_there_is_not_found(as_, staff, pk):
    assert as_("rosa").get(f"/proposals/{pk}/").status_code == 404


@pytest.mark.parametrize("name", ["ada", "vera"])
def test_where_the_scope_is_masked_so_are_contact_and_amount_everywhere_on_it(as_, tell, name):
    proposal = tell("declined", name="Website relaunch")
    page = page_of(as_(name), proposal)
    for private in ("Nina", "Brook", "nina@", "1,234.50"):
        assert private not in page
    assert "•••" in page


def test_where_it_is_not_they_are_open(as_, sent):
    page = page_of(as_("remy"), sent)
    assert "Nina Brook" in page
    assert "1,234.50 EUR" in page


# --- What is so, and why ---------------------------------------------------------------------
def test_the_owner_stands_there_with_the_reason(as_, sent):
    page = page_of(as_("rosa"), sent)
    assert "PandaDoc names Remy Park (remy@example.com) as owner." in page
    assert "Temporary" not in page


def test_a_temporary_owner_is_marked(as_, tell):
    assert "Temporary" in page_of(as_("rosa"), tell("sent", owner="gone@example.com"))


def test_the_links_to_other_systems_come_as_a_part_by_its_url_name(as_, sent):
    links = reverse("connectors:links", args=[sent.record])
    assert f'hx-get="{links}"' in page_of(as_("rosa"), sent)


# --- What must follow ------------------------------------------------------------------------
def carried(kind):
    """Claim outcomes one after the other until one of this kind comes."""
    while outcome := outbox.claim(["hubspot", "meshline"], lease_seconds=60):
        if outcome.kind == kind:
            return outcome
    raise AssertionError(f"There is no {kind} to carry.")


def rows(client, proposal):
    context = client.get(f"/proposals/{proposal.pk}/").context
    return {row.outcome.name: row for row in context["open_outcomes"] + context["done_outcomes"]}


def test_open_outcomes_stand_there_in_words_with_where(as_, sent):
    found = rows(as_("rosa"), sent)
    assert found["follow-up"].deed == "Create the follow-up task"
    assert found["follow-up"].place == "in the CRM, which nothing plays yet"
    assert found["tell-owner"].deed == "Tell the owner"


def test_what_waits_behind_another_says_behind_which(as_, tell):
    factories.hubspot()
    found = rows(as_("rosa"), tell("sent"))
    assert found["deal"].waits_for == ""
    assert found["follow-up"].waits_for == "create or update the deal"
    page = page_of(as_("rosa"), tell("sent"))
    assert "Held: waits behind “create or update the deal”." in page


def test_what_is_proven_says_when(as_, sent):
    outcome = carried("notice.tell")
    outbox.mark_proven(outcome, external_id="1", evidence="It is there.", at=instant.now())
    (row,) = as_("rosa").get(f"/proposals/{sent.pk}/").context["done_outcomes"]
    assert row.outcome == outcome
    assert f"{row.outcome.proven_at:%H:%M:%S} UTC" in page_of(as_("rosa"), sent)


def test_what_failed_says_why_and_masks_addresses_where_it_must(as_, tell):
    factories.hubspot()
    proposal = tell("sent")
    outbox.give_up(
        carried("deal.upsert"), because="No owner has the e-mail remy@example.com.",
        failure="refused", at=instant.now(),
    )  # fmt: skip
    assert "No owner has the e-mail remy@example.com." in page_of(as_("rosa"), proposal)
    row = rows(as_("vera"), proposal)["deal"]
    assert row.error == "No owner has the e-mail •••"


def test_a_content_that_changed_replaces_its_mirror_and_says_so(as_, tell):
    proposal = tell("sent")
    later = MONDAY + timedelta(hours=1)
    tell("sent", at=later, grand_total={"amount": "900.00", "currency": "EUR"})
    dropped = Outcome.objects.of(proposal).get(name="deal", state="cancelled")
    assert dropped.unwanted_why == "What it shows has changed; a newer one takes its place."


# --- Tickets ---------------------------------------------------------------------------------
def test_unresolved_tickets_stand_there_as_links_for_who_may_open_them(as_, tell):
    proposal = tell("declined")
    ticket = Ticket.objects.get(kind="dispute")
    link = f'href="/queue/{ticket.pk}/"'
    assert link in page_of(as_("rosa"), proposal)
    assert "Proposal disputed" in page_of(as_("remy"), proposal)
    assert link not in page_of(as_("remy"), proposal)


def test_a_ticket_that_began_with_another_record_stands_there_too(as_, tell):
    tell("sent", "first", owner="gone@example.com")
    second = tell("sent", "second", owner="gone@example.com")
    ticket = Ticket.objects.get(kind="role-drift")
    assert ticket.record != second.record
    assert f'href="/queue/{ticket.pk}/"' in page_of(as_("rosa"), second)


# --- The story -------------------------------------------------------------------------------
def test_every_step_says_who_what_why_and_because_of_what(as_, sent):
    told = {step.entry.line.what: step for step in steps(as_("rosa"), sent)}
    moved = told["proposal.moved"]
    assert (moved.headline, moved.from_state, moved.to_state) == ("Moved", "draft", "sent")
    assert moved.entry.line.actor_label == "PandaDoc"
    assert moved.entry.why == "PandaDoc, the authority for it, said sent."
    message = int(Signal.objects.get().origin.removeprefix("message:"))
    assert moved.entry.cause.url == f"/messages/{message}/"
    promised = told["outcome.promised"]
    assert promised.entry.cause.url == f"/messages/{message}/"


def test_newest_first(as_, sent):
    ids = [step.entry.line.pk for step in steps(as_("rosa"), sent)]
    assert ids == sorted(ids, reverse=True)


def test_what_changed_is_shown_before_and_after(as_, tell):
    tell("sent")
    proposal = tell(
        "sent", at=MONDAY + timedelta(hours=1), grand_total={"amount": "900.00", "currency": "EUR"}
    )
    changed = next(
        s for s in steps(as_("rosa"), proposal) if s.entry.line.what == "proposal.changed"
    )
    assert changed.change == {
        "before": {"amount": "1,234.50 EUR"},
        "after": {"amount": "900.00 EUR"},
    }


def test_signals_that_moved_nothing_are_told_with_the_reason(as_, tell):
    tell("viewed", at=MONDAY + timedelta(hours=2))
    proposal = tell("sent", at=MONDAY)
    proposal = tell("draft", at=MONDAY + timedelta(minutes=-5))
    told = [s for s in steps(as_("rosa"), proposal) if s.entry.line.what.startswith("signal.")]
    assert told
    assert {s.headline for s in told} == {"Superseded: it said sent", "Superseded: it said draft"}
    assert all(step.entry.why for step in told)


def test_what_came_late_says_when_it_happened(as_, tell):
    proposal = tell("sent", at=MONDAY)
    step = next(s for s in steps(as_("rosa"), proposal) if s.to_state)
    assert step.occurred_at == MONDAY
    assert step.late > timedelta(days=1)
    page = page_of(as_("rosa"), proposal)
    assert "Happened" in page
    assert "later." in page


def test_what_came_at_once_does_not(as_, tell):
    proposal = tell("sent", at=instant.now())
    assert all(step.late is None for step in steps(as_("rosa"), proposal))


def test_ticket_events_are_part_of_the_story(as_, tell):
    proposal = tell("declined")
    assert "Ticket opened" in {step.headline for step in steps(as_("rosa"), proposal)}


def test_a_rep_reads_the_story_without_links_to_pages_closed_to_them(as_, sent):
    for step in steps(as_("remy"), sent):
        for ref in (step.entry.subject, step.entry.cause):
            if ref and ref.url:
                assert as_("remy").get(ref.url).status_code == 200, ref


def test_every_link_of_the_page_opens(as_, tell):
    proposal = tell("declined", owner="gone@example.com")
    client = as_("olivia")
    links = {
        ref.url
        for step in steps(client, proposal)
        for ref in (step.entry.subject, step.entry.cause)
        if ref and ref.url
    }
    assert len(links) > 3
    assert {link: client.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def test_the_number_of_queries_does_not_grow_with_the_story(as_, tell):
    proposal = tell("sent")
    client = as_("olivia")
    page_of(client, proposal)
    few = _queries(client, proposal)
    for minute in range(1, 12):
        tell("viewed", at=MONDAY + timedelta(minutes=minute), name=f"Title {minute}")
    # One more for each outcome that waits: what it waits behind.
    waiting = Outcome.objects.of(proposal).waiting().count()
    assert _queries(client, proposal) <= few + waiting


def _queries(client, proposal):
    with CaptureQueriesContext(connection) as caught:
        page_of(client, proposal)
    return len(caught)
