"""The trail as a file: exactly what the filter shows, as this person may see it, and recorded."""

import csv
import io
import json
from urllib.parse import quote

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from meshline import instant
from meshline.audit import anchors, personal, verify
from meshline.audit import export as file
from meshline.audit import invariants as of_the_trail
from meshline.audit.models import TrailLine
from meshline.pulse import pulse
from meshline.shell import invariants
from meshline.web import csv_export
from tests.audit.test_trail_page import two_teams, write  # noqa: F401 - fixtures
from tests.factories import digest_all, document, post_pandadoc


def take(client, query=""):
    """The file's rows by column, and the answer."""
    answer = client.post(f"/trail/export/{query}")
    assert answer.status_code == 200, answer.status_code
    text = b"".join(answer.streaming_content).decode()
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert tuple(head) == file.COLUMNS
    return [dict(zip(head, row, strict=True)) for row in rows]


def shown(client, query=""):
    """What the page shows, over all its pages."""
    found, url = [], f"/trail/{query}"
    while url:
        answer = client.get(url)
        found += [entry.line for entry in answer.context["entries"]]
        older = answer.context["page"].older_url
        url = f"/trail/{older}" if older else ""
    return found


QUERIES = ["", "?what=proposal.moved", "?kind=proposal", "?q=nothing-like-this", "?actor=meshline"]


@pytest.mark.parametrize("name", ["olivia", "rosa", "sam", "ada"])
@pytest.mark.parametrize("query", QUERIES)
def test_it_holds_exactly_what_the_filter_shows_that_person(as_, two_teams, name, query):  # noqa: F811
    client = as_(name)
    expected = shown(client, query)
    rows = take(client, query)
    assert [row["at"] for row in rows] == [csv_export.cell(line.at) for line in expected]
    assert [row["what"] for row in rows] == [line.what for line in expected]


def test_it_is_of_all_pages_whichever_is_on_screen(as_, two_teams, monkeypatch):  # noqa: F811
    monkeypatch.setattr(csv_export, "CHUNK", 50)
    for place in range(230):
        write(why=str(place))
    client = as_("rosa")
    first = client.get("/trail/?what=team.looked-at")
    second = client.get(f"/trail/{first.context['page'].older_url}")
    url = second.context["export_url"]
    assert url == "/trail/export/?what=team.looked-at"
    rows = take(client, url.removeprefix("/trail/export/"))
    assert [row["why"] for row in rows] == [str(place) for place in reversed(range(230))]


def test_a_row_says_everything_and_its_hash_is_the_chains(as_, two_teams):  # noqa: F811
    moved = TrailLine.objects.filter(what="proposal.moved").newest_first().first()
    row = take(as_("rosa"), "?what=proposal.moved")[0]
    assert row["subject"] == f"{moved.subject_kind}:{moved.subject_id}"
    assert (row["record"], row["cause"], row["why"]) == (moved.record, moved.cause, moved.why)
    assert (row["actor kind"], row["actor id"]) == (moved.actor_kind, moved.actor_id)
    assert json.loads(row["after"])["state"] == moved.after["state"]


def test_personal_values_are_as_the_page_shows_them_to_that_person(as_, two_teams):  # noqa: F811
    opened = str(take(as_("olivia")))
    masked = str(take(as_("ada")))
    for private in ("Nina Brook", "nina@customer.example.com"):
        assert private in opened
        assert private not in masked
    assert "•••" in masked
    personal.forget("contact:nina@customer.example.com")
    erased = str(take(as_("olivia")))
    assert "Nina Brook" not in erased
    assert "(erased)" in erased


@pytest.mark.parametrize("name", ["remy", "vera"])
def test_who_may_not_export_it_hears_why(as_, staff, name):
    answer = as_(name).post("/trail/export/")
    assert answer.status_code == 403
    assert "may not export the trail" in answer.content.decode()
    assert not TrailLine.objects.filter(what="trail.exported").exists()


def test_an_export_is_on_the_trail_with_who_which_filter_and_how_many(as_, two_teams, staff):  # noqa: F811
    rows = take(as_("rosa"), "?kind=proposal&q=brook@customer.example&since=2020-01-01")
    line = TrailLine.objects.get(what="trail.exported")
    assert (line.actor_id, line.subject_id) == (str(staff["rosa"].pk), str(staff["rosa"].pk))
    assert line.after["rows"] == len(rows)
    # What was typed may name a customer.
    assert "brook" not in str(line.after)
    asked = personal.reveal(line.after, personal.keys_for([line.after]))
    assert (asked["filter kind"], asked["filter q"]) == ("proposal", "brook@customer.example")
    assert asked["filter since"] == "2020-01-01"


