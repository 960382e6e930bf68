"""A ticket on screen: everything about it, every act on it, and how it closes before one's eyes."""

import html
import json
import re
from datetime import timedelta

import pytest

from exceptions import desk, looks, troubles
from exceptions.models import TicketNote
from meshline import instant
from meshline.audit.models import TrailLine
from tests.exceptions.conftest import CARRIER, HTMX, MONDAY, open_one, trouble
from tests.factories import reread
from tests.reading import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday", "staff")]
VERBS = ["claim", "release", "acknowledge", "resolve", "escalate", "note"]


@pytest.fixture
def page(as_, olivia):
    return as_(olivia)


def look(client, ticket, **query):
    return client.get(f"/queue/{ticket.pk}/", query)


# --- What it shows ---------------------------------------------------------------------------
def test_it_says_what_went_wrong_who_has_it_by_when_and_what_helps(page, ticket):
    text = words(look(page, ticket))
    for said in (
        "Delivery of one failed", "HubSpot answered 503 eleven times.", "Delivery failed", "High",
        "Open", "Olivia Ortiz is responsible for delivery.", "Unclaimed", "1,234.50 EUR",
        "Website relaunch", "hubspot", "What usually helps", "Once it works again, retry",
        "Due in 30 m", "Due in 4 h", "due Mon 2 Mar, 10:00", "Attempts 11",
    ):  # fmt: skip
        assert said in text, said


def test_it_links_its_record_its_connection_and_what_hangs_on_it(page):
    ticket = open_one("4711", subject="outcome:4711")
    open_one("4711", subject="message:12:abc")
    open_one("4711", subject="proposal:17")
    open_one("4711", subject="somewhere")
    text = look(page, ticket).text
    for address in (
        "/proposals/17/", "/connections/hubspot/", "/outcomes/4711/", "/messages/12/",
    ):  # fmt: skip
        assert f'href="{address}"' in text, address
    assert "somewhere" in text


def test_evidence_is_shown_as_text_whatever_it_is(page):
    payload = {"name": "<script>alert(1)</script>", "deep": [1, {"x": None}]}
    ticket = open_one(
        evidence={
            "payload": payload, "page": "/messages/1/", "answer": "<b>no</b>", "raw": "x" * 500,
            "last_error": "gone", "nothing": None,
        }
    )  # fmt: skip
    text = look(page, ticket).text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "&lt;b&gt;no&lt;/b&gt;" in text
    assert 'href="/messages/1/"' in text
    assert text.count('class="payload"') == 2
    assert "Last error" in text


@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example/", "javascript:x", 7])
def test_a_page_elsewhere_is_never_linked_from_the_evidence(page, address):
    ticket = open_one(evidence={"page": address, "x": 1})
    assert "evil" not in look(page, ticket).text.replace(f'"{ticket.title}"', "")
    assert "Open its page" not in look(page, ticket).text


def test_it_burns_down(page, ticket):
    for number in range(4):
        open_one(subject=f"outcome:{number}")
    for number in range(3):
        troubles.settle(subject=f"outcome:{number}", because="Proven.", by=CARRIER, at=MONDAY)
    text = words(look(page, ticket))
    assert "3 of 5 settled" in text
    assert text.count("Proven.") == 3
    assert text.count("Not yet") == 2


def test_closed_on_evidence_says_so_plainly(page, ticket):
    troubles.settle(subject="outcome:one", because="Read back.", by=CARRIER, at=MONDAY)
    response = look(page, ticket)
    assert "Closed on evidence. Read back. Nobody had to close it" in words(response)
    assert "/claim/" not in response.text
    assert 'hx-trigger="every 10s"' not in response.text


def test_resolved_by_hand_says_by_whom_and_why(page, ticket, olivia):
    desk.resolve(ticket_id=ticket.pk, resolution="duplicate", note="See 4.", by=olivia, at=MONDAY)
    assert "Resolved: duplicate. By Olivia Ortiz" in words(look(page, ticket))
    assert "See 4." in words(look(page, ticket))


