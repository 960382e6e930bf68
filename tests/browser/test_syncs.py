"""Looking through a connection, in a real browser: asked for, watched, cancelled.

MESHLINE_SHOTS=<folder> keeps a picture of each.
"""

import pytest
from playwright.sync_api import expect

from connectors import syncing
from connectors.models import Message
from connectors.pandadoc import poll
from connectors.sandbox import Sandbox
from meshline.shell import sandbox_control
from proposals.models import Proposal
from tests.chromium import check, on_both_screens
from tests.connectors import looked
from tests.connectors.looked import Quoting, drain, many
from tests.factories import digest_all

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def quoting(staff, settings, monkeypatch):
    with Sandbox() as sandbox:
        settings.SANDBOX_URL = sandbox.url
        sandbox_control.configure(pandadoc={"api_key": looked.KEY})
        looked.connected(sandbox.url)
        yield Quoting(monkeypatch)


def test_it_is_asked_for_watched_and_cancelled(quoting, staff, look, monkeypatch):
    monkeypatch.setattr(poll, "COUNT", 2)
    many(quoting)
    page = look(staff["olivia"])
    page.goto("/connections/pandadoc/")
    page.get_by_role("button", name="Sync now").click()
    part = page.locator("#syncs")
    expect(part).to_contain_text("Queued")
    # What is typed stays while the rows below are fetched again.
    part.locator("summary").click()
    part.get_by_label("Since").fill("2026-03-02")
    syncing.read_next()
    expect(part).to_contain_text("Running")
    expect(part.locator("progress")).to_be_visible()
    expect(part.get_by_label("Since")).to_have_value("2026-03-02")
    check(page, "sync-running")
    page.keyboard.press("Escape")
    part.locator("tbody").get_by_role("button", name="Cancel").click()
    expect(part).to_contain_text("Cancelled")
    page.get_by_role("button", name="Sync now").click()
    expect(part).to_contain_text("Queued")
    drain()
    expect(part.locator("tbody tr").first).to_contain_text("Done")
    check(page, "sync-done")


@on_both_screens
def test_what_was_found_says_so(quoting, staff, look, scheme, size):
    with quoting.ago(minutes=40):
        quoting.does(quoting.make(), "send", "sign")
    looked.look()
    digest_all()
    page = look(staff["olivia"], size, scheme)
    page.goto("/connections/pandadoc/")
    expect(page.locator("#syncs")).to_contain_text("Done")
    check(page, f"syncs-{size}-{scheme}")
    page.goto("/messages/")
    expect(page.get_by_text("found by looking").first).to_be_visible()
    check(page, f"late-messages-{size}-{scheme}")
    page.goto(f"/messages/{Message.objects.earliest('pk').pk}/")
    check(page, f"late-message-{size}-{scheme}")
    page.goto(f"/proposals/{Proposal.objects.get().pk}/")
    expect(page.get_by_text("Found by looking").first).to_be_visible()
    check(page, f"late-story-{size}-{scheme}")


def test_an_error_and_why_somebody_may_not(quoting, staff, look):
    sandbox_control.break_it("pandadoc", [{"kind": "status", "code": 400}])
    looked.look()
    page = look(staff["vera"])
    page.goto("/connections/pandadoc/")
    expect(page.locator("#syncs")).to_contain_text("Failed")
    check(page, "syncs-failed")
