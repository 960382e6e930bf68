"""Many tickets at once in a real browser, by the keyboard: progress, and a cancel half-way that
tells the truth; and what happens to what was typed when a sitting ends under it.

MESHLINE_SHOTS=<folder> keeps a picture of each screen.
"""

import re
from decimal import Decimal

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from exceptions import bulk, desk, metrics
from exceptions.models import BulkJob, Ticket, TicketNote
from meshline import instant
from tests.chromium import check
from tests.exceptions.conftest import open_one
from tests.factories import PASSWORD

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def many(count):
    """So many tickets like one that was opened."""
    open_one("first", at=instant.now())
    like = Ticket.objects.values().get()
    del like["id"]
    Ticket.objects.bulk_create(Ticket(**{**like, "cause": f"many-{n}"}) for n in range(1, count))


def in_three_currencies(look, staff, width):
    """The queue of that width, with money at risk in three currencies."""
    risks = [("104000.00", "EUR"), ("39500.00", "CHF"), ("2450000", "JPY")]
    for number, (amount, currency) in enumerate(risks, start=901):
        open_one(currency, record=f"proposal:{number}", amount=Decimal(amount), currency=currency)
    page = look(staff["olivia"])
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/queue/")
    expect(page.get_by_text("2,450,000 JPY").first).to_be_visible()
    expect(page.locator(".stats-beside")).not_to_contain_text("…")
    return page


@pytest.mark.parametrize("width", [1280, 1366, 1439, 1440, 1920])
def test_several_currencies_leave_the_header_on_one_line(look, staff, width):
    page = in_three_currencies(look, staff, width)
    tops = [one.bounding_box()["y"] for one in page.locator("#queue-stats .stat").all()]
    assert len(tops) == 4
    assert len(set(tops)) == 1
    stats = page.locator(".queue-head .stat").all()
    tallest = max(one.bounding_box()["height"] for one in stats)
    assert page.locator(".queue-head").bounding_box()["height"] < tallest + 10
    for amount in ("104,000.00 EUR", "39,500.00 CHF"):
        expect(page.locator(".stat-money", has_text=amount)).to_be_visible()
    assert page.evaluate(_OVERLAPS) == []
    check(page, f"queue-currencies-{width}")


@pytest.mark.parametrize("width", [1024, 768, 390])
def test_where_there_is_no_room_for_one_line_the_header_folds_within_the_screen(look, staff, width):
    page = in_three_currencies(look, staff, width)
    assert page.evaluate(_OVERLAPS) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    check(page, f"queue-currencies-{width}")


# What stands over something else in the header, or out of it.
_OVERLAPS = """(() => {
    const head = document.querySelector(".queue-head").getBoundingClientRect();
    const parts = [...document.querySelectorAll(
        ".queue-head h1, .queue-head .stat > *, .queue-head .btn"
    )].map((one) => ({ what: one.textContent.trim(), ...one.getBoundingClientRect().toJSON() }));
    const out = parts.filter((one) => one.left < head.left - 1 || one.right > head.right + 1);
    const over = parts.filter((one, place) => parts.slice(0, place).some((other) =>
        one.left < other.right - 1 && other.left < one.right - 1
        && one.top < other.bottom - 1 && other.top < one.bottom - 1));
    return [...out, ...over].map((one) => one.what);
})()"""


def press(page, role, name):
    page.get_by_role(role, name=name, exact=True).focus()
    page.keyboard.press("Enter" if role == "button" else "Space")


def test_a_bulk_of_500_shows_progress_and_is_cancelled_half_way(look, staff):
    olivia = staff["olivia"]
    many(500)
    page = look(olivia)
    page.goto("/queue/?tab=open")
    press(page, "checkbox", "All 500 that match")
    check(page, "bulk-bar")
    page.locator('#bulk button[value="claim"]').focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("500 tickets are many: nothing")).to_be_visible()
    check(page, "bulk-asks")
    press(page, "button", "Claim them")
    expect(page.get_by_text("Going on: 0 of 500.")).to_be_visible()

    late = open_one("late", at=instant.now())
    job = BulkJob.objects.get()
    bulk.do_some(job, most=250)
    expect(page.get_by_text("Going on: 250 of 500.")).to_be_visible()
    assert page.locator("progress").get_attribute("value") == "250"
    check(page, "bulk-progress")
    press(page, "button", "Cancel")
    expect(page.locator("#bulk-said")).to_have_text(
        re.compile(r"Cancelled by Olivia Ortiz.*250 claimed, 250 left as they were\.", re.DOTALL)
    )
    check(page, "bulk-cancelled")

    assert bulk.do_some(job, most=1) == 0
    assert Ticket.objects.filter(claimed_by=olivia).count() == 250
    assert Ticket.objects.get(pk=late.pk).claimed_by is None
    assert BulkJob.objects.get().numbers()["left"] == 250


