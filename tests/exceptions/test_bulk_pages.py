"""The bar over the queue and the page of a job: what is asked, what is refused, what is shown."""

import html
import re

import pytest

from exceptions import bulk, desk, metrics
from exceptions.models import BulkJob, Ticket
from tests.exceptions.conftest import HTMX, MONDAY, open_one
from tests.reading import hidden

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday", "staff")]


@pytest.fixture
def page(as_, olivia):
    return as_(olivia)


def bar_of(client, query=""):
    """What the bar would send by itself, with nothing selected."""
    response = client.get(f"/queue/{query}")
    seen = re.findall(r'name="seen"\s+value="([^"]*)"', response.text)
    sent = {name: hidden(response, name) for name in ("words", "shown", "newest")}
    return {**sent, "seen": seen}


def send(client, bar, act, *tickets, htmx=False, **more):
    data = {**bar, "act": act, "ticket": [one.pk for one in tickets], **more}
    headers = {**HTMX, "HX-Target": "bulk-bar"} if htmx else {}
    return client.post("/queue/bulk/", data, headers=headers)


def claimed(user):
    return set(Ticket.objects.filter(claimed_by=user).values_list("pk", flat=True))


def test_selected_rows_are_done_at_once_and_the_list_comes_back_as_it_is(page, olivia):
    one, two, three = (open_one(name) for name in ("one", "two", "three"))
    response = send(page, bar_of(page), "claim", one, two, htmx=True)
    assert response.status_code == 200
    assert response.headers["HX-Retarget"] == "#tickets"
    assert "2 tickets claimed." in response.text
    assert 'id="bulk-bar"' in response.text
    assert claimed(olivia) == {one.pk, two.pk}
    assert three.pk not in claimed(olivia)


def test_what_an_act_asks_comes_when_somebody_opens_it(page):
    open_one("one")
    text = page.get("/queue/?tab=open").text
    assert 'hx-get="/queue/bulk/?act=resolve"' in text
    assert "resolve-note" not in text
    form = page.get("/queue/bulk/?act=resolve", headers=HTMX).text
    assert 'name="resolve-note"' in form
    assert "<html" not in form
    for word in ("claim", "moon", ""):
        assert page.get(f"/queue/bulk/?act={word}", headers=HTMX).status_code == 404


def test_what_an_act_asks_is_for_who_may_do_it(as_, staff):
    vera = as_(staff["vera"])
    assert vera.get("/queue/bulk/?act=note", headers=HTMX).status_code == 200
    for act in ("assign", "resolve"):
        assert vera.get(f"/queue/bulk/?act={act}", headers=HTMX).status_code == 403


def test_without_scripts_an_act_is_asked_for_and_comes_back_with_what_it_asks(page):
    one = open_one("one")
    answer = send(page, bar_of(page), "resolve", one)
    assert answer.status_code == 422
    assert 'name="resolve-note"' in answer.text
    assert re.search(rf'value="{one.pk}"[^>]*checked', answer.text)
    assert Ticket.objects.get().status == "open"


def test_no_byte_of_a_posted_mark_breaks_anything(page, olivia):
    one = open_one("one")
    bar = {**bar_of(page), "seen": [f"{one.pk}:op\0en"]}
    response = send(page, bar, "claim", one)
    assert response.status_code == 303
    # It is a mark like any other that does not fit any more.
    assert "It changed after you looked" in BulkJob.objects.get().items.get().why
    assert claimed(olivia) == set()


def test_a_plain_form_comes_back_to_the_queue_as_it_was(page, olivia):
    one = open_one("one")
    response = send(page, bar_of(page, "?tab=open&q=one"), "claim", one)
    assert response.status_code == 303
    assert response.headers["Location"] == "/queue/?tab=open&q=one"
    assert "1 ticket claimed." in page.get("/queue/").text


@pytest.mark.parametrize("htmx", [False, True])
def test_partial_failures_are_listed_and_can_be_tried_again(page, olivia, rosa, htmx):
    one, two = open_one("one"), open_one("two")
    bar = bar_of(page)
    desk.claim(ticket_id=one.pk, by=rosa, at=MONDAY)
    response = send(page, bar, "claim", one, two, htmx=htmx)
    job = BulkJob.objects.get()
    text = html.unescape(response.text if htmx else page.get(response.headers["Location"]).text)
    assert "It changed after you looked: Rosa Marin has claimed it." in text
    assert f"/queue/bulk/{job.pk}/" in text
    assert claimed(olivia) == {two.pk}
    desk.release(ticket_id=one.pk, by=rosa, at=MONDAY)
    again = page.post(f"/queue/bulk/{job.pk}/retry/")
    assert again.status_code == 303
    assert claimed(olivia) == {one.pk, two.pk}


