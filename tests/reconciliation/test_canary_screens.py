"""The canaries on screen: not tried yet, red, green, and one path with how it went."""

from datetime import timedelta

import pytest

from meshline import instant
from reconciliation.models.canaries import COLUMNS, Canary, Probe
from tests import factories
from tests.chromium import check, on_both_screens

pytestmark = pytest.mark.django_db(transaction=True)


def probe(canary, number, *, took=4.0, **changes):
    begun = instant.now() - timedelta(minutes=3 * number)
    legs = list(COLUMNS.values())
    passed = {name: begun + timedelta(seconds=took * (1 + place) / len(legs))
              for place, name in enumerate(legs)}  # fmt: skip
    kept = {"state": "passed", "ended_at": begun + timedelta(seconds=took)} | passed | changes
    return Probe.objects.create(canary=canary, key=f"k-{number}", begun_at=begun, **kept)


def shorter(at):
    """Another path, which ends here."""
    canary = Canary.objects.create(
        connection=factories.hubspot(), since=at, next_at=at, state="green", reaches_crm=False,
        tells="That a proposal is closed lost, which it is already: only people may say so here.",
    )  # fmt: skip
    for number in (102, 101):
        probe(canary, number, reaches_crm=False, carried_at=None, proven_at=None)


@on_both_screens
def test_every_screen_is_clean_to_see_and_to_hear(look, size, scheme, staff):
    connection, at = factories.pandadoc(), instant.now()
    page = look(staff["rosa"], size, scheme)
    page.goto("/checks/canaries/")
    check(page, f"canaries-none-{size}-{scheme}")
    canary = Canary.objects.create(connection=connection, since=at, next_at=at)
    for number in range(20, 1, -1):
        probe(canary, number, took=3 + number % 5)
    seen = "HubSpot, deal: It answered 503."
    gone = dict.fromkeys(["carried_at", "proven_at", "cleaned_at"])
    probe(canary, 1, took=125, state="broken", leg="carried", seen=seen, **gone)
    Canary.objects.update(state="red", leg="carried", seen=seen, since=at)
    shorter(at)
    page.goto("/checks/canaries/")
    page.get_by_text("Broken at carried").first.wait_for()
    page.get_by_role("heading", name="HubSpot to Meshline").wait_for()
    assert page.locator("ol.legs").nth(1).locator("li").count() == 5
    check(page, f"canaries-{size}-{scheme}")
    page.get_by_role("link", name="PandaDoc to the CRM").click()
    page.locator("summary", has_text="Rhythm").click()
    check(page, f"canary-{size}-{scheme}")
    page.get_by_label("In business hours, minutes").fill("5")
    page.locator("#id_rhythm_reason").fill("The CRM counts its calls.")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("every 5 m in business hours").wait_for()
    check(page, f"canary-changed-{size}-{scheme}")
