"""The queue in numbers: what each one says, whose tickets count, what the URL may ask."""

import csv
import html
import io
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from exceptions import desk, troubles
from exceptions.models import Ticket
from meshline.audit.models import TrailLine
from tests.exceptions.conftest import CARRIER, MONDAY, open_one, trouble
from tests.factories import reread

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday", "staff")]
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# A Friday, an hour before everybody goes home.
FRIDAY = MONDAY - 3 * DAY + timedelta(hours=6.5)


def take_up(ticket, by, at):
    desk.claim(ticket_id=ticket.pk, by=by, at=at)
    desk.acknowledge(ticket_id=ticket.pk, by=by, at=at)


def close(ticket, by, at, **given):
    desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=by, at=at, **given)
    return reread(ticket)


def look(client, query=""):
    answer = client.get(f"/queue/numbers/{query}")
    assert answer.status_code == 200
    return answer


def whole(answer):
    return {name: one.text for name, one in answer.context["numbers"].whole.numbers.items()}


def modes(answer):
    return {
        (line.label, line.sub): {name: one.text for name, one in line.numbers.items()}
        for line in answer.context["numbers"].modes.lines
    }


def like(ticket, count, **changes):
    """So many more tickets as that one is, each of a cause of its own."""
    row = Ticket.objects.values().get(pk=ticket.pk)
    generated = ("id", "next_due_at", "money_at_risk")
    row = {name: value for name, value in row.items() if name not in generated}
    others = Ticket.objects.count()
    rows = ({**row, "cause": f"like-{others + n}", **changes} for n in range(count))
    Ticket.objects.bulk_create(Ticket(**one) for one in rows)


# --- How long it took ------------------------------------------------------------------------
def test_what_it_took_is_business_time_of_its_team(olivia):
    ticket = open_one(at=FRIDAY)
    take_up(ticket, olivia, FRIDAY + HOUR / 2)
    assert reread(ticket).acknowledged_within == HOUR / 2
    # Until Monday 09:30: half an hour of Friday's is left, and half an hour of Monday's.
    assert close(ticket, olivia, MONDAY).resolved_within == HOUR * 1.5


def test_what_it_stood_still_does_not_count(olivia):
    ticket = open_one(at=FRIDAY)
    stood = {"paused_for": HOUR / 2, "ack_paused_for": HOUR / 4}
    Ticket.objects.filter(pk=ticket.pk).update(**stood)
    take_up(ticket, olivia, FRIDAY + HOUR / 2)
    assert reread(ticket).acknowledged_within == HOUR / 4
    # And since noon of Monday it stands still again.
    still = {"paused_since": MONDAY, "paused_by_rule": "record-on-hold"}
    Ticket.objects.filter(pk=ticket.pk).update(**still)
    assert close(ticket, olivia, MONDAY + HOUR).resolved_within == HOUR


def test_the_first_acknowledgement_counts_and_the_last_closing(olivia):
    ticket = open_one(at=FRIDAY)
    take_up(ticket, olivia, FRIDAY + HOUR / 4)
    close(ticket, olivia, FRIDAY + HOUR / 2)
    troubles.open_ticket(trouble(), by=CARRIER, at=MONDAY)
    again = reread(ticket)
    assert (again.acknowledged_within, again.resolved_within) == (HOUR / 4, None)
    take_up(ticket, olivia, MONDAY + HOUR)
    assert reread(ticket).acknowledged_within == HOUR / 4
    assert close(ticket, olivia, MONDAY + 2 * HOUR).resolved_within == 2 * HOUR


def test_what_closes_on_evidence_counts_as_well():
    ticket = open_one(at=FRIDAY)
    troubles.settle(subject="outcome:one", because="Found.", by=CARRIER, at=FRIDAY + HOUR / 2)
    assert reread(ticket).resolved_within == HOUR / 2


# --- What the page says ----------------------------------------------------------------------
@pytest.fixture
def page(as_, rosa):
    return as_(rosa)


def test_medians_are_of_the_middle_one_and_p95_of_enough(page, olivia):
    for hours in (1, 2, 3):
        ticket = open_one(f"of-{hours}", at=FRIDAY - 5 * HOUR, failure="timeout")
        take_up(ticket, olivia, FRIDAY - 5 * HOUR + hours * HOUR / 2)
        last = close(ticket, olivia, FRIDAY - 5 * HOUR + hours * HOUR)
    mode = ("Delivery failed", "timeout")
    told = modes(look(page))[mode]
    assert told["Acknowledged: median"] == "1 h"
    assert (told["Resolved"], told["Resolved: median"], told["Resolved: p95"]) == ("3", "2 h", "—")
    like(last, 16)
    assert modes(look(page))[mode]["Resolved: p95"] == "—"
    like(last, 1, cause="twentieth")
    told = modes(look(page))[mode]
    assert (told["Resolved"], told["Resolved: p95"]) == ("20", "3 h")