def test_all_that_match_are_those_that_the_filter_showed(page, olivia):
    inside, outside = open_one("inside"), open_one("outside")
    bar = bar_of(page, "?tab=open&q=inside")
    late = open_one("inside too")
    assert bar["shown"] == "1"
    assert send(page, bar, "claim", all="1", htmx=True).status_code == 200
    assert claimed(olivia) == {inside.pk}
    assert not claimed(olivia) & {outside.pk, late.pk}


def test_all_of_many_are_counted_for_the_bar_alone_as_far_as_one_act_can_take(page, monkeypatch):
    monkeypatch.setattr(metrics, "CAP", 1)
    for name in "abcd":
        open_one(name)
    response = page.get("/queue/?tab=open")
    assert hidden(response, "shown") == "4"
    assert "All 4 that match" in " ".join(response.text.split())
    monkeypatch.setattr(bulk, "MOST", 2)
    response = page.get("/queue/?tab=open")
    assert "All 2+ that match" in " ".join(response.text.split())
    assert send(page, bar_of(page, "?tab=open"), "claim", all="1").status_code == 422


def test_when_the_filter_holds_more_by_now_nothing_is_done_and_the_list_is_new(page, olivia, rosa):
    one, two = open_one("one"), open_one("two")
    desk.claim(ticket_id=one.pk, by=rosa, at=MONDAY)
    bar = bar_of(page, "?tab=unclaimed")
    desk.release(ticket_id=one.pk, by=rosa, at=MONDAY)
    response = send(page, bar, "claim", all="1", htmx=True)
    assert response.status_code == 409
    assert "holds more by now; nothing was done" in response.text
    assert f'id="ticket-{two.pk}"' in response.text
    assert claimed(olivia) == set()


def test_a_foreign_number_is_refused_and_nothing_is_done(as_, staff):
    theirs, ours = open_one("sales", owner=staff["sam"]), open_one("revops")
    page = as_(staff["sam"])
    response = send(page, bar_of(page), "claim", theirs, ours)
    assert response.status_code == 422
    assert f"Ticket {ours.pk} is not among what you may see; nothing was done." in response.text
    assert claimed(staff["sam"]) == set()


