"""Signed against invoiced on screen: nothing, the list, linking one, the week, and the queue."""

from datetime import timedelta

import pytest

from meshline import instant
from proposals.models import Outcome, Proposal
from reconciliation import unbilled_books
from tests.chromium import check, on_both_screens
from tests.reconciliation.billed import connected, invoice, read, sign

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/reconciliation/signed-against-invoiced/"


@on_both_screens
def test_every_screen_is_clean_to_see_and_to_hear(look, size, scheme, staff):
    connected()
    page = look(staff["rosa"], size, scheme)
    page.goto(PAGE)
    check(page, f"unbilled-none-{size}-{scheme}")
    for number, (amount, currency) in enumerate(
        [("1234.50", "EUR"), ("880", "CHF"), ("99", "EUR")]
    ):
        sign(f"doc-{number}", amount, currency, name=f"Deal {number}")
    Outcome.objects.filter(proposal__title="Deal 1", kind="invoice.create").update(state="given_up")
    Outcome.objects.filter(proposal__title="Deal 2", kind="invoice.create").update(
        state="cancelled"
    )
    at = instant.now()
    Proposal.objects.update(since=at - timedelta(days=3))
    unbilled_books.keep(at=at)
    page.goto(PAGE)
    check(page, f"unbilled-{size}-{scheme}")
    read(invoice(), invoice("in_2", total=100000))
    page.get_by_role("link", name="Link one").nth(1).click()
    page.get_by_text("The same amount.").wait_for()
    check(page, f"unbilled-link-{size}-{scheme}")
    page.get_by_role("button", name="Link it").first.click()
    page.get_by_text("Invoice INV-in_9 was linked.").wait_for()
    page.goto(f"{PAGE}loop/")
    page.get_by_text("1 of 3").wait_for()
    check(page, f"unbilled-loop-{size}-{scheme}")
    page.goto("/queue/")
    page.get_by_text("on 2 proposals").wait_for()
    check(page, f"queue-unbilled-{size}-{scheme}")
