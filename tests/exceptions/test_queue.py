"""The queue on screen: tabs, filters, numbers, pages, acts from the row, what it asks itself."""

import html
import re
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.contrib.messages import get_messages

from exceptions import bulk, desk, looks, metrics, troubles
from exceptions.models import Ticket
from meshline import instant
from tests.exceptions.conftest import CARRIER, HTMX, MONDAY, open_one, trouble
from tests.factories import reread

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday", "staff")]
RETRY = {
    "label": "Retry", "explains": "Carries it again.", "url_name": "connectors:retry-ticket",
    "args": ["ticket"],
}  # fmt: skip


@pytest.fixture
def page(as_, olivia):
    return as_(olivia)


def rows(response):
    """The tickets on the page, in order."""
    return [int(number) for number in re.findall(r'<tr id="ticket-(\d+)"', response.text)]


def counts(response):
    found = re.findall(
        r'href="[^"]*tab=(\w+)[^"]*"[^>]*>[^<]*<span class="count">(\d+)<', response.text
    )
    return {tab: int(number) for tab, number in found}


def from_row(client, ticket, act, data=None, query="", **headers):
    """Do something from the ticket's row, as htmx sends it."""
    sent = {**HTMX, "HX-Target": f"ticket-{ticket.pk}",
            "HX-Current-URL": f"http://testserver/queue/{query}", **headers}  # fmt: skip
    return client.post(f"/queue/{ticket.pk}/{act}/", data or {}, headers=sent)


@pytest.fixture
def five(olivia, rosa):
    """Mine, somebody else's, unclaimed, overdue, resolved."""
    made = {name: open_one(name) for name in ("mine", "theirs", "free", "done")}
    made["late"] = open_one("late", at=MONDAY - timedelta(days=5))
    desk.claim(ticket_id=made["mine"].pk, by=olivia, at=MONDAY)
    desk.claim(ticket_id=made["theirs"].pk, by=rosa, at=MONDAY)
    desk.resolve(ticket_id=made["done"].pk, resolution="fixed", by=olivia, at=MONDAY)
    return made


# --- What else it can be narrowed by -----------------------------------------------------------
def test_what_is_behind_more_comes_when_somebody_opens_it(page, five):
    asks = page.get("/queue/?tab=open").text
    assert 'name="age_from"' not in asks
    assert 'hx-get="/queue/?more=1"' in asks
    part = page.get("/queue/?more=1", headers=HTMX)
    assert "<html" not in part.text
    assert rows(part) == []
    assert 'name="age_from"' in part.text
    assert "Any connection" in part.text
    assert "HX-Push-Url" not in part.headers


def test_what_narrows_from_behind_more_is_in_the_bar_that_is_sent_again(page, five):
    text = page.get("/queue/?tab=open&age_from=3").text
    assert re.search(r'name="age_from"[^>]*value="3"|value="3"[^>]*name="age_from"', text)
    assert "?more=1" not in text


def test_without_scripts_a_link_opens_what_is_behind_more(page, five):
    link = re.search(r'href="([^"]*)">All filters', page.get("/queue/?tab=open&q=late").text)[1]
    text = page.get(html.unescape(link)).text
    assert rows(page.get(html.unescape(link))) == [five["late"].pk]
    assert re.search(r'<details class="ask"\s+data-menu open>', text)
    assert 'name="age_from"' in text


# --- Tabs and numbers ------------------------------------------------------------------------
def test_by_default_it_shows_mine_and_unclaimed_soonest_due_first(page, five):
    late, mine, free = five["late"], five["mine"], five["free"]
    assert rows(page.get("/queue/")) == [late.pk, mine.pk, free.pk]


@pytest.mark.parametrize("query", ["", "q=a", "severity=high", "q=zebra", "owner=1", "state=open"])
def test_each_tabs_count_is_the_number_of_its_rows(page, five, query):
    numbers = counts(page.get(f"/queue/?{query}"))
    assert set(numbers) == {"mine", "unclaimed", "open", "overdue", "asleep", "resolved", "all"}
    for tab, number in numbers.items():
        assert len(rows(page.get(f"/queue/?{query}&tab={tab}"))) == number, tab


