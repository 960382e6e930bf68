"""Whose word counts, in a real browser: the preview follows the choice, and its address, too.

MESHLINE_SHOTS=<folder> keeps a picture of each.
"""

import pytest
from playwright.sync_api import expect

from meshline.policy.models import SourceOfTruth
from tests import factories
from tests.chromium import check, on_both_screens

AMOUNT = "/operating-model/sources-of-truth/proposal/amount/"
SYSTEMS = "/operating-model/systems/"

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_a_choice_is_previewed_reloaded_gone_back_to_and_published(staff, look):
    factories.pandadoc()
    factories.hubspot()
    page = look(staff["rosa"])
    page.goto(AMOUNT)
    page.get_by_label("Which value counts").select_option("always")
    page.get_by_label("Authority").select_option("hubspot")
    expect(page).to_have_url(f"{page.url.split('?')[0]}?how=always&connection=hubspot")
    expect(page.locator("#truth-preview h2")).to_have_text("What it would do")
    check(page, "truth-preview")
    # Nothing is sent again, so that nothing asks whether it should be.
    page.reload()
    expect(page.get_by_label("Authority")).to_have_value("hubspot")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("link", name="Cancel").click()
    page.go_back()
    expect(page.locator("#truth-preview h2")).to_have_text("What it would do")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Of the amount counts what HubSpot says, always.")).to_be_visible()
    row = SourceOfTruth.objects.get(field="amount")
    assert (row.how, row.connection) == ("always", "hubspot")


def test_the_model_is_downloaded_from_its_page(staff, look):
    factories.hubspot()
    page = look(staff["rosa"])
    page.goto("/operating-model/")
    expect(page.locator("section", has=page.locator("#parts"))).to_contain_text("HubSpot")
    check(page, "operating-model")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download as a file").click()
    assert taken.value.suggested_filename.startswith("operating-model-")


@on_both_screens
def test_who_plays_a_part_and_what_contracts_ask_of_it(staff, look, scheme, size):
    factories.stripe()
    page = look(staff["rosa"], size, scheme)
    for name, path in (("part", f"{SYSTEMS}parts/billing/"), ("systems", SYSTEMS)):
        page.goto(path)
        expect(page.get_by_role("link", name="signed").first).to_be_visible()
        check(page, f"{name}-{size}-{scheme}")
