"""The list of follow-ups and what is done from a row: who sees what, what is refused and how."""

import csv
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meshline import instant
from meshline.audit.models import TrailLine
from proposals import follow_ups
from proposals.models import FollowUp, Outcome, Proposal
from tests.factories import MONDAY, reread

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
DAY = timedelta(days=1)
LIST = "/follow-ups/"


@pytest.fixture
def four(tell):
    """Follow-ups of three people: two overdue, one of today, one that comes next."""
    tell("sent", "a", name="Alpine roof")
    tell("sent", "b", name="Bridge survey")
    tell("sent", "c", name="Canal lights", owner="sam@example.com")
    tell("sent", "d", name="Dam study", owner="olivia@example.com")
    now = instant.now()
    due = {"a": now - DAY, "b": now + 9 * DAY, "c": now - 2 * DAY, "d": now + timedelta(minutes=5)}
    for one in FollowUp.objects.select_related("proposal"):
        one.due_at = due[one.proposal.external_id]
        one.save()
    return {one.proposal.external_id: one for one in FollowUp.objects.select_related("proposal")}


def shown(answer):
    assert answer.status_code == 200, answer.status_code
    return {
        name: [str(row.one.proposal) for row in rows] for name, rows in answer.context["sections"]
    }


def post(client, one, act, typed=None, **more):
    asked = {"version": one.version, **(typed or {})}
    return client.post(f"/follow-ups/{one.pk}/{act}/", asked, headers=HTMX, **more)


def undo_of(answer):
    """The address of the button beside what was said."""
    (address,) = re.findall(r'action="(/follow-ups/\d+/undo/[^"]*)"', answer.content.decode())
    return address.replace("&amp;", "&")


# --- As a file ----------------------------------------------------------------------------------
def test_the_filtered_list_is_a_file_of_what_one_may_take_along(as_, four):
    def exported(name, query=""):
        answer = as_(name).post(f"{LIST}export/{query}")
        assert answer.status_code == 200
        lines = b"".join(answer.streaming_content).decode().splitlines()
        return [row["title"] for row in csv.DictReader(lines)]

    assert exported("rosa") == ["Canal lights", "Alpine roof", "Dam study", "Bridge survey"]
    assert exported("rosa", "?q=Alpine") == ["Alpine roof"]
    assert exported("olivia") == ["Dam study"]
    assert as_("remy").post(f"{LIST}export/").status_code == 403
    line = TrailLine.objects.filter(what="follow-ups.exported").order_by("pk")[1]
    assert line.after["rows"] == 1
    page = as_("rosa").get(f"{LIST}?q=Alpine").content.decode()
    assert 'action="/follow-ups/export/?q=Alpine"' in page


# --- Who sees what -------------------------------------------------------------------------------
def test_ones_own_list_is_overdue_today_and_next(as_, four):
    assert shown(as_("remy").get(LIST)) == {"Overdue": ["Alpine roof"], "Next": ["Bridge survey"]}


def test_a_team_and_everybody_are_seen_by_their_rights(as_, four):
    assert shown(as_("sam").get(LIST)) == {
        "Overdue": ["Canal lights", "Alpine roof"], "Next": ["Bridge survey"],
    }  # fmt: skip
    for name in ("olivia", "rosa", "vera", "ada"):
        found = shown(as_(name).get(LIST))
        assert found["Overdue"] == ["Canal lights", "Alpine roof"]
        assert "Dam study" in {one for rows in found.values() for one in rows}