def test_the_tabs_hold_what_they_say(page, five):
    assert counts(page.get("/queue/")) == {
        "mine": 3, "unclaimed": 2, "open": 4, "overdue": 1, "asleep": 0, "resolved": 1,
        "all": 5,
    }  # fmt: skip


def test_overdue_means_the_same_here_as_everywhere(five, olivia):
    at = MONDAY + timedelta(hours=3)
    overdue = Ticket.objects.filter(metrics.tabs(olivia, at=at)["overdue"])
    assert set(overdue) == set(Ticket.objects.overdue(at=at))


def test_blocked_revenue_is_told_per_currency_and_without_what_is_resolved(page, five):
    open_one("usd", record="proposal:18", amount=Decimal("7"), currency="USD")
    text = page.get("/queue/?tab=resolved").text
    # All five are about one record.
    assert "1,234.50 EUR" in text
    assert "7.00 USD" in text


def test_the_numbers_follow_the_filter(page, five):
    text = page.get("/queue/?q=late").text
    assert "1,234.50 EUR" in text
    assert "4,938.00 EUR" not in text


# --- Many open tickets -----------------------------------------------------------------------
@pytest.fixture
def many(monkeypatch, five):
    """Four are open, and three of them are already more than anybody counts."""
    monkeypatch.setattr(metrics, "CAP", 2)
    return five


def told(response):
    return dict(
        re.findall(r'tab=(\w+)[^"]*"[^>]*>[^<]*<span class="count">([^<]+)<', response.text)
    )


def test_the_list_does_not_wait_for_the_numbers_of_many(page, many):
    response = page.get("/queue/?tab=open")
    assert len(rows(response)) == 4
    assert "1,234.50 EUR" not in response.text.partition('id="tickets"')[0]
    assert 'hx-get="/queue/?tab=open&amp;numbers=1" hx-trigger="load"' in response.text
    assert 'href="/queue/?tab=open&amp;numbers=1"' in response.text


def test_of_many_the_numbers_come_by_themselves_and_are_exact(page, many):
    part = page.get("/queue/?tab=open&numbers=1", headers=HTMX)
    assert "<html" not in part.text
    assert rows(part) == []
    assert "1,234.50 EUR" in part.text
    assert re.findall(r'"stat-value">(\d+)<', part.text) == ["4", "1"]
    assert "hx-trigger" not in part.text
    assert "no-store" in part.headers["Cache-Control"]


def test_without_scripts_a_link_leads_to_the_queue_with_its_numbers(page, many):
    response = page.get("/queue/?tab=open&numbers=1")
    assert len(rows(response)) == 4
    assert "1,234.50 EUR" in response.text.partition('id="tickets"')[0]
    assert "Being counted" not in response.text


def test_of_a_few_the_numbers_stand_in_the_page(page, five):
    response = page.get("/queue/?tab=open")
    assert "1,234.50 EUR" in response.text.partition('id="tickets"')[0]
    assert "numbers=1" not in response.text


def test_tabs_of_many_are_told_as_far_as_people_count_and_the_others_exactly(page, many):
    assert told(page.get("/queue/")) == {
        "mine": "2+", "unclaimed": "2", "open": "2+", "overdue": "1", "asleep": "0",
        "resolved": "1", "all": "2+",
    }  # fmt: skip


def test_what_is_done_among_many_leaves_the_numbers_until_the_new_ones_are_there(page, many):
    text = from_row(page, many["free"], "claim", query="?tab=open").text
    assert 'id="queue-stats"' not in text
    asks = text.partition('id="queue-stats-again"')[2].partition(">")[0]
    assert 'hx-swap-oob="true"' in asks
    assert 'hx-get="/queue/?tab=open&amp;numbers=1"' in asks
    assert 'hx-target="#queue-stats"' in asks


