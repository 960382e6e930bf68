"""The pages of a mapping: what was typed stays, the second of two is told, who may what."""

import html
import json
import re

import pytest

from connectors import mappings
from connectors.models import MappingVersion, Message
from exceptions.models import Ticket
from meshline import instant
from meshline.policy import drafts
from meshline.policy.models import Draft
from tests.connectors.mapped import LEGAL, OWNER, drafted, published, sent
from tests.factories import connected, digest_all, document, standard
from tests.reading import hidden, signed_in, words

pytestmark = pytest.mark.django_db

HOME = "/connections/pandadoc/mapping/"
DRAFT, TEST, PUBLISH = f"{HOME}draft/", f"{HOME}test/", f"{HOME}publish/"


@pytest.fixture
def as_(staff, pandadoc):
    return lambda name: signed_in(staff[name])


def typed(*rows, revision=0, based_on=0, **fields):
    """A draft as somebody typed it."""
    said = {"revision": str(revision), "based_on": str(based_on)}
    for number, (word, state) in enumerate(rows, start=1):
        said |= {f"word-{number}-theirs": word, f"word-{number}-says": state}
    return said | {f"field-{name}": path for name, path in fields.items()}


# --- The way from a ticket and back ---------------------------------------------------------------
def test_whoever_comes_from_a_ticket_keeps_its_message_on_every_page_and_the_way_back(as_):
    sent("legal.a")
    digest_all()
    held, ticket = Message.objects.get(), Ticket.objects.get()
    way = f"?message={held.pk}&ticket={ticket.pk}"
    back = f"For message {held.pk} of ticket #{ticket.pk}"
    page = as_("olivia").get(f"{HOME}{way}")
    assert {f"{TEST}{way}", f"{DRAFT}{way}"} <= links(page)

    form = as_("olivia").get(f"{DRAFT}{way}")
    assert back in words(form)
    kept = as_("olivia").post(f"{DRAFT}{way}", typed(("document.legal.a", "sent")))
    assert kept.headers["Location"] == f"{DRAFT}{way}"
    form = as_("olivia").get(kept.headers["Location"])
    assert {f"{HOME}{way}", f"{TEST}{way}", f"{PUBLISH}{way}"} <= links(form)
    asked = as_("olivia").post(f"{DRAFT}submit/?revision=1&{way[1:]}")
    assert asked.headers["Location"] == f"{DRAFT}{way}"

    tried = as_("olivia").get(f"{TEST}{way}")
    assert back in words(tried)
    assert "The draft makes something else of it" in words(tried)
    assert {f"{HOME}{way}", f"{DRAFT}{way}", way} <= links(tried)

    page = as_("rosa").get(f"{PUBLISH}{way}")
    assert back in words(page)
    assert f"{DRAFT}{way}" in links(page)
    made = as_("rosa").post(f"{PUBLISH}{way}", {"revision": 1, "seen": hidden(page, "seen")})
    assert made.headers["Location"] == f"{HOME}{way}"
    assert f"Back to ticket #{ticket.pk}" in words(as_("rosa").get(made.headers["Location"]))


def test_versions_and_bringing_one_back_keep_the_way_and_strange_ids_are_no_way(as_):
    sent("legal.a")
    digest_all()
    held, ticket = Message.objects.get(), Ticket.objects.get()
    way = f"?message={held.pk}&ticket={ticket.pk}"
    page = as_("rosa").get(f"{HOME}{way}")
    older = f"{HOME}versions/0/{way}"
    assert {older, f"{TEST}{way}"} <= links(page)
    as_("olivia").post(f"{DRAFT}", typed(("document.other", "sent")))
    form = as_("rosa").get(PUBLISH)
    as_("rosa").post(PUBLISH, {"revision": 1, "seen": hidden(form, "seen")})
    page = as_("rosa").get(older)
    assert f"ticket #{ticket.pk}" in words(page)
    back = f"{HOME}versions/0/restore/{way}"
    assert back in html.unescape(page.content.decode())
    made = as_("rosa").post(back, {"seen": 1, "reason": "It was better."})
    assert made.headers["Location"] == f"{HOME}{way}"

    Ticket.objects.update(connection="stripe")
    page = as_("rosa").get(f"{HOME}?message={held.pk + 1}&ticket={ticket.pk}")
    assert f"ticket #{ticket.pk}" not in words(page)
    assert "?" not in next(link for link in links(page) if link.startswith(TEST))


