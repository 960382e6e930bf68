"""The trail's page: filters in the URL, nobody sees further than they may, nothing breaks it."""

import re
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from meshline import instant
from meshline.audit import personal, timeline, trail
from meshline.audit.actors import CLOCK, SETUP
from meshline.audit.models import TrailLine
from meshline.people.models import Team, User
from meshline.policy import operating_model
from proposals import lifecycle
from proposals.models import Proposal
from proposals.states import State
from tests.factories import digest_all, document, post_pandadoc


@pytest.fixture
def two_teams(pandadoc, staff):
    """A proposal of Remy's (Sales) and one of Olivia's (RevOps)."""
    post_pandadoc([document("sent", id="doc-sales")], event_id="1")
    post_pandadoc([document("sent", id="doc-ops", owner="olivia@example.com")], event_id="2")
    digest_all()
    return {p.external_id: p for p in Proposal.objects.all()}


def lines(answer):
    assert answer.status_code == 200, answer.status_code
    return [entry.line for entry in answer.context["entries"]]


def write(what="team.looked-at", **more):
    team = Team.objects.get(slug="revops")
    return trail.record(what, **{"subject": team, "by": SETUP, "at": instant.now(), **more})


def test_a_manager_sees_every_line_newest_first(as_, two_teams):
    shown = lines(as_("rosa").get("/trail/"))
    assert [line.pk for line in shown] == sorted((line.pk for line in shown), reverse=True)
    assert len(shown) == min(TrailLine.objects.count(), 100)


def test_an_sdr_manager_sees_the_lines_of_their_teams_records_only(as_, two_teams):
    shown = lines(as_("sam").get("/trail/"))
    assert {line.record for line in shown} == {two_teams["doc-sales"].record}


def test_filters_do_not_widen_a_scope(as_, two_teams):
    theirs = two_teams["doc-ops"].pk
    assert lines(as_("sam").get(f"/trail/?kind=proposal&id={theirs}")) == []


@pytest.mark.parametrize("name", ["remy", "vera"])
def test_who_may_not_search_it_hears_why(as_, name):
    answer = as_(name).get("/trail/")
    assert answer.status_code == 403
    assert "may not search the trail" in answer.content.decode()


def test_personal_values_and_amounts_are_open_to_operators_and_masked_for_admins(as_, two_teams):
    seen = as_("olivia").get("/trail/").content.decode()
    masked = as_("ada").get("/trail/").content.decode()
    for private in ("Nina Brook", "nina@customer.example.com", "1,234.50 EUR"):
        assert private in seen
        assert private not in masked
    assert "•••" in masked


def test_an_erased_person_is_shown_as_erased(as_, two_teams):
    personal.forget("contact:nina@customer.example.com")
    seen = as_("olivia").get("/trail/").content.decode()
    assert "Nina Brook" not in seen
    assert "(erased)" in seen


# --- Filters ---------------------------------------------------------------------------------
def test_a_record_with_all_that_belongs_to_it(as_, two_teams):
    mine = two_teams["doc-sales"]
    shown = lines(as_("rosa").get(f"/trail/?kind=proposal&id={mine.pk}"))
    assert {line.record for line in shown} == {mine.record}
    assert {"proposal", "outcome"} <= {line.subject_kind for line in shown}


def test_one_subject(as_, two_teams):
    outcome = two_teams["doc-sales"].outcomes.first()
    shown = lines(as_("rosa").get(f"/trail/?kind=outcome&id={outcome.pk}"))
    assert [line.what for line in shown] == ["outcome.promised"]


def test_one_kind_of_act(as_, two_teams):
    shown = lines(as_("rosa").get("/trail/?what=proposal.moved"))
    assert {line.what for line in shown} == {"proposal.moved"}


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("raci.changed", "Owners changed"), ("sla.removed", "SLA removed"),
        ("authority.changed", "Source of truth changed"),
        ("outcome.called-off", "Outcome called off"),
    ],
)  # fmt: skip
def test_an_act_is_said_by_the_name_its_page_has(what, said):
    assert timeline.words(what) == said


def test_owners_are_told_by_their_process_and_not_by_the_number_of_a_row(as_, rosa, staff):
    operating_model.set_raci(
        process="delivery", holders={"accountable": [staff["olivia"]]}, by=rosa, at=instant.now()
    )
    page = as_("rosa").get("/trail/?what=raci.changed").content.decode()
    assert "Owners changed" in page
    assert ">Owners</a>" in page
    assert not re.search(r"(Owners|RACI assignment) \d", page)


def test_one_actor_exactly_or_by_part_of_the_name(as_, two_teams, rosa):
    write(by=rosa)
    for asked in (f"person:{rosa.pk}", "rosa", "ROSA M"):
        shown = lines(as_("olivia").get(f"/trail/?actor={quote(asked)}"))
        assert {line.actor_label for line in shown} == {"Rosa Marin (RevOps manager)"}