def test_narrowed_to_a_few_the_numbers_come_along(page, many):
    few = page.get("/queue/?tab=open&q=late", headers=HTMX).text
    assert "1,234.50 EUR" in few.partition('id="queue-stats"')[2]
    wide = page.get("/queue/?tab=open&q=", headers=HTMX).text
    assert "being counted" in wide.partition('id="queue-stats"')[2]


def test_a_word_that_is_no_tab_is_the_first_tab(page, five):
    for word in ("zebra", "%00", "", "mine&tab=nothing"):
        assert len(rows(page.get(f"/queue/?tab={word}"))) == 3


def test_what_is_resolved_is_sorted_by_no_deadline_and_no_money(page, five):
    for order in ("due", "near", "risk"):
        text = page.get(f"/queue/?tab=resolved&order={order}").text
        assert re.findall(r'<option value="(closed|newest|oldest)"\s*(\w*)>', text) == [
            ("closed", "selected"), ("newest", ""), ("oldest", ""),
        ]  # fmt: skip
        assert f'<option value="{order}"' not in text


def test_what_was_resolved_last_stands_first_on_every_page(page, olivia):
    made = [open_one(str(n)).pk for n in range(60)]
    closed = made[1::2] + made[::2]
    for minute, pk in enumerate(closed):
        # Two at a time: of the same moment the newest stands first.
        at = MONDAY + timedelta(minutes=minute // 2)
        desk.resolve(ticket_id=pk, resolution="fixed", by=olivia, at=at)
    open_one("open")
    first = page.get("/queue/?tab=resolved")
    older = first.context["page"].older_url
    told = rows(first) + rows(page.get(f"/queue/{older}"))
    pairs = [sorted(closed[n : n + 2], reverse=True) for n in range(0, 60, 2)]
    assert told == [pk for pair in reversed(pairs) for pk in pair]
    assert 'value="closed"' not in page.get("/queue/?tab=all&order=closed").text


def test_asking_for_resolved_ones_leads_to_their_tab(page, five):
    assert rows(page.get("/queue/?state=resolved")) == [five["done"].pk]


# --- Filters ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("kind=role-drift", {"drift"}),
        ("severity=critical", {"keys"}),
        ("state=claimed", {"drift"}),
        ("connection=pandadoc", {"drift"}),
        ("record=proposal:99", {"keys"}),
        ("record=relaunch", {"plain", "drift"}),
        ("q=nobody we know", {"drift"}),
        ("q=Refuses", {"keys"}),
        ("q=Onboarding", {"keys"}),
        ("kind=role-drift&severity=critical", set()),
    ],
)
def test_the_filter_narrows_by_what_the_url_says(page, olivia, query, names):
    made = {
        "plain": open_one("plain"),
        "keys": open_one(
            "keys", kind="credentials-refused", title="HubSpot refuses us", record="proposal:99",
            record_title="Onboarding package",
        ),
        "drift": open_one(
            "drift", kind="role-drift", reason="Lena is nobody we know.", connection="pandadoc"
        ),
    }  # fmt: skip
    desk.claim(ticket_id=made["drift"].pk, by=olivia, at=MONDAY)
    assert set(rows(page.get(f"/queue/?{query}"))) == {made[name].pk for name in names}


def test_a_person_is_found_as_owner_and_as_claimer(page, five, rosa, olivia):
    assert rows(page.get(f"/queue/?tab=open&owner={rosa.pk}")) == [five["theirs"].pk]
    assert len(rows(page.get(f"/queue/?tab=open&owner={olivia.pk}"))) == 4


def test_a_record_is_found_on_a_ticket_it_only_hangs_on(page):
    ticket = open_one("same")
    open_one("same", subject="outcome:2", record="proposal:18")
    assert rows(page.get("/queue/?record=proposal:18")) == [ticket.pk]


