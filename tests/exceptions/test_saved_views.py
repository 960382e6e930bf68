"""Views of the queue under a name, columns and layout: each person's own, some shared."""

import html
import re
from datetime import timedelta

import pytest

from exceptions import desk, looks, saved_views
from exceptions.models import QueueLook, SavedView
from tests.exceptions.conftest import HTMX, MONDAY, open_one
from tests.exceptions.test_queue import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday", "staff")]


@pytest.fixture
def page(as_, olivia):
    return as_(olivia)


def save(by, name="Late ones", words="tab=overdue", **more):
    return looks.save(
        by=by, name=name, words=words, **{"is_shared": False, "begins": False, **more}
    )


def seen_views(response):
    """The saved views above the queue, with their counts."""
    part = re.search(r'id="queue-views".*?</nav>', response.text, re.DOTALL)
    found = re.findall(r">([^<>]+)<span class=\"count\">([^<]+)<", part[0] if part else "")
    return {name.strip(): count for name, count in found}


def test_what_is_on_screen_is_saved_under_a_name_and_found_again(page, olivia):
    ticket, _ = open_one("one", kind="dispute"), open_one("two")
    sent = {"name": "Disputes", "words": "tab=open&kind=dispute&order=risk"}
    answer = page.post("/queue/views/save/", sent)
    assert answer.status_code == 303
    there = page.get(answer.headers["Location"])
    assert rows(there) == [ticket.pk]
    assert seen_views(there) == {"Disputes": "1"}
    assert 'value="risk" selected' in there.text


def test_a_view_saved_again_under_its_name_is_the_new_one(olivia):
    save(olivia, words="tab=open")
    save(olivia, words="tab=resolved")
    assert SavedView.objects.get().words == "tab=resolved"


def test_of_a_url_only_what_the_queue_understands_is_kept(page):
    page.post(
        "/queue/views/save/", {"name": "x", "words": "tab=zebra&before=1&kind=dispute&next=/"}
    )
    assert SavedView.objects.get().words == "tab=mine&kind=dispute"


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({"words": "tab=mine"}, "A view needs a name."),
        ({"name": "x" * 41, "words": "tab=mine"}, "At most 40 letters."),
        (
            {"name": "x", "words": "q=" + "x" * 3000},
            "“Search” narrows nothing: Ensure this value has at most 200 characters",
        ),
        ({"name": "a\0b", "words": "tab=mine"}, "Null characters are not allowed."),
        (
            {"name": "x", "words": "tab=all&age_from=zebra&kind=dispute"},
            "“Open for days, from” narrows nothing: Enter a whole number. Put it right",
        ),
        (
            {"name": "x", "words": "tab=all&kind=zebra"},
            "“Kind” narrows nothing: Select a valid choice.",
        ),
    ],
)
def test_a_view_that_cannot_be_saved_says_why_and_keeps_what_was_typed(page, sent, why):
    answer = page.post("/queue/views/save/", {**sent, "is_shared": "on"})
    assert answer.status_code == 422
    assert why in answer.text
    assert re.search(r'name="is_shared"[^>]*checked', answer.text)
    assert not SavedView.objects.exists()


def test_from_a_view_that_is_refused_one_gets_back_to_the_list_as_it_was(page):
    words = "tab=open&kind=dispute&age_from=zebra"
    answer = page.post("/queue/views/save/", {"name": "x", "words": words})
    back = re.search(r'class="page-back".*?<a href="([^"]+)"', answer.text, re.DOTALL)[1]
    assert html.unescape(back) == f"/queue/?{words}"


def test_what_is_too_long_only_as_a_url_says_it_is_refused_as_well(page):
    # "€" is nine letters of a URL.
    sent = {"name": "x", "words": "tab=mine&record=" + "€" * 200 + "&q=" + "€" * 200}
    answer = page.post("/queue/views/save/", sent)
    assert answer.status_code == 422
    assert "This filter is too long to be kept." in answer.text
    assert not SavedView.objects.exists()


