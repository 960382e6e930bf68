"""The screens in a real browser: light and dark, wide and narrow, clean for axe and for the CSP.

MESHLINE_SHOTS=<folder> keeps a picture of each.
"""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from meshline import instant
from meshline.notices import notices
from meshline.people.models import User
from tests.web.conftest import PASSWORD

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
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
    """Open a page of a size in a scheme; what the browser complained about comes along."""
    contexts = []

    def opened(size, scheme):
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            base_url=live_server.url,
        )
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_screen_is_clean_to_see_and_to_hear(look, size, scheme, ada, rui, sol, mara, ana):
    User.objects.filter(pk=ana.pk).update(is_active=False)
    _told(ada)
    page = look(size, scheme)
    page.goto("/sign-in/?ended=idle")
    _check(page, f"sign-in-{size}-{scheme}")
    page.goto("/demo-sign-in/")
    _check(page, f"sign-in-demo-{size}-{scheme}")
    _sign_in(page, ada)
    for name, url in SCREENS.items():
        page.goto(url.format(rui=rui.pk))
        _check(page, f"{name}-{size}-{scheme}")


def test_the_table_pages_keep_to_the_policy(look, ada):
    page = look("wide", "dark")
    _sign_in(page, ada)
    for url in ("/tables/", "/tables/nowhere/"):
        page.goto(url)
    assert page.complaints == []


def test_a_no_is_seen_and_heard_without_leaving_the_page(look, ana):
    page = look("wide", "light")
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
    page = look("wide", "light")
    _sign_in(page, ana)
    page.goto("/kit/")
    page.evaluate("htmx.ajax('GET', '/break/', {target: '#main', swap: 'innerHTML'})")
    page.locator("#messages [role=alert]").wait_for()
    assert page.locator("h1").inner_text() == "Exception queue"


def test_the_reason_beside_a_refused_button_is_reached_by_the_keyboard(look, ana):
    page = look("wide", "light")
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
    page = look("narrow", "light")
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
    page = look("narrow", "light")
    _sign_in(page, ana)
    page.goto("/profile/")
    links = page.locator("#side a", has_text="Home")
    assert not links.is_visible()
    page.get_by_role("button", name="Menu", exact=True).click()
    assert links.is_visible()
    page.keyboard.press("Escape")
    assert not links.is_visible()


def test_a_choice_in_a_filter_is_a_page_one_can_come_back_from(look, ada, rui):
    page = look("wide", "light")
    _sign_in(page, ada)
    page.goto("/people/")
    with page.expect_navigation():
        page.select_option("select[name=role]", "rep")
    assert "role=rep" in page.url
    assert page.locator(".data tbody tr").count() == 1
    page.go_back()
    assert page.locator(".data tbody tr").count() == 2


def test_dark_is_set_by_the_server_and_stays(look, ana):
    page = look("wide", "light")
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