def test_the_timeline_tells_the_whole_story_newest_first(page, ticket, olivia):
    for number in range(3):
        open_one(subject=f"outcome:{number}", led_from="signal:9")
    desk.claim(ticket_id=ticket.pk, by=olivia, at=MONDAY)
    desk.escalate(ticket_id=ticket.pk, reason="The CFO asks.", by=olivia, at=MONDAY)
    text = words(look(page, ticket))
    told = text[text.index("Timeline") :]
    places = [
        told.index(said) for said in ("Escalated", "Claimed", "Happened again 3 times", "Opened")
    ]
    assert places == sorted(places)
    assert "The CFO asks." in told
    assert "Olivia Ortiz (RevOps operator)" in told
    assert "Rosa Marin" in told


def test_a_very_long_story_ends_in_the_trail(page, ticket, olivia):
    for number in range(210):
        desk.note(ticket_id=ticket.pk, text=f"note {number}", by=olivia, at=MONDAY)
    text = look(page, ticket).text
    assert "Older lines stand in the trail." in text
    assert f"kind=ticket&amp;id={ticket.pk}" in text


def test_more_occurrences_are_no_more_queries(page, ticket, django_assert_max_num_queries):
    look(page, ticket)
    with django_assert_max_num_queries(26) as few:
        look(page, ticket)
    for number in range(40):
        open_one(subject=f"outcome:{number}", record=f"proposal:{number}")
    with django_assert_max_num_queries(len(few)):
        text = look(page, ticket).text
    assert text.count("Not yet") == 25
    assert 'rel="next"' in text


# --- What can be done ------------------------------------------------------------------------
def from_page(client, ticket, act, data=None):
    sent = {
        **HTMX,
        "HX-Target": "ticket-live",
        "HX-Current-URL": f"http://testserver/queue/{ticket.pk}/",
    }
    return client.post(f"/queue/{ticket.pk}/{act}/", data or {}, headers=sent)


def test_by_htmx_an_act_answers_with_every_part_it_changed(page, ticket, olivia):
    response = from_page(page, ticket, "claim")
    assert response.status_code == 200
    for part in ("live", "facts", "story", "notes", "occurrences"):
        assert f'id="ticket-{part}"' in response.text, part
    assert "Claimed." in response.text
    assert "<html" not in response.text
    assert reread(ticket).claimed_by == olivia


def test_without_htmx_an_act_comes_back_to_the_page_and_says_so(page, ticket):
    response = page.post(f"/queue/{ticket.pk}/claim/")
    assert (response.status_code, response.headers["Location"]) == (303, f"/queue/{ticket.pk}/")
    assert "Claimed." in look(page, ticket).text


def test_a_claim_can_be_taken_back_at_once(page, ticket):
    assert f'action="/queue/{ticket.pk}/release/"' in from_page(page, ticket, "claim").text
    from_page(page, ticket, "release")
    assert reread(ticket).status == "open"


def test_it_is_acknowledged_once(page, ticket):
    from_page(page, ticket, "claim")
    assert from_page(page, ticket, "acknowledge").status_code == 200
    again = from_page(page, ticket, "acknowledge")
    assert again.status_code == 409
    assert "A ticket that is acknowledged cannot be acknowledged." in again.text


def test_it_is_resolved_with_a_reason_and_a_note(page, ticket):
    response = page.post(
        f"/queue/{ticket.pk}/resolve/", {"resolution": "vendor outage", "note": "Over now."}
    )
    assert response.status_code == 303
    closed = reread(ticket)
    assert (closed.resolution, closed.resolution_note) == ("vendor outage", "Over now.")


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["form", "htmx"])
@pytest.mark.parametrize("resolution", [None, "", "because", "closed on evidence"])
def test_without_one_of_the_reasons_it_stays_open_and_the_note_is_kept(
    page, ticket, resolution, headers
):
    typed = {"note": "A long <story>."}
    if resolution is not None:
        typed["resolution"] = resolution
    response = page.post(f"/queue/{ticket.pk}/resolve/", typed, headers=headers)
    assert response.status_code == 422
    assert "Say why it is resolved" in response.text
    assert "A long &lt;story&gt;." in response.text
    assert reread(ticket).is_unresolved


