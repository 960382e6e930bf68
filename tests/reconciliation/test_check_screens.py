"""The checks on screen, before they looked and with what fails."""

import pytest

from meshline import instant
from reconciliation import checking, samples
from reconciliation.checks.table import CHECKS
from tests import factories
from tests.chromium import check, on_both_screens
from tests.connectors.crm import say
from tests.reconciliation.test_checks import failing, made

pytestmark = pytest.mark.django_db(transaction=True)


@on_both_screens
def test_every_screen_is_clean_to_see_and_to_hear(look, size, scheme, staff):
    page = look(staff["olivia"], size, scheme)
    page.goto("/checks/")
    check(page, f"checks-none-{size}-{scheme}")
    for name in CHECKS:
        checking.look(made(name=name))
    checking.look(made(*map(failing, range(1, 8)), grave_from=9, name="canonical-fields"))
    checking.look(made(*map(failing, range(1, 3))))
    page.goto("/checks/")
    check(page, f"checks-{size}-{scheme}")
    page.goto("/checks/delivery-sanity/")
    check(page, f"check-{size}-{scheme}")
    page.get_by_role("button", name="Run now").click()
    page.get_by_text("It holds.").wait_for()
    check(page, f"check-run-{size}-{scheme}")


@on_both_screens
def test_the_samples_are_clean_to_see_and_to_hear(look, size, scheme, staff):
    page = look(staff["olivia"], size, scheme)
    page.goto("/checks/samples/")
    check(page, f"samples-none-{size}-{scheme}")
    factories.pandadoc()
    for number in range(4):
        say("sent", id=f"doc-{number}", name=f"Website relaunch, part {number}")
    drawn = samples.draw_if_due(at=instant.now())
    page.goto("/checks/samples/")
    check(page, f"samples-{size}-{scheme}")
    page.goto(f"/checks/samples/{drawn.pk}/")
    page.get_by_role("button", name="Right").first.click()
    page.get_by_text("1 of 1 right (100 %), 3 still to be judged").wait_for()
    page.locator("summary", has_text="Wrong").first.click()
    page.get_by_label("What is wrong").first.fill("The CRM has 900.")
    check(page, f"sample-asks-{size}-{scheme}")
    page.get_by_role("button", name="Wrong").first.click()
    page.get_by_text("1 of 2 right (50 %)").wait_for()
    check(page, f"sample-{size}-{scheme}")
