"""A ticket is replayed in a real browser: looked at, chosen otherwise, done, and told.

MESHLINE_SHOTS=<folder> keeps a picture of each.
"""

import pytest
from playwright.sync_api import expect

from exceptions.models import Ticket
from meshline import instant
from meshline.people.permissions import Role
from proposals import forcing, lateness
from proposals.models import ForcedEffect, Outcome
from tests import factories
from tests.chromium import check
from tests.connectors.mapped import LEGAL, published, sent
from tests.factories import digest_all

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_it_is_looked_at_chosen_otherwise_done_and_told(staff, look):
    there = factories.pandadoc()
    factories.hubspot()
    for minute in range(2):
        sent("in_legal_review", minute, id=f"doc-{minute}")
    digest_all()
    ticket = Ticket.objects.get()
    published(there, LEGAL, staff["rosa"])
    page = look(staff["olivia"])
    page.goto(f"/queue/{ticket.pk}/")
    check(page, "ticket-remedies")
    page.get_by_role("link", name="Replay", exact=True).click()
    expect(page.get_by_text("2 will fire")).to_be_visible()
    page.get_by_label("By which versions").select_option("then")
    expect(page.get_by_text("Nothing would fire: 2 blocked. Each says why.")).to_be_visible()
    expect(page.get_by_role("button", name="Replay it, exactly so")).to_be_disabled()
    check(page, "replay-blocked")
    page.get_by_label("By which versions").select_option("now")
    expect(page.get_by_text("2 will fire")).to_be_visible()
    check(page, "replay-fires")
    page.get_by_role("button", name="Replay it, exactly so").click()
    expect(page.get_by_text("Closed on evidence.", exact=True)).to_be_visible()
    did = "Replayed from the failed step, with the versions of now: 2 will fire."
    expect(page.locator("#ticket-story").get_by_text(did)).to_be_visible()
    check(page, "ticket-replayed")


def test_a_second_manager_sees_what_a_new_effect_would_do_and_lets_it_go(staff, look):
    factories.pandadoc()
    factories.hubspot()
    sent("sent", 0)
    digest_all()
    outcome = Outcome.objects.get(name="follow-up")
    ticket = _on_a_ticket(outcome)
    max_ = factories.person("max@example.com", "Max Hale", Role.MANAGER, staff["rosa"].team)
    reason = "Somebody deleted the task there; the owner never saw it."
    forcing.ask(
        ticket_id=ticket.pk, outcome_id=outcome.pk, reason=reason, by=staff["rosa"],
        at=instant.now(),
    )  # fmt: skip
    page = look(max_)
    page.goto("/approvals/")
    check(page, "approvals-forced")
    page.get_by_role("link", name="See what it would do").click()
    expect(page.get_by_text(reason)).to_be_visible()
    check(page, "forced-effect")
    page.get_by_role("button", name="Let it go, exactly so").click()
    expect(page.get_by_text("under a new key.")).to_be_visible()
    assert ForcedEffect.objects.get().decided_by == max_
    _its_page_says_what_took_its_place(page, outcome)
    page.goto(f"/queue/{ticket.pk}/skip/")
    check(page, "skip")
    page.goto(f"/queue/{ticket.pk}/merge/")
    check(page, "merge")


def _its_page_says_what_took_its_place(page, outcome):
    """Also where it was open since before, and its button still there."""
    page.goto(f"/outcomes/{outcome.pk}/")
    expect(page.get_by_role("link", name="Show what took its place")).to_be_visible()
    check(page, "outcome-replaced")
    page.evaluate(f"htmx.ajax('POST', '/outcomes/{outcome.pk}/retry/', '#outcome')")
    expect(page.locator("#messages").get_by_role("link", name="Show it")).to_be_visible()
    check(page, "outcome-replaced-refused", whole=False)


def _on_a_ticket(outcome):
    """As if the other side had said no for good."""
    Outcome.objects.filter(pk=outcome.pk).update(state="given_up", attempts=3)
    lateness.open_ticket(
        Outcome.objects.get(pk=outcome.pk), "delivery-failed", "HubSpot said no.", instant.now()
    )
    return Ticket.objects.get()
