"""The list of proposals: who sees which, search, filters and orders in the URL."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meshline import instant
from meshline.policy.models import SystemRole
from proposals import filters, lifecycle, search
from proposals.models import Proposal
from proposals.states import State
from tests.factories import MONDAY


def titles(answer):
    assert answer.status_code == 200, answer.status_code
    return [str(proposal) for proposal, _ in answer.context["rows"]]


@pytest.fixture
def four(tell):
    """Four proposals of three owners, in four states, of four amounts."""
    tell("sent", "a", name="Alpine roof", grand_total=money("900"))
    tell("viewed", "b", name="bridge survey", grand_total=money("20000"), owner="sam@example.com")
    tell("completed", "c", name="Canal lights", grand_total=money("5"), owner="olivia@example.com")
    tell("draft", "d", name="Dam study", grand_total=None, owner="nobody@example.com")
    return {p.external_id: p for p in Proposal.objects.all()}


def money(amount, currency="EUR"):
    return {"amount": amount, "currency": currency}


# --- Who sees which --------------------------------------------------------------------------
SEEN = {
    "olivia": {"Alpine roof", "bridge survey", "Canal lights", "Dam study"},
    "rosa": {"Alpine roof", "bridge survey", "Canal lights", "Dam study"},
    "sam": {"Alpine roof", "bridge survey"},
    "remy": {"Alpine roof"},
    "ada": {"Alpine roof", "bridge survey", "Canal lights", "Dam study"},
    "vera": {"Alpine roof", "bridge survey", "Canal lights", "Dam study"},
}


@pytest.mark.parametrize("name", SEEN)
def test_each_role_sees_what_is_in_its_scope(as_, four, name):
    assert set(titles(as_(name).get("/proposals/"))) == SEEN[name]


@pytest.mark.parametrize("name", ["ada", "vera"])
def test_amounts_and_contacts_are_masked_where_the_scope_says_so(as_, four, name):
    page = as_(name).get("/proposals/").content.decode()
    assert "•••" in page
    for private in ("Nina Brook", "nina@", "20,000.00", "900.00"):
        assert private not in page


def test_what_is_masked_cannot_be_found_by_searching_for_it(as_, four):
    assert len(titles(as_("rosa").get("/proposals/?q=nina"))) == 4
    assert titles(as_("vera").get("/proposals/?q=nina")) == []
    assert titles(as_("vera").get("/proposals/?q=alpine")) == ["Alpine roof"]


def test_nor_by_sorting_by_it(as_, four):
    newest = titles(as_("vera").get("/proposals/"))
    assert titles(as_("vera").get("/proposals/?sort=amount")) == newest
    assert titles(as_("vera").get("/proposals/?sort=-amount")) == newest


# --- Search ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "asked",
    [
        "website", "WEB", "relaunch web", "nina", "Brook nina", "nina@customer.example.com",
        "nina@cust", "doc-77", "doc", "site", "o'hara", "söh", "follow-up", "up",
    ],
)  # fmt: skip
def test_a_word_or_its_beginning_finds_title_contact_email_and_id(as_, tell, asked):
    tell("sent", "doc-77", name="Website relaunch: follow-up on site, O'Hara & Söhne")
    tell("sent", "other-1", name="Something else", recipients=[])
    assert titles(as_("rosa").get(f"/proposals/?q={quote(asked)}")) == [
        "Website relaunch: follow-up on site, O'Hara & Söhne"
    ]


@pytest.mark.parametrize("asked", ["relaunch nothing", "elaunch", "a:*", "x" * 150])
def test_what_begins_no_word_finds_nothing(as_, sent, asked):
    assert titles(as_("rosa").get(f"/proposals/?q={quote(asked)}")) == []


HOSTILE = [
    "'", "''", "\\", "\\'", "' | '", "a' | 'b", "!", "&", "|", "<->", "():*", "!!!&&&", "*", ":*",
    ":ABCD", "a:b:c", "' OR 1=1 --", "\x00", "a\x00b", "\ud7ff", "💥", "%", "_", "$1", "%s", "{0}",
    "‹›", "(", ")", "website & ", "!website", "x" * 5000, " ".join("abcdefghijklmnop"), "\t\n",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_breaks_the_search(as_, sent, text):
    assert as_("rosa").get("/proposals/", {"q": text}).status_code == 200
    assert search.matching(Proposal.objects.all(), text).count() in (0, 1)


def test_the_search_uses_its_index(sent):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    # Of one row each index is as good: that of its key would find the real ones, too.
    found = search.matching(Proposal.everything.all(), "web nina")
    assert "proposals_words" in found.explain()


# --- Filters ---------------------------------------------------------------------------------
def test_filters_narrow_by_state_owner_and_source(as_, four, staff):
    rosa = as_("rosa")
    assert titles(rosa.get("/proposals/?state=signed")) == ["Canal lights"]
    assert titles(rosa.get(f"/proposals/?owner={staff['sam'].pk}")) == ["bridge survey"]
    assert len(titles(rosa.get("/proposals/?source=pandadoc"))) == 4
    assert titles(rosa.get(f"/proposals/?state=signed&owner={staff['sam'].pk}")) == []


def test_only_owners_one_may_see_are_offered(as_, four):
    offered = as_("sam").get("/proposals/").context["filter"].form.fields["owner"].queryset
    assert {owner.name for owner in offered} == {"Remy Park", "Sam Dube"}


def test_attention_open_ticket(as_, four, tell):
    tell("declined", "a", name="Alpine roof", at=MONDAY + timedelta(hours=1))
    assert set(titles(as_("rosa").get("/proposals/?attention=ticket"))) == {
        "Alpine roof",
        "Dam study",
    }


def test_a_ticket_that_gathers_several_records_counts_for_each_of_them(as_, tell):
    tell("sent", "one", owner="gone@example.com")
    tell("sent", "two", owner="gone@example.com")
    rows = as_("rosa").get("/proposals/").context["rows"]
    assert [(proposal.external_id, tickets) for proposal, tickets in rows] == [
        ("two", 1),
        ("one", 1),
    ]


def test_attention_follow_up_overdue(as_, four):
    Proposal.objects.filter(external_id="b").update(
        next_follow_up_at=instant.now() + timedelta(days=1)
    )
    shown = titles(as_("rosa").get("/proposals/?attention=overdue"))
    assert sorted(shown) == ["Alpine roof", "Canal lights"]


def test_attention_temporary_owner(as_, four):
    assert titles(as_("rosa").get("/proposals/?attention=temporary")) == ["Dam study"]


# --- Orders ----------------------------------------------------------------------------------
ORDERS = {
    "": ["Dam study", "Canal lights", "bridge survey", "Alpine roof"],
    "changed": ["Alpine roof", "bridge survey", "Canal lights", "Dam study"],
    "title": ["Alpine roof", "bridge survey", "Canal lights", "Dam study"],
    "-title": ["Dam study", "Canal lights", "bridge survey", "Alpine roof"],
    "amount": ["Canal lights", "Alpine roof", "bridge survey", "Dam study"],
    "-amount": ["bridge survey", "Alpine roof", "Canal lights", "Dam study"],
}


@pytest.mark.parametrize("order", ORDERS)
def test_orders_go_both_ways_and_what_is_missing_comes_last(as_, four, order):
    assert titles(as_("rosa").get(f"/proposals/?sort={order}")) == ORDERS[order]


def test_the_soonest_follow_up_comes_first(as_, four):
    Proposal.objects.filter(external_id="b").update(next_follow_up_at=MONDAY)
    shown = titles(as_("rosa").get("/proposals/?sort=follow-up"))
    assert shown[:3] == ["bridge survey", "Canal lights", "Alpine roof"]
    assert titles(as_("rosa").get("/proposals/?sort=-follow-up"))[:3] == shown[2::-1]


@pytest.mark.parametrize("order", [*ORDERS, "follow-up", "-follow-up"])
def test_pages_follow_each_other_without_gap_or_double(as_, staff, monkeypatch, order):
    monkeypatch.setattr(filters, "PAGE_SIZE", 7)
    _many(30, staff["remy"])
    rosa, url, seen = as_("rosa"), f"/proposals/?sort={order}", []
    while url:
        answer = rosa.get(url)
        seen += [proposal.pk for proposal, _ in answer.context["rows"]]
        older = answer.context["page"].older_url
        url = f"/proposals/{older}" if older else ""
    assert len(seen) == len(set(seen)) == 30


def test_where_pages_end_the_list_says_so(as_, staff, monkeypatch):
    monkeypatch.setattr(filters, "PAGE_SIZE", 2)
    monkeypatch.setattr(filters, "MOST_PAGES", 3)
    _many(8, staff["remy"])
    answer = as_("rosa").get("/proposals/?sort=title&page=9")
    assert len(titles(answer)) == 2
    assert answer.context["is_cut"]
    assert "narrow the filter" in answer.content.decode()


GARBAGE = [
    "state=nonsense", "state=%00", "owner=x", "owner=99999999999999999999", "owner=%00",
    "source=nonsense", "attention=nonsense", "sort=nonsense", "sort=--amount", "sort=password",
    "page=x", "page=0", "page=-1", "page=" + "9" * 30, "sort=title&page=%00", "sort=title&page=²",
    "sort=title&page=39", "before=x", "after=x~y", "before=2026-13-45~1", "before=" + "9" * 400,
    "q=%ff", "sort=amount&after=1~1", "%00=%00", "state=sent&state=viewed",
]  # fmt: skip


@pytest.mark.parametrize("garbage", GARBAGE)
def test_nothing_in_the_url_breaks_it(as_, sent, garbage):
    assert as_("rosa").get(f"/proposals/?{garbage}").status_code == 200


# --- States of the page ----------------------------------------------------------------------
def test_nothing_there_is_told_from_hidden_and_from_not_connected(as_, staff, pandadoc):
    assert "No proposals yet" in as_("rosa").get("/proposals/").content.decode()
    hidden = as_("rosa").get("/proposals/?q=nothing").content.decode()
    assert "No proposal matches" in hidden
    SystemRole.objects.all().delete()
    assert "No quoting tool is connected" in as_("rosa").get("/proposals/").content.decode()


def test_an_order_alone_hides_nothing(as_, staff, pandadoc):
    assert "No proposals yet" in as_("rosa").get("/proposals/?sort=title").content.decode()


def test_htmx_gets_the_part_and_a_page_brought_back_is_whole(as_, sent):
    rosa = as_("rosa")
    part = rosa.get("/proposals/", headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div id="proposals">')
    back = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in rosa.get("/proposals/", headers=back).content.decode()


def test_the_number_of_queries_does_not_grow_with_the_rows(as_, sent, staff):
    rosa = as_("rosa")
    rosa.get("/proposals/")
    few = _queries(rosa)
    _many(40, staff["remy"])
    assert _queries(rosa) == few


def _queries(client):
    with CaptureQueriesContext(connection) as caught:
        assert client.get("/proposals/").status_code == 200
    return len(caught)


def _many(number, owner):
    """Rows as bare as a list may find them: half without amount or follow-up."""
    Proposal.objects.bulk_create(
        Proposal(
            source="pandadoc", external_id=f"bare-{place}", title="", state=State.SENT,
            owner=owner, owner_why="", created_at=MONDAY, changed_at=MONDAY, version=1,
            amount=place if place % 2 else None, currency="EUR" if place % 2 else "",
            next_follow_up_at=MONDAY if place % 3 else None,
        )
        for place in range(number)
    )  # fmt: skip


def test_a_title_is_text_and_never_markup(as_, tell):
    tell("sent", name="<script>alert(1)</script>")
    page = as_("rosa").get("/proposals/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_proposal_that_was_given_away_leaves_the_list_of_who_had_it(as_, sent, rosa, staff):
    lifecycle.assign(
        proposal_id=sent.pk, owner=staff["sam"], version=sent.version, reason="Leave.", by=rosa,
        at=instant.now(),
    )  # fmt: skip
    assert titles(as_("remy").get("/proposals/")) == []
    assert titles(as_("sam").get("/proposals/")) == ["Website relaunch"]
