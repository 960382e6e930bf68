"""What was learned, in a real browser: on a ticket, on a permanent fix, and a runbook written
without a mouse.

MESHLINE_SHOTS=<folder> keeps a picture of each screen.
"""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from exceptions import desk, permanent_fixes, troubles
from meshline import instant
from meshline.audit.actors import SETUP
from tests.chromium import check
from tests.exceptions.conftest import open_one

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ALIKE = {"contract": "signed", "step": "deal", "failure": "rejected"}


@pytest.fixture
def known(staff):
    """A ticket whose cause came back in three weeks, and the permanent fix that it led to."""
    now = instant.now()
    for weeks in (3, 2, 1):
        at = now - timedelta(weeks=weeks)
        ticket = open_one("deal", at=at, subject=f"outcome:{weeks}", **ALIKE)
        end = at + timedelta(minutes=40)
        desk.claim(ticket_id=ticket.pk, by=staff["olivia"], at=end)
        desk.resolve(
            ticket_id=ticket.pk, resolution="mapping gap", note="The stage was missing.",
            by=staff["olivia"], at=end,
        )  # fmt: skip
        troubles.settle(subject=f"outcome:{weeks}", because="Delivered.", by=SETUP, at=end)
        open_one(f"other-{weeks}", at=at, subject=f"outcome:o{weeks}", **ALIKE)
        other = open_one(f"other-{weeks}", at=at, subject=f"outcome:o{weeks}", **ALIKE)
        desk.claim(ticket_id=other.pk, by=staff["rosa"], at=end)
        desk.resolve(ticket_id=other.pk, resolution="mapping gap", by=staff["rosa"], at=end)
    list(permanent_fixes.look(at=now))
    return open_one("deal", at=now, subject="outcome:now", **ALIKE)


@pytest.mark.parametrize(("size", "scheme"), [("wide", "light"), ("narrow", "dark")])
def test_a_ticket_says_what_was_learned_and_a_fix_compares(look, staff, known, size, scheme):
    page = look(staff["rosa"], size, scheme)
    page.goto(f"/queue/{known.pk}/")
    expect(page.get_by_text("times as mapping gap")).to_be_visible()
    expect(page.get_by_role("heading", name="Runbook")).to_be_visible()
    check(page, f"learned-ticket-{size}")
    page.locator("section[aria-labelledby=similar-title] p a").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Before and after")).to_be_visible()
    check(page, f"learned-fix-{size}")


def test_a_runbook_is_written_and_brought_back_without_a_mouse(look, staff, known):
    page = look(staff["rosa"])
    page.goto("/operating-model/runbooks/")
    check(page, "runbooks")
    page.get_by_role("link", name="Delivery failed").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Write", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("What to do")).to_be_visible()
    check(page, "runbook-form")
    page.get_by_label("What to do").fill("1. Look at https://wiki.example.com/x.\n2. Act.")
    page.get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Version 2 is in force.")).to_be_visible()
    expect(page.get_by_role("link", name="https://wiki.example.com/x")).to_be_visible()
    check(page, "runbook")
    page.get_by_role("button", name="Roll back to it").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Version 1 is back, as version 3.")).to_be_visible()
