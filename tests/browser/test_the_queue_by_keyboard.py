"""An operator works the queue in a real browser, and never touches the mouse.

MESHLINE_SHOTS=<folder> keeps a picture of each screen.
"""

import re

import pytest
from playwright.sync_api import expect

from exceptions import clocks, desk, looks
from exceptions.clocks import Still
from exceptions.models import Ticket
from meshline import instant
from tests.chromium import check, on_every_screen
from tests.exceptions.conftest import open_one
from tests.factories import reread

KINDS = [
    "credentials-refused", "delivery-failed", "dispute", "proof-missing", "role-drift",
    "field-conflict", "message-unreadable", "message-conflict", "not-the-authority", "link-missing",
]  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ten(staff):
    """Ten tickets of ten kinds, in the order of the queue, by name."""
    at = instant.now()
    made = {kind: open_one(kind, kind=kind, title=f"About {kind}", at=at) for kind in KINDS}
    in_order = Ticket.objects.soonest_due()
    by_kind = {ticket.kind: made[ticket.kind] for ticket in in_order}
    return list(by_kind.values())


def pane(page):
    return page.locator("#pane")


def stands_at(page, ticket):
    """The keyboard is on this row, and the ticket stands beside it."""
    expect(page.locator("tr.is-current")).to_have_id(f"ticket-{ticket.pk}")
    expect(pane(page).locator("[data-shown]")).to_have_attribute("data-shown", str(ticket.pk))


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def say(page, text):
    return expect(page.locator("#messages")).to_contain_text(text)


def claim(page):
    """c, and the ticket that is shown is one's own: the message alone may be an earlier one."""
    press(page, "c")
    say(page, "Claimed.")
    expect(pane(page).get_by_role("button", name="Release", exact=True)).to_be_visible()


def resolve(page, reason):
    """r, the reason by its first letters, and Enter on the button."""
    press(page, "r")
    expect(page.locator("#pane select[name=resolution]")).to_be_focused()
    page.keyboard.type(reason)
    press(page, "Tab")
    page.keyboard.type("Seen to.")
    press(page, "Tab", "Enter")