def test_the_counts_are_those_of_the_whole_list(as_, four, monkeypatch):
    monkeypatch.setattr("proposals.views.follow_ups.PAGE_SIZE", 1)
    client = as_("rosa")
    first = client.get(LIST)
    assert first.context["counts"]["Overdue"] == 2
    assert shown(first) == {"Overdue": ["Canal lights"]}
    assert shown(client.get(LIST + first.context["page"].older_url)) == {"Overdue": ["Alpine roof"]}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("q=alp", ["Alpine roof"]),
        ("q=nothing", []),
        ("state=completed", []),
        ("state=nonsense", ["Canal lights", "Alpine roof", "Dam study", "Bridge survey"]),
        ("record=0", ["Canal lights", "Alpine roof", "Dam study", "Bridge survey"]),
        ("q=%00", ["Canal lights", "Alpine roof", "Dam study", "Bridge survey"]),
        ("after=nonsense", ["Canal lights", "Alpine roof", "Dam study", "Bridge survey"]),
    ],
)
def test_what_is_asked_for_stands_in_the_url(as_, four, asked, found):
    rows = shown(as_("rosa").get(f"{LIST}?{asked}"))
    assert [one for section in rows.values() for one in section] == found


def test_by_owner_by_record_and_by_state(as_, four, staff):
    client = as_("rosa")
    assert shown(client.get(f"{LIST}?owner={staff['sam'].pk}")) == {"Overdue": ["Canal lights"]}
    record = four["b"].proposal_id
    assert shown(client.get(f"{LIST}?record={record}")) == {"Next": ["Bridge survey"]}
    post(client, four["a"], "complete")
    assert shown(client.get(f"{LIST}?state=completed")) == {"Completed": ["Alpine roof"]}
    assert shown(client.get(f"{LIST}?state=all"))["Completed"] == ["Alpine roof"]


def test_nothing_to_do_and_nothing_found_read_differently(as_, staff, four):
    client = as_("remy")
    assert "No follow-up matches" in client.get(f"{LIST}?q=nothing").content.decode()
    FollowUp.objects.all().delete()
    assert "Nothing is to be followed up" in client.get(LIST).content.decode()


def test_however_many_they_are_the_questions_are_as_many(as_, four, tell):
    client = as_("rosa")
    client.get(LIST)
    few = _queries(client)
    for number in range(8):
        tell("sent", f"more-{number}")
    assert _queries(client) == few
    assert few <= 16


def _queries(client):
    with CaptureQueriesContext(connection) as caught:
        assert client.get(LIST).status_code == 200
    return len(caught)


def test_notes_are_masked_for_who_sees_masked_and_text_is_no_markup(as_, four):
    post(as_("remy"), four["a"], "complete", {"note": "<b>Nina said no</b>"})
    page = as_("rosa").get(f"{LIST}?state=completed").content.decode()
    assert "&lt;b&gt;Nina said no" in page
    for name in ("vera", "ada"):
        assert "Nina said no" not in as_(name).get(f"{LIST}?state=completed").content.decode()


# --- Done from a row -----------------------------------------------------------------------------
def test_completed_from_the_row_it_answers_with_the_row_and_undo(as_, four):
    client = as_("remy")
    answer = post(client, four["a"], "complete", {"note": "Friday"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert f'id="follow-up-{four["a"].pk}"' in page
    assert "Completed" in page
    assert "Undo" in page
    assert reread(four["a"]).note == "Friday"
    again = client.post(undo_of(answer), headers=HTMX)
    assert (again.status_code, reread(four["a"]).state) == (200, "open")
    assert "Complete" in again.content.decode()


def test_without_script_it_leads_back_to_where_one_came_from(as_, four):
    asked = {"version": four["a"].version}
    answer = as_("remy").post(f"/follow-ups/{four['a'].pk}/complete/", asked, headers={
        "Referer": "http://testserver/follow-ups/"})  # fmt: skip
    assert (answer.status_code, answer.headers["Location"]) == (303, "/follow-ups/")
    assert reread(four["a"]).state == "completed"


def test_a_double_click_completes_once_and_says_so(as_, four):
    client = as_("remy")
    assert post(client, four["a"], "complete").status_code == 200
    answer = post(client, four["a"], "complete")
    assert answer.status_code == 409
    assert "Remy Park completed it already." in answer.content.decode()


def test_who_saw_an_older_one_reads_so_and_sees_it_as_it_is(as_, four, staff):
    one = four["a"]
    follow_ups.complete(follow_up_id=one.pk, version=one.version, by=staff["sam"], at=instant.now())
    answer = post(as_("remy"), one, "complete")
    assert answer.status_code == 409
    assert "Sam Dube completed it already." in answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"note": "x" * 10_000}, "at most 1000 characters"),
        ({"note": "a\0b"}, "Null characters are not allowed"),
        ({"version": "-1"}, "greater than or equal to 0"),
        ({"version": "no"}, "Enter a whole number"),
    ],
)
def test_what_cannot_be_read_is_asked_for_again(as_, four, typed, said):
    answer = post(as_("remy"), four["a"], "complete", typed)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert reread(four["a"]).is_open