def links(answer):
    return set(re.findall(r'href="([^"#]*)"', html.unescape(answer.content.decode())))


# --- Writing --------------------------------------------------------------------------------------
def test_what_is_kept_comes_back_into_the_form_and_is_no_change(as_):
    rows = [("document.a", "sent"), ("", "draft"), ("document.b", "nothing")]
    assert as_("olivia").post(DRAFT, typed(*rows, title="data.x.0")).status_code == 303
    assert Draft.objects.get().content == {
        "words": {"document.a": "sent", "document.b": "nothing"}, "fields": {"title": "data.x.0"},
    }  # fmt: skip
    page = as_("rosa").get(DRAFT)
    assert page.content.decode().count('<option value="nothing" selected>') == 1
    rows = [("document.a", "sent"), ("document.b", "nothing")]
    again = as_("rosa").post(DRAFT, typed(*rows, revision=1, title="data.x.0"))
    assert again.status_code == 303
    assert Draft.objects.get().revision == 1


@pytest.mark.parametrize(
    ("act", "shows", "hides"),
    [
        ("word", "word-3-theirs", "word-4-theirs"),
        ("drop-word:1", 'value="legal.b"', "legal.a"),
        ("drop-word:9", 'value="legal.b"', "word-3-theirs"),
        ("nonsense", 'value="data.x"', "word-3-theirs"),
    ],
)
def test_the_buttons_change_the_form_and_keep_nothing(as_, act, shows, hides):
    rows = [("legal.a", "sent"), ("legal.b", "viewed")]
    answer = as_("olivia").post(DRAFT, {**typed(*rows, title="data.x"), "act": act})
    assert answer.status_code == 200
    page = answer.content.decode()
    assert shows in page
    assert hides not in page
    assert not Draft.objects.exists()


@pytest.mark.parametrize(
    ("rows", "fields", "sentence"),
    [
        ([("document.a", "approved")], {}, "document.a: “approved” is no state"),
        ([("document.a", "")], {}, "is no state"),
        ([("a", "sent"), ("b", "sent"), ("a", "sent")], {}, "a: “a” stands twice"),
        ([("a\0b", "sent")], {}, "printable characters"),
        ([("a" * 200, "sent")], {}, "at most 120"),
        ([(f"w{n}", "sent") for n in range(101)], {}, "At most 100 words"),
        ([], {"colour": "data.x"}, "There is no field “colour”"),
        ([], {"title": "data.\0"}, "Title: A path is one line of printable characters."),
        ([], {"title": "a" * 10_240}, "this has 10,240"),
        ([], {"title": "data.__class__"}, "“__class__” is no step of a path"),
        ([], {"title": "data..x"}, "is no step of a path"),
        ([], {"currency": "data.x"}, "Currency: A currency goes with its amount"),
    ],
)
def test_what_cannot_be_is_refused_at_its_place_and_what_was_typed_stays(
    as_, rows, fields, sentence
):
    kept = {"contact_name": "data.kept", **fields}
    answer = as_("olivia").post(DRAFT, typed(*rows, **kept))
    assert answer.status_code == 422
    assert sentence in words(answer)
    page = answer.content.decode()
    assert 'value="data.kept"' in page
    assert 'class="member member-wide field-bad"' in page or 'class="field field-bad"' in page
    for word, _ in rows:
        assert f'value="{word}"'.replace("\0", "") in page.replace("\0", "")
    assert not Draft.objects.exists()


def test_ten_thousand_rows_are_turned_away(as_):
    rows = [(f"w{n}", "sent") for n in range(10_000)]
    assert as_("olivia").post(DRAFT, typed(*rows)).status_code in {400, 413, 422}


def test_a_system_without_words_or_fields_is_not_asked_for_them(as_):
    connected("hubspot"), standard()
    page = words(as_("olivia").get("/connections/hubspot/mapping/draft/"))
    assert "Our fields" not in page
    assert "closedwon" in page
    assert "Their words" not in words(as_("olivia").get("/connections/generic/mapping/draft/"))
    assert "says states by the types" in words(as_("vera").get("/connections/generic/mapping/"))
    answer = as_("olivia").post("/connections/hubspot/mapping/draft/", typed(("Won", "sent")))
    assert answer.status_code == 422
    assert "Won: It is compared in small letters" in words(answer)


