"""Reconciliation on screen: before anything was compared, what differs, and one side by side."""

from datetime import timedelta

import pytest

from connectors.models import Connection
from reconciliation import carrying_on
from reconciliation.models import Divergence, Run
from tests.chromium import check, on_both_screens
from tests.reconciliation import compared
from tests.reconciliation.compared import deal, invoice, linked, ours, reconcile

pytestmark = pytest.mark.django_db(transaction=True)


@on_both_screens
def test_every_screen_is_clean_to_see_and_to_hear(look, size, scheme, staff):
    compared.connected()
    page = look(staff["olivia"], size, scheme)
    page.goto("/reconciliation/")
    check(page, f"runs-none-{size}-{scheme}")
    page.goto("/reconciliation/divergences/")
    check(page, f"divergences-none-{size}-{scheme}")
    run = _apart()
    page.goto("/reconciliation/")
    check(page, f"runs-{size}-{scheme}")
    page.goto(f"/reconciliation/runs/{run.pk}/")
    check(page, f"run-{size}-{scheme}")
    page.goto("/reconciliation/divergences/?connection=hubspot")
    check(page, f"divergences-{size}-{scheme}")
    assert page.evaluate(_WIDER_THAN_THEIR_BOX) == 0
    page.get_by_role("link", name="Website relaunch").first.click()
    # One line: no letter by letter.
    assert page.get_by_role("rowheader", name="As written").bounding_box()["height"] < 60
    page.get_by_role("button", name="Take theirs here").click()
    page.get_by_text("gone once both sides").first.wait_for()
    check(page, f"divergence-{size}-{scheme}")
    billed = Divergence.objects.get(kind="invoices", field="amount")
    page.goto(f"/reconciliation/divergences/{billed.pk}/")
    check(page, f"divergence-billed-{size}-{scheme}")
    assert Divergence.objects.get(kind="deals", field="amount").state == "fixing"


@pytest.mark.parametrize("width", [1440, 1280, 390])
def test_an_e_mail_address_does_not_break_in_a_word(look, width, staff):
    compared.connected()
    linked(ours(), "1")
    there = "ines.falk-larsen@example.com"
    reconcile("hubspot", deal("1", owner_email=there, amount="14200.00"))
    page = look(staff["olivia"])
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/reconciliation/divergences/")
    broken = page.eval_on_selector_all("td.value", _BROKEN)
    assert broken == []
    assert page.locator("td.value", has_text=there).count() == 1
    assert page.evaluate(_WIDER_THAN_THEIR_BOX) == 0
    check(page, f"divergences-e-mail-{width}")


# The parts of an address that stand on more than one line.
_BROKEN = """cells => cells.filter(cell => cell.textContent.includes("@"))
    .flatMap(cell => [...cell.childNodes].filter(node => node.nodeType === Node.TEXT_NODE))
    .filter(node => {
        const range = document.createRange();
        range.selectNodeContents(node);
        return new Set([...range.getClientRects()].map(rect => rect.top)).size > 1;
    }).map(node => node.textContent)"""
_WIDER_THAN_THEIR_BOX = """[...document.querySelectorAll(".panel:has(> .data)")]
    .filter((box) => box.scrollWidth > box.clientWidth).length"""
LONG = "Relaunch_of_everything_there_is_" * 8


def _days_before(run):
    """The days before, each with another number."""
    for back in range(1, 30, 2):
        then = run.finished_at - timedelta(days=back)
        Run.objects.create(
            connection=run.connection, kind=run.kind, asked_at=then, finished_at=then,
            state="done", compared=40, apart=back % 7, counts={"different": back % 7},
            delta={"EUR": 100_000 * (back % 7)},
        )  # fmt: skip


def _apart():
    linked(ours(), "1")
    linked(ours("doc-2", title="Cold-room monitoring"), "2")
    linked(ours("doc-3", title=LONG), "3")
    rows = [deal("1", amount="14200.00"), deal("2", "doc-2", state="draft"), deal("3", "doc-3")]
    run = reconcile("hubspot", *rows)
    ours("doc-9", title="Harbour lights", state="invoiced", invoice_status="open",
         invoiced="1234.50", invoiced_currency="EUR")  # fmt: skip
    parts = [invoice("in_1", "doc-9", amount="1000.00"),
             invoice("in_2", "doc-9", amount="99.00", state="void")]  # fmt: skip
    reconcile("stripe", *parts)
    while carrying_on.do_some():
        pass
    _days_before(run)
    Connection.objects.filter(slug="stripe").update(status="paused")
    return run
