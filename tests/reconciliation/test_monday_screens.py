"""The Monday checklist on screen: before there is one, unsigned, and signed."""

import pytest

from connectors import reaching
from connectors.reaching import Reached
from proposals.models import Outcome
from tests.chromium import check, on_both_screens
from tests.reconciliation.billed import connected, sign

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/reconciliation/monday/"


@on_both_screens
def test_every_screen_is_clean_to_see_and_to_hear(look, size, scheme, staff, monkeypatch):
    answers = [
        Reached("pandadoc", "PandaDoc", True, "It knows us."),
        Reached("stripe", "Stripe", False, "It does not answer within 5 s."),
    ]
    monkeypatch.setattr(reaching, "every", lambda at: answers)
    connected()
    sign()
    Outcome.objects.filter(kind="invoice.create").update(state="given_up")
    page = look(staff["rosa"], size, scheme)
    page.goto(PAGE)
    check(page, f"mondays-none-{size}-{scheme}")
    page.get_by_role("button", name="Run this week's now").click()
    page.get_by_text("It does not answer within 5 s.").wait_for()
    check(page, f"monday-{size}-{scheme}")
    page.get_by_label("Note on sources of truth").fill("Called Stripe.")
    page.get_by_label("Minutes it took").fill("75")
    page.get_by_role("button", name="Sign it").click()
    page.get_by_text("Coordination debt").wait_for()
    check(page, f"monday-signed-{size}-{scheme}")
    page.goto(PAGE)
    check(page, f"mondays-{size}-{scheme}")