def test_ten_mixed_tickets_are_worked_by_keyboard_alone(look, staff, ten):
    rosas = ten[4]
    desk.claim(ticket_id=rosas.pk, by=staff["rosa"], at=instant.now())
    page = look(staff["olivia"])
    page.goto("/")

    # She goes to all that is open; the first ticket stands beside the list.
    press(page, "g", "q")
    page.wait_for_url("**/queue/**")
    expect(pane(page).locator("[data-shown]")).to_be_visible()
    page.goto("/queue/?tab=open")
    stands_at(page, ten[0])
    # The ticket that opened by itself did not hold up what is signed and not invoiced.
    expect(page.locator(".stats-beside")).not_to_contain_text("being counted")

    # The first: claimed, acknowledged, resolved; and the next one is there by itself.
    claim(page)
    expect(pane(page).get_by_role("button", name="Acknowledge")).to_be_visible()
    press(page, "a")
    say(page, "Acknowledged.")
    resolve(page, "Fix")
    stands_at(page, ten[1])
    assert (reread(ten[0]).resolution, reread(ten[0]).resolution_note) == ("fixed", "Seen to.")
    expect(page.locator("#queue-tabs a", has_text="Resolved")).to_contain_text("1")

    # The second: a note.
    claim(page)
    press(page, "n")
    page.keyboard.type("Asked billing: j and k and c are only letters here.")
    press(page, "Tab", "Enter")
    say(page, "Your note is kept.")
    assert ten[1].notes.get().text == "Asked billing: j and k and c are only letters here."
    resolve(page, "Work")
    stands_at(page, ten[2])

    # The third: escalated, with why; and on to the fourth, which is closed as it stands.
    claim(page)
    press(page, "e")
    page.keyboard.type("The customer waits.")
    press(page, "Tab", "Enter")
    say(page, "Escalated.")
    assert reread(ten[2]).escalated == 1
    press(page, "j")
    stands_at(page, ten[3])
    resolve(page, "Vendor")
    stands_at(page, rosas)

    # The fifth is Rosa's: the key is refused with the words of the button.
    press(page, "c")
    say(page, "Rosa Marin has it.")
    assert reread(rosas).claimed_by == staff["rosa"]
    press(page, "x")
    expect(page.locator(f"#ticket-{rosas.pk} input[name=ticket]")).to_be_checked()

    # Back and forth.
    press(page, "k")
    stands_at(page, ten[3])
    press(page, "j", "j")
    stands_at(page, ten[5])
    claim(page)
    resolve(page, "Bad")
    stands_at(page, ten[6])

    # The palette does it, too: for the ticket she is on, and for one she names.
    press(page, "Control+k")
    page.keyboard.type("claim")
    expect(page.get_by_role("option", name=re.compile("Claim this ticket"))).to_be_visible()
    press(page, "Enter")
    say(page, "Claimed.")
    assert reread(ten[6]).claimed_by == staff["olivia"]
    resolve(page, "Map")
    stands_at(page, ten[7])

    # A search leaves one; it is resolved, and nothing else waits.
    press(page, "/")
    page.keyboard.type(ten[8].kind)
    press(page, "Enter")
    expect(page.locator("#tickets tbody tr")).to_have_count(1)
    stands_at(page, ten[8])
    claim(page)
    resolve(page, "Own")
    say(page, "Nothing else waits in this list.")
    assert reread(ten[8]).resolution == "owner error"

    # The last two.
    page.goto("/queue/?tab=mine")
    stands_at(page, ten[2])
    # It went up out of her hands, and is anybody's to claim.
    claim(page)
    resolve(page, "No")
    stands_at(page, ten[7])
    claim(page)
    resolve(page, "Dup")
    stands_at(page, ten[9])
    claim(page)
    resolve(page, "Won")
    say(page, "Nothing else waits in this list.")
    assert {one.status for one in Ticket.objects.exclude(pk=rosas.pk)} == {"resolved"}
    assert reread(rosas).is_unresolved


def test_what_is_not_done_is_said_and_typed_text_is_kept(look, staff, ten):
    page = look(staff["olivia"])
    page.goto("/queue/?tab=open")
    stands_at(page, ten[0])
    # Nothing was claimed: the reason the button gives is what the key says.
    press(page, "a")
    say(page, "Nobody has claimed it yet.")
    press(page, "n")
    page.keyboard.type("Half a thought")
    # Out of the field, on to the next ticket, and back: the half note is still there.
    page.locator("#pane-title").evaluate("title => title.focus()")
    press(page, "j")
    stands_at(page, ten[1])
    expect(pane(page).locator("textarea[name=text]")).to_have_value("")
    press(page, "k")
    stands_at(page, ten[0])
    expect(pane(page).locator("textarea[name=text]")).to_have_value("Half a thought")


def test_a_resolve_without_a_reason_moves_nowhere_and_keeps_the_note(look, staff, ten):
    page = look(staff["olivia"])
    page.goto("/queue/?tab=open")
    stands_at(page, ten[0])
    claim(page)
    press(page, "r")
    field = pane(page).locator("select[name=resolution]")
    field.evaluate("field => { field.required = false; }")
    press(page, "Tab")
    page.keyboard.type("It was like this.")
    press(page, "Tab", "Enter")
    expect(pane(page)).to_contain_text("Say why it is resolved")
    expect(pane(page).locator("textarea[id^=resolve-]")).to_have_value("It was like this.")
    stands_at(page, ten[0])
    assert reread(ten[0]).is_unresolved


