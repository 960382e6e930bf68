"""Follow-ups in a real browser: clean for axe and the CSP, wide and narrow, and done from a row.

MESHLINE_SHOTS=<folder> keeps a picture of each.
"""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from meshline import instant
from proposals.models import FollowUp
from tests import factories
from tests.chromium import check, on_both_screens
from tests.factories import digest_all, document, post_pandadoc

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def list_of_three(staff):
    """Remy's: one overdue, one done, one that comes next."""
    factories.pandadoc()
    factories.hubspot()
    for number, name in enumerate(("Website relaunch", "Annual licences", "Harbour crane sensors")):
        post_pandadoc([document("sent", id=f"doc-{number}", name=name)], event_id=f"evt-{number}")
    digest_all()
    at = instant.now()
    first, second, third = FollowUp.objects.order_by("pk")
    for one, due in ((first, -1), (second, 5), (third, 9)):
        FollowUp.objects.filter(pk=one.pk).update(due_at=at + timedelta(days=due))
    return staff


@on_both_screens
def test_the_list_and_a_proposal_are_clean(look, size, scheme, list_of_three):
    page = look(list_of_three["remy"], size, scheme)
    page.goto("/follow-ups/")
    check(page, f"follow-ups-{size}-{scheme}")
    page.click("text=Move >> nth=0")
    check(page, f"follow-ups-move-{size}-{scheme}")
    page.goto(f"/proposals/{FollowUp.objects.order_by('pk').first().proposal_id}/")
    check(page, f"follow-ups-proposal-{size}-{scheme}")


def test_the_tables_of_the_list_stand_in_line(look, list_of_three):
    page = look(list_of_three["remy"])
    page.set_viewport_size({"width": 1440, "height": 900})
    FollowUp.objects.filter(pk=FollowUp.objects.order_by("pk").last().pk).update(
        moved_at=instant.now(), moved_by=list_of_three["olivia"], moved_why="On holiday. " * 6
    )
    page.goto("/follow-ups/")
    columns = page.eval_on_selector_all(
        "#follow-ups table",
        "all => all.map(one => [...one.querySelectorAll('th')].map(th => th.offsetLeft))",
    )
    assert len(columns) == 2
    assert columns[0] == columns[1]
    over = "all => all.filter(one => one.scrollWidth > one.clientWidth).length"
    assert page.eval_on_selector_all("#follow-ups .panel, #follow-ups td", over) == 0
    check(page, "follow-ups-in-line")


def test_completed_from_the_row_and_taken_back_without_a_reload(look, list_of_three):
    page = look(list_of_three["remy"])
    page.goto("/follow-ups/")
    row = page.locator("tr", has_text="Website relaunch")
    row.locator("summary", has_text="Complete").click()
    row.get_by_label("What came of it").fill("She signs on Friday.")
    row.locator("button[type=submit]", has_text="Complete").click()
    expect(row).to_contain_text("She signs on Friday.")
    page.click("#messages >> text=Undo")
    expect(row.locator("summary", has_text="Complete")).to_be_visible()
    assert FollowUp.objects.order_by("pk").first().is_open
