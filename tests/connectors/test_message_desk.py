"""The message desk: posts, messages and refusals side by side, and finding any of them."""

import json
import re

import pytest

from connectors import indexing
from connectors.models import Message, Receipt, RejectedReceipt
from exceptions.models import Ticket
from meshline.audit.models import TrailLine
from proposals.models import Outcome, Proposal
from tests import factories
from tests.factories import digest_all, document, post_pandadoc, post_stripe
from tests.reading import words

pytestmark = pytest.mark.django_db
NINA = "nina@customer.example.com"


@pytest.fixture
def olivia(as_):
    return as_("olivia")


def rows(answer, what="message"):
    return [int(pk) for pk in re.findall(rf'<tr id="{what}-(\d+)"', answer.content.decode())]


def counts(answer):
    """What the tabs say, by name."""
    return {tab["label"]: tab["count"] for tab in answer.context["tabs"]}


def found(client, q, **more):
    return rows(client.get("/messages/", {"q": q, **more}))


# --- The customer says they signed, we see nothing -----------------------------------------------
def test_what_was_refused_is_told_from_what_never_came(olivia, pandadoc):
    post_pandadoc([document("sent")], event_id="evt-sent")
    digest_all()
    post_pandadoc([document("completed", id="doc-1")], event_id="evt-signed", secret="rotated")
    # Nothing says signed among the messages; the desk says where it is.
    answer = olivia.get("/messages/", {"q": "document.completed"})
    assert rows(answer) == []
    said = words(answer)
    assert "It came, and we refused it." in said
    assert counts(answer) == {"Messages": "0", "Posts": "0", "Refused": "1"}
    there = re.search(r'href="(/messages/refused/\?q=[^"]+)"', answer.content.decode())[1]
    answer = olivia.get(there)
    refused = RejectedReceipt.objects.get()
    assert rows(answer, "refused") == [refused.pk]
    page = olivia.get(f"/messages/refused/{refused.pk}/")
    assert "The signature fits none of the connection&#x27;s secrets." in page.content.decode()
    assert "document.completed" in page.context["sight"].text


def test_what_was_let_in_is_told_from_what_was_refused(olivia, pandadoc):
    post_pandadoc([document("sent")])
    answer = olivia.get("/messages/refused/", {"q": NINA})
    assert "It was not refused: it was let in." in words(answer)
    assert counts(answer) == {"Messages": "1", "Posts": "1", "Refused": "0"}


def test_what_never_came_is_said_to_never_have_come(olivia, pandadoc):
    post_pandadoc([document("sent")])
    for view in ("/messages/", "/messages/posts/", "/messages/refused/"):
        assert "as far as we can tell it never arrived" in words(olivia.get(view, {"q": "zebra"}))


# --- Searching -----------------------------------------------------------------------------------
@pytest.fixture
def sent(staff, pandadoc):
    factories.hubspot()
    post_pandadoc([document("sent")], event_id="Evt-77/Ä")
    digest_all()
    return Message.objects.get()


@pytest.mark.parametrize("is_digested", [True, False], ids=["digested", "waiting"])
@pytest.mark.parametrize(
    "q",
    [NINA, "NINA@customer", "customer.example.com", "1234.50", "1,234.50", "website", "Web rela",
     "evt-77", "doc-1", "document_state", "pandadoc", "Brook nina"],
)  # fmt: skip
def test_a_message_is_found_by_any_word(olivia, pandadoc, q, is_digested):
    post_pandadoc([document("sent")], event_id="Evt-77/Ä")
    if is_digested:
        digest_all()
    assert found(olivia, q) == [Message.objects.get().pk]


@pytest.mark.parametrize("q", ["1234.5", "example.com", "evt 77", "2026-03"])
def test_a_digested_message_is_found_by_the_parts_of_its_words(olivia, sent, q):
    assert found(olivia, q) == [sent.pk]