@pytest.mark.parametrize(
    ("act", "field", "typed", "sentence"),
    [
        ("note", "text", "", "A note needs some text."),
        ("note", "text", "with\0nul", "Null characters are not allowed."),
        ("note", "text", "x" * 10_001, "at most 10000 characters"),
        ("escalate", "reason", "", "This field is required."),
        ("escalate", "reason", "with\0nul", "Null characters are not allowed."),
        ("escalate", "reason", "x" * 4_001, "at most 4000 characters"),
        ("resolve", "note", "x" * 10_001, "at most 10000 characters"),
        ("resolve", "note", "with\0nul", "Null characters are not allowed."),
    ],
)
def test_what_cannot_be_kept_is_refused_with_what_was_typed(
    page, ticket, act, field, typed, sentence
):
    given = {field: typed, "resolution": "fixed"}
    for headers in ({}, HTMX):
        response = page.post(f"/queue/{ticket.pk}/{act}/", given, headers=headers)
        assert response.status_code == 422
        assert sentence in response.text
        assert typed[:4_000].replace("\0", "") in response.text.replace("\0", "")
    assert reread(ticket).is_unresolved
    assert not TicketNote.objects.exists()


def test_ten_thousand_characters_are_a_note(page, ticket):
    assert page.post(f"/queue/{ticket.pk}/note/", {"text": "ü" * 10_000}).status_code == 303
    assert len(TicketNote.objects.get().text) == 10_000


def test_a_note_is_shown_as_it_was_typed(page, ticket):
    response = from_page(page, ticket, "note", {"text": "One\r\n<b>two</b>"})
    assert "One<br>&lt;b&gt;two&lt;/b&gt;" in response.text
    assert 'id="note-form"' in response.text  # an empty one, for the next
    assert TrailLine.objects.filter(what="ticket.noted").count() == 1


def test_a_viewer_writes_notes_and_nothing_else(as_, staff, ticket):
    vera = as_(staff["vera"])
    text = look(vera, ticket).text
    assert f'action="/queue/{ticket.pk}/note/"' in text
    assert vera.post(f"/queue/{ticket.pk}/note/", {"text": "Finance knows."}).status_code == 303
    for act in VERBS[:-1]:
        assert vera.post(f"/queue/{ticket.pk}/{act}/").status_code == 403
        assert f"/queue/{ticket.pk}/{act}/" not in text


def test_where_nobody_is_above_the_owner_it_says_so_before_anybody_asks(page, ticket, rosa):
    form = f'action="/queue/{ticket.pk}/escalate/"'
    assert form in look(page, ticket).text
    ticket.owner = rosa
    ticket.save(update_fields=["owner"])
    answer = look(page, ticket).text
    assert form not in answer
    assert "Rosa Marin is accountable already; there is nobody above." in answer


def test_an_escalated_ticket_says_to_whom_and_why(page, ticket, rosa):
    page.post(f"/queue/{ticket.pk}/escalate/", {"reason": "The CFO asks."})
    assert "Escalated: Rosa Marin is accountable for delivery." in look(page, ticket).text
    assert reread(ticket).owner == rosa


def test_nobody_is_above_the_accountable(page, ticket):
    for status in (303, 409):
        sent = page.post(f"/queue/{ticket.pk}/escalate/", {"reason": "Please."})
        assert sent.status_code == status
    assert "is accountable already" in sent.text


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["form", "htmx"])
def test_who_hands_a_ticket_out_of_their_scope_is_shown_the_queue(as_, staff, headers):
    sam = staff["sam"]
    theirs = troubles.open_ticket(trouble("x", owner=staff["remy"]), by=CARRIER, at=MONDAY)
    address = f"/queue/{theirs.pk}/escalate/"
    response = as_(sam).post(address, {"reason": "Please."}, headers=headers)
    assert response.status_code == (204 if headers else 303)
    to = response.headers["HX-Redirect" if headers else "Location"]
    assert to == "/queue/"