@pytest.mark.parametrize("page", ["", "draft/", "test/", "backtest/", "publish/", "versions/0/"])
def test_what_sends_nothing_and_what_is_not_there_has_no_mapping(as_, page):
    connected("slack")
    for slug in ("slack", "nobody"):
        assert as_("rosa").get(f"/connections/{slug}/mapping/{page}").status_code == 404
    assert as_("rosa").get(f"{HOME}versions/7/").status_code == 404
    assert as_("rosa").get(f"{HOME}versions/99999999999999999999/").status_code == 404
    assert as_("rosa").post(f"{HOME}versions/7/restore/").status_code == 404


# --- Two at once ----------------------------------------------------------------------------------
def test_the_second_of_two_sees_the_difference_and_decides(as_, pandadoc, olivia):
    page = as_("rosa").get(DRAFT)
    drafted(pandadoc, LEGAL, olivia)
    late = typed(("document.b", "viewed"), revision=hidden(page, "revision"))
    answer = as_("rosa").post(DRAFT, late)
    assert answer.status_code == 409
    assert "Olivia Ortiz (RevOps operator) changed this meanwhile" in words(answer)
    assert "“document.in_legal_review” Sent" in words(answer)
    assert 'value="document.b"' in answer.content.decode()
    late["revision"] = hidden(answer, "revision")
    assert as_("rosa").post(DRAFT, late).status_code == 303
    assert list(Draft.objects.get().content["words"]) == ["document.b"]


def test_a_version_that_came_meanwhile_is_shown_before_anything_is_kept(as_, pandadoc, rosa):
    drafted(pandadoc, OWNER, rosa)
    mappings.set_mapping(connection=pandadoc, content=LEGAL, by=rosa, at=instant.now())
    answer = as_("rosa").post(DRAFT, typed(revision=1, title="data.x"))
    assert answer.status_code == 409
    assert "published version 1 meanwhile" in words(answer)
    publish = as_("rosa").get(PUBLISH)
    assert "Look first at what changed meanwhile." in words(publish)
    asked = {"revision": 1, "seen": hidden(publish, "seen")}
    assert as_("rosa").post(PUBLISH, asked).status_code == 409
    form = as_("rosa").get(DRAFT)
    assert "The draft goes from an older version." in words(form)
    again = typed(revision=1, based_on=hidden(form, "based_on"), title="data.x")
    assert as_("rosa").post(DRAFT, again).status_code == 303
    assert as_("rosa").post(PUBLISH, {"revision": 2, "seen": 1}).status_code == 303
    assert mappings.live(pandadoc).content == {"words": {}, "fields": {"title": "data.x"}}


def test_a_draft_that_was_thrown_away_is_begun_again_with_what_was_typed(as_, pandadoc, olivia):
    drafted(pandadoc, LEGAL, olivia)
    assert as_("olivia").post(f"{DRAFT}discard/?revision=7").status_code == 303
    assert Draft.objects.exists()
    assert as_("olivia").post(f"{DRAFT}discard/?revision=1").status_code == 303
    assert not Draft.objects.exists()
    answer = as_("rosa").post(DRAFT, typed(("a", "sent"), revision=1))
    assert answer.status_code == 409
    assert "Somebody threw the draft away meanwhile." in words(answer)
    assert 'value="a"' in answer.content.decode()
    answer = as_("rosa").post(PUBLISH, {"revision": 1, "seen": 0})
    assert answer.status_code == 409
    assert "Nothing of yours is published." in words(answer)


def test_a_draft_that_was_published_meanwhile_is_not_to_be_kept_again(as_, pandadoc, olivia, rosa):
    drafted(pandadoc, LEGAL, olivia)
    assert as_("rosa").post(PUBLISH, {"revision": 1, "seen": 0}).status_code == 303
    answer = as_("rosa").post(PUBLISH, {"revision": 1, "seen": 0})
    assert answer.status_code == 409
    assert "published version 1 meanwhile" in words(answer)
    assert "Keep the draft again" not in words(answer)


