"""What is wrong is answered with a sentence that names it: never a page, never a fault."""

import json
import re
from datetime import date

import pytest
from django.db import OperationalError
from django.test import Client

from exceptions import desk
from meshline.people.models import User
from meshline.web.rest import words
from tests.api.conftest import trouble

pytestmark = pytest.mark.django_db
LISTS = ("messages", "signals", "proposals", "follow-ups", "outcomes", "tickets", "trail")
LARGE = 2**63


def refused(answer, status, field=None):
    """It is refused with this status, in the one form, naming this field."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    said = answer.json()
    assert said.keys() == {"error", "field"}
    assert said["error"].endswith(".")
    assert said["field"] == field
    return said["error"]


@pytest.mark.parametrize("path", LISTS)
def test_a_limit_is_a_number_from_one_to_two_hundred(script, path):
    for limit in ("0", "201", "-1", "1.0", "1e2", "", " 5", "+5", "1_0", "٣", "x", LARGE, "9" * 99):
        said = refused(script.get(path, limit=limit), 422, "limit")
        assert said == "limit must be a whole number from 1 to 200."
    assert script.get(path, limit="200").status_code == 200


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_is_what_we_gave_and_nothing_else(script, path):
    others = {"messages": "m", "signals": "s", "proposals": "p", "outcomes": "o", "tickets": "t",
              "trail": "l", "follow-ups": "f"}  # fmt: skip
    good = others[path] + "0f" * 14 + "1e"
    assert script.get(path, after=good).status_code == 200
    bad = ["", "x", "1", good[:-1], good + "0f", good.upper(), good + "\n", "\0" * 31, "0" * 5000]
    bad += [other + good[1:] for other in set(others.values()) - {others[path]}]
    for place in range(len(good)):
        changed = "2" if good[place] != "2" else "3"
        bad.append(good[:place] + changed + good[place + 1 :])
    for cursor in bad:
        refused(script.get(path, after=cursor), 422, "after")


@pytest.mark.parametrize("path", LISTS)
def test_a_filter_that_is_none_is_named_with_those_there_are(script, path):
    said = refused(script.get(path, colour="red"), 422, "colour")
    assert said.startswith("There is no filter colour. There are: a")
    assert "after, " in said
    said = refused(script.get(f"{path}/1", limit="5"), 422, "limit")
    assert "none here" in said
    refused(script.get(path, **{"a\0b": "x"}), 422, "a␀b")


def test_a_filter_is_given_once(script):
    answer = script.client.get("/api/v1/tickets?state=open&state=claimed", headers=script.headers)
    assert "2 times" in refused(answer, 422, "state")


def test_a_word_that_is_none_of_a_few_is_answered_with_those(script):
    assert "acknowledged" in refused(script.get("tickets", state="opened"), 422, "state")
    assert "critical" in refused(script.get("tickets", severity=""), 422, "severity")
    assert "rejected" in refused(script.get("messages", status="Rejected"), 422, "status")
    assert "given_up" in refused(script.get("outcomes", state="\0"), 422, "state")
    assert "closed-won" in refused(script.get("proposals", state="won"), 422, "state")


@pytest.mark.parametrize(
    ("path", "field", "values"),
    [
        ("tickets", "owner", ["", "0", "x", "a@", "@b", "a b@c", str(LARGE), "1\0", "a@\0"]),
        ("tickets", "record", ["", "17", "proposal", "proposal:", "proposal:0", "proposal:1\n",
                               "proposal:x", f"proposal:{LARGE}", "proposal:-1", "PROPOSAL:1"]),
        ("proposals", "q", ["\0", "a\0b", "x" * 201]),
        ("proposals", "external_id", ["\0", "x" * 201]),
        ("messages", "key", ["\0", "x" * 301]),
        ("messages", "connection", ["a b", "\0", "ä", "x" * 61]),
        ("trail", "actor", ["\0", "x" * 201]),
        ("trail", "since", ["", "now", "2026-03-02", "2026-03-02T09:30:00", "1999-01-01T00:00:00Z",
                            "2026-02-30T09:30:00Z", "2026-03-02T24:00:00Z", "2026-13-01T00:00:00Z",
                            "2026-03-02T09:30:00+14:00", "٢٠٢٦-03-02T09:30:00Z",
                            "2027-02-29T09:30:00Z", "2100-02-29T09:30:00Z"]),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused_by_its_name(script, path, field, values):
    for value in values:
        refused(script.get(path, **{field: value}), 422, field)


def is_in_the_calendar(day):
    try:
        return bool(date.fromisoformat(day))
    except ValueError:
        return False


def test_every_day_of_two_hundred_years_is_a_day_and_no_other_is():
    """The pattern stands in the document, so it must itself know which years are leap years."""
    for year in range(2000, 2200):
        for month, day in [(month, day) for month in range(14) for day in range(33)]:
            written = f"{year}-{month:02}-{day:02}"
            is_taken = re.search(words.MOMENT, f"{written}T09:30:00Z") is not None
            assert is_taken == is_in_the_calendar(written), written


def test_a_leap_day_is_a_moment_like_any_other(script):
    assert script.get("trail", since="2028-02-29T09:30:00Z").status_code == 200


def test_what_may_be_typed_into_a_search_is_no_operator(script):
    for text in ("", " ", "'", "a & b | !c", ":*", "%", "_", "\\", "(((", "a:*b", "<->", "\ud7ff"):
        assert script.get("proposals", q=text).status_code == 200, text


@pytest.mark.parametrize("path", LISTS)
def test_an_id_that_is_none_is_refused_and_one_nobody_has_is_missing(script, path):
    field = "position" if path == "trail" else "id"
    for id in ("x", "0", "-1", "1.5", str(10**19 - 1), "9" * 400, "%00", "1%00", "%20", "٣"):
        refused(script.client.get(f"/api/v1/{path}/{id}", headers=script.headers), 422, field)
    if path != "messages":
        refused(script.get(f"{path}/{LARGE}"), 422, field)
        refused(script.get(f"{path}/{LARGE - 1}"), 404)
    refused(script.get(f"{path}/999999999999999999"), 404)


def test_what_does_not_exist_yet_is_a_clean_404(script, stranger):
    for path in ("leads", "", "tickets/",
                 "tickets/1/eat", "tickets/1/claim/", "../people/", "x" * 3000):  # fmt: skip
        refused(script.get(path), 404)
        refused(stranger.get(path), 404)
    for address in ("/api/", "/api/v2/tickets", "/api/v1"):
        assert Client().get(address).json()["field"] is None


def test_a_method_that_is_not_taken_names_those_that_are(script):
    for method in ("post", "put", "patch", "delete", "options", "head", "trace"):
        answer = getattr(script.client, method)("/api/v1/tickets", headers=script.headers)
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "GET"
        if method != "head":
            assert "GET" in refused(answer, 405)
    answer = script.get("tickets/1/claim")
    assert (answer.headers["Allow"], refused(answer, 405)) == ("POST", "This address takes POST.")


def test_who_does_not_take_json_is_told(script):
    for accept in ("text/html", "application/xml", "image/*, text/plain;q=0.9"):
        answer = script.client.get("/api/v1/tickets", headers={**script.headers, "Accept": accept})
        refused(answer, 406)
    for accept in ("*/*", "application/json", "text/html, */*;q=0.8", "APPLICATION/*", ""):
        answer = script.client.get("/api/v1/tickets", headers={**script.headers, "Accept": accept})
        assert answer.status_code == 200, accept


def test_a_body_is_json_of_a_bounded_size(script):
    ticket = trouble()
    address = f"/api/v1/tickets/{ticket.pk}/note"

    def send(body, kind="application/json", **headers):
        return script.client.post(
            address, body, content_type=kind, headers={**script.headers, **headers}
        )

    for body in (
        b"{",
        b"text",
        b"\xff",
        b'{"text": NaN}',
        b'{"text": "a", "text": "b"}',
        b"[" * 50_000,
        b"\x00",
        b"\xef\xbb\xbf{}",
    ):
        refused(send(body), 400)
    for body in (b"[]", b"null", b"3", b'"x"'):
        refused(send(body), 422)
    refused(send(b"{}"), 422, "text")
    refused(send(b'{"text": "x", "by": 1}'), 422, "by")
    refused(send(json.dumps({"text": "\ud800"}).encode()), 422, "text")
    refused(send(b"text=x", "application/x-www-form-urlencoded"), 415)
    refused(send(b"", ""), 415)
    refused(send(b'{"text": "x"}', **{"Content-Encoding": "gzip"}), 415)
    refused(send(b" " * (64 * 1024 + 1)), 413)
    refused(send(b'{"text": "x"}', **{"Transfer-Encoding": "chunked"}), 411)
    assert not ticket.notes.exists()
    assert send(b'{"text": "x"}' + b" " * (64 * 1024 - 13)).status_code == 200


def test_too_many_words_in_an_address_are_refused(script):
    query = "&".join(f"a{number}=1" for number in range(1_001))
    answer = script.client.get(f"/api/v1/tickets?{query}", headers=script.headers)
    refused(answer, 400)


def test_no_database_is_a_503_that_asks_to_come_again(script, monkeypatch):
    def gone(*args, **options):
        raise OperationalError("gone")

    monkeypatch.setattr("meshline.web.rest.bearer.tokens.recognise", gone)
    answer = script.get("tickets")
    refused(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


def test_what_nobody_foresaw_is_a_sentence_too(script, monkeypatch):
    monkeypatch.setattr(desk, "claim", lambda **_: 1 / 0)
    answer = script.post(f"tickets/{trouble().pk}/claim")
    assert "nothing was changed" in refused(answer, 500)


def test_what_is_blank_is_as_the_document_says_not_as_python_does(script):
    """ECMA's idea of a blank is another than Python's: the patterns name their characters."""
    for owner in ("a\u001fb@c", "a b@c", "a\tb@c"):
        refused(script.get("tickets", owner=owner), 422, "owner")
    for owner in ("a\u0085b@c", "a\u00a0b@c", "\u3000@x"):
        assert script.get("tickets", owner=owner).status_code == 200


def test_an_owner_is_named_by_number_or_e_mail(script, staff):
    trouble()
    olivia = User.objects.get(email="olivia@example.com")
    assert len(script.items("tickets", owner=olivia.pk)) == 1
    assert len(script.items("tickets", owner="OLIVIA@example.com")) == 1
    assert script.items("tickets", owner="nobody@example.com") == []
    assert script.items("tickets", owner="999999999999999999") == []