def test_a_resolved_ticket_refuses_every_move(page, ticket, olivia):
    desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=olivia, at=MONDAY)
    asked = {"resolution": "fixed", "reason": "Please.", "text": "Still true."}
    for act in VERBS[:-1]:
        response = page.post(f"/queue/{ticket.pk}/{act}/", asked)
        assert response.status_code == 409, act
        assert "A ticket that is resolved cannot be" in response.text
    assert page.post(f"/queue/{ticket.pk}/note/", asked).status_code == 303


# --- What is not there -----------------------------------------------------------------------
@pytest.mark.parametrize("number", ["0", "999", "9" * 30])
def test_a_ticket_that_is_unknown_is_not_found(page, number):
    assert page.get(f"/queue/{number}/").status_code == 404
    for act in VERBS:
        assert page.post(f"/queue/{number}/{act}/").status_code == 404


def test_a_ticket_out_of_scope_does_not_exist(as_, staff, ticket):
    sam = as_(staff["sam"])
    assert look(sam, ticket).status_code == 404
    for act in VERBS:
        assert sam.post(f"/queue/{ticket.pk}/{act}/").status_code == 404


def test_looking_is_not_acting_and_acting_is_not_looking(page, ticket):
    for act in VERBS:
        assert page.get(f"/queue/{ticket.pk}/{act}/").status_code == 405
    assert page.post(f"/queue/{ticket.pk}/").status_code == 405
    assert page.post("/queue/").status_code == 405
    assert page.head(f"/queue/{ticket.pk}/").status_code == 200


# --- Masked ----------------------------------------------------------------------------------
@pytest.fixture
def private():
    return open_one(
        title="lena@northwind.example is unknown",
        reason="The offer over 9,876.00 EUR names lena@northwind.example.",
        evidence={
            "outcome": 88, "last error": "lena@northwind.example",
            "payload": {"contact": {"email": "lena@northwind.example"}, "amount": "9876.00"},
            "raw": json.dumps({"who": "lena@northwind.example"}),
        },
    )  # fmt: skip


def test_an_admin_sees_the_structure_of_the_evidence_with_its_values_masked(as_, staff, private):
    olivia = staff["olivia"]
    note = "Call lena@northwind.example about 9,876.00 EUR."
    desk.note(ticket_id=private.pk, text=note, by=olivia, at=MONDAY)
    desk.resolve(ticket_id=private.pk, resolution="fixed", note=note, by=olivia, at=MONDAY)
    text = html.unescape(look(as_(staff["ada"]), private).text)
    for secret in ("lena@", "9,876.00", "9876.00", "1,234.50"):
        assert secret not in text, secret
    for kept in ('"contact"', '"email": "•••"', '"who": "•••"', "88", "Website relaunch"):
        assert kept in text, kept


def test_a_viewer_reads_why_there_is_no_evidence(as_, staff, private):
    text = look(as_(staff["vera"]), private).text
    assert "A Viewer may not see raw payloads." in text
    assert "lena@" not in text
    assert "payload-" not in text


# --- Live ------------------------------------------------------------------------------------
def seen_at(response):
    return re.search(r"\?seen=([\w-]+)", response.text)[1]


def ask(client, ticket, seen):
    sent = {
        **HTMX,
        "X-Meshline-Poll": "1",
        "HX-Current-URL": f"http://testserver/queue/{ticket.pk}/",
    }
    return client.get(f"/queue/{ticket.pk}/?seen={seen}", headers=sent)


def test_while_nothing_happens_the_page_is_left_alone(page, ticket):
    assert ask(page, ticket, seen_at(look(page, ticket))).status_code == 204


def test_it_closes_before_the_readers_eyes(page, ticket):
    seen = seen_at(look(page, ticket))
    troubles.settle(subject="outcome:one", because="Read back.", by=CARRIER, at=MONDAY)
    answer = ask(page, ticket, seen)
    assert answer.status_code == 200
    assert "Closed on evidence." in answer.text
    assert "This ticket is resolved now." in answer.text
    assert "hx-trigger" not in answer.text