def test_who_was_faster_is_said_and_the_row_shows_it(look, staff, ten):
    olivia, rosa = look(staff["olivia"]), look(staff["rosa"])
    for page in (olivia, rosa):
        page.goto("/queue/?tab=open")
        stands_at(page, ten[0])
    press(rosa, "c")
    say(rosa, "Claimed.")
    press(olivia, "c")
    say(olivia, "Rosa Marin claimed this")
    expect(olivia.locator(f"#ticket-{ten[0].pk}")).to_contain_text("Rosa Marin")
    stands_at(olivia, ten[0])


def test_an_answer_from_before_does_not_land_on_the_next_ticket(look, staff, ten):
    page, held, asks = look(staff["olivia"]), [], re.compile("[?]seen=")
    page.clock.install()
    page.goto("/queue/?tab=open")
    stands_at(page, ten[0])
    page.route(asks, lambda route: held.append(route))
    with page.expect_request(asks):
        page.clock.fast_forward(11_000)
    desk.claim(ticket_id=ten[0].pk, by=staff["rosa"], at=instant.now())
    press(page, "j")
    stands_at(page, ten[1])
    with page.expect_response(asks) as answered:
        held[0].continue_()
    answered.value.finished()
    press(page, "x")
    expect(page.locator(f"#ticket-{ten[1].pk} input[name=ticket]")).to_be_checked()
    expect(page.locator("#ticket-facts h2")).to_have_text(f"Ticket {ten[1].pk}")


def test_an_act_is_answered_though_another_ticket_comes_meanwhile(look, staff, ten):
    page, gets, posts = look(staff["olivia"]), [], []
    ticket, claim = re.compile(rf"/queue/{ten[1].pk}/$"), re.compile("/claim/$")
    page.goto("/queue/?tab=open")
    stands_at(page, ten[0])
    page.route(ticket, lambda route: gets.append(route))
    page.route(claim, lambda route: posts.append(route))
    with page.expect_request(ticket):
        press(page, "j")
    with page.expect_request(claim):
        page.locator("#pane").get_by_role("button", name="Claim").click()
    page.unroute(ticket)
    with page.expect_response(ticket) as answered:
        gets[0].continue_()
    answered.value.finished()
    posts[0].continue_()
    say(page, "Claimed.")
    assert reread(ten[0]).claimed_by == staff["olivia"]
    stands_at(page, ten[1])


def test_escape_leads_back_from_a_note_to_the_list(look, staff, ten):
    page = look(staff["olivia"])
    page.goto("/queue/?tab=open")
    stands_at(page, ten[0])
    press(page, "n")
    expect(page.locator("#note-form textarea")).to_be_focused()
    press(page, "Escape")
    expect(page.locator(f"#open-{ten[0].pk}")).to_be_focused()
    press(page, "j")
    stands_at(page, ten[1])


def test_after_a_note_the_keyboard_is_in_the_list_again(look, staff, ten):
    page = look(staff["olivia"])
    page.goto("/queue/?tab=open")
    stands_at(page, ten[0])
    press(page, "n")
    page.keyboard.type("They call back.")
    press(page, "Tab", "Enter")
    say(page, "Your note is kept.")
    expect(page.locator(f"#open-{ten[0].pk}")).to_be_focused()


@pytest.mark.parametrize("window", ["wide", "narrow"])
def test_after_undo_the_keyboard_stands_where_the_act_was(look, staff, ten, window):
    page = look(staff["olivia"], window)
    page.goto("/queue/?tab=open")
    if window == "wide":
        press(page, "j")
        stands_at(page, ten[1])
    acts = pane(page) if window == "wide" else page.locator(f"#ticket-{ten[1].pk}")
    acts.get_by_role("button", name="Claim").click()
    say(page, "Claimed.")
    page.get_by_role("button", name="Undo").click()
    say(page, "Taken back.")
    expect(page.locator(f"#open-{ten[1].pk}")).to_be_focused()
    # On the ticket's own page there is no row: its contents have it.
    page.goto(f"/queue/{ten[1].pk}/")
    page.get_by_role("button", name="Claim").click()
    say(page, "Claimed.")
    page.get_by_role("button", name="Undo").click()
    say(page, "Taken back.")
    expect(page.locator("#main")).to_be_focused()