@pytest.mark.parametrize(
    "query",
    [
        "kind=nonsense", "severity=%00", "q=%00", "record=%00", "q=" + "x" * 5000, "state=\u2603",
        "owner=zebra", "owner=99999999999999999999999", "owner=%00", "before=zebra", "after=%00~1",
        "after=2026-03-02~99999999999999999999999", "before=1~1&after=1~1", "connection=%00",
    ],
)  # fmt: skip
def test_what_cannot_be_read_narrows_nothing_and_breaks_nothing(page, five, query):
    response = page.get(f"/queue/?{query}")
    assert response.status_code == 200
    assert len(rows(response)) == 3


def test_a_filter_that_cannot_be_read_says_so(page):
    assert "Null characters are not allowed" in page.get("/queue/?q=%00").text


def test_to_htmx_a_filter_gives_the_table_and_the_numbers_and_a_short_url(page, five):
    response = page.get("/queue/?tab=open&q=late&kind=&severity=", headers=HTMX)
    assert "<html" not in response.text
    assert rows(response) == [five["late"].pk]
    assert response.headers["HX-Push-Url"] == "/queue/?tab=open&q=late"
    assert 'id="queue-tabs" hx-swap-oob="true"' in " ".join(response.text.split())


def test_nothing_wrong_and_everything_hidden_are_told_apart(page):
    assert "Nothing wrong" in page.get("/queue/").text
    open_one()
    hidden = page.get("/queue/?q=zebra").text
    assert "No ticket matches" in hidden
    assert "Clear the filter" in hidden