def test_a_double_click_asks_for_many_once(look, staff):
    many(101)
    page, asked = look(staff["olivia"]), []
    page.on("request", lambda one: one.method == "POST" and asked.append(one.url))
    page.goto("/queue/?tab=open")
    press(page, "checkbox", "All 101 that match")
    page.locator('#bulk button[value="claim"]').dblclick()
    expect(page.get_by_text("101 tickets are many: nothing")).to_be_visible()
    assert len(asked) == 1
    assert BulkJob.objects.count() == 1


def test_the_numbers_of_many_come_after_the_list_and_follow_what_is_done(look, staff, monkeypatch):
    monkeypatch.setattr(metrics, "CAP", 2)
    many(3)
    # Beside a ticket a row has no acts: there they stand on the ticket.
    page = look(staff["olivia"], "narrow")
    held = []
    page.route(
        re.compile("numbers=1"),
        lambda asked: asked.continue_() if held else held.append(asked),
    )
    page.goto("/queue/?tab=open")
    numbers = page.locator("#queue-stats")
    expect(page.locator("#tickets tr[data-ticket]")).to_have_count(3)
    expect(numbers).to_contain_text("being counted")
    check(page, "numbers-coming")
    held[0].continue_()
    expect(numbers).to_contain_text("3 unclaimed")
    expect(numbers).to_contain_text("1,234.50 EUR")
    check(page, "numbers-there")
    page.get_by_role("button", name="Claim", exact=True).first.click()
    expect(numbers).to_contain_text("2 unclaimed")


def test_a_few_are_done_without_a_reload_and_failures_are_listed(look, staff):
    one, two = open_one("one", at=instant.now()), open_one("two", at=instant.now())
    page = look(staff["olivia"])
    page.goto("/queue/?tab=open")
    page.evaluate("window.stayed = true")
    for ticket in (one, two):
        page.get_by_label(f"Select ticket {ticket.pk}", exact=True).check()
    expect(page.locator("[data-bulk-count]")).to_have_text("2 selected")
    # Enter in a field does not press the nearest act.
    page.locator("#bulk summary", has_text="Snooze").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#id_snooze-span")).to_be_focused()
    page.locator("#id_snooze-reason").fill("Later.")
    page.locator("#id_snooze-reason").press("Enter")
    page.locator("#bulk summary", has_text="Resolve").click()
    page.locator("#id_resolve-note").fill("Typed <b>before</b> the reason.")
    page.locator('#bulk button[value="resolve"]').click()
    expect(page.get_by_text("Say why it is resolved")).to_be_visible()
    note = page.locator("#id_resolve-note")
    expect(note).to_have_value("Typed <b>before</b> the reason.")
    check(page, "bulk-refused")
    desk.claim(ticket_id=one.pk, by=staff["rosa"], at=instant.now())
    page.locator("#id_resolve-resolution").select_option("fixed")
    page.locator('#bulk button[value="resolve"]').click()
    expect(page.get_by_text("1 done, 1 not.")).to_be_visible()
    said = f"Ticket {one.pk}: It changed after you looked: Rosa Marin has claimed it."
    expect(page.locator(".bulk-faults")).to_contain_text(said)
    assert page.evaluate("window.stayed") is True
    assert Ticket.objects.get(pk=two.pk).status == "resolved"
    assert BulkJob.objects.count() == 1


def test_what_was_done_to_many_is_seen_at_once_on_the_one_beside_the_list(look, staff):
    one, two = open_one("one", at=instant.now()), open_one("two", at=instant.now())
    page = look(staff["olivia"], "large")
    page.goto("/queue/?tab=open")
    beside = page.locator("#ticket-live")
    expect(beside.get_by_role("button", name="Claim", exact=True)).to_be_visible()
    page.get_by_label("All 2 that match").check()
    page.locator('#bulk button[value="claim"]').click()
    expect(page.locator("#messages")).to_contain_text("2 tickets claimed.")
    expect(beside.get_by_role("button", name="Release", exact=True)).to_be_visible(timeout=2_000)
    # Also where none of them is in the list any more.
    page.get_by_label("All 2 that match").check()
    page.locator("#bulk summary", has_text="Resolve").click()
    page.locator("#id_resolve-resolution").select_option("fixed")
    page.locator('#bulk button[value="resolve"]').click()
    expect(page.locator("#tickets")).to_contain_text("Nothing wrong")
    expect(beside).to_contain_text("Resolved: fixed", timeout=2_000)
    assert set(Ticket.objects.values_list("status", flat=True)) == {"resolved"}
    assert {one.pk, two.pk} == set(Ticket.objects.values_list("pk", flat=True))