def test_a_settled_subject_is_shown_without_a_word(page, ticket):
    open_one(subject="outcome:two")
    seen = seen_at(look(page, ticket))
    troubles.settle(subject="outcome:two", because="Read back.", by=CARRIER, at=MONDAY)
    answer = ask(page, ticket, seen)
    assert "1 of 2 settled" in answer.text
    assert "This ticket is" not in answer.text


def test_the_countdown_goes_on(page, ticket):
    seen = seen_at(look(page, ticket))
    with instant.stopped(MONDAY + timedelta(minutes=10)):
        assert "Due in 20 m" in ask(page, ticket, seen).text


def test_what_is_being_typed_survives_what_the_page_asks_by_itself(page, ticket):
    asked = ask(page, ticket, "zebra").text
    assert re.search(r'id="ask-resolve"\s+hx-preserve', asked)
    assert 'id="note-form"' not in asked
    acted = page.post(f"/queue/{ticket.pk}/resolve/", {}, headers=HTMX).text
    assert "hx-preserve" not in acted


@pytest.mark.parametrize("word", ["", "%00", "x" * 3000, "open-"])
def test_a_question_that_cannot_be_read_is_answered_in_full(page, ticket, word):
    assert ask(page, ticket, word).status_code == 200


def test_who_was_faster_than_a_resolve_is_named_on_the_button_and_in_the_refusal(
    page, ticket, olivia, rosa
):
    desk.claim(ticket_id=ticket.pk, by=rosa, at=MONDAY)
    said = "Rosa Marin has claimed this; only they can resolve it."
    assert said in words(look(page, ticket))
    answer = page.post(
        f"/queue/{ticket.pk}/resolve/", {"resolution": "fixed", "note": "Typed."}, headers=HTMX
    )
    assert (answer.status_code, said in words(answer)) == (403, True)
    assert reread(ticket).is_unresolved


# --- On to the next one ------------------------------------------------------------------------
def next_from(client, response):
    """Where its link leads."""
    address = html.unescape(re.search(r'id="next-ticket"\s+href="([^"]+)"', response.text)[1])
    answer = client.get(address)
    assert answer.status_code == 302
    return answer.headers["Location"]


def test_the_next_one_is_of_the_list_one_came_from_and_so_is_the_way_back(page, olivia):
    one, other, two = open_one("one"), open_one("other", kind="role-drift"), open_one("two")
    came = {"Referer": "http://testserver/queue/?tab=open&kind=delivery-failed"}
    here = page.get(f"/queue/{one.pk}/", headers=came)
    desk.resolve(ticket_id=one.pk, resolution="fixed", by=olivia, at=MONDAY)
    there = next_from(page, here)
    assert there == f"/queue/{two.pk}/?view=tab%3Dopen%26kind%3Ddelivery-failed"
    # The address alone says it from here on; after the last one its first follows.
    desk.claim(ticket_id=two.pk, by=olivia, at=MONDAY)
    three = open_one("three", at=MONDAY - timedelta(hours=2))
    here = page.get(there)
    assert 'href="/queue/?tab=open&amp;kind=delivery-failed"' in here.text
    assert next_from(page, here).startswith(f"/queue/{three.pk}/?view=")
    assert reread(other).is_unresolved


def test_the_view_is_kept_where_a_plain_form_leads_back_to_the_ticket(page, ticket):
    there = f"http://testserver/queue/{ticket.pk}/?view=tab%3Dopen"
    answer = page.post(f"/queue/{ticket.pk}/claim/", headers={"Referer": there})
    assert answer.headers["Location"].endswith("?view=tab%3Dopen")
    refused = page.post(f"/queue/{ticket.pk}/note/", {"text": ""}, headers={"Referer": there})
    assert f'href="/queue/{ticket.pk}/next/?tab=open"' in refused.text


LISTED = "tab=open&kind=delivery-failed"


