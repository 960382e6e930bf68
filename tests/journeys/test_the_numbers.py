"""Rosa looks at four weeks of the queue in numbers, and behind each one finds exactly its rows."""

import csv
import html
import io
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from exceptions import desk, troubles
from meshline import instant
from tests.exceptions.conftest import CARRIER, MONDAY, open_one, trouble
from tests.factories import reread
from tests.reading import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("staff", "monday")]
DAY = timedelta(days=1)


@pytest.fixture
def monday():
    with instant.stopped(MONDAY):
        yield


def close(ticket, by, at, **given):
    desk.claim(ticket_id=ticket.pk, by=by, at=at)
    desk.acknowledge(ticket_id=ticket.pk, by=by, at=at)
    done_at = at + timedelta(hours=2)
    desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=by, at=done_at, **given)


@pytest.fixture
def four_weeks(rosa, olivia):
    """Three open ones of three ages, two that were fixed, one of which came back, and one of long
    ago."""
    open_one("new", failure="timeout")
    open_one("days", at=MONDAY - 2 * DAY, kind="role-drift")
    open_one("weeks", at=MONDAY - 20 * DAY, failure="timeout")
    close(open_one("quick", at=MONDAY - 7 * DAY, failure="timeout"), olivia, MONDAY - 7 * DAY)
    back = open_one("back", at=MONDAY - 6 * DAY)
    close(back, rosa, MONDAY - 6 * DAY, minutes=25)
    troubles.open_ticket(trouble("back"), by=CARRIER, at=MONDAY - 5 * DAY)
    assert reread(back).reopened == 1
    close(reread(back), rosa, MONDAY - 5 * DAY, minutes=25)
    close(open_one("old", at=MONDAY - 60 * DAY), rosa, MONDAY - 60 * DAY)


def numbers_on(page):
    """Each number's link with how many rows it promises."""
    found = re.findall(r'<a[^>]*href="(/queue/\?[^"]*)"[^>]*data-rows="(\d+)"', page.text)
    return [(html.unescape(url), int(rows)) for url, rows in found]


def rows_of(client, url):
    """How many rows the queue shows there, on all its pages."""
    shown, follow = 0, url
    while follow:
        page = client.get(follow)
        assert page.status_code == 200
        assert page.context["filter"].is_valid(), page.context["filter"].errors
        shown += len(page.context["rows"])
        follow = page.context["page"].older_url and f"/queue/{page.context['page'].older_url}"
    return shown


def test_rosa_finds_behind_each_number_exactly_its_rows(rosa, four_weeks):
    client = signed_in(rosa)
    # 1. From the queue she comes to its numbers.
    assert 'href="/queue/numbers/"' in client.get("/queue/").text
    page = client.get("/queue/numbers/")
    assert page.status_code == 200

    # 2. They are of the last four weeks.
    assert "3 Feb – 2 Mar 2026" in page.text
    told = numbers_on(page)
    assert len(told) > 30

    # 3. Each is the way to its rows, and there are as many of them as it says.
    for url, promised in told:
        assert rows_of(client, url) == promised, url

    # 4. What is open by age: today's, two days' and three weeks'.
    open_by_age = [rows for url, rows in told if "age_" in url]
    assert sorted(open_by_age) == [0, 0, 0, 1, 1, 1]

    # 5. She looks at 90 days, and at one kind alone; the links stay true.
    for query in ("?days=90", "?days=7", "?kind=role-drift", f"?owner={rosa.pk}&days=90",
                  "?since=2026-02-23&until=2026-02-24"):  # fmt: skip
        for url, promised in numbers_on(client.get(f"/queue/numbers/{query}")):
            assert rows_of(client, url) == promised, (query, url)


def test_she_takes_along_exactly_what_she_sees(rosa, four_weeks):
    client = signed_in(rosa)
    page = client.get("/queue/numbers/?days=90")
    action = re.search(r'action="(/queue/numbers/export/[^"]*)"', page.text)[1]
    answer = client.post(html.unescape(action))
    text = b"".join(answer.streaming_content).decode()
    lines = list(csv.DictReader(io.StringIO(text)))
    seen = {url for url, _ in numbers_on(page)}
    assert {line["rows"] for line in lines if line["rows"]} == seen
    opened = next(line for line in lines if line["number"] == "Opened" and not line["of"])
    assert (opened["value"], opened["unit"]) == ("6", "tickets")
    days = parse_qs(urlsplit(opened["rows"]).query)
    assert days["opened_to"] == ["2026-03-02"]