def test_many_views_are_counted_as_far_as_there_is_time(page, olivia, monkeypatch):
    save(olivia, name="Mine")
    assert seen_views(page.get("/queue/")) == {"Mine": "0"}
    monkeypatch.setattr(saved_views, "COUNTING_SECONDS", 0)
    part = page.get("/queue/").text
    assert (seen_views(page.get("/queue/")), "Mine</a>" in part) == ({}, True)


def test_nobody_has_more_views_than_can_be_looked_through(page, olivia):
    for number in range(looks.MOST):
        save(olivia, name=str(number))
    answer = page.post("/queue/views/save/", {"name": "one more", "words": "tab=mine"})
    assert answer.status_code == 422
    assert f"You have {looks.MOST} views already" in answer.text
    # One that is there already may change.
    assert page.post("/queue/views/save/", {"name": "1", "words": "tab=mine"}).status_code == 303


def test_a_private_view_is_its_owners_and_a_shared_one_everybodys(as_, olivia, rosa):
    save(olivia, name="Mine")
    shared = save(olivia, name="Ours", is_shared=True)
    assert set(seen_views(as_(rosa).get("/queue/"))) == {"Ours"}
    assert as_(rosa).post(f"/queue/views/{shared.pk}/remove/").status_code == 404
    assert as_(rosa).post(f"/queue/views/{shared.pk}/share/").status_code == 404
    assert as_(olivia).post(f"/queue/views/{shared.pk}/share/").status_code == 303
    assert seen_views(as_(rosa).get("/queue/")) == {}


def test_a_shared_view_counts_for_the_eyes_of_who_looks(as_, olivia, rosa, staff):
    save(olivia, name="Mine and free", words="tab=mine", is_shared=True)
    for name in ("a", "b"):
        open_one(name)
    desk.claim(ticket_id=open_one("c").pk, by=olivia, at=MONDAY)
    assert seen_views(as_(olivia).get("/queue/")) == {"Mine and free": "3"}
    assert seen_views(as_(rosa).get("/queue/")) == {"Mine and free": "2"}
    assert seen_views(as_(staff["sam"]).get("/queue/")) == {"Mine and free": "0"}


def test_the_queue_opens_with_the_view_one_chose(page, olivia):
    view = save(olivia, words="tab=overdue&order=near", begins=True)
    assert page.get("/queue/").headers["Location"] == "/queue/?tab=overdue&order=near"
    # Any other address is what it says.
    assert page.get("/queue/?tab=mine").status_code == 200
    page.post(f"/queue/views/{view.pk}/begin/")
    assert page.get("/queue/").status_code == 200


def test_who_began_with_a_view_that_is_gone_begins_as_before(as_, olivia, rosa):
    shared = save(olivia, is_shared=True)
    looks.begin_with(shared, by=rosa)
    looks.begin_with(shared, by=olivia)
    looks.share(shared, is_shared=False)
    assert as_(rosa).get("/queue/").status_code == 200
    assert as_(olivia).get("/queue/").status_code == 302
    looks.remove(shared)
    assert as_(olivia).get("/queue/").status_code == 200


def test_views_are_counted_anew_by_the_page_itself(page, olivia):
    save(olivia, name="All", words="tab=open")
    open_one()
    answer = page.get("/queue/views/?tab=open", headers={**HTMX, "X-Meshline-Poll": "1"})
    assert "<html" not in answer.text
    assert seen_views(answer) == {"All": "1"}
    assert 'aria-current="page"' in answer.text


def test_a_count_ends_where_nobody_asks_further(page, olivia, monkeypatch):
    monkeypatch.setattr("exceptions.saved_views.COUNTED", 2)
    save(olivia, name="All", words="tab=open")
    for name in "abc":
        open_one(name)
    assert seen_views(page.get("/queue/")) == {"All": "2+"}


def test_more_tickets_are_no_more_queries_for_the_views(
    page, olivia, django_assert_max_num_queries
):
    for name in ("one", "two", "three"):
        save(olivia, name=name, words="tab=open&q=a")
    open_one()
    with django_assert_max_num_queries(33) as few:
        page.get("/queue/")
    for number in range(20):
        open_one(str(number))
    with django_assert_max_num_queries(len(few)):
        page.get("/queue/")