def test_new_tickets_are_loaded_around_what_one_is_at(look, staff, ten):
    page = look(staff["olivia"])
    page.clock.install()
    page.goto("/queue/?tab=open")
    stands_at(page, ten[0])
    press(page, "j")
    stands_at(page, ten[1])
    press(page, "n")
    page.keyboard.type("Half a thought")
    late = open_one("late", at=instant.now())
    page.clock.fast_forward(16_000)
    page.get_by_role("link", name="1 new").click()
    expect(page.locator(f"#ticket-{late.pk}")).to_be_visible()
    stands_at(page, ten[1])
    expect(page.locator("#note-form textarea")).to_have_value("Half a thought")
    expect(page.locator("#news-link")).to_have_count(0)


def test_after_an_act_on_many_the_keyboard_is_in_the_list_again(look, staff, ten):
    page = look(staff["olivia"])
    page.goto("/queue/?tab=open")
    stands_at(page, ten[0])
    press(page, "j")
    stands_at(page, ten[1])
    press(page, "x", "b", "Enter")
    say(page, "1 ticket claimed.")
    expect(page.locator(f"#open-{ten[1].pk}")).to_be_focused()
    # Where it was not filled in right the keyboard stays in its form.
    press(page, "x")
    page.locator("#bulk summary", has_text="Resolve").press("Enter")
    expect(page.locator("#id_resolve-resolution")).to_be_focused()
    page.locator('#bulk button[value="resolve"]').press("Enter")
    expect(page.get_by_text("Say why it is resolved")).to_be_visible()
    expect(page.locator("#id_resolve-resolution")).to_be_focused()


# Chips of a ticket at a glance that stand over what is beside them.
_TOO_WIDE = """[...document.querySelectorAll('#ticket-facts dd .chip')].filter((chip) =>
    chip.getBoundingClientRect().right > chip.closest('dd').getBoundingClientRect().right + 1
).map((chip) => chip.textContent.trim())"""


@pytest.mark.parametrize(("width", "is_page"), [(1280, False), (1440, True), (390, True)])
def test_why_the_clocks_stand_still_finds_room_beside_their_names(look, staff, width, is_page):
    at = instant.now()
    ticket = open_one("one", kind="credentials-refused", at=at)
    assert list(clocks.keep(Still(records={}, connections={"hubspot": at}), at=at)) == [ticket.pk]
    page = look(staff["olivia"])
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"/queue/{ticket.pk}/" if is_page else "/queue/?tab=open")
    said = page.locator("#ticket-facts dd .chip").first
    expect(said).to_have_text("Paused: its connection does not answer")
    assert page.evaluate(_TOO_WIDE) == []
    check(page, f"queue-standing-still-{width}")


def test_single_keys_are_turned_off_in_the_profile(look, staff, ten):
    page = look(staff["olivia"])
    page.goto("/profile/")
    page.get_by_role("button", name="Off", exact=True).press("Enter")
    say(page, "Single keys are off.")
    page.goto("/queue/?tab=open")
    stands_at(page, ten[0])
    press(page, "j", "c", "?")
    # What needs more than one key, and buttons, work all the same.
    press(page, "Control+k")
    expect(page.locator("#palette")).to_be_visible()
    expect(page.locator("#keys")).to_be_hidden()
    press(page, "Escape")
    stands_at(page, ten[0])
    assert not reread(ten[0]).claimed_by