def test_a_message_is_found_by_all_that_it_led_to(olivia, sent):
    post_pandadoc([document("sent", id="doc-9")], event_id="other")
    digest_all()
    signal = f"signal:{sent.signal_id}"
    outcome = Outcome.objects.filter(signal=sent.signal_id).first()
    for q in (sent.ref, sent.record, signal, outcome.ref, f"post:{sent.receipt_id}", str(sent.pk)):
        assert sent.pk in found(olivia, q), q
    assert found(olivia, f"{sent.ref} zebra") == []
    assert found(olivia, sent.ref) == [sent.pk]


def test_a_message_is_found_by_its_ticket(olivia, pandadoc):
    post_pandadoc(b"broken \xff")
    digest_all()
    ticket = Ticket.objects.get()
    assert found(olivia, f"ticket:{ticket.pk}") == [Message.objects.get().pk]
    assert found(olivia, "ticket:999999") == []


def test_a_reference_is_that_thing_and_not_all_that_begin_alike(olivia, pandadoc):
    post_pandadoc([document(id=f"tulips-{number}") for number in range(12)])
    sent = Message.objects.latest("pk")
    assert sent.pk not in found(olivia, f"message:{str(sent.pk)[:-1]}")


@pytest.mark.parametrize("whole", [b"\xff\x00 Tulip not json", b'{"a": "Tul', "“Tulip” ü".encode()])
def test_what_cannot_be_read_is_found_all_the_same(olivia, pandadoc, whole):
    post_pandadoc(whole)
    assert found(olivia, "tul") == [Message.objects.get().pk]
    digest_all()
    assert Message.objects.get().status == "quarantined"
    assert found(olivia, "tul") == [Message.objects.get().pk]


def test_what_is_ignored_on_the_way_in_is_found_once_the_clock_came_by(olivia, pandadoc):
    post_pandadoc([{"event": "quote_updated", "data": {"total": "größer"}}])
    message = Message.objects.get()
    assert message.status == "ignored"
    assert found(olivia, "größer") == []
    assert indexing.index_batch() == 1
    assert indexing.index_batch() == 0
    assert found(olivia, "größer") == [message.pk]
    assert found(olivia, "quote_upd") == [message.pk]


def test_amounts_are_found_however_they_are_written(olivia, pandadoc):
    for place, amount in enumerate(["1234.5", 1234.50, "1,234.50", 123450]):
        event = {"event": "document_updated", "data": {"id": f"a{place}", "x": amount}}
        post_pandadoc([event], event_id=str(place))
    digest_all()
    assert len(found(olivia, "1234.50")) == 4
    assert len(found(olivia, "1,234.50")) == 4


def test_amounts_of_three_decimals_are_found_in_the_units_stripe_sends(olivia):
    factories.stripe()
    for name, units in (("rounded", 12340), ("exact", 12345), ("cents", 1234)):
        invoice = {"object": "invoice", "currency": "kwd", "total": units}
        event = {"id": f"evt_{name}", "type": "tax.seen", "data": {"object": invoice}}
        assert post_stripe(event).status_code == 202
    digest_all()
    indexing.index_batch()
    rounded, exact, cents = (found(olivia, f"evt_{one}") for one in ("rounded", "exact", "cents"))
    assert len(rounded + exact + cents) == 3
    assert found(olivia, "12.345") == exact
    # With a nought at its end somebody may as well mean cents.
    assert found(olivia, "12.340") == cents + rounded
    assert found(olivia, "12.34") == cents


NASTY = [
    *"%_*'\"\\", "' OR 1=1 --", "& | ! ()", "a:*", "!!!", "<->", "a & !b", "'quoted", "back\\slash",
    "nina\\", ":*", "it's", "((((", "a'b\\c:*|d", "\u202egnirts", "\u2028x", "x" * 10_000, "\0",
    "a\0b", "😀", "\ud7ff", "%00", "' || 'a", "$$", "E'\\n'",
]  # fmt: skip