def test_bringing_back_asks_why_and_for_what_was_seen(as_, pandadoc, rosa):
    published(pandadoc, LEGAL, rosa)
    back = f"{HOME}versions/0/restore/"
    assert as_("rosa").post(back, {"seen": 1, "reason": ""}).status_code == 422
    answer = as_("rosa").post(back, {"seen": 0, "reason": "Typed already"})
    assert answer.status_code == 409
    assert "Typed already" in words(answer)
    assert "published version 1 meanwhile" in words(answer)
    assert "This is in force." in words(as_("rosa").get(f"{HOME}versions/1/"))
    answer = as_("rosa").post(f"{HOME}versions/1/restore/", {"seen": 1, "reason": "Again"})
    assert answer.status_code == 422
    assert MappingVersion.objects.count() == 1


def test_releasing_asks_for_what_was_seen(as_, pandadoc, rosa):
    sent("in_legal_review")
    digest_all()
    published(pandadoc, LEGAL, rosa)
    assert as_("olivia").post(f"{HOME}release/", {"seen": 0}).status_code == 303
    assert Message.objects.get().status == "quarantined"
    assert as_("olivia").post(f"{HOME}release/", {"seen": 1}).status_code == 303
    assert Message.objects.get().status == "accepted"


# --- Trying ---------------------------------------------------------------------------------------
def test_a_pasted_payload_is_tried_event_by_event(as_, pandadoc, olivia):
    drafted(pandadoc, LEGAL, olivia)
    events = [document("in_legal_review"), document("viewed"), {"event": "other", "data": {}}]
    answer = as_("olivia").post(TEST, {"payload": json.dumps(events)})
    assert answer.status_code == 200
    page = words(answer)
    assert "Event 1 of the payload The draft makes something else of it" in page
    assert "Event 2 of the payload The draft makes the same of it" in page
    assert "Ignored: other tells nothing" in page
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ("", "required"),
        ("no JSON", "It is not JSON"),
        ("[]", "It holds no event."),
        ("[" * 100_000, "It is"),
        ("x" * 2_000_000, "at most 1048576"),
    ],
)
def test_a_payload_that_cannot_be_read_is_refused_and_stays(as_, payload, sentence):
    answer = as_("olivia").post(TEST, {"payload": payload})
    assert answer.status_code == 422
    assert sentence in words(answer)
    assert payload in answer.content.decode()


@pytest.mark.parametrize("asked", ["0", "x", "99999999999999999999", "²"])
def test_a_message_that_is_not_there_is_not_tried(as_, asked):
    assert as_("olivia").get(f"{TEST}?message={asked}").status_code == 404


def test_a_message_of_another_connection_is_not_tried_here(as_):
    connected("hubspot")
    sent("sent")
    pk = Message.objects.get().pk
    assert as_("olivia").get(f"{TEST}?message={pk}").status_code == 200
    answer = as_("olivia").get(f"/connections/hubspot/mapping/test/?message={pk}")
    assert answer.status_code == 404


def test_the_backtest_comes_as_a_part_and_as_a_page(as_, pandadoc, olivia):
    assert "Nothing is drafted." in words(as_("olivia").get(f"{HOME}backtest/"))
    drafted(pandadoc, LEGAL, olivia)
    sent("in_legal_review")
    part = as_("olivia").get(f"{HOME}backtest/", headers={"HX-Request": "true"})
    assert "1 gained, 0 lost" in words(part)
    assert "<html" not in part.content.decode()
    assert f'href="/messages/{Message.objects.get().pk}/"' in part.content.decode()


# --- Who sees what --------------------------------------------------------------------------------
def test_values_are_masked_for_who_may_not_see_them(as_, pandadoc):
    sent("secret_word")
    digest_all()
    assert "secret_word" in words(as_("olivia").get(HOME))
    for name in ("vera", "ada"):
        page = words(as_(name).get(HOME))
        assert "secret_word" not in page
        assert "1 is not: data.status is" in page


def test_what_somebody_may_not_do_is_said_beside_the_button(as_, pandadoc, olivia):
    drafted(pandadoc, LEGAL, olivia)
    assert "may not draft changes of the operating model" in words(as_("vera").get(HOME))
    assert "may not change the operating model" in words(as_("olivia").get(PUBLISH))
    drafts.submit(kind=mappings.KIND, slug="pandadoc", revision=1, by=olivia, at=instant.now())
    assert "ready to be published" in words(as_("vera").get(HOME))
    assert re.search(r"Mapping</a>", as_("vera").get("/connections/pandadoc/").content.decode())
