"""The golden signal of reconciliation: a number that is exactly its rows, for whoever reads it."""

import html
import re

import pytest

from reconciliation import apart, delta, trend
from tests.api.conftest import script_of
from tests.reading import signed_in, words_of
from tests.reconciliation import compared
from tests.reconciliation.compared import deal, linked, ours, reconcile

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(staff):
    compared.connected()
    return staff


def tile(person, board=""):
    page = html.unescape(signed_in(person).get(f"/dashboards/{board}").content.decode())
    start = page.index("Reconciliation delta")
    told = page[start : page.index("Formula", start)]
    [(url, rows)] = re.findall(r'href="([^"]+)"\s+data-rows="([0-9]+)"', told)
    return url, int(rows), words_of(told)


def test_both_pages_say_the_same_share_of_the_same_runs(people):
    """Also where records are missing: they are among those that a run says something about."""
    for number in range(1, 4):
        linked(ours(f"doc-{number}"), str(number))
    run = reconcile(
        "hubspot", deal("1", "doc-1", amount="1200.00"), deal("2", "doc-2"), deal("9", "doc-9")
    )
    assert run.compared < run.whole
    [today, *_] = trend.of(at=run.finished_at)
    shown = delta.now(people["rosa"])
    assert (today.percent, today.whole) == (shown.percent, shown.whole)
    assert shown.percent == run.percent
    page = html.unescape(signed_in(people["rosa"]).get("/reconciliation/").content.decode())
    assert f"{shown.percent} % of n {shown.whole}" in page
    assert apart.FORMULA in page


def test_it_is_exactly_the_differences_it_leads_to(people):
    linked(ours(), "1")
    linked(ours("doc-2"), "2")
    reconcile("hubspot", deal("1", amount="1200.00", title="Relaunch"), deal("2", "doc-2"))
    for board in ("", "review/"):
        url, rows, told = tile(people["rosa"], board)
        page = signed_in(people["rosa"]).get(url)
        assert (rows, len(page.context["page"].items)) == (2, 2)
        assert "50.00 % of n 2" in told
        assert "34.50 EUR" in told


def test_each_reads_what_they_may_see(people):
    linked(ours(), "1")
    reconcile("hubspot", deal("1", amount="1200.00"), deal("9", "doc-9"))
    assert tile(people["rosa"])[1] == 2
    assert tile(people["sam"])[1] == 1
    masked = tile(people["vera"])[2]
    assert ("•••" in masked, "34.50" in masked) == (True, False)


def test_where_nothing_was_compared_it_says_so(people):
    assert tile(people["rosa"])[1:] == (0, "Reconciliation delta 0 nothing was compared yet")


def test_a_script_reads_it(people):
    linked(ours(), "1")
    reconcile("hubspot", deal("1", amount="1200.00"))
    items = script_of(people["rosa"]).get("metrics").json()["items"]
    [one] = [item for item in items if item["name"] == delta.NAME]
    assert (one["value"], one["n"], one["unit"]) == (1, 1, "differences")
    assert one["rows"] == "/reconciliation/divergences/?state=unsettled"