def fields_of(page, address):
    """What the form to that address sends besides what is typed."""
    form = re.search(rf'<form[^>]*action="{re.escape(address)}".*?</form>', page, re.DOTALL)[0]
    sent = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in sent if name != "csrfmiddlewaretoken"}


@pytest.mark.parametrize(
    "act", [*sorted(set(VERBS) - {"release"}), "assign", "snooze", "link", "retry"]
)
def test_every_form_of_a_ticket_keeps_the_list_one_came_from(page, act):
    retry = {"label": "Retry", "url_name": "connectors:retry-ticket", "args": ["ticket"]}
    ticket = open_one("88", subject="outcome:88", remedies=[{**retry, "explains": "So."}])
    if act == "acknowledge":
        page.post(f"/queue/{ticket.pk}/claim/")
    came = {"Referer": f"http://testserver/queue/?{LISTED}"}
    shown = page.get(f"/queue/{ticket.pk}/", headers=came).text
    address = f"/queue/{ticket.pk}/{act}/"
    assert fields_of(shown, address) == {"view": LISTED}


def test_a_form_says_which_list_one_came_from_where_the_page_before_does_not(page, ticket):
    here = {"Referer": f"http://testserver/queue/{ticket.pk}/"}
    done = page.post(f"/queue/{ticket.pk}/claim/", {"view": LISTED}, headers=here)
    there = f"/queue/{ticket.pk}/?view=tab%3Dopen%26kind%3Ddelivery-failed"
    assert done.headers["Location"] == there
    # Said on a page of its own, which says it on; and where the answer is no.
    refused = page.post(f"/queue/{ticket.pk}/note/", {"text": "", "view": LISTED}, headers=here)
    assert fields_of(refused.text, f"/queue/{ticket.pk}/note/") == {"view": LISTED}
    no = page.post(f"/queue/{ticket.pk}/undo/", {"view": LISTED}, headers=here)
    assert no.headers["Location"] == there
    # Which page of its occurrences one was on is kept as well.
    here = {"Referer": f"http://testserver/queue/{ticket.pk}/?before=7"}
    done = page.post(f"/queue/{ticket.pk}/release/", {"view": LISTED}, headers=here)
    assert done.headers["Location"] == f"{there.replace('?', '?before=7&')}"


@pytest.mark.parametrize(
    "view",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "x\r\nLocation: //evil", "\0",
     "x" * 5000, "tab=open#//evil.example"],
)  # fmt: skip
def test_a_form_leads_to_no_other_page_whatever_it_says(page, ticket, view):
    done = page.post(f"/queue/{ticket.pk}/claim/", {"view": view})
    assert done.status_code == 303
    assert re.fullmatch(rf"/queue/{ticket.pk}/(\?view=[\w%.+-]*)?", done.headers["Location"])
    assert len(done.headers["Location"]) < 3000
    shown = page.get(done.headers["Location"])
    assert shown.status_code == 200
    links = re.findall(r'href="([^"]*)"', shown.text)
    assert not [link for link in links if "evil" in link and not link.startswith("/queue/")]


def test_whoever_comes_from_elsewhere_goes_on_through_what_the_queue_begins_with(page, olivia):
    one, two = open_one("one"), open_one("two")
    looks.save(by=olivia, name="All", words="tab=all", is_shared=False, begins=True)
    assert next_from(page, look(page, two)).startswith(f"/queue/{one.pk}/?view=tab%3Dall")


def test_after_the_only_one_the_list_says_that_nothing_waits(page, ticket, olivia):
    desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=olivia, at=MONDAY)
    assert next_from(page, look(page, ticket)) == "/queue/?tab=mine"
    assert "Nothing else waits in this list." in words(page.get("/queue/?tab=mine"))


@pytest.mark.parametrize("view", ["%00", "tab%3Dzebra", "x" * 3000, "kind%3D%3Cb%3E", "&view="])
def test_an_odd_view_is_the_usual_one(page, ticket, view):
    other = open_one("other")
    here = page.get(f"/queue/{ticket.pk}/?view={view}")
    assert here.status_code == 200
    assert f"/queue/{other.pk}/" in next_from(page, here) or "kind" in view
