"""Finding tickets: by word, by what the numbers lead by, and as many as are told."""

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal

import pytest

from exceptions import desk, metrics, search, troubles
from exceptions.filters import TicketFilter
from exceptions.models import Ticket
from meshline.policy.models import ConnectionName
from tests.exceptions.conftest import CARRIER, HTMX, MONDAY, open_one, trouble
from tests.exceptions.test_queue import rows
from tests.factories import reread

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday", "staff")]
DAY = timedelta(days=1)


@pytest.fixture
def page(as_, rosa):
    return as_(rosa)


# --- By word ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("typed", "finds"),
    [
        ("nina", True), ("NINA", True), ("customer.example.com", True), ("example", True),
        ("nina@customer", True), ("relaunch answered", True), ("Webs", True), ("ebsite", False),
        ("nina zebra", False), ("Müller", True), ("müll", True), ("503", True), ("Q-17/b", True),
        ("'); DROP TABLE", False), ("zebra:* | nina", False), ("!!!", False), ("& | ! ( )", False),
    ],
)  # fmt: skip
def test_every_word_typed_begins_one_of_the_tickets(page, typed, finds):
    open_one(title="Q-17/b of nina@customer.example.com and Müller failed")
    assert bool(rows(page.get("/queue/", {"tab": "open", "q": typed}))) is finds


def test_many_that_match_are_found_as_well_as_few(page, monkeypatch):
    for name in ("one", "two", "three"):
        open_one(name)
    few = rows(page.get("/queue/?tab=open&q=delivery"))
    monkeypatch.setattr(search, "_FEW", 1)
    assert rows(page.get("/queue/?tab=open&q=delivery")) == few
    assert len(few) == 3


def test_a_reason_without_end_opens_a_ticket_all_the_same(page):
    ticket = open_one(reason="word " + "".join(f"x{n} " for n in range(300_000)))
    assert rows(page.get("/queue/?tab=open&q=x17")) == [ticket.pk]


# --- By what the numbers lead by -------------------------------------------------------------
@pytest.fixture
def five(olivia, rosa):
    """Of five histories, by their names."""
    made = {
        "timeout": open_one("timeout", failure="timeout"),
        "old": open_one("old", at=MONDAY - 10 * DAY),
        "done": open_one("done", at=MONDAY - 4 * DAY),
        "back": open_one("back", at=MONDAY - 4 * DAY),
        "rosas": open_one("rosas", at=MONDAY - DAY),
    }
    for name, by in (("done", olivia), ("back", olivia)):
        at = MONDAY - 3 * DAY
        desk.claim(ticket_id=made[name].pk, by=by, at=at)
        desk.acknowledge(ticket_id=made[name].pk, by=by, at=at)
        desk.resolve(
            ticket_id=made[name].pk, resolution="mapping gap", minutes=30, by=by, at=at + DAY
        )
    troubles.open_ticket(trouble("back"), by=CARRIER, at=MONDAY)
    desk.claim(ticket_id=made["rosas"].pk, by=rosa, at=MONDAY)
    return made


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"timeout", "old", "done", "back", "rosas"}),
        ("failure=timeout", {"timeout"}),
        ("failure=none", {"old", "done", "back", "rosas"}),
        ("opened_from=2026-03-01", {"timeout", "rosas"}),
        ("opened_to=2026-02-20", {"old"}),
        ("opened_from=2026-02-26&opened_to=2026-02-26", {"done", "back"}),
        ("acknowledged_from=2026-02-27", {"done", "back"}),
        ("acknowledged_to=2026-02-26", set()),
        ("resolved_from=2026-02-28&resolved_to=2026-02-28", {"done"}),
        ("resolved_to=2026-02-27", set()),
        ("resolution=mapping gap", {"done"}),
        ("reopened=yes", {"back"}),
        ("reopened=no", {"timeout", "old", "done", "rosas"}),
        ("minutes_from=30", {"done", "back"}),
        ("minutes_from=31", set()),
    ],
)
def test_the_filter_narrows_by_what_the_numbers_lead_by(page, five, query, names):
    found = rows(page.get(f"/queue/?tab=all&{query}"))
    assert set(found) == {five[name].pk for name in names}


def test_every_filter_says_what_it_narrows_by():
    labels = [one.label for one in TicketFilter.base_filters.values()]
    assert "[invalid name]" not in labels
    assert {"Opened from", "Opened to", "Acknowledged from", "Resolved to"} <= set(labels)


def test_who_has_it_is_its_claimer_or_the_owner_while_there_is_none(page, five, rosa, olivia):
    assert rows(page.get(f"/queue/?tab=open&has={rosa.pk}")) == [five["rosas"].pk]
    assert len(rows(page.get(f"/queue/?tab=open&has={olivia.pk}"))) == 3