def test_a_filter_that_cannot_be_read_exports_nothing(as_, two_teams):  # noqa: F811
    client = as_("rosa")
    assert client.post("/trail/export/?since=yesterday").status_code == 303
    assert "Nothing was exported" in (said := client.get("/trail/").content.decode())
    assert "Since: Enter a valid date." in said
    assert not TrailLine.objects.filter(what="trail.exported").exists()


@pytest.mark.parametrize(
    "garbage", ["q=%00", "q=" + "x" * 5000, "kind=nonsense", "id=17", "until=9999-12-31",
                "q=%25_%27%22%5C", "before=x&after=%00"],
)  # fmt: skip
def test_nothing_in_the_url_breaks_it(as_, two_teams, garbage):  # noqa: F811
    assert as_("rosa").post(f"/trail/export/?{garbage}").status_code in {200, 303}


def test_an_enormous_export_is_refused_with_a_sentence(as_, staff, monkeypatch):
    monkeypatch.setattr(csv_export, "CAP", 3)
    for _ in range(4):
        write()
    client = as_("rosa")
    assert client.post("/trail/export/?what=team.looked-at").status_code == 303
    assert "more than 3 rows" in client.get("/trail/").content.decode()
    assert not TrailLine.objects.filter(what="trail.exported").exists()


def test_text_that_a_spreadsheet_would_run_is_guarded(as_, staff):
    write(why='=HYPERLINK("http://evil.example")')
    rows = take(as_("rosa"), "?what=team.looked-at")
    assert rows[0]["why"] == '\'=HYPERLINK("http://evil.example")'


@pytest.mark.django_db(transaction=True)
def test_rows_come_from_the_databases_cursor_of_one_moment(as_, staff, monkeypatch):
    monkeypatch.setattr(csv_export, "CHUNK", 20)
    with transaction.atomic():
        for place in range(100):
            write(why=str(place))
    answer = as_("rosa").post("/trail/export/?what=team.looked-at")
    with transaction.atomic():
        write(why="later")
    text = b"".join(answer.streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["why"] for row in rows] == [str(place) for place in reversed(range(100))]
    hashes = {row["position"]: row["hash"] for row in rows}
    kept = dict(TrailLine.objects.values_list("link__position", "link__hash"))
    assert all(bytes(kept[int(place)]).hex() == hash_ for place, hash_ in hashes.items())
    assert TrailLine.objects.get(what="trail.exported").after["rows"] == 100
    assert verify.trail().holds


def test_the_number_of_queries_grows_with_the_chunks_only(as_, two_teams):  # noqa: F811
    client = as_("olivia")
    take(client)
    few = _queries(client)
    for place in range(40):
        post_pandadoc([document("sent", id=f"doc-{place}")], event_id=f"e{place}")
    digest_all()
    assert _queries(client) <= few


def _queries(client):
    with CaptureQueriesContext(connection) as caught:
        take(client)
    return len(caught)


# --- The page --------------------------------------------------------------------------------
def test_the_button_takes_the_filter_along(as_, two_teams):  # noqa: F811
    page = as_("rosa").get(f"/trail/?q={quote('a&b')}&kind=proposal").content.decode()
    assert 'action="/trail/export/?q=a%26b&amp;kind=proposal"' in page


def test_the_page_says_how_far_the_chain_was_verified_and_anchored(as_, staff, db):
    rosa = as_("rosa")
    page = rosa.get("/trail/").content.decode()
    assert "Not verified yet" in page
    assert "Not anchored outside the database yet" in page


@pytest.mark.django_db(transaction=True)
def test_once_the_clock_has_looked_the_page_says_so(as_, staff):
    with transaction.atomic():
        write()
    anchor = anchors.write(at=instant.now())
    invariants.daily()
    page = as_("rosa").get("/trail/").content.decode()
    assert f"Verified up to position <strong>{anchor.position}</strong>" in page
    assert f"at position <strong>{anchor.position}</strong>" in page
    pulse.beat(invariants.CHECKED, broken=[of_the_trail.NAME])
    page = as_("rosa").get("/trail/").content.decode()
    assert "The trail does not hold" in page


def test_who_sees_masked_does_not_find_out_by_searching(as_, two_teams):  # noqa: F811
    write(why="It was nina@customer.example.com who asked.")
    asked = "?q=nina@customer"
    assert shown(as_("ada"), asked) == []
    assert take(as_("ada"), asked) == []
    assert len(shown(as_("rosa"), asked)) == 1


def test_strangers_are_sent_to_the_sign_in_page(staff):
    assert Client().post("/trail/export/").headers["Location"].startswith("/sign-in/")
