"""The screens in a real browser: light and dark, wide and narrow, clean for axe and for the CSP.

MESHLINE_SHOTS=<folder> keeps a picture of each.
"""

import pytest

from meshline import instant
from meshline.notices import notices
from meshline.people.models import User
from tests.chromium import SIZES, check, on_both_screens
from tests.web.conftest import PASSWORD

SCREENS = {
    "kit": "/kit/",
    "people": "/people/",
    "person": "/people/{rui}/",
    "invite": "/people/invite/",
    "profile": "/profile/",
    "notices": "/notices/",
    "missing": "/nowhere/",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


def _sign_in(page, user):
    page.goto("/sign-in/")
    page.fill("input[name=username]", user.email)
    page.fill("input[name=password]", PASSWORD)
    page.click("text=Sign in >> nth=-1")
    page.wait_for_url("**/")


def _told(user):
    now = instant.now()
    sentences = ["Q-1841 is overdue by 15 minutes.", "You are on call from Monday 09:00."]
    for number, sentence in enumerate(sentences):
        notices.tell(user, sentence, key=f"shot-{number}", at=now, url="/")


@on_both_screens
def test_every_screen_is_clean_to_see_and_to_hear(look, size, scheme, ada, rui, sol, mara, ana):
    User.objects.filter(pk=ana.pk).update(is_active=False)
    _told(ada)
    page = look(None, size, scheme)
    page.goto("/sign-in/?ended=idle")
    check(page, f"sign-in-{size}-{scheme}")
    page.goto("/demo-sign-in/")
    check(page, f"sign-in-demo-{size}-{scheme}")
    _sign_in(page, ada)
    for name, url in SCREENS.items():
        page.goto(url.format(rui=rui.pk))
        check(page, f"{name}-{size}-{scheme}")


def test_the_table_pages_keep_to_the_policy(look, ada):
    page = look(scheme="dark")
    _sign_in(page, ada)
    for url in ("/tables/", "/tables/nowhere/"):
        page.goto(url)


def test_a_no_is_seen_and_heard_without_leaving_the_page(look, ana):
    page = look()
    _sign_in(page, ana)
    page.goto("/kit/")
    page.evaluate("htmx.ajax('POST', '/refuse/', {target: '#main', swap: 'innerHTML'})")
    message = page.locator("#messages [role=alert]")
    message.wait_for()
    assert "Ana claimed it 5 s ago." in message.inner_text()
    assert page.locator("h1").inner_text() == "Exception queue"
    page.click("[data-dismiss]")
    assert message.count() == 0


def test_what_breaks_never_replaces_a_part(look, ana):
    page = look(breaks=True)
    _sign_in(page, ana)
    page.goto("/kit/")
    page.evaluate("htmx.ajax('GET', '/break/', {target: '#main', swap: 'innerHTML'})")
    page.locator("#messages [role=alert]").wait_for()
    assert page.locator("h1").inner_text() == "Exception queue"


def test_the_reason_beside_a_refused_button_is_reached_by_the_keyboard(look, ana):
    page = look()
    _sign_in(page, ana)
    page.goto("/kit/")
    button = page.locator(".data [aria-disabled=true]").first
    why = page.locator(".data .refused-why").first
    assert not why.is_visible()
    button.focus()
    assert why.is_visible()
    page.keyboard.press("Enter")
    assert page.url.endswith("/kit/")


def test_a_form_in_place_opens_with_its_field_and_closes_by_escape(look, ana):
    page = look(size="narrow")
    _sign_in(page, ana)
    page.goto("/kit/")
    opener = page.locator("summary", has_text="Close several")
    opener.focus()
    page.keyboard.press("Enter")
    field = page.locator("details[open] textarea")
    field.wait_for()
    assert field.evaluate("field => field === document.activeElement")
    box = page.locator("details[open] .ask-panel").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= SIZES["narrow"][0]
    page.keyboard.press("Escape")
    assert not field.is_visible()
    assert opener.evaluate("opener => opener === document.activeElement")


def test_the_navigation_of_a_small_screen_opens_and_closes(look, ana):
    page = look(size="narrow")
    _sign_in(page, ana)
    page.goto("/profile/")
    links = page.locator("#side a", has_text="Home")
    assert not links.is_visible()
    page.get_by_role("button", name="Menu", exact=True).click()
    assert links.is_visible()
    page.keyboard.press("Escape")
    assert not links.is_visible()


def test_a_choice_in_a_filter_is_a_page_one_can_come_back_from(look, ada, rui):
    page = look()
    _sign_in(page, ada)
    page.goto("/people/")
    with page.expect_navigation():
        page.select_option("select[name=role]", "rep")
    assert "role=rep" in page.url
    assert page.locator(".data tbody tr").count() == 1
    page.go_back()
    assert page.locator(".data tbody tr").count() == 2


def test_dark_is_set_by_the_server_and_stays(look, ana):
    page = look()
    _sign_in(page, ana)
    page.goto("/profile/")
    page.click(".choice[value=dark]")
    page.goto("/notices/")
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"


def test_everything_works_without_scripts(browser, live_server, ada, rui):
    context = browser.new_context(java_script_enabled=False, base_url=live_server.url)
    page = context.new_page()
    _sign_in(page, ada)
    page.goto(f"/people/{rui.pk}/")
    page.fill("input[name=name]", "Rui C. Costa")
    page.click("text=Save")
    assert "Rui C. Costa is saved." in page.locator("#messages").inner_text()
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.locator("#side a", has_text="People").is_visible()
    context.close()
