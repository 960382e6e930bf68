"""Contracts, gates and holds in a real browser: clean for axe and the CSP, wide and narrow.

MESHLINE_SHOTS=<folder> keeps a picture of each.
"""

import pytest

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.policy import high_value
from proposals.contracts import backtest, publishing, versions
from proposals.models import Approval, Contract, Proposal
from tests import factories
from tests.chromium import check, on_both_screens
from tests.factories import digest_all, document, post_pandadoc

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
                {"not": {"field": "source", "op": "is", "value": "hubspot"}}]
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


@on_both_screens
def test_what_waits_for_an_approval(look, size, scheme, gated):
    page = look(gated["rosa"], size, scheme)
    page.goto("/approvals/")
    page.wait_for_selector(".nav-count:not(:empty)", state="attached")
    check(page, f"approvals-{size}-{scheme}")
    waits = Approval.objects.get(outcome__name="follow-up")
    page.goto(f"/approvals/{waits.pk}/")
    check(page, f"approval-{size}-{scheme}")
    page.goto(f"/proposals/{waits.outcome.proposal_id}/")
    check(page, f"proposal-gated-{size}-{scheme}")


@on_both_screens
def test_what_is_on_hold(look, size, scheme, model):
    high_value.set_thresholds({"EUR": "5000"}, by=SETUP, at=instant.now())
    large = {"grand_total": {"amount": "9000", "currency": "EUR"}}
    post_pandadoc([document("sent", id="doc-9", name="Large one", **large)], event_id="large")
    digest_all()
    page = look(model["rosa"], size, scheme)
    proposal = Proposal.objects.get(external_id="doc-9")
    for name, url in {
        "hold-proposal": f"/proposals/{proposal.pk}/", "hold-list": "/proposals/",
        "hold-queue": "/queue/", "hold-thresholds": "/operating-model/holds/",
    }.items():  # fmt: skip
        page.goto(url)
        check(page, f"{name}-{size}-{scheme}")


def test_approving_from_the_row_takes_it_off_the_list(look, gated):
    page = look(gated["rosa"])
    page.goto("/approvals/")
    page.click("#mine >> xpath=../.. >> text=Approve")
    page.wait_for_selector("text=Approved: create the follow-up task")
    assert page.locator("#mine").count() == 0


@on_both_screens
def test_every_screen_is_clean_to_see_and_to_hear(look, size, scheme, model):
    page = look(model["rosa"], size, scheme)
    for name, url in SCREENS.items():
        assert page.goto(url.format(sent=Proposal.objects.get().pk)).status == 200, url
        check(page, f"{name}-{size}-{scheme}")


def test_a_backtest_goes_on_piece_by_piece_by_itself(look, model, monkeypatch):
    monkeypatch.setattr(backtest, "CHUNK", 1)
    for number in range(2):
        post_pandadoc([document("viewed", id=f"doc-{number + 2}")], event_id=f"more-{number}")
    digest_all()
    page = look(model["rosa"])
    page.goto(f"{CONTRACTS}viewed/backtest/")
    page.click("main >> text=Run")
    page.wait_for_selector("#backtest-tally >> text=Done")
    assert page.locator("#backtest tbody tr").count() == 3
    assert "3 otherwise" in page.locator("#backtest-tally").inner_text()
    assert page.locator("progress").count() == 0
