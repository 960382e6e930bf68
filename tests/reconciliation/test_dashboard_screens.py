"""The dashboards on screen: clean to see and to hear, in both schemes, and on paper."""

from datetime import timedelta

import pytest

from meshline import instant
from reconciliation import rolling
from reconciliation.models import Objective
from tests import factories
from tests.api.conftest import trouble
from tests.chromium import check, on_both_screens
from tests.reconciliation.passed import HOUR, prove, tell, touch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def company(staff):
    factories.pandadoc()
    factories.hubspot()
    now = instant.now()
    for number in range(8):
        at = now - number * 19 * HOUR - 2 * HOUR
        proposal = tell(f"doc-{number}", ("sent", "viewed")[number % 2], at=at)
        if number % 4:
            prove(proposal, delivered=2 + number, proven=9 + 200 * (number % 3))
        if number % 3:
            touch(proposal, at=at + timedelta(minutes=3 + number))
    for number in range(5):
        trouble(f"x{number}", failure=("timeout", "", "")[number % 3])
    Objective.objects.create(path="sent", number="event-delivery", target=99)
    Objective.objects.create(path="sent", number="first-follow-up", target=4 * 3600)
    rolling.roll_up()
    return staff


@on_both_screens
def test_every_screen_is_clean_to_see_and_to_hear(look, size, scheme, company):
    page = look(company["rosa"], size, scheme)
    for name in ("", "follow-up/", "debt/", "objectives/", "waiting/", "events/rows/"):
        page.goto(f"/dashboards/{name}")
        check(page, f"dashboards-{name.strip('/').replace('/', '-') or 'all'}-{size}-{scheme}")
    page.goto("/dashboards/follow-up/")
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Give to somebody else").click()
    page.get_by_label("New owner").select_option(label="Sam Dube · SDR manager")
    page.get_by_label("Reason").fill("They are out.")
    page.get_by_role("button", name="Show what it would do").click()
    page.get_by_text("Giving them is no contact").wait_for()
    check(page, f"reassign-{size}-{scheme}")
    page.get_by_role("button", name="Give 1 to Sam Dube").click()
    page.get_by_text("to Sam Dube.").wait_for()
    page.goto("/dashboards/first-follow-up/rows/")
    page.locator(".main-cell a").first.click()
    page.get_by_text("The person's own part").wait_for()
    check(page, f"proposal-clock-{size}-{scheme}")
    page.get_by_role("link", name="Every event").click()
    check(page, f"clock-{size}-{scheme}")
    page.goto("/dashboards/review/")
    page.emulate_media(media="print")
    check(page, f"review-printed-{size}-{scheme}")