def test_why_there_is_no_p95_stands_beside_it(page, olivia):
    ticket = open_one(at=FRIDAY)
    take_up(ticket, olivia, FRIDAY)
    assert "Shown from 20 tickets on; 1 ticket" in look(page).text


def test_failure_modes_are_kind_and_class(page):
    open_one("a", failure="timeout")
    open_one("b", failure="refused")
    open_one("c")
    open_one("d", kind="role-drift")
    assert set(modes(look(page))) == {
        ("Delivery failed", "timeout"), ("Delivery failed", "refused"), ("Delivery failed", ""),
        ("Nobody we know is named as owner", ""),
    }  # fmt: skip


def test_the_reopen_rate_and_what_people_said_it_took(page, olivia):
    for name, minutes in (("a", 10), ("b", 25), ("c", None), ("d", None)):
        ticket = open_one(name, at=FRIDAY)
        close(ticket, olivia, FRIDAY + HOUR / 2, minutes=minutes)
    troubles.open_ticket(trouble("a"), by=CARRIER, at=MONDAY)
    told = whole(look(page))
    # What is open again is not resolved any more; of the four answers one did not last.
    assert (told["Resolved"], told["Reopen rate"], told["Open, came back"]) == ("3", "25 %", "1")
    close(Ticket.objects.get(cause="cause-a"), olivia, MONDAY)
    told = whole(look(page))
    assert (told["Reopen rate"], told["Human minutes"]) == ("25 %", "35")


def test_an_answer_that_did_not_last_counts_in_the_days_in_which_it_was_given(page, olivia):
    close(open_one("a", at=FRIDAY), olivia, FRIDAY)
    troubles.open_ticket(trouble("a"), by=CARRIER, at=MONDAY)
    rates = [
        whole(look(page, f"?since={day:%Y-%m-%d}&until={day:%Y-%m-%d}"))["Reopen rate"]
        for day in (FRIDAY, MONDAY)
    ]
    assert rates == ["100 %", "—"]


def test_open_ones_are_told_by_who_has_them(page, olivia, rosa):
    open_one("olivias")
    desk.claim(ticket_id=open_one("rosas").pk, by=rosa, at=MONDAY)
    table = look(page).context["numbers"].open[2]
    assert {line.label: line.numbers["Open"].rows for line in table.lines} == {
        "Olivia Ortiz": 1, "Rosa Marin": 1,
    }  # fmt: skip


def test_a_cause_recurs_that_opened_two_tickets_or_came_back(page, olivia):
    for at in (MONDAY - 20 * DAY, MONDAY - 10 * DAY):
        ticket = troubles.open_ticket(trouble("often", title="=Often"), by=CARRIER, at=at)
        close(ticket, olivia, at + HOUR)
    back = open_one("back", at=MONDAY - 2 * DAY)
    close(back, olivia, MONDAY - DAY)
    troubles.open_ticket(trouble("back"), by=CARRIER, at=MONDAY)
    open_one("once")
    lines = look(page).context["causes"]["rows"]
    told = [(row["line"].label, *(one.rows for _, one, _ in row["cells"])) for row in lines]
    assert told == [("=Often", 2, 0), ("Delivery of back failed", 1, 1)]


# --- Whose tickets count ---------------------------------------------------------------------
def test_only_what_a_person_may_see_counts(as_, staff, olivia):
    open_one("ours")
    Ticket.objects.filter(pk=open_one("theirs").pk).update(owner=staff["remy"])
    assert whole(look(as_(staff["rosa"])))["Open"] == "2"
    answer = look(as_(staff["sam"]))
    assert whole(answer)["Open"] == "1"
    assert [line.label for line in answer.context["numbers"].open[2].lines] == ["Remy Park"]


def test_who_sees_masked_reads_no_title(as_, staff, olivia):
    for at in (MONDAY - 20 * DAY, MONDAY - 10 * DAY):
        made = troubles.open_ticket(trouble("x", title="nina@example.com"), by=CARRIER, at=at)
        close(made, olivia, at + HOUR)
    assert "nina@example.com" in look(as_(staff["rosa"])).text
    assert "nina@example.com" not in look(as_(staff["vera"])).text


def test_a_rep_has_no_numbers_and_a_stranger_signs_in(client, staff):
    assert client.get("/queue/numbers/").headers["Location"].startswith("/sign-in/")
    client.force_login(staff["remy"])
    answer = client.get("/queue/numbers/")
    assert answer.status_code == 403
    assert "may not see the exception queue" in answer.text


def test_who_may_not_take_them_along_hears_why(as_, staff):
    open_one()
    vera = as_(staff["vera"])
    assert "may not export the exception queue" in look(vera).text
    assert vera.post("/queue/numbers/export/").status_code == 403