def test_enter_in_the_list_opens_the_ticket_and_without_room_its_page(look, staff, ten):
    wide, small = look(staff["olivia"]), look(staff["olivia"], "zoomed")
    wide.goto("/queue/?tab=open")
    stands_at(wide, ten[0])
    press(wide, "j", "Enter")
    stands_at(wide, ten[1])
    expect(wide.locator("#pane-title")).to_be_focused()
    assert "/queue/?" in wide.url
    small.goto("/queue/?tab=open")
    press(small, "j", "j", "Enter")
    small.wait_for_url(f"**/queue/{ten[1].pk}/")
    # Every key of the list works on the page as well.
    press(small, "c")
    say(small, "Claimed.")
    press(small, "r")
    expect(small.locator("select[name=resolution]")).to_be_focused()


def test_on_a_tickets_own_page_a_resolve_leads_on_to_the_next_of_the_list(look, staff, ten):
    page = look(staff["olivia"], "zoomed", "dark")
    page.goto("/queue/?tab=open&order=oldest")
    first, second, third = Ticket.objects.order_by("pk")[:3]
    page.locator(f"#open-{first.pk}").click()
    page.wait_for_url(f"**/queue/{first.pk}/")
    press(page, "r")
    page.keyboard.type("Fixed")
    press(page, "Tab", "Tab", "Tab", "Enter")
    say(page, "Resolved.")
    expect(page.locator("#next-ticket")).to_be_focused()
    check(page, "resolved-on-its-own-page", whole=False)
    press(page, "Enter")
    page.wait_for_url(f"**/queue/{second.pk}/?view=**")
    press(page, "j")
    page.wait_for_url(f"**/queue/{third.pk}/?view=**")


def test_the_help_lists_the_keys_and_g_leads_to_every_page(look, staff, ten):
    page = look(staff["olivia"])
    page.goto("/queue/")
    press(page, "?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Claim")
    press(page, "Escape")
    press(page, "g", "p")
    page.wait_for_url("**/proposals/")


@on_every_screen
def test_every_screen_is_clean_to_see_and_to_hear(look, size, scheme, staff, ten):
    olivia = staff["olivia"]
    desk.claim(ticket_id=ten[1].pk, by=olivia, at=instant.now())
    Ticket.objects.filter(pk=ten[2].pk).update(record_title=f"{'renewal_2026_' * 9}final.pdf")
    for name, words in (("Mine", "tab=mine"), ("Disputes", "tab=open&kind=dispute")):
        looks.save(by=olivia, name=name, words=words, is_shared=name == "Mine", begins=False)
    page = look(olivia, size, scheme)
    page.goto("/queue/?tab=open&q=about")
    if size in ("large", "wide"):
        expect(pane(page).locator("[data-shown]")).to_be_visible()
    check(page, f"queue-{size}-{scheme}", whole=False)
    page.keyboard.press("?")
    check(page, f"keys-{size}-{scheme}", whole=False)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette [role=option]").first).to_be_visible()
    check(page, f"palette-{size}-{scheme}", whole=False)
    for name, url in {
        "views": "/queue/views/", "find": "/find/?q=about", "ticket": f"/queue/{ten[1].pk}/",
        "profile": "/profile/",
    }.items():  # fmt: skip
        page.goto(url)
        check(page, f"{name}-{size}-{scheme}", whole=False)
    looks.choose(by=olivia, shown=["severity", "due", "kind", "team", "times"], is_table=True)
    page.goto("/queue/?tab=open")
    check(page, f"table-{size}-{scheme}", whole=False)


def test_after_an_act_in_a_row_of_the_table_the_keyboard_is_still_in_that_row(look, staff, ten):
    looks.choose(by=staff["olivia"], shown=["severity", "due"], is_table=True)
    page = look(staff["olivia"])
    page.goto("/queue/?tab=open")
    row, title = page.locator(f"#ticket-{ten[2].pk}"), page.locator(f"#open-{ten[2].pk}")

    row.get_by_role("button", name="Claim").press("Enter")
    say(page, "Claimed.")
    expect(title).to_be_focused()
    row.get_by_role("button", name="Acknowledge").press("Space")
    say(page, "Acknowledged.")
    expect(title).to_be_focused()

    # A no leaves the form open, and the keyboard in it.
    row.get_by_role("link", name="Resolve").press("Enter")
    form = row.locator("form[action$='/resolve/']")
    form.evaluate("form => { form.noValidate = true }")
    form.get_by_role("button", name="Resolve").press("Enter")
    expect(row.get_by_text("Say why it is resolved")).to_be_visible()
    expect(form.locator("select")).to_be_focused()


