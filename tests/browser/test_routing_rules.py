"""The routing rules in a real browser: rows without a reload, a backtest that goes on by itself,
and every screen clean for axe, light and dark, wide and narrow.

MESHLINE_SHOTS=<folder> keeps a picture of each.
"""

import re

import pytest
from playwright.sync_api import expect

from proposals.models import Proposal
from proposals.routing import rulebook
from tests.chromium import check, on_both_screens
from tests.factories import digest_all, document, post_pandadoc
from tests.proposals.routes import DEFAULT, LARGE, NAMED, draft, pool, publish, rule

HOME = "/operating-model/routing/"
IS_LARGE = {"grand_total": {"amount": "64000.00", "currency": "EUR"}}

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def told(count, **more):
    start = Proposal.objects.count()
    for n in range(start, start + count):
        event = document("sent", id=f"d{n}", name=f"Harbour crane {n}", **more)
        post_pandadoc([event], event_id=f"d{n}")
    digest_all()


def test_a_rule_is_built_row_by_row_without_a_reload(look, pandadoc, staff):
    page = look(staff["olivia"])
    page.goto(f"{HOME}draft/new/")
    page.get_by_label("Name", exact=True).fill("Large deals")
    page.get_by_label("Field").select_option("amount")
    # Only what can be asked of a number is offered now; what was typed is still there.
    expect(page.get_by_label("Question").locator("option", has_text="starts with")).to_have_count(0)
    expect(page.get_by_label("Name", exact=True)).to_have_value("Large deals")
    page.get_by_label("Question").select_option("at_least")
    page.get_by_label("Value").fill("50000")
    page.get_by_role("button", name="Add a clause").click()
    expect(page.get_by_label("Field")).to_have_count(2)
    page.get_by_label("Field").nth(1).select_option("state")
    # The values of a state are a list.
    page.locator('select[name="c.2.value"]').select_option("sent")
    page.get_by_role("button", name="Add a group").click()
    expect(page.get_by_label("Field")).to_have_count(3)
    page.get_by_role("button", name="Remove this group").click()
    expect(page.get_by_label("Field")).to_have_count(2)
    page.get_by_label("Give it to").select_option("pool")
    page.get_by_label("Member 1", exact=True).select_option("sam@example.com")
    page.get_by_role("button", name="Add a member").click()
    page.get_by_label("Member 2", exact=True).select_option("remy@example.com")
    page.get_by_label("Weight of member 2").fill("3")
    # Enter keeps the rule rather than pressing the nearest button.
    page.get_by_label("Weight of member 2").press("Enter")
    expect(page.get_by_text("“Large deals” is in the draft.")).to_be_visible()
    kept = rulebook.draft().content[1]
    assert kept["when"]["all"][1] == {"field": "state", "op": "is", "value": "sent"}
    assert kept["then"] == pool("sam@example.com", "remy@example.com", remy=3)


def test_what_is_chosen_while_an_answer_is_on_its_way_stays(look, pandadoc, staff):
    page = look(staff["olivia"])
    page.goto(f"{HOME}draft/new/")
    on_its_way = []
    page.route(f"**{HOME}draft/new/", lambda route: on_its_way.append(route), times=1)
    with page.expect_request(f"**{HOME}draft/new/"):
        page.get_by_label("Field").select_option("amount")
    page.get_by_label("Question").select_option("at_least")
    page.get_by_label("Value").fill("50000")
    page.get_by_label("Name", exact=True).fill("Large deals")
    on_its_way.pop().continue_()
    expect(page.get_by_label("Question").locator("option", has_text="starts with")).to_have_count(0)
    expect(page.get_by_label("Question")).to_have_value("at_least")
    expect(page.get_by_label("Value")).to_have_value("50000")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Large deals")


def test_what_is_typed_while_a_row_is_added_stays(look, pandadoc, staff):
    page = look(staff["olivia"])
    page.goto(f"{HOME}draft/new/")
    on_its_way = []
    page.route(f"**{HOME}draft/new/", lambda route: on_its_way.append(route), times=1)
    with page.expect_request(f"**{HOME}draft/new/"):
        page.get_by_role("button", name="Add a clause").click()
    page.get_by_label("Name", exact=True).fill("Large deals")
    on_its_way.pop().continue_()
    expect(page.get_by_label("Field")).to_have_count(2)
    expect(page.get_by_label("Name", exact=True)).to_have_value("Large deals")


def test_the_backtest_goes_on_by_itself_and_then_it_is_published(
    look, pandadoc, staff, monkeypatch
):
    monkeypatch.setattr("proposals.routing.backtest.AT_ONCE", 3)
    told(8, **IS_LARGE)
    draft(rule("large"), NAMED, DEFAULT, by=staff["olivia"])
    page = look(staff["rosa"])
    page.goto(f"{HOME}publish/")
    expect(page.get_by_text("8 of 8 would have another owner.")).to_be_visible()
    expect(page.locator("progress")).to_have_count(0)
    expect(page.locator("#backtest tbody tr")).to_have_count(8)
    page.get_by_label("What changes, and why").fill("Sam knows them")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_role("heading", name="In force: version 2")).to_be_visible()

    # The next one takes it, and says so.
    told(1, **IS_LARGE)
    page.goto(f"/proposals/{Proposal.objects.latest('pk').pk}/")
    panel = page.get_by_role("region", name="Why routed here")
    expect(panel).to_contain_text("Rule 1, “Large”.")
    expect(panel).to_contain_text("seen: 64,000.00")

    # One click and a reason take it back.
    page.goto(f"{HOME}versions/1/")
    page.locator("summary", has_text="Bring it back").click()
    page.get_by_label("Reason").fill("Sam is away")
    page.get_by_role("button", name="Put it into force").click()
    expect(page.get_by_role("heading", name="In force: version 3")).to_be_visible()


@on_both_screens
def test_every_screen_is_clean_to_see_and_to_hear(look, size, scheme, pandadoc, staff):
    told(2, **IS_LARGE)
    deep = {"all": [LARGE, {"any": [{"cel": "title.contains('crane')"}, {"not": LARGE}]}]}
    turns = pool("sam@example.com", "remy@example.com", sam=2, most_open=20)
    publish(rule("large", deep, turns, note="Sam knows them"), NAMED, DEFAULT, by=staff["rosa"])
    told(2)
    draft(rule("small", {**LARGE, "op": "less_than"}), rule("large", deep, turns), NAMED, DEFAULT,
          by=staff["rosa"])  # fmt: skip
    message = Proposal.objects.latest("pk").signals.get().origin.removeprefix("message:")
    page = look(staff["rosa"], size, scheme)
    screens = {
        "routing": HOME,
        "version": f"{HOME}versions/1/",
        "draft": f"{HOME}draft/",
        "rule": f"{HOME}draft/rules/large/",
        "rule-clause": f"{HOME}draft/rules/small/",
        "publish": f"{HOME}publish/",
        "test-box": f"{HOME}test/?message={message}",
        "why": f"/proposals/{Proposal.objects.latest('pk').pk}/",
    }
    for name, url in screens.items():
        page.goto(url)
        if name == "publish":
            expect(page.get_by_text(re.compile("4 of 4 (event|would)")).first).to_be_visible()
        for summary in page.locator("#why-routed ~ .panel-body summary, .verdicts ~ details").all():
            summary.click()
        check(page, f"{name}-{size}-{scheme}")