# --- Pages -----------------------------------------------------------------------------------
def test_page_after_page_shows_every_ticket_once(page):
    made = [open_one(str(n), at=MONDAY + timedelta(minutes=n // 7)).pk for n in range(60)]
    first = page.get("/queue/")
    second = page.get("/queue/" + further(first))
    assert rows(first) + rows(second) == made
    assert (len(rows(first)), len(rows(second))) == (50, 10)


def further(response):
    return re.search(r'rel="next"\s+href="([^"]+)"', response.text)[1].replace("&amp;", "&")


def test_more_rows_are_no_more_queries(page, olivia, django_assert_max_num_queries):
    made = [open_one(str(n), remedies=[RETRY]) for n in range(5)]
    page.get("/queue/")
    with django_assert_max_num_queries(24) as few:
        page.get("/queue/")
    made += [open_one(str(n), remedies=[RETRY]) for n in range(5, 50)]
    for ticket in made[::2]:
        desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    with django_assert_max_num_queries(len(few)) as many:
        assert len(rows(page.get("/queue/"))) == 50
    assert len(many) == len(few)


# --- Rows ------------------------------------------------------------------------------------
def test_a_row_says_what_who_how_much_and_by_when(page):
    open_one(remedies=[RETRY])
    text = page.get("/queue/").text
    for words in (
        "Delivery of one failed", "HubSpot answered 503 eleven times.", "Website relaunch",
        "1,234.50 EUR", "Unclaimed", "Owner: Olivia Ortiz", "Due in 30 m", "to acknowledge",
        'href="/proposals/17/"',
    ):  # fmt: skip
        assert words in text, words


def menu_of(client, ticket):
    """What else a row offers: fetched when somebody asks for it."""
    address = f"/queue/{ticket.pk}/?ask=menu"
    assert address in client.get("/queue/").text
    return client.get(address, headers=HTMX).text


def test_the_menu_of_a_row_says_what_its_remedies_do(page):
    text = menu_of(page, open_one(remedies=[RETRY]))
    assert "/retry/" in text
    assert "Carries it again." in text
    assert f"/queue/{Ticket.objects.get().pk}/?ask=snooze" in text


def test_the_chip_tells_the_second_deadline_once_it_is_acknowledged(page, olivia):
    ticket = open_one()
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    desk.acknowledge(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    text = page.get("/queue/").text
    assert "Due in 4 h" in text
    assert "to be fixed" in text


def test_outside_working_hours_the_clock_is_said_to_rest(page):
    open_one()
    with instant.stopped(MONDAY.replace(hour=20, day=1)):
        assert "Paused: outside hours" in page.get("/queue/").text


def test_markup_in_a_ticket_stays_text(page):
    open_one(title="<script>alert(1)</script>", reason='"><img src=x onerror=alert(1)>')
    text = page.get("/queue/").text
    assert "<script>alert" not in text
    assert "<img src=x" not in text


# --- Acts from the row -----------------------------------------------------------------------
def test_a_claim_from_the_row_answers_with_the_row_and_the_new_numbers(page, olivia):
    ticket = open_one()
    response = from_row(page, ticket, "claim", query="?tab=unclaimed")
    assert response.status_code == 200
    assert rows(response) == [ticket.pk]
    assert "Acknowledge" in response.text
    assert counts(response) == {
        "mine": 1, "unclaimed": 0, "open": 1, "overdue": 0, "asleep": 0, "resolved": 0,
        "all": 1,
    }  # fmt: skip
    assert "Claimed." in response.text
    assert f'action="/queue/{ticket.pk}/release/"' in menu_of(page, ticket)
    assert reread(ticket).claimed_by == olivia


def test_the_numbers_beside_a_row_keep_to_the_filter_on_screen(page):
    ticket = open_one("late one")
    open_one("other")
    response = from_row(page, ticket, "claim", query="?tab=open&q=late")
    assert counts(response)["open"] == 1
    assert "tab=overdue&amp;q=late" in response.text


def test_a_lost_race_names_the_winner_and_shows_the_row_as_it_is(page, rosa):
    ticket = open_one()
    desk.claim(ticket_id=ticket.pk, by=rosa, at=MONDAY - timedelta(seconds=5))
    response = from_row(page, ticket, "claim")
    assert response.status_code == 409
    assert "Rosa Marin claimed this 5 s ago." in response.text
    assert rows(response) == [ticket.pk]
    assert "HX-Retarget" not in response.headers
    assert 'hx-swap-oob="innerHTML:#messages"' in response.text


def test_a_double_click_is_told_so_and_changes_nothing(page, olivia):
    ticket = open_one()
    from_row(page, ticket, "claim")
    again = from_row(page, ticket, "claim")
    assert again.status_code == 409
    assert "You have claimed this already." in again.text
    assert reread(ticket).claimed_by == olivia


def test_a_plain_form_comes_back_to_the_queue_as_it_was(page):
    ticket = open_one()
    came_from = {"Referer": "http://testserver/queue/?tab=unclaimed&q=one"}
    response = page.post(f"/queue/{ticket.pk}/claim/", headers=came_from)
    assert response.status_code == 303
    assert response.headers["Location"] == "/queue/?tab=unclaimed&q=one"
    assert [str(one) for one in get_messages(response.wsgi_request)] == ["Claimed."]


def test_a_plain_form_that_lost_the_race_gets_the_ticket_as_it_is(page, rosa):
    ticket = open_one()
    desk.claim(ticket_id=ticket.pk, by=rosa, at=MONDAY - timedelta(seconds=5))
    response = page.post(f"/queue/{ticket.pk}/claim/")
    assert response.status_code == 409
    assert "Rosa Marin claimed this 5 s ago." in response.text
    assert "<h1>Delivery of one failed</h1>" in response.text


def test_resolve_opens_its_form_in_the_row(page):
    ticket = open_one()
    sent = {**HTMX, "HX-Current-URL": "http://testserver/queue/"}
    response = page.get(f"/queue/{ticket.pk}/?ask=resolve", headers=sent)
    assert rows(response) == [ticket.pk]
    assert "bad source data" in response.text
    assert re.search(r"<details[^>]*\bopen\b", response.text)


def test_a_reason_that_is_missing_is_asked_for_in_the_row_and_the_note_is_kept(page):
    ticket = open_one()
    typed = {"resolution": "because", "note": "It was <b>me</b>."}
    response = from_row(page, ticket, "resolve", typed)
    assert response.status_code == 422
    assert "Say why it is resolved" in response.text
    assert "It was &lt;b&gt;me&lt;/b&gt;." in response.text
    assert reread(ticket).is_unresolved


def test_a_ticket_is_resolved_from_the_row(page):
    ticket = open_one()
    response = from_row(page, ticket, "resolve", {"resolution": "mapping gap", "note": ""})
    assert response.status_code == 200
    assert "Mapping gap" in response.text
    assert counts(response)["resolved"] == 1


# --- Who may ---------------------------------------------------------------------------------
def test_what_a_viewer_may_not_do_says_why_beside_a_disabled_button(as_, staff):
    open_one()
    text = as_(staff["vera"]).get("/queue/").text
    assert "A Viewer may not claim, acknowledge, release and escalate tickets." in text
    assert "A Viewer may not resolve a ticket." in text
    assert "/claim/" not in text


def test_a_viewer_who_acts_all_the_same_is_refused(as_, staff):
    ticket = open_one()
    response = as_(staff["vera"]).post(f"/queue/{ticket.pk}/claim/")
    assert response.status_code == 403
    assert reread(ticket).status == "open"


def test_amounts_and_personal_values_are_masked_for_who_sees_them_so(as_, staff):
    open_one(title="lena@northwind.example is nobody we know", reason="It is over 9,876.00 EUR.")
    dispute = "Nina Brook declined the proposal over 1.00 EUR."
    open_one("dispute", kind="dispute", reason=dispute)
    for name in ("vera", "ada"):
        text = as_(staff[name]).get("/queue/").text
        assert "••• is nobody we know" in text
        for private in ("lena@", "9,876.00", "1,234.50", "2,469.00", "Nina Brook"):
            assert private not in text, private


def test_who_sees_masked_cannot_find_out_by_searching(as_, staff, olivia):
    open_one(reason="nina@customer.example declined.")
    assert not rows(as_(staff["vera"]).get("/queue/?q=nina"))
    assert rows(as_(olivia).get("/queue/?q=nina"))


def test_a_sales_manager_sees_their_teams_tickets_alone(as_, staff):
    open_one()
    theirs = troubles.open_ticket(trouble("x", owner=staff["remy"]), by=CARRIER, at=MONDAY)
    response = as_(staff["sam"]).get("/queue/")
    assert rows(response) == [theirs.pk]
    assert counts(response)["open"] == 1


def test_a_rep_has_no_queue(as_, staff):
    assert as_(staff["remy"]).get("/queue/").status_code == 403


def test_a_remedy_is_offered_to_who_may_use_it(as_, staff, olivia):
    ticket = open_one(remedies=[{**RETRY, "url_name": "exceptions:release"}])
    assert "/release/" in menu_of(as_(olivia), ticket)
    refused = menu_of(as_(staff["vera"]), ticket)
    assert "/release/" not in refused
    assert "A Viewer may not" in refused


def test_a_remedy_whose_page_is_gone_says_so(page):
    ticket = open_one(remedies=[{**RETRY, "url_name": "connectors:no-such-page"}])
    assert "No longer offered." in menu_of(page, ticket)


# --- What the page asks by itself ------------------------------------------------------------
NEWS = "news-link"


def test_what_was_resolved_by_hand_without_proof_says_so_wherever_it_is_seen(page, olivia):
    ticket = open_one()
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=olivia, at=MONDAY)
    row = page.get("/queue/?tab=resolved").text.partition(f'id="ticket-{ticket.pk}"')[2]
    assert "Unverified" in row.partition("</tr>")[0]
    shown = page.get(f"/queue/{ticket.pk}/").text.partition('id="ticket-live"')[2]
    assert "Unverified" in shown.partition("What went wrong")[0]


def test_of_a_column_that_is_not_shown_nothing_is_told(page, olivia):
    ticket = open_one()
    for shown, told in ((["due", "who"], {"due", "who"}), (["kind"], set())):
        looks.choose(by=olivia, shown=shown, is_table=False)
        answer = ask(page, ticket.pk, seen=[f"{ticket.pk}:otherwise"]).text
        assert {name for name in ("due", "who") if f'id="{name}-{ticket.pk}"' in answer} == told


def ask(client, since, told=0, seen=(), query="tab=mine"):
    address = f"/queue/?{query}&{urlencode({'since': since, 'told': told, 'seen': seen}, True)}"
    return client.get(address, headers={**HTMX, "X-Meshline-Poll": "1"})


def stands(*tickets):
    """How these stand, as the rows of a page say it."""
    return [f"{one.pk}:{bulk.stamp(one)}" for one in tickets]


def test_the_open_queue_says_how_many_are_new_and_moves_nothing(page):
    first = open_one("first")
    asked = page.get("/queue/").text
    assert f'name="since" value="{first.pk}"' in asked
    assert f'value="{stands(first)[0]}"' in asked
    assert ask(page, first.pk, seen=stands(first)).status_code == 204
    open_one("second")
    open_one("third")
    answer = ask(page, first.pk, seen=stands(first))
    assert "2 new" in answer.text
    assert rows(answer) == []
    assert "2 new tickets." in answer.text  # said aloud once
    assert ask(page, first.pk, told=2).status_code == 204


def test_only_new_ones_of_this_tab_and_filter_count(page, rosa):
    first = open_one("first")
    open_one("second")
    assert "1 new" in ask(page, first.pk, query="tab=mine&q=second").text
    assert NEWS not in ask(page, first.pk, query="tab=mine&q=first").text


def test_the_open_queue_keeps_who_has_it_and_the_deadline_fresh(page, rosa):
    ticket, other = open_one("one"), open_one("two")
    stood = stands(ticket, other)
    desk.claim(ticket_id=ticket.pk, by=rosa, at=MONDAY)
    with instant.stopped(MONDAY + timedelta(minutes=40)):
        answer = ask(page, other.pk, seen=[*stood, "999:open", "zebra"])
    assert "Rosa Marin" in answer.text
    assert "Overdue 10 m" in answer.text
    assert f'id="due-{ticket.pk}"' in answer.text
    assert f'id="due-{other.pk}"' not in answer.text


def test_once_a_minute_the_time_of_all_rows_runs_on(page):
    ticket = open_one()
    with instant.stopped(MONDAY + timedelta(minutes=40)):
        assert ask(page, ticket.pk, seen=stands(ticket)).status_code == 204
        answer = ask(page, ticket.pk, seen=stands(ticket), query="tab=mine&whole=1")
    assert "Overdue 10 m" in answer.text
    assert "&amp;whole=1" in page.get("/queue/").text


@pytest.mark.parametrize("word", ["zebra", "%00", "-1", "9" * 40, "", "1e9", "²"])
def test_a_question_that_cannot_be_read_has_a_quiet_answer(page, word):
    open_one()
    response = ask(page, word, told=word, seen=[word, f"{word}:{word}"])
    assert response.status_code in (200, 204)
    assert NEWS not in response.text


def test_a_row_out_of_scope_is_not_told_of(as_, staff):
    ticket = open_one()
    answer = ask(as_(staff["sam"]), 0, seen=[f"{ticket.pk}:otherwise"])
    assert answer.status_code == 204


def test_asking_costs_the_same_however_many_rows(page, django_assert_max_num_queries):
    made = [open_one(str(n)) for n in range(40)]
    with django_assert_max_num_queries(16):
        ask(page, made[0].pk, seen=[f"{one.pk}:otherwise" for one in made])
    with django_assert_max_num_queries(4):
        ask(page, made[-1].pk, seen=stands(*made))


def test_of_rows_that_did_not_change_only_how_they_stand_is_read(
    page, django_assert_max_num_queries
):
    ticket = open_one()
    ask(page, ticket.pk)
    with django_assert_max_num_queries(5) as asked:
        assert ask(page, ticket.pk, seen=stands(ticket)).status_code == 204
    assert not [one["sql"] for one in asked.captured_queries if "evidence" in one["sql"]]


def test_a_stranger_is_sent_to_sign_in(client):
    assert client.get("/queue/").headers["Location"] == "/sign-in/?next=/queue/"