# --- What the URL may ask --------------------------------------------------------------------
def test_nothing_to_count_says_so(page):
    assert "Nothing to count" in look(page).text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("days=13", "Select a valid choice"),
        ("since=soon", "Write a day, such as 2026-03-02."),
        ("until=1999-01-01", "Write a day between 2000 and 2199."),
        ("since=2026-03-02&until=2026-03-01", "This is before the first day"),
        ("kind=zebra", "Select a valid choice"),
        ("team=0", "Select a valid choice"),
        ("owner=99999999999999999999", "Select a valid choice"),
        ("days=%00", "Select a valid choice"),
    ],
)
def test_what_cannot_be_read_narrows_nothing_and_says_so(page, query, sentence):
    open_one()
    answer = look(page, f"?{query}")
    assert sentence in html.unescape(answer.text)
    assert whole(answer)["Open"] == "1"
    assert "3 Feb – 2 Mar 2026" in answer.text
    refused = page.post(f"/queue/numbers/export/?{query}")
    assert (refused.status_code, TrailLine.objects.filter(what__contains="exported").count()) == (
        303, 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("days=7", "24 Feb – 2 Mar 2026"),
        ("since=2025-12-30", "30 Dec 2025 – 2 Mar 2026"),
        ("until=2026-01-31", "4 Jan – 31 Jan 2026"),
        ("until=2026-01-31&days=7", "25 Jan – 31 Jan 2026"),
        ("since=2026-02-01&until=2026-02-01", "1 Feb – 1 Feb 2026"),
    ],
)
def test_the_period_is_what_the_url_says(page, query, words):
    open_one()
    assert words in look(page, f"?{query}").text


def test_days_are_those_of_the_persons_own_zone(page, rosa):
    """Ten in the evening in London is the next day in Auckland."""
    open_one(at=MONDAY - timedelta(hours=11.5))
    assert whole(look(page, "?since=2026-03-02"))["Opened"] == "0"
    type(rosa).objects.filter(pk=rosa.pk).update(zone="Pacific/Auckland")
    assert whole(look(page, "?since=2026-03-02"))["Opened"] == "1"


def test_more_tickets_are_no_more_queries(page, olivia, django_assert_num_queries):
    first = open_one("first", at=FRIDAY)
    close(open_one("done", at=FRIDAY), olivia, MONDAY)
    look(page)
    with CaptureQueriesContext(connection) as asked:
        look(page)
    for number in range(8):
        like(first, 2, failure=f"class-{number}", reopened=1)
    # The titles of the causes that recur now.
    with django_assert_num_queries(len(asked) + 1):
        look(page)


# --- As a file -------------------------------------------------------------------------------
def taken(client, query=""):
    answer = client.post(f"/queue/numbers/export/{query}")
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_file_holds_what_the_page_shows(page, olivia):
    close(open_one(at=FRIDAY), olivia, FRIDAY + HOUR / 2)
    lines = taken(page, "?days=7")
    shown = look(page, "?days=7").context["numbers"]
    assert len(lines) == sum(len(one.lines) * len(one.columns) for one in shown.tables)
    resolved = next(one for one in lines if one["number"] == "Resolved: median")
    assert (resolved["value"], resolved["unit"], resolved["tickets"]) == (
        "30.0", "business minutes", "1",
    )  # fmt: skip
    line = TrailLine.objects.get(what="queue-numbers.exported")
    assert line.after["rows"] == len(lines)


def test_titles_in_the_file_run_nowhere(page, olivia):
    for at in (MONDAY - 20 * DAY, MONDAY - 10 * DAY):
        ticket = troubles.open_ticket(trouble("often", title="=1+1"), by=CARRIER, at=at)
        close(ticket, olivia, at + HOUR)
    told = {one["of"] for one in taken(page) if one["table"] == "Recurring causes"}
    assert told == {"'=1+1"}


def test_an_operator_takes_along_the_numbers_of_their_own(as_, olivia, rosa):
    mine = open_one("mine")
    Ticket.objects.filter(pk=mine.pk).update(owner=olivia)
    theirs = open_one("theirs")
    desk.claim(ticket_id=theirs.pk, by=rosa, at=MONDAY)
    Ticket.objects.filter(pk=theirs.pk).update(owner=rosa)
    client = as_(olivia)
    assert "Export mine as CSV" in look(client).text
    assert next(one for one in taken(client) if one["number"] == "Open")["value"] == "1"
    assert whole(look(client))["Open"] == "2"


# --- Where it is found -----------------------------------------------------------------------
def test_the_palette_and_the_way_around_know_the_page(page):
    assert reverse("exceptions:numbers") == "/queue/numbers/"
    assert re.search(r'href="/queue/numbers/"[^>]*aria-current="page"', look(page).text)
    assert 'href="/queue/numbers/"' in page.get("/palette/?q=numbers").text
