"""The story a newcomer walks in the demo, in a real browser, on everything `make run` starts."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

PROJECT = Path(__file__).resolve().parents[2]
# What the test run itself lives on, and `up` must not find.
OURS = ("MESHLINE_", "DATABASE_URL", "MIGRATION_", "REDIS_URL", "SECRET", "DJANGO_", "PYTEST_")
# The seconds tier's budget is a minute; then the clock opens the ticket within seconds.
TICKET_WITHIN = 120


class Demo:
    """A running demo company: its address, and who may sign in."""

    def __init__(self, state: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.said = state.with_name("terminal.txt")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        with self.said.open("wb") as terminal:
            self.process = subprocess.Popen(
                [sys.executable, str(PROJECT / "manage.py"), "up", "--port", str(self.port)],
                # A canary that fails as well opens the breaker sooner, and the outage is told.
                env={**clean, "MESHLINE_STATE": str(state), "CANARIES": "0"},
                stdout=terminal,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> None:
        deadline = time.monotonic() + 180
        while f"Meshline is ready at {self.url}\n" not in self.said.read_text():
            assert self.process.poll() is None, self.said.read_text()
            assert time.monotonic() < deadline, self.said.read_text()
            time.sleep(0.2)

    @property
    def passwords(self) -> dict[str, tuple[str, str]]:
        """E-mail and password by role, as printed: one line a person, three words."""
        people = re.findall(r"^([a-z-]+) (\S+@\S+) (\S+)$", self.said.read_text(), re.MULTILINE)
        return {role: (email, password) for role, email, password in people}

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(90)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    running = Demo(tmp_path_factory.mktemp("demo") / "state")
    try:
        running.wait()
        yield running
    finally:
        code = running.stop()
    assert code == 0


@pytest.fixture
def page(browser, demo):
    """The operator, signed in through the form; what the browser complains about fails the test."""
    context = browser.new_context(base_url=demo.url, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    sign_in(page, *demo.passwords["operator"])
    yield page
    context.close()
    assert complaints == []


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/sign-in/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="What needs you now")).to_be_visible()


def send_proposal(page: Page, name: str) -> None:
    page.goto("/demo/")
    page.get_by_label("Proposal", exact=True).fill(name)
    page.get_by_role("button", name="Create and send").click()
    expect(page.get_by_text(f"“{name}” was sent from the quoting tool.")).to_be_visible()


def switch(page: Page, label: str, to: str) -> None:
    page.goto("/demo/")
    fault = page.get_by_role("listitem").filter(has_text=label)
    fault.get_by_role("button", name=f"Switch {to}").click()
    expect(page.get_by_text(f"{label}: {to}.")).to_be_visible()


def reload_until(page: Page, there, seconds: float) -> None:
    """Look again, as somebody who waits does, until it is there."""
    deadline = time.monotonic() + seconds
    while there().count() == 0:
        assert time.monotonic() < deadline, page.locator("main").inner_text()
        page.wait_for_timeout(500)
        page.reload()


def open_proposal(page: Page, name: str) -> None:
    page.goto(f"/proposals/?q={name.replace(' ', '+')}")
    reload_until(page, lambda: page.get_by_role("link", name=name), 30)
    page.get_by_role("link", name=name).first.click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def proven(page: Page):
    section = page.get_by_role("region", name="What must follow")
    return section.locator("tbody tr").filter(has_text="Proven")


def test_the_demo_prints_one_line_per_person(demo):
    roles = {"operator", "manager", "sdr-manager", "rep", "admin", "viewer"}
    assert set(demo.passwords) == roles
    assert demo.said.read_text().endswith(f"Meshline is ready at {demo.url}\n")


def test_a_sent_proposal_is_followed_up_in_the_crm_with_proof(page):
    send_proposal(page, "Lighthouse optics")

    open_proposal(page, "Lighthouse optics")
    reload_until(page, lambda: proven(page).nth(2), 30)
    main = page.locator("main")
    expect(main).to_contain_text("18,400.00 EUR")
    expect(main).to_contain_text("Create the follow-up task")
    expect(main.get_by_role("link", name=re.compile("task [0-9]+")).first).to_be_visible()

    page.goto("/demo/")
    tasks = page.get_by_role("region", name="Tasks in the CRM")
    row = tasks.get_by_role("row").filter(has_text="Follow up: Lighthouse optics")
    expect(row).to_contain_text("To do")


@pytest.fixture
def unlooked(browser, demo):
    """Nobody looks through the CRM: pages that fail as well open the breaker sooner."""
    context = browser.new_context(base_url=demo.url)
    page = context.new_page()
    sign_in(page, *demo.passwords["admin"])
    page.goto("/connections/hubspot/change/")
    page.get_by_label("Look every").fill("0")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/connections/hubspot/")
    context.close()


@pytest.mark.long
def test_what_the_crm_refuses_becomes_one_ticket_that_closes_on_evidence(page, unlooked):
    switch(page, "CRM down", "on")
    send_proposal(page, "Turbine refit")

    # Its retries are visible.
    open_proposal(page, "Turbine refit")
    deal = page.get_by_role("link", name=re.compile("Create or update the deal")).first
    reload_until(page, lambda: deal, 60)
    deal.click()
    reload_until(page, lambda: page.get_by_text("Attempt 3"), 60)
    expect(page.locator("main")).to_contain_text("503")

    # Then there is one ticket, with owner, deadlines, payload and remedy.
    page.goto("/queue/?q=Turbine")
    ticket = page.get_by_role("row").filter(has_text="Turbine refit")
    reload_until(page, lambda: ticket, TICKET_WITHIN)
    expect(ticket).to_have_count(1)
    ticket.get_by_role("link").first.click()
    main = page.locator("main")
    expect(main).to_contain_text("Olivia Ortiz")
    expect(main).to_contain_text("Acknowledge")
    expect(main).to_contain_text("Fix")
    expect(main).to_contain_text("18,400.00 EUR")
    expect(main).to_contain_text("Payload")
    retry = page.get_by_role("button", name="Retry")
    expect(retry).to_be_enabled()

    page.get_by_role("button", name="Claim").click()
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("button", name="Acknowledge")).to_have_count(0)
    address = page.url

    # The fault goes, a retry goes out, and the page itself comes to say how it ended.
    switch(page, "CRM down", "off")
    page.goto(address)
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("Closed on evidence.")).to_be_visible(timeout=60_000)

    open_proposal(page, "Turbine refit")
    expect(proven(page)).to_have_count(3, timeout=30_000)


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_screen_trips_a_screen_reader(browser, demo, scheme):
    context = browser.new_context(base_url=demo.url, color_scheme=scheme)
    page = context.new_page()
    sign_in(page, *demo.passwords["operator"])
    found = {}
    for address in (
        "/", "/queue/", "/queue/3/", "/proposals/", "/proposals/1/", "/outcomes/", "/outcomes/1/",
        "/messages/", "/messages/1/", "/messages/refused/", "/connections/",
        "/connections/hubspot/", "/operating-model/", "/operating-model/contracts/",
        "/operating-model/calendars/1/", "/trail/", "/demo/", "/notices/", "/profile/",
    ):  # fmt: skip
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        violations = Axe().run(page).response["violations"]
        if violations:
            found[address] = [(one["id"], one["nodes"][0]["html"][:150]) for one in violations]
    context.close()
    assert found == {}