@pytest.mark.long
def test_it_is_readable_in_the_dark_and_on_a_phone(look, staff):
    many(3)
    job = bulk.of_rows(
        dict.fromkeys(Ticket.objects.values_list("pk", flat=True), "elsewhere"),
        act="claim", given={}, by=staff["olivia"], at=instant.now(),
    )  # fmt: skip
    bulk.work_on(job)
    for size, scheme in (("narrow", "light"), ("wide", "dark"), ("narrow", "dark")):
        page = look(staff["olivia"], size, scheme)
        page.goto(f"/queue/bulk/{job.pk}/")
        check(page, f"bulk-faults-{size}-{scheme}")
        page.goto("/queue/?tab=open")
        page.get_by_label("All 3 that match").check()
        check(page, f"bulk-bar-{size}-{scheme}")
        page.goto(f"/queue/{Ticket.objects.first().pk}/")
        check(page, f"ticket-acts-{size}-{scheme}")


def test_an_act_in_the_row_is_taken_back_without_a_reload(look, staff):
    ticket = open_one("one", at=instant.now())
    # Beside a ticket a row has no acts: there they stand on the ticket.
    page = look(staff["olivia"], "narrow")
    page.goto("/queue/?tab=open")
    page.evaluate("window.stayed = true")
    page.get_by_label("More for this ticket").click()
    page.get_by_role("link", name="Snooze").click()
    page.locator(f"#ticket-{ticket.pk} select[name=span]").select_option("4h")
    page.locator(f"#ticket-{ticket.pk} input[name=reason]").fill("They call back.")
    page.locator(f"#ticket-{ticket.pk}").get_by_role("button", name="Snooze").click()
    expect(page.get_by_text("It sleeps.")).to_be_visible()
    assert Ticket.objects.get().snoozed_until is not None
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Taken back.")).to_be_visible()
    assert Ticket.objects.get().snoozed_until is None
    assert page.evaluate("window.stayed") is True


@pytest.mark.parametrize("by", ["its own act", "what the page asks by itself"])
def test_what_was_typed_when_the_sitting_had_ended_is_there_after_signing_in(look, staff, by):
    ticket = open_one("one", at=instant.now())
    page = look(staff["olivia"])
    page.clock.install()
    page.goto(f"/queue/{ticket.pk}/")
    # The counts beside the menu are asked for when the page has come: nothing of it is under way.
    page.wait_for_load_state("networkidle")
    page.get_by_label("Write a note").fill("A long story for @Rosa.")
    Session.objects.all().delete()
    if by == "its own act":
        page.get_by_role("button", name="Add the note").click()
    else:
        page.clock.fast_forward("01:01")
    page.get_by_label("E-mail").fill("olivia@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_label("Write a note")).to_have_value("A long story for @Rosa.")
    assert not TicketNote.objects.exists()
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator("#ticket-notes")).to_contain_text("A long story for @Rosa.")


# Counts what would be sent, and sends nothing.
_SENT = """addEventListener("submit", (event) => {
    window.sent = (window.sent ?? 0) + !event.defaultPrevented;
    event.preventDefault();
})"""


def test_a_page_that_is_sent_whole_is_sent_once_by_a_double_click(look, staff):
    ticket = open_one("one", at=instant.now())
    page = look(staff["olivia"])
    page.goto(f"/queue/{ticket.pk}/merge/")
    page.get_by_label("The number of the other ticket").fill("31")
    page.evaluate(_SENT)
    page.get_by_role("button", name="Merge", exact=True).dblclick()
    assert page.evaluate("window.sent") == 1


def test_a_page_that_is_sent_whole_has_what_was_typed_after_signing_in_and_only_then(look, staff):
    ticket, other = open_one("one", at=instant.now()), open_one("two", at=instant.now())
    page = look(staff["olivia"])
    number = page.get_by_label("The number of the other ticket")
    merge = page.get_by_role("button", name="Merge", exact=True)
    page.goto(f"/queue/{other.pk}/merge/")
    page.wait_for_load_state("networkidle")
    number.fill(str(ticket.pk))
    Session.objects.all().delete()
    merge.click()
    page.get_by_label("E-mail").fill("olivia@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(number).to_have_value(str(ticket.pk))
    merge.click()
    expect(page.get_by_text(f"Ticket #{other.pk} is a part of this one now.")).to_be_visible()
    # What was taken is typed no more, where the field is met again.
    page.goto(f"/queue/{other.pk}/merge/")
    expect(number).to_have_value("")
