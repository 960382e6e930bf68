"""Two deals that somebody changed at the CRM's screen, in a real browser: a run finds them, ours is
written there by the outbox, a read back proves the one and the next run the other, and the ticket
burns down to its end.

MESHLINE_SHOTS=<folder> keeps a picture of each.
"""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from connectors import syncing
from exceptions.models import Ticket
from meshline import instant
from proposals.models import Outcome, Proposal
from reconciliation import carrying_on
from reconciliation.models import Run
from tests.chromium import check
from tests.connectors.conftest import crm  # noqa: F401
from tests.connectors.crm import carry_on, say

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
TITLES = {"doc-1": "Website relaunch", "doc-2": "Intranet"}


@pytest.fixture
def changed(crm):  # noqa: F811
    """Both were sent an hour ago; since then somebody wrote other values over there."""
    for id, title in TITLES.items():
        say("sent", id=id, name=title)
    carry_on()
    hour_ago = instant.now() - timedelta(hours=1)
    Proposal.objects.update(changed_at=hour_ago)
    Outcome.objects.update(delivered_at=hour_ago)
    crm.change_deal(_deal("doc-1"), amount="1.00")
    crm.change_deal(_deal("doc-2"), deal_currency_code="USD")
    return crm


def test_a_difference_is_found_fixed_proven_and_burnt_down(changed, staff, look):
    page = look(staff["olivia"])
    _reconcile(page)
    expect(page.get_by_role("row", name="Different")).to_contain_text("2")
    expect(page.locator("#run")).to_contain_text("2 records, 100.00 %")

    ticket = f"/queue/{Ticket.objects.get(kind='divergence').pk}/"
    page.goto(ticket)
    expect(page.locator("#burn-down")).to_have_text("0 of 2 settled")
    for title in TITLES.values():
        page.goto(ticket)
        page.get_by_role("link", name="See the differences").click()
        page.get_by_role("link", name=title).click()
        page.get_by_role("button", name="Write ours there").click()
        expect(page.get_by_text("gone once both sides were read")).to_be_visible()
    carry_on()
    assert [one["amount"] for one in changed.deals()] == ["1234.50", "1234.50"]
    assert [one["deal_currency_code"] for one in changed.deals()] == ["EUR", "EUR"]

    # What was written is read back: of an amount that is the proof, of a currency it is none.
    _work()
    page.goto(ticket)
    expect(page.locator("#burn-down")).to_have_text("1 of 2 settled")
    expect(page.get_by_text("Proven: what was written was read back.")).to_be_visible()
    check(page, "difference-ticket-burning")
    page.get_by_role("link", name="See the differences").click()
    page.get_by_role("link", name="Intranet").click()
    expect(page.get_by_text("Being fixed", exact=True)).to_be_visible()
    its_page = page.url

    _reconcile(page)
    page.goto(its_page)
    expect(page.get_by_text("Proven: both sides are equal.")).to_be_visible()
    check(page, "difference-proven")
    page.goto(ticket)
    expect(page.locator("#burn-down")).to_have_text("2 of 2 settled")
    expect(page.get_by_text("Closed on evidence.", exact=True)).to_be_visible()
    check(page, "difference-ticket-closed")


def _reconcile(page):
    page.goto("/reconciliation/")
    page.get_by_role("row", name="HubSpot").get_by_role("button", name="Reconcile now").click()
    expect(page.get_by_text("It is compared now.")).to_be_visible()
    _work()
    page.reload()
    expect(page.get_by_role("heading", name="What it found")).to_be_visible()


def _work():
    """What the workers do; waits are over at once."""
    more = True
    while more:
        Run.objects.open().update(next_step_at=instant.now())
        more = syncing.read_next() or carrying_on.do_some()


def _deal(id):
    return Outcome.objects.get(kind="deal.upsert", proposal__external_id=id).external_id
