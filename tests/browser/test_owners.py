"""A change of owners in a real browser: what it would do follows the choice, and then is done;
and whoever would leave is asked about first.

MESHLINE_SHOTS=<folder> keeps a picture of each.
"""

import pytest
from playwright.sync_api import expect

from exceptions import troubles
from exceptions.models import Ticket
from exceptions.troubles import Trouble
from meshline import instant
from meshline.audit.actors import SETUP
from tests.chromium import check

DELIVERY = "/operating-model/owners/of/delivery/"

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def opened(cause):
    trouble = Trouble(
        kind="delivery-failed", cause=cause, title="A deal could not be written", reason="503",
        subject=f"outcome:{cause}", evidence={"attempts": 11},
    )  # fmt: skip
    return troubles.open_ticket(trouble, by=SETUP, at=instant.now())


def test_what_it_would_do_follows_the_choice_and_is_done(staff, look):
    for cause in ("one", "two"):
        opened(cause)
    page = look(staff["rosa"])
    page.goto(DELIVERY)
    responsible = page.get_by_role("group", name="Responsible")
    responsible.get_by_label("Sam Dube").check()
    responsible.get_by_label("Olivia Ortiz").uncheck()
    would = page.locator("#owners-preview")
    expect(would).to_contain_text("2 open tickets would go from Olivia Ortiz to Sam Dube.")
    check(page, "owners-preview")
    # It stays as it was left while the part is fetched anew.
    would.get_by_label("Move the open ones along").uncheck()
    responsible.get_by_label("Rosa Marin").check()
    expect(would.get_by_label("Move the open ones along")).not_to_be_checked()
    would.get_by_label("Move the open ones along").check()
    responsible.get_by_label("Rosa Marin").uncheck()
    expect(would).to_contain_text("New ones would go to Sam Dube")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Open tickets went along: 2 to Sam Dube.")).to_be_visible()
    assert set(Ticket.objects.values_list("owner", flat=True)) == {staff["sam"].pk}


def test_whoever_would_leave_is_asked_about_first(staff, look):
    page = look(staff["ada"])
    page.goto(f"/people/{staff['olivia'].pk}/")
    page.get_by_label("Active").uncheck()
    page.get_by_role("button", name="Save").click()
    asked = page.get_by_role("main").get_by_role("alert")
    expect(asked).to_contain_text("Olivia Ortiz would leave.")
    expect(asked).to_contain_text("Responsible for delivery. Only them")
    check(page, "person-leaves")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Olivia Ortiz is saved.")).to_be_visible()
    staff["olivia"].refresh_from_db()
    assert not staff["olivia"].is_active