# --- Columns ---------------------------------------------------------------------------------
def test_a_person_chooses_their_columns_and_the_layout(page, olivia):
    open_one()
    assert ">Due<" in page.get("/queue/").text
    page.post("/queue/look/", {"column": ["kind", "team", "zebra"], "layout": "table"})
    text = page.get("/queue/").text
    assert 'data-label="Kind"' in text
    assert 'data-label="Team"' in text
    assert 'data-label="Due"' not in text
    assert "desk desk-table" in text
    look = QueueLook.objects.get()
    assert (look.columns, look.is_table) == (["kind", "team"], True)


def test_a_row_that_was_acted_on_keeps_the_columns(page):
    ticket = open_one()
    page.post("/queue/look/", {"column": ["kind"]})
    sent = {
        **HTMX,
        "HX-Target": f"ticket-{ticket.pk}",
        "HX-Current-URL": "http://testserver/queue/",
    }
    answer = page.post(f"/queue/{ticket.pk}/claim/", headers=sent)
    assert 'data-label="Kind"' in answer.text
    assert 'data-label="Due"' not in answer.text


# --- Orders and the filters that are new -------------------------------------------------------
@pytest.fixture
def three():
    """By their deadlines, by their money and by their age in three different orders."""
    return {
        "old": open_one("old", at=MONDAY - timedelta(days=9), amount=5, kind="link-missing"),
        "dear": open_one("dear", at=MONDAY - timedelta(hours=2), amount=900, kind="role-drift"),
        "soon": open_one("soon", amount=None, currency="", kind="credentials-refused"),
    }


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("newest", ["soon", "dear", "old"]),
        ("oldest", ["old", "dear", "soon"]),
        ("risk", ["dear", "old", "soon"]),
        ("due", ["old", "soon", "dear"]),
        ("near", ["old", "soon", "dear"]),
        ("zebra", ["old", "soon", "dear"]),
    ],
)
def test_the_order_stands_in_the_url(page, three, order, names):
    assert rows(page.get(f"/queue/?order={order}")) == [three[name].pk for name in names]


def test_near_is_the_next_of_both_deadlines(page, three, olivia):
    """Once it is acknowledged, a fix at half past eleven is later than an answer due at eleven."""
    old, dear, soon = three["old"].pk, three["dear"].pk, three["soon"].pk
    desk.claim(ticket_id=soon, by=olivia, at=MONDAY)
    assert rows(page.get("/queue/?order=near")) == [old, soon, dear]
    desk.acknowledge(ticket_id=soon, by=olivia, at=MONDAY)
    assert rows(page.get("/queue/?order=near")) == [old, dear, soon]
    assert rows(page.get("/queue/?order=due")) == [old, soon, dear]


@pytest.mark.parametrize("order", ["near", "risk", "oldest"])
def test_every_order_pages_without_loss(page, order):
    made = {open_one(str(n), amount=n % 7 or None).pk for n in range(60)}
    first = page.get(f"/queue/?order={order}")
    further = re.search(r'rel="next"\s+href="([^"]+)"', first.text)[1].replace("&amp;", "&")
    second = rows(page.get("/queue/" + further))
    assert len(rows(first)) == 50
    assert {*rows(first), *second} == made


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("age_from=9", {"old"}),
        ("age_from=10", set()),
        ("age_to=0", {"dear", "soon"}),
        ("age_from=1&age_to=9", {"old"}),
        ("amount_from=6", {"dear"}),
        ("amount_to=5", {"old"}),
        ("q=%23{old}", {"old"}),
        ("team={team}", {"old", "dear", "soon"}),
    ],
)
def test_age_amount_number_and_team_narrow(page, three, olivia, query, names):
    query = query.format(old=three["old"].pk, team=olivia.team_id)
    assert set(rows(page.get(f"/queue/?{query}"))) == {three[name].pk for name in names}


NO_NUMBERS = ["zebra", "-1", "%00", "NaN", "²", "1e400"]


@pytest.mark.parametrize("word", NO_NUMBERS)
@pytest.mark.parametrize("name", ["age_from", "age_to", "amount_from", "amount_to", "team"])
def test_what_is_no_number_narrows_nothing_and_says_so(page, three, name, word):
    answer = page.get(f"/queue/?{name}={word}")
    assert answer.status_code == 200
    assert len(rows(answer)) == 3
    assert "errorlist" in answer.text


