"""The routing rules in a real browser: rows without a reload, a backtest that goes on by itself,
and every screen clean for axe, light and dark, wide and narrow.

MESHLINE_SHOTS=<folder> keeps a picture of each.
"""

import os
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import expect, sync_playwright

from proposals import rulebook
from proposals.models import Proposal
from tests.factories import digest_all, document, post_pandadoc
from tests.proposals.routes import DEFAULT, LARGE, NAMED, draft, pool, publish, rule

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SIZES = {"wide": (1280, 900), "narrow": (400, 850)}
HOME = "/operating-model/routing/"
IS_LARGE = {"grand_total": {"amount": "64000.00", "currency": "EUR"}}

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def browser():
    # The browser's own event loop runs in this thread; the ORM is told that this is fine.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def look(browser, live_server):
    """Somebody's browser, signed in; what it complained about fails the test."""
    contexts, complaints = [], []

    def opened(user, size="wide", scheme="light"):
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme,
            base_url=live_server.url,
        )  # fmt: skip
        contexts.append(context)
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies(
            [{"name": name, "value": client.cookies[name].value, "url": live_server.url}]
        )
        page = context.new_page()
        page.on("console", lambda said: _note(complaints, said))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def _note(complaints, said):
    if said.type == "error" and "status of 4" not in said.text:
        complaints.append(said.text)


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


def test_the_backtest_goes_on_by_itself_and_then_it_is_published(
    look, pandadoc, staff, monkeypatch
):
    monkeypatch.setattr("proposals.routing_backtest.AT_ONCE", 3)
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
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
        _check(page, f"{name}-{size}-{scheme}")


def _check(page, name):
    if shots := os.environ.get("MESHLINE_SHOTS"):
        Path(shots).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{shots}/{name}.png", full_page=True)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, f"{name} is {overflow}px wider than the screen"
