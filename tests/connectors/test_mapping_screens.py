"""The pages of a mapping in a real browser: clean for axe and the CSP, wide and narrow.

MESHLINE_SHOTS=<folder> keeps a picture of each.
"""

import pytest

from connectors.models import Message
from exceptions.models import Ticket
from tests import factories
from tests.chromium import check, on_both_screens
from tests.connectors.mapped import LEGAL, drafted, published, sent
from tests.factories import digest_all

HOME = "/connections/pandadoc/mapping/"
SCREENS = {
    "mapping": HOME,
    "mapping-draft": f"{HOME}draft/",
    "mapping-test": f"{HOME}test/?message={{held}}",
    "mapping-backtest": f"{HOME}backtest/",
    "mapping-built-in": f"{HOME}versions/0/",
    "mapping-version": f"{HOME}versions/1/",
    "mapping-hubspot": "/connections/hubspot/mapping/",
    "mapping-ticket": "/queue/{ticket}/",
    "mapping-connection": "/connections/pandadoc/",
}
DRAFTED = {
    "words": {
        **LEGAL["words"], "document.waiting_for_the_customers_own_procurement_system": "nothing",
        "document.voided": "closed-lost",
    },
    "fields": {"owner_email": "data.metadata.rep", "title": "data.tokens.0.value"},
}  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def mapped(staff):
    """One version in force, a draft beside it, and what is held by either."""
    there = factories.pandadoc()
    factories.hubspot()
    sent("sent", 0, metadata={"rep": "sam@example.com"})
    sent("in_legal_review", 1, id="doc-2", name="Harbour crane")
    sent("with_the_notary", 2, id="doc-3", name="Salt pump")
    sent("voided", 3, id="doc-4", name="Ferry displays")
    digest_all()
    published(there, LEGAL, staff["rosa"])
    drafted(there, DRAFTED, staff["olivia"], based_on=1)


@on_both_screens
def test_every_screen_is_clean_to_see_and_to_hear(look, size, scheme, mapped, staff):
    page = look(staff["rosa"], size, scheme)
    held = Message.objects.filter(status="quarantined").earliest("pk")
    ids = {"held": held.pk, "ticket": Ticket.objects.earliest("pk").pk}
    for name, url in SCREENS.items():
        assert page.goto(url.format(**ids)).status == 200, url
        check(page, f"{name}-{size}-{scheme}")
    page.goto(f"{HOME}publish/")
    page.wait_for_selector("text=gained")
    check(page, f"mapping-publish-{size}-{scheme}")


def test_rows_come_and_go_where_they_are_and_what_is_wrong_is_said_there(look, mapped, staff):
    page = look(staff["rosa"])
    page.goto(f"{HOME}draft/")
    rows = page.locator("input[name$=-theirs]")
    before = rows.count()
    page.click("text=Add a word")
    page.wait_for_selector(f"input[name=word-{before + 1}-theirs]")
    page.fill(f"input[name=word-{before + 1}-theirs]", "document.in_legal_review")
    page.fill("#field-title", "data..x")
    page.click(".form-foot >> text=Keep in the draft")
    page.wait_for_selector(".field-bad")
    check(page, "mapping-refused-wide-light")
    page.click(f"[aria-label='Remove word {before + 1}']")
    page.locator(f"input[name=word-{before + 1}-theirs]").wait_for(state="detached")
    assert rows.count() == before
    assert page.input_value("#field-title") == "data..x"
