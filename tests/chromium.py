"""A real browser for tests: somebody's page of a size in a scheme, and what it must not do.

MESHLINE_SHOTS=<folder> keeps a picture of each screen that is checked.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# Zoomed is a screen of 1280 at 200 %.
SIZES = {"large": (1600, 1000), "wide": (1280, 900), "zoomed": (640, 450), "narrow": (400, 850)}
# A refusal is what some tests ask for; the browser and htmx say so as well.
_REFUSED = re.compile("status of 4|Status Error Code 4")
# What is still coming into sight has less contrast than it will have; a spinner never rests.
_AT_REST = """Promise.all(document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().endTime < Infinity)
    .map((one) => one.finished))"""
# The long form sees a screen all ways. The short form sees it one way, the screens of one file wide
# and light, those of the next narrow and dark.
_SHORT = [("wide", "light"), ("narrow", "dark")]


def on_both_screens(test: Callable) -> Callable:
    return _seen(test, "wide", "narrow")


def on_every_screen(test: Callable) -> Callable:
    return _seen(test, *SIZES)


def _seen(test: Callable, *sizes: str) -> Callable:
    ways = [(size, scheme) for size in sizes for scheme in ("light", "dark")]
    short = _SHORT[crc32(test.__module__.encode()) % len(_SHORT)]
    marked = [pytest.param(*way, marks=[] if way == short else pytest.mark.long) for way in ways]
    return pytest.mark.parametrize(("size", "scheme"), marked)(test)


_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser():
    # The browser's own event loop runs in this thread; the ORM is told that this is fine.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGS)
        yield opened
        opened.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def look(browser, live_server):
    """Somebody's page, signed in, or nobody's; what it complained about fails the test, but for
    what a test lets break."""
    contexts, complaints = [], []

    def opened(user=None, size="wide", scheme="light", *, breaks=False, **more):
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme,
            base_url=live_server.url, **more,
        )  # fmt: skip
        contexts.append(context)
        if user is not None:
            context.add_cookies([_sitting(user, live_server.url)])
        page = context.new_page()
        page.on("console", lambda said: breaks or _note(complaints, said))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def check(page, name, *, whole=True):
    """Clean for axe and no wider than its screen; the picture is of all of it or what is seen."""
    page.evaluate(_AT_REST)
    if shots := os.environ.get("MESHLINE_SHOTS"):
        Path(shots).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{shots}/{name}.png", full_page=whole)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, f"{name} is {overflow}px wider than the screen"


def _sitting(user, url):
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": url}


def _note(complaints, said):
    if said.type == "error" and not _REFUSED.search(said.text):
        complaints.append(said.text)