@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize(
    ("act", "typed", "says"),
    [
        ("resolve", {"resolve-note": "A <long> story."}, "Say why it is resolved"),
        ("escalate", {"escalate-reason": ""}, "This field is required."),
        ("note", {"note-text": "A <long> story. @Nobody"}, "@Nobody is nobody here."),
        ("note", {"note-text": "x" * 10_001}, "10,000|10000"),
        ("snooze", {"snooze-until": "2026-03-01T09:00", "snooze-reason": "A <long> story."},
         "still to come"),
        ("assign", {"assign-note": "A <long> story."}, "To: choose who shall have it."),
        ("nothing", {}, "Choose what to do with them."),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_and_what_was_typed_and_selected_is_kept(
    page, act, typed, says, htmx
):
    one, two = open_one("one"), open_one("two")
    response = send(page, bar_of(page), act, one, htmx=htmx, **typed)
    assert response.status_code == 422
    text = html.unescape(response.text)
    assert re.search(says, text)
    for value in typed.values():
        assert value in text
    boxes = re.findall(r'name="ticket"\s+value="(\d+)"[^>]*\s(checked)?\s*>', response.text)
    assert dict(boxes) == {str(one.pk): "checked", str(two.pk): ""}
    assert not BulkJob.objects.exists()


@pytest.mark.parametrize("word", ["zebra", "-1", "9" * 30, "1e3", "\u0664"])
def test_a_number_that_is_none_is_refused(page, word):
    open_one()
    response = page.post("/queue/bulk/", {**bar_of(page), "act": "claim", "ticket": word})
    assert response.status_code == 422
    assert "nothing was done" in response.text


def test_nothing_selected_is_said(page):
    open_one()
    response = send(page, bar_of(page), "claim")
    assert (response.status_code, "Select at least one ticket." in response.text) == (422, True)


def test_a_double_click_does_nothing_twice(page, olivia):
    one = open_one()
    bar = bar_of(page)
    send(page, bar, "claim", one)
    send(page, bar, "claim", one)
    first, second = BulkJob.objects.order_by("pk")
    assert (first.numbers()["done"], second.numbers()["failed"]) == (1, 1)


def test_more_than_fifty_are_a_job_with_a_page_that_asks_by_itself(page, olivia, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    for n in range(4):
        open_one(str(n))
    response = send(page, bar_of(page), "claim", all="1")
    job = BulkJob.objects.get()
    assert response.headers["Location"] == f"/queue/bulk/{job.pk}/"
    assert claimed(olivia) == set()
    bulk.do_some(job, most=1)
    part = page.get(f"/queue/bulk/{job.pk}/", headers=HTMX).text
    assert re.search(r'<progress value="1"\s+max="4"', part)
    assert 'hx-trigger="every 2s"' in part
    assert "1 claimed." in " ".join(part.split())
    assert f"/queue/bulk/{job.pk}/" in page.get("/queue/").text
    cancelled = page.post(f"/queue/bulk/{job.pk}/cancel/", headers=HTMX).text
    assert "1 claimed, 3 left as they were." in " ".join(cancelled.split())
    assert 'hx-trigger="every 2s"' not in cancelled
    assert len(claimed(olivia)) == 1


def test_a_large_one_asks_first(page, olivia, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    monkeypatch.setattr(bulk, "ASKS_ABOVE", 2)
    for n in range(3):
        open_one(str(n))
    send(page, bar_of(page), "claim", all="1")
    job = BulkJob.objects.get()
    assert "nothing is done before you say yes" in page.get(f"/queue/bulk/{job.pk}/").text
    page.post(f"/queue/bulk/{job.pk}/start/")
    bulk.work(seconds=5)
    assert len(claimed(olivia)) == 3
    text = " ".join(page.get(f"/queue/bulk/{job.pk}/").text.split())
    assert "3 claimed." in text
    assert page.post(f"/queue/bulk/{job.pk}/start/", headers=HTMX).status_code == 409


def test_a_note_is_written_on_many_tickets(page, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    monkeypatch.setattr(bulk, "ASKS_ABOVE", 1)
    for name in ("one", "two"):
        open_one(name)
    send(page, bar_of(page, "?tab=open"), "note", all="1", **{"note-text": "Seen."})
    text = page.get(f"/queue/bulk/{BulkJob.objects.get().pk}/").text
    assert "Write a note on many tickets" in text
    assert "Write a note on them" in text


def test_who_asked_for_it_is_told_of_a_job_that_ended_behind_their_back(page, olivia, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    for n in range(2):
        open_one(str(n))
    send(page, bar_of(page), "claim", all="1")
    bulk.work(seconds=5)
    notice = olivia.notices.get(key__startswith="bulkjob:")
    assert notice.text == "2 tickets were claimed."
    assert page.get(notice.url).status_code == 200


def test_the_bar_is_not_offered_where_there_is_nothing_to_do_with(page, as_, staff):
    assert 'name="all"' not in page.get("/queue/").text
    done = open_one()
    desk.resolve(ticket_id=done.pk, resolution="fixed", by=staff["olivia"], at=MONDAY)
    assert 'name="all"' not in page.get("/queue/?tab=resolved").text
    open_one("two")
    viewer = as_(staff["vera"]).get("/queue/").text
    assert 'value="note"' in viewer
    assert 'value="claim"' not in viewer


def test_a_long_filter_and_markup_in_it_stay_text(page):
    open_one()
    words = "tab=open&q=%3Cscript%3Ealert(1)%3C/script%3E"
    response = page.post("/queue/bulk/", {"words": words, "act": "claim", "all": "1"})
    assert response.status_code == 422
    assert "<script>alert" not in response.text


def test_the_bar_costs_the_same_however_many_rows(page, django_assert_max_num_queries):
    open_one("first")
    page.get("/queue/")
    with django_assert_max_num_queries(24) as few:
        page.get("/queue/")
    for n in range(30):
        open_one(str(n))
    with django_assert_max_num_queries(len(few)):
        page.get("/queue/")


def test_an_address_without_a_job_is_not_found(page):
    assert page.get("/queue/bulk/").headers["Location"] == "/queue/"
    for address in ("/queue/bulk/999/", "/queue/bulk/999/cancel/"):
        assert page.get(address).status_code in (404, 405)
        assert page.post(address).status_code in (404, 405)