def test_days_are_days_of_the_readers_zone(as_, staff):
    User.objects.filter(pk=staff["rosa"].pk).update(zone="Pacific/Auckland")
    write(why="late on the second", at=datetime(2026, 3, 2, 10, 59, tzinfo=UTC))
    write(why="early on the third", at=datetime(2026, 3, 2, 11, 1, tzinfo=UTC))
    rosa = as_("rosa")
    assert [line.why for line in lines(rosa.get("/trail/?since=2026-03-03&until=2026-03-03"))] == [
        "early on the third"
    ]
    assert [line.why for line in lines(rosa.get("/trail/?until=2026-03-02"))] == [
        "late on the second"
    ]


@pytest.mark.parametrize("sign", ["%", "_", "\\", "'", '"', "100%_\\"])
def test_signs_in_a_search_stand_for_themselves(as_, staff, sign):
    write(why=f"It has a {sign} in it.", by=CLOCK)
    write(why="It has none in it.", by=CLOCK)
    shown = lines(as_("rosa").get(f"/trail/?what=team.looked-at&q={quote(sign)}"))
    assert [line.why for line in shown] == [f"It has a {sign} in it."]


GARBAGE = [
    "q=%00", "q=" + "x" * 5000, "kind=nonsense", "kind=proposal&id=%00", "kind=proposal&id=x",
    "id=17", "kind=proposal&id=" + "9" * 70, "actor=%00", "actor=:", "actor=person:", "actor=:3",
    "what=nonsense", "since=yesterday", "since=0001-01-01", "until=9999-12-31", "since=2026-13-45",
    "before=x", "before=" + "9" * 30, "after=%00", "before=-1", "q=%ff%fe", "q=%25", "kind=%F0%9F",
]  # fmt: skip


@pytest.mark.parametrize("garbage", GARBAGE)
def test_nothing_in_the_url_breaks_it(as_, two_teams, garbage):
    assert as_("rosa").get(f"/trail/?{garbage}").status_code == 200


def test_what_is_hidden_by_a_filter_is_told_from_what_is_not_there(as_, two_teams):
    assert "No line matches" in as_("rosa").get("/trail/?q=nothinglikethis").content.decode()


def test_pages_follow_each_other_without_gap_or_double(as_, staff):
    for place in range(230):
        write(why=str(place))
    rosa, url, seen = as_("rosa"), "/trail/?what=team.looked-at", []
    while url:
        answer = rosa.get(url)
        seen += [line.why for line in lines(answer)]
        older = answer.context["page"].older_url
        url = f"/trail/{older}" if older else ""
    assert seen == [str(place) for place in reversed(range(230))]


def test_the_number_of_queries_does_not_grow_with_the_lines(as_, two_teams, rosa):
    client = as_("olivia")
    client.get("/trail/")
    few = _queries(client)
    for place in range(40):
        post_pandadoc([document("sent", id=f"doc-{place}")], event_id=f"e{place}")
    digest_all()
    assert _queries(client) <= few


def _queries(client):
    with CaptureQueriesContext(connection) as caught:
        assert client.get("/trail/").status_code == 200
    return len(caught)


# --- What a line shows -----------------------------------------------------------------------
def test_a_line_shows_its_place_moment_links_and_cause(as_, two_teams, rosa):
    proposal = two_teams["doc-sales"]
    lifecycle.move(
        proposal_id=proposal.pk, to=State.CLOSED_LOST, version=proposal.version,
        reason="<b>They</b> chose somebody else.", by=rosa, at=instant.now(),
    )  # fmt: skip
    answer = as_("rosa").get("/trail/?what=proposal.moved")
    entry = answer.context["entries"][0]
    page = answer.content.decode()
    assert entry.subject.url == f"/proposals/{proposal.pk}/"
    assert entry.cause.label == "a person's act"
    assert f"{entry.line.at:%H:%M:%S.%f} UTC" in page
    assert "&lt;b&gt;They&lt;/b&gt; chose" in page


def test_a_signal_as_cause_leads_to_its_message(as_, two_teams):
    answer = as_("rosa").get("/trail/?what=outcome.promised")
    assert {e.cause.label.partition(" ")[0] for e in answer.context["entries"]} == {"Message"}
    assert all(e.cause.url.startswith("/messages/") for e in answer.context["entries"])


@pytest.mark.django_db(transaction=True)
def test_the_page_says_how_long_the_chain_is_and_where_it_ends(as_, two_teams):
    with transaction.atomic():
        write(why="committed")
    answer = as_("rosa").get("/trail/")
    head = answer.context["head"]
    page = answer.content.decode()
    assert f"{head.position} links" in page
    assert bytes(head.hash).hex()[:12] in page
    assert "manage.py verify_trail" in page
    assert answer.context["entries"][0].position == head.position


def test_a_moment_is_no_amount_and_stays_whole_for_who_sees_masked(as_, two_teams):
    """Made readable it ends in "00 UTC", which reads like one."""
    assert "2 Mar 2026, 09:30:00 UTC" in as_("ada").get("/trail/").content.decode()