@pytest.mark.parametrize("who", ["olivia", "ada"])
@pytest.mark.parametrize("view", ["", "posts/", "refused/"])
def test_nothing_typed_breaks_the_search(as_, pandadoc, who, view):
    post_pandadoc([document("sent")], event_id="one")
    digest_all()
    post_pandadoc([document("sent")], event_id="two")
    post_pandadoc(b"forged", secret="wrong")
    client = as_(who)
    for q in NASTY:
        assert client.get(f"/messages/{view}", {"q": q}).status_code == 200, q


@pytest.mark.parametrize(
    ("q", "sentence"),
    [
        ("%", "at least one letter or digit"),
        ("'", "at least one letter or digit"),
        ("x" * 10_000, "at most 200 characters"),
        ("a\0b", "Null characters are not allowed"),
    ],
)
def test_what_cannot_be_looked_for_says_why_and_narrows_nothing(olivia, sent, q, sentence):
    for headers in ({}, {"HX-Request": "true"}):
        answer = olivia.get("/messages/", {"q": q}, headers=headers)
        assert sentence in words(answer)
        assert rows(answer) == [sent.pk]


def test_an_operator_in_a_word_is_a_letter_like_any_other(olivia, pandadoc):
    post_pandadoc([document(name="it's a:* back\\slash & more")], event_id="odd")
    post_pandadoc([document(id="d2", name="plain")], event_id="plain")
    digest_all()
    odd = Message.objects.get(key__contains="odd").pk
    for q in ("it's", "back\\slash", "more"):
        assert found(olivia, q) == [odd], q


# --- Who may find what ---------------------------------------------------------------------------
def test_who_sees_values_masked_finds_keys_and_ids_and_no_value(as_, sent):
    post_pandadoc([document("viewed")], event_id="waits")
    post_pandadoc([document("sent")], event_id="forged", secret="wrong", **{"X-From": "them"})
    ada = as_("ada")
    waiting = Message.objects.order_by("-pk").first()
    for q in (NINA, "1234.50", "website", "brook", "nina", "doc-1", "eur"):
        for view in ("", "posts/", "refused/"):
            assert set(counts(ada.get(f"/messages/{view}", {"q": q})).values()) == {"0"}, q
    assert found(ada, "evt-77") == [sent.pk]
    assert found(ada, "waits") == [waiting.pk]
    assert found(ada, sent.ref) == [sent.pk]
    assert counts(ada.get("/messages/refused/", {"q": "them"}))["Refused"] == "0"
    refused = RejectedReceipt.objects.get()
    assert rows(ada.get("/messages/refused/", {"q": f"refused:{refused.pk}"}), "refused")
    assert "the search looks into keys, types, connections and ids only" in words(
        ada.get("/messages/")
    )


def test_a_team_lead_finds_what_is_about_the_team_and_reads_no_foreign_event(as_, pandadoc):
    post_pandadoc(
        [document(id="ours", owner="remy@example.com"),
         document(id="theirs", owner="olivia@example.com", name="Secret merger")],
        event_id="batch",
    )  # fmt: skip
    digest_all()
    sam = as_("sam")
    ours = Message.objects.get(position=0)
    assert rows(sam.get("/messages/")) == [ours.pk]
    assert found(sam, "merger") == []
    assert counts(sam.get("/messages/posts/", {"q": "merger"}))["Posts"] == "0"
    post = Receipt.objects.get()
    assert rows(sam.get("/messages/posts/"), "post") == [post.pk]
    page = sam.get(f"/messages/posts/{post.pk}/")
    assert "It also holds events about records of others" in words(page)
    assert "merger" not in page.content.decode()
    assert sam.get(f"/messages/posts/{post.pk}/raw/").status_code == 403
    assert f"/messages/{Message.objects.get(position=1).pk}/" not in page.content.decode()
    outcome = Outcome.objects.filter(proposal__external_id="theirs").first()
    if outcome:
        assert found(sam, outcome.ref) == []