def test_more_days_than_there_were_narrow_nothing_and_say_so(page, three):
    answer = page.get("/queue/?age_from=99999999999")
    assert len(rows(answer)) == 3
    assert "less than or equal to 3650" in answer.text


def test_who_sees_no_amounts_cannot_find_out_by_order_or_filter(as_, staff, three):
    vera = as_(staff["vera"])
    plain = rows(vera.get("/queue/?tab=open"))
    assert rows(vera.get("/queue/?tab=open&order=risk")) == plain
    assert rows(vera.get("/queue/?tab=open&amount_from=6")) == plain
    assert "amount_from" not in vera.get("/queue/?more=1").text
    assert "age_from" in vera.get("/queue/?more=1").text


def test_each_thing_that_narrows_can_be_taken_away_by_itself(page, three):
    text = page.get("/queue/?tab=open&q=old&kind=link-missing").text
    assert "A person or record is missing" in text
    assert 'href="/queue/?tab=open&amp;kind=link-missing"' in text
    assert 'href="/queue/?tab=open&amp;q=old"' in text


def test_the_oldest_open_ticket_is_in_the_header(page, three, olivia):
    assert "9 d" in page.get("/queue/").text
    desk.claim(ticket_id=three["old"].pk, by=olivia, at=MONDAY)
    desk.resolve(ticket_id=three["old"].pk, resolution="fixed", by=olivia, at=MONDAY)
    assert "9 d" not in page.get("/queue/").text


# --- The ticket beside its list ----------------------------------------------------------------
def test_beside_the_list_stands_the_part_of_its_page(page):
    ticket = open_one(title="About <b>it</b>")
    part = page.get(f"/queue/{ticket.pk}/", headers={**HTMX, "HX-Target": "pane"})
    assert "<html" not in part.text
    assert f'data-shown="{ticket.pk}"' in part.text
    assert "About &lt;b&gt;it&lt;/b&gt;" in part.text
    # Nothing of the ticket that stood there before is kept.
    assert "hx-preserve" not in part.text


def test_an_act_beside_the_list_brings_the_row_and_the_numbers_along(page):
    ticket = open_one()
    sent = {**HTMX, "HX-Target": "ticket-live",
            "HX-Current-URL": "http://testserver/queue/?tab=unclaimed&ticket=1"}  # fmt: skip
    answer = page.post(f"/queue/{ticket.pk}/claim/", headers=sent)
    assert rows(answer) == [ticket.pk]
    assert f'<tr id="ticket-{ticket.pk}"' in answer.text.partition("<template>")[2]
    assert 'id="queue-tabs"' in answer.text
    elsewhere = {**sent, "HX-Current-URL": f"http://testserver/queue/{ticket.pk}/"}
    assert rows(page.post(f"/queue/{ticket.pk}/acknowledge/", headers=elsewhere)) == []


def test_only_what_is_resolved_calls_for_the_next_ticket(page):
    ticket = open_one()
    sent = {**HTMX, "HX-Target": "ticket-live", "HX-Current-URL": "http://testserver/queue/"}
    refused = page.post(f"/queue/{ticket.pk}/resolve/", {"resolution": ""}, headers=sent)
    assert "HX-Trigger-After-Settle" not in refused.headers
    done = page.post(f"/queue/{ticket.pk}/claim/", headers=sent)
    assert "HX-Trigger-After-Settle" not in done.headers
    done = page.post(f"/queue/{ticket.pk}/resolve/", {"resolution": "fixed"}, headers=sent)
    assert done.headers["HX-Trigger-After-Settle"] == "ticket-resolved"


def test_a_row_says_why_not_for_each_key(page, rosa):
    ticket = open_one()
    desk.claim(ticket_id=ticket.pk, by=rosa, at=MONDAY)
    text = page.get("/queue/?tab=open").text
    assert 'data-no-claim="Rosa Marin has it."' in text
    assert "data-no-acknowledge=" in text
    assert "data-no-note=" not in text
