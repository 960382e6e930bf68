"""Contracts, gates and holds in a real browser: clean for axe and the CSP, wide and narrow.

MESHLINE_SHOTS=<folder> keeps a picture of each.
"""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import sync_playwright

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.policy import high_value
from proposals import contract_backtest, publishing, versions
from proposals.models import Approval, Contract, Proposal
from tests import factories
from tests.factories import digest_all, document, post_pandadoc

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SIZES = {"wide": (1280, 900), "narrow": (400, 844)}
CONTRACTS = "/operating-model/contracts/"
SCREENS = {
    "contracts": CONTRACTS,
    "contract": f"{CONTRACTS}signed/",
    "contract-edit": f"{CONTRACTS}signed/edit/",
    "contract-new": f"{CONTRACTS}new/",
    "contract-version": f"{CONTRACTS}sent/versions/2/",
    "contract-sent": f"{CONTRACTS}sent/",
    "contract-test": f"{CONTRACTS}signed/test/?proposal={{sent}}",
    "contract-backtest": f"{CONTRACTS}viewed/backtest/?run=all",
    "contract-backtest-nothing": f"{CONTRACTS}signed/backtest/",
}

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
    """A page of a size in a scheme, signed in; what the browser complained about comes along."""
    contexts = []

    def opened(size, scheme, user):
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme,
            base_url=live_server.url,
        )  # fmt: skip
        client = Client()
        client.force_login(user)
        cookie = client.cookies["meshline_session"].value
        context.add_cookies([{"name": "meshline_session", "value": cookie, "url": live_server.url}])
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda said: _note(page, said))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()


def _note(page, said):
    if said.type == "error" and "status of 4" not in said.text:
        page.complaints.append(said.text)


def _check(page, name):
    if shots := os.environ.get("MESHLINE_SHOTS"):
        Path(shots).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{shots}/{name}.png", full_page=True)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.complaints == []
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, f"{name} is {overflow}px wider than the screen"


@pytest.fixture
def model(staff):
    """Contracts with versions and drafts, and something under way."""
    factories.pandadoc()
    factories.hubspot()
    staff["vera"].approves_model = True
    staff["vera"].save()
    post_pandadoc([document("sent")])
    post_pandadoc([document("viewed")], event_id="evt-2")
    digest_all()
    at = instant.now()

    def said(slug):
        return versions.terms_of(Contract.objects.live().get(slug=slug)).content

    sent = said("sent")
    sent["condition"] = {
        "all": [{"field": "amount", "op": "at_least", "value": "500"},
                {"not": {"field": "source", "op": "is", "value": "trial"}}]
    }  # fmt: skip
    publishing.put_in_force(
        slug="sent", content=sent, why="Small ones are followed up by mail.", by=SETUP, at=at
    )
    signed = said("signed")
    invoice = next(row for row in signed["outcomes"] if row["name"] == "invoice")
    invoice["gate"] = {"who": "approvers", "within": 240}
    publishing.save(
        slug="signed", content=signed, note="Finance looks at each invoice first.", based_on=1,
        revision=0, by=staff["olivia"], at=at,
    )  # fmt: skip
    publishing.submit(slug="signed", revision=1, by=staff["olivia"], at=at)
    publishing.retire(slug="expired", in_force=1, reason="Nobody reads it.", by=SETUP, at=at)
    viewed = said("viewed")
    viewed["tier"] = "daily"
    publishing.save(slug="viewed", content=viewed, based_on=1, revision=0, by=staff["rosa"], at=at)
    return staff


def _gate(slug, name, who, at):
    content = versions.terms_of(Contract.objects.live().get(slug=slug)).content
    for row in content["outcomes"]:
        if row["name"] == name:
            row["gate"] = {"who": who, "within": 60}
    publishing.put_in_force(slug=slug, content=content, by=SETUP, at=at)


@pytest.fixture
def gated(model):
    """Two outcomes wait for their gates, one for managers and one for the CRO."""
    at = instant.now()
    _gate("sent", "follow-up", "role:manager", at)
    _gate("sent", "tell-owner", "approvers", at)
    post_pandadoc([document("sent", id="doc-9", name="Annual licences")], event_id="gated")
    digest_all()
    return model


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_what_waits_for_an_approval(look, size, scheme, gated):
    page = look(size, scheme, gated["rosa"])
    page.goto("/approvals/")
    page.wait_for_selector(".nav-count:not(:empty)", state="attached")
    _check(page, f"approvals-{size}-{scheme}")
    waits = Approval.objects.get(outcome__name="follow-up")
    page.goto(f"/approvals/{waits.pk}/")
    _check(page, f"approval-{size}-{scheme}")
    page.goto(f"/proposals/{waits.outcome.proposal_id}/")
    _check(page, f"proposal-gated-{size}-{scheme}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_what_is_on_hold(look, size, scheme, model):
    high_value.set_thresholds({"EUR": "5000"}, by=SETUP, at=instant.now())
    large = {"grand_total": {"amount": "9000", "currency": "EUR"}}
    post_pandadoc([document("sent", id="doc-9", name="Large one", **large)], event_id="large")
    digest_all()
    page = look(size, scheme, model["rosa"])
    proposal = Proposal.objects.get(external_id="doc-9")
    for name, url in {
        "hold-proposal": f"/proposals/{proposal.pk}/", "hold-list": "/proposals/",
        "hold-queue": "/queue/", "hold-thresholds": "/operating-model/holds/",
    }.items():  # fmt: skip
        page.goto(url)
        _check(page, f"{name}-{size}-{scheme}")


def test_approving_from_the_row_takes_it_off_the_list(look, gated):
    page = look("wide", "light", gated["rosa"])
    page.goto("/approvals/")
    page.click("#mine >> xpath=../.. >> text=Approve")
    page.wait_for_selector("text=Approved: create the follow-up task")
    assert page.locator("#mine").count() == 0
    assert page.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_screen_is_clean_to_see_and_to_hear(look, size, scheme, model):
    page = look(size, scheme, model["rosa"])
    for name, url in SCREENS.items():
        assert page.goto(url.format(sent=Proposal.objects.get().pk)).status == 200, url
        _check(page, f"{name}-{size}-{scheme}")


def test_a_backtest_goes_on_piece_by_piece_by_itself(look, model, monkeypatch):
    monkeypatch.setattr(contract_backtest, "CHUNK", 1)
    for number in range(2):
        post_pandadoc([document("viewed", id=f"doc-{number + 2}")], event_id=f"more-{number}")
    digest_all()
    page = look("wide", "light", model["rosa"])
    page.goto(f"{CONTRACTS}viewed/backtest/")
    page.click("main >> text=Run")
    page.wait_for_selector("#backtest-tally >> text=Done")
    assert page.locator("#backtest tbody tr").count() == 3
    assert "3 otherwise" in page.locator("#backtest-tally").inner_text()
    assert page.locator("progress").count() == 0
    assert page.complaints == []