def test_beside_a_ticket_all_that_is_behind_more_can_be_reached(look, staff, ten):
    page = look(staff["olivia"])
    page.goto("/queue/?tab=open")
    page.locator("summary", has_text="More").first.click()
    apply = page.locator(".more-filters").get_by_role("button", name="Apply")
    expect(apply).to_be_attached()
    page.locator(".more-filters").hover(position={"x": 50, "y": 50})
    page.mouse.wheel(0, 5_000)
    expect(apply).to_be_in_viewport(ratio=1)


def test_what_comes_open_with_the_page_stands_within_the_screen(look, staff, ten):
    page = look(staff["olivia"])
    page.goto("/queue/?tab=open&kind=dispute&connection=hubspot&age_from=-1")
    panel = page.locator(".more-filters")
    expect(panel).to_be_visible()
    page.wait_for_function("window.meshline")
    expect(panel).to_be_in_viewport(ratio=1)


def test_without_scripts_a_row_leads_to_the_tickets_page(look, staff, ten):
    page = look(staff["olivia"], java_script_enabled=False)
    page.goto("/queue/?tab=open")
    expect(pane(page)).to_be_hidden()
    page.get_by_role("link", name=f"About {ten[0].kind}").click()
    page.wait_for_url(f"**/queue/{ten[0].pk}/")
    page.get_by_role("button", name="Claim").click()
    say(page, "Claimed.")
    page.get_by_role("link", name="Find or do").click()
    expect(page.get_by_role("heading", name="Find")).to_be_visible()


def test_without_scripts_a_rows_first_act_is_a_plain_button(look, staff, ten):
    page = look(staff["olivia"], java_script_enabled=False)
    page.goto("/queue/?tab=open")
    page.locator(f"#ticket-{ten[0].pk}").get_by_role("button", name="Claim").click()
    say(page, "Claimed.")
    ten[0].refresh_from_db()
    assert ten[0].claimed_by == staff["olivia"]
    assert Ticket.objects.filter(claimed_by=staff["olivia"]).count() == 1


def test_without_scripts_a_ticket_keeps_its_list_over_whatever_is_done_with_it(look, staff, ten):
    listed = "/queue/?tab=open&kind=delivery-failed"
    one = next(ticket for ticket in ten if ticket.kind == "delivery-failed")
    other = open_one("other", kind="delivery-failed", at=instant.now())
    page = look(staff["olivia"], java_script_enabled=False)
    page.goto(listed)
    page.get_by_role("link", name=f"About {one.kind}").click()
    page.get_by_role("button", name="Claim").click()
    say(page, "Claimed.")
    page.get_by_role("button", name="Acknowledge").click()
    say(page, "Acknowledged.")
    page.get_by_role("button", name="Undo").click()
    say(page, "Taken back.")
    # What is refused is shown at the form's own address, and sent again from there.
    notes = page.locator("#note-form")
    notes.get_by_label("Note").fill(" ")
    notes.get_by_role("button", name="Add the note").click()
    notes.get_by_label("Note").fill("Looked into it.")
    notes.get_by_role("button", name="Add the note").click()
    say(page, "Your note is kept.")
    back = page.get_by_role("link", name="Queue").and_(page.locator(f'[href="{listed}"]'))
    expect(back).to_have_count(1)
    page.get_by_role("link", name="Next ticket").click()
    page.wait_for_url(f"**/queue/{other.pk}/?view=*kind*")
