"""A ticket's next step and the escalation's pages in a real browser: light, dark, wide, narrow.

MESHLINE_SHOTS=<folder> keeps a picture of each.
"""

from datetime import timedelta

import pytest

from exceptions import clocks, escalation
from exceptions.clocks import Still
from meshline import instant
from tests.chromium import check, on_both_screens
from tests.exceptions.conftest import open_one

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
URL = "/operating-model/escalation/"


@pytest.fixture
def tickets(staff):
    """One that was handed up late, and one whose clocks stand still."""
    now = instant.now()
    opened = now - timedelta(days=4)
    late, held = open_one("late", at=opened), open_one("held", at=opened, record="proposal:18")
    for _ in clocks.keep(Still({"proposal:18": opened}, {}), at=opened):
        pass
    for _ in escalation.look(at=opened + timedelta(days=2)):
        pass
    return {"late": f"/queue/{late.pk}/", "held": f"/queue/{held.pk}/"}


@on_both_screens
def test_every_screen_is_clean_to_see_and_to_hear(look, size, scheme, tickets, staff):
    page = look(staff["rosa"], size, scheme)
    pages = {**tickets, "agreed": URL, "change": f"{URL}change/"}
    for name, url in pages.items():
        page.goto(url)
        if name == "late":
            page.click("summary:has-text('Done so far')")
        check(page, f"escalation-{name}-{size}-{scheme}")