# --- The three views -----------------------------------------------------------------------------
def test_the_tabs_count_what_their_views_show(olivia, pandadoc):
    post_pandadoc([document(id=f"d{n}") for n in range(3)], event_id="batch")
    post_pandadoc([document(id="x", name="Tulip")], event_id="one")
    post_pandadoc(b"tulip", secret="wrong")
    digest_all()
    for asked in ({}, {"q": "tulip"}, {"connection": "pandadoc"}, {"status": "digested"}):
        answer = olivia.get("/messages/", asked)
        for tab, what in zip(answer.context["tabs"], ("message", "post", "refused"), strict=True):
            assert str(len(rows(olivia.get(tab["url"]), what))) == tab["count"], (asked, tab)


def test_counts_are_capped(olivia, pandadoc, monkeypatch):
    monkeypatch.setattr("connectors.finding.MOST", 3)
    monkeypatch.setattr("connectors.views.desk.MOST", 3)
    post_pandadoc([document(id=f"d{n}") for n in range(5)])
    digest_all()
    assert counts(olivia.get("/messages/"))["Messages"] == "3+"
    answer = olivia.get("/messages/", {"q": "website"})
    assert counts(answer)["Messages"] == "3+"
    assert rows(answer) == sorted(Message.objects.values_list("pk", flat=True))[:1:-1]
    assert "More than 3 match" in words(answer)


def test_only_what_came_again(olivia, pandadoc):
    post_pandadoc([document()], event_id="a")
    post_pandadoc([document()], event_id="a")
    post_pandadoc([document("viewed")], event_id="b")
    again = Message.objects.get(duplicates=1)
    assert rows(olivia.get("/messages/?repeated=yes")) == [again.pk]


def test_a_post_shows_its_bytes_headers_verdict_and_events(olivia, pandadoc):
    events = [document(id="a"), document(id="b")]
    post_pandadoc(events, event_id="batch")
    digest_all()
    post = Receipt.objects.get()
    page = olivia.get(f"/messages/posts/{post.pk}/")
    said = words(page)
    assert page.context["sight"].text == json.dumps(events)
    assert "Signed with secret 1 of 1." in said
    assert "x-pandadoc-webhook-event-id" in said
    assert "127.0.0.1" in said
    for message in Message.objects.all():
        assert f'href="/messages/{message.pk}/"' in page.content.decode()
        assert (
            f'href="/messages/posts/{post.pk}/"'
            in olivia.get(f"/messages/{message.pk}/").content.decode()
        )
    assert TrailLine.objects.get(what="post.payload-seen").subject_id == str(post.pk)


def test_raw_bytes_are_handed_out_as_a_file_and_that_is_kept(olivia, as_, pandadoc):
    raw = b"\xff\x00<script>"
    post_pandadoc(raw)
    post_pandadoc(raw, secret="wrong")
    places = {
        f"/messages/{Message.objects.get().pk}/raw/": "message.payload-seen",
        f"/messages/posts/{Receipt.objects.get().pk}/raw/": "post.payload-seen",
        f"/messages/refused/{RejectedReceipt.objects.get().pk}/raw/": "refused-post.payload-seen",
    }
    for place, what in places.items():
        refusal = as_("ada").get(place)
        assert refusal.status_code == 403
        assert "Values are masked for you" in words(refusal)
        assert not TrailLine.objects.filter(what=what).exists()
        answer = olivia.get(place)
        assert answer.content == raw
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert TrailLine.objects.filter(what=what).count() == 1


@pytest.mark.parametrize("view", ["", "posts/", "refused/"])
@pytest.mark.parametrize("asked", ["", "?q=website"])
def test_a_view_costs_the_same_however_long_it_is(
    olivia, pandadoc, view, asked, django_assert_max_num_queries
):
    post_pandadoc([document(id=f"d{n}") for n in range(40)])
    for n in range(10):
        post_pandadoc([document()], event_id=f"x{n}")
        post_pandadoc(b"website", event_id=f"r{n}", secret="wrong")
    digest_all()
    olivia.get(f"/messages/{view}{asked}")
    with django_assert_max_num_queries(17):
        olivia.get(f"/messages/{view}{asked}")


def test_the_proposals_of_a_page_are_those_one_may_see(olivia, sent):
    assert (
        f'href="/proposals/{Proposal.objects.get().pk}/"'
        in olivia.get("/messages/").content.decode()
    )