def test_tickets_of_one_cause_are_found_by_one_of_them(page, as_, staff):
    first = open_one("same")
    Ticket.objects.filter(pk=first.pk).update(cause="once")
    second = open_one("same")
    Ticket.objects.filter(pk=second.pk).update(status="resolved", resolution="fixed",
                                               resolved_at=MONDAY, cause="once")  # fmt: skip
    open_one("other")
    query = f"/queue/?tab=all&same_as={first.pk}"
    assert set(rows(page.get(query))) == {first.pk, second.pk}
    # Of a ticket that they may not see, nobody learns the cause.
    Ticket.objects.filter(pk=second.pk).update(owner=staff["remy"])
    assert rows(as_(staff["sam"]).get(query)) == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("opened_from=soon", "Write a day, such as 2026-03-02."),
        ("resolved_to=1066-10-14", "Write a day between 2000 and 2199."),
        ("opened_to=99999-01-01", "Write a day, such as 2026-03-02."),
        ("reopened=perhaps", "Select a valid choice"),
        ("resolution=luck", "Select a valid choice"),
        ("minutes_from=-1", "greater than or equal to 0"),
        ("same_as=99999999999999999999", "less than or equal to"),
        ("has=0", "Select a valid choice"),
        ("failure=%00", "Null characters are not allowed"),
    ],
)
def test_a_word_that_cannot_be_read_says_so_and_narrows_nothing(page, five, query, sentence):
    answer = page.get(f"/queue/?tab=all&{query}")
    assert sentence in answer.text
    assert len(rows(answer)) == 5


def test_a_word_that_cannot_be_read_leaves_the_others_their_names(page, five):
    ConnectionName.objects.create(connection="hubspot", name="HubSpot")
    part = page.get(
        "/queue/?tab=all&kind=delivery-failed&connection=hubspot&age_from=-1", headers=HTMX
    ).text
    said = re.findall(r'<span class="used-label">([^<]*)</span>([^<]*)<', part)
    assert [(label, value.strip()) for label, value in said] == [
        ("Kind", "Delivery failed"),
        ("Connection", "HubSpot"),
        ("Open for days, from", "-1, which narrows nothing"),
    ]


def test_a_team_is_offered_its_own_people_alone(as_, staff, five):
    Ticket.objects.filter(pk=five["old"].pk).update(owner=staff["remy"])
    form = as_(staff["sam"]).get("/queue/?more=1").context["filter"].form
    assert [str(one) for one in form.fields["owner"].queryset] == ["Remy Park"]
    assert [str(one) for one in form.fields["has"].queryset] == ["Remy Park"]


# --- How many --------------------------------------------------------------------------------
def test_beyond_the_cap_a_tab_says_so(page, five, monkeypatch):
    monkeypatch.setattr(metrics, "CAP", 3)
    counted = page.get("/queue/?tab=all").text
    assert counted.count('<span class="count">3+</span>') == 3
    assert '<span class="count">1</span>' in counted


def test_where_nobody_counts_to_the_end_not_all_are_acted_on(page, five):
    assert "that match" in page.get("/queue/?tab=open").text
    assert "that match" not in page.get("/queue/?tab=all").text


# --- As a file -------------------------------------------------------------------------------
def test_the_file_obeys_every_filter_and_tells_all_currencies(page, olivia):
    open_one("one", failure="timeout")
    two = trouble("one", failure="timeout", subject="outcome:two", record="proposal:18",
                  amount=Decimal("500"), currency="USD")  # fmt: skip
    ticket = troubles.open_ticket(two, by=CARRIER, at=MONDAY)
    open_one("other")
    query = "?tab=all&failure=timeout&opened_from=2026-03-02&reopened=no&resolution="
    answer = page.post(f"/queue/export/{query}")
    text = b"".join(answer.streaming_content).decode()
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [int(one["ticket"]) for one in found] == rows(page.get(f"/queue/{query}")) == [ticket.pk]
    one = found[0]
    assert (one["currency"], one["further amounts"]) == ("EUR", "500.00 USD")
    assert reread(ticket).amount_words == "1,234.50 EUR + 500.00 USD"


def test_a_list_that_is_narrowed_anew_says_how_many_filters_behind_more_do_it(page, five):
    part = page.get("/queue/?tab=all&has=&age_from=1&failure=timeout", headers=HTMX).text
    [said] = re.findall(r'id="more-used"\s+hx-swap-oob="true">(.*?)</span></span>', part)
    assert said == '<span class="count">2'
    none = page.get("/queue/?tab=all&severity=high", headers=HTMX).text
    assert re.search(r'id="more-used"\s+hx-swap-oob="true"></span>', none)
