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
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="There is no chromium here."),
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