def test_moved_from_the_row(as_, four):
    when = _next_working_moment()
    typed = {"due_at": when.strftime("%Y-%m-%dT%H:%M"), "reason": "On holiday"}
    answer = post(as_("remy"), four["a"], "reschedule", typed)
    assert answer.status_code == 200, answer.content.decode()
    assert "moved by Remy Park: On holiday" in answer.content.decode()


def _next_working_moment():
    now = instant.now().replace(hour=10, minute=0, second=0, microsecond=0)
    days = (now + timedelta(days=n) for n in range(3, 10))
    return next(one for one in days if one.weekday() == 2)


@pytest.mark.parametrize(
    ("due_at", "said"),
    [
        ("2020-03-04T10:00", "That is past"),
        ("2090-03-04T10:00", "within 30 days"),
        ("soon", "Write a day and a time"),
        ("", "This field is required"),
    ],
)
def test_a_moment_that_will_not_do_is_said_and_kept(as_, four, due_at, said):
    typed = {"due_at": due_at, "reason": "On holiday"}
    answer = post(as_("remy"), four["a"], "reschedule", typed)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page
    assert "On holiday" in page


def test_a_weekend_is_answered_with_the_next_business_moment(as_, four):
    saturday = _next_working_moment() + timedelta(days=3)
    typed = {"due_at": saturday.strftime("%Y-%m-%dT%H:%M"), "reason": "On holiday"}
    answer = post(as_("remy"), four["a"], "reschedule", typed)
    assert answer.status_code == 422
    assert "the next business moment is Monday" in answer.content.decode()


def test_what_is_not_ones_own_is_not_there_or_not_theirs_to_do(as_, four):
    for act in ("complete", "reschedule", "undo"):
        assert post(as_("remy"), four["d"], act).status_code == 404
        assert post(as_("vera"), four["a"], act).status_code == 403
    assert as_("remy").post("/follow-ups/999999/complete/").status_code == 404
    page = as_("vera").get(LIST).content.decode()
    assert "may not complete or move a follow-up" in page


# --- On its proposal's page ----------------------------------------------------------------------
def test_a_proposals_page_shows_its_follow_ups_and_does_the_same(as_, four, staff):
    client = as_("remy")
    page = client.get(f"/proposals/{four['a'].proposal_id}/").content.decode()
    assert f'id="follow-up-{four["a"].pk}"' in page
    answer = client.post(
        f"/follow-ups/{four['a'].pk}/complete/?on=proposal", {"version": four["a"].version},
        headers=HTMX,
    )  # fmt: skip
    row = answer.content.decode()
    assert f'<a href="/proposals/{four["a"].proposal_id}/">' not in row
    assert "on=proposal" in undo_of(answer)
    story = client.get(f"/proposals/{four['a'].proposal_id}/").content.decode()
    assert "Follow up completed" in story


def test_the_task_of_the_crm_is_named_with_its_state(as_, four):
    Outcome.objects.filter(pk=four["a"].outcome_id).update(state="proven", proven_at=MONDAY)
    assert "Task in the CRM: proven" in as_("remy").get(LIST).content.decode()
    assert Proposal.objects.count() == 4
