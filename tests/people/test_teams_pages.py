"""Teams in the browser: to read for who sees people, to make and change for admins."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people import teams
from meshline.people.models import Team, User
from meshline.rota import absences, shifts
from tests.reading import hidden, words

pytestmark = pytest.mark.django_db


def test_an_admin_makes_changes_and_closes_a_team(as_, staff):
    ada = as_("ada")
    assert 'href="/people/teams/"' in ada.get("/people/").content.decode()
    lead = staff["sam"].pk
    made = ada.post("/people/teams/add/", {"name": "Partners", "slug": "partners", "lead": lead})
    assert made.status_code == 303
    assert "Partners" in words(ada.get("/people/teams/"))
    page = ada.get("/people/teams/partners/")
    assert "Nobody is in it" in words(page)
    asked = {"name": "Partner sales", "lead": "", "seen": hidden(page, "seen")}
    assert ada.post("/people/teams/partners/", asked).status_code == 303
    line = TrailLine.objects.get(what="team.changed")
    assert (line.before["name"], line.after["name"]) == ("Partners", "Partner sales")
    assert ada.post("/people/teams/partners/remove/").status_code == 303
    assert not Team.objects.filter(slug="partners").exists()


def test_a_viewer_leads_no_team_and_it_says_why(as_, staff):
    ada, lead = as_("ada"), staff["vera"].pk
    answer = ada.post("/people/teams/add/", {"name": "Desk", "slug": "desk", "lead": lead})
    assert answer.status_code == 422
    said = "Vera Lind is a viewer, who is given no work; choose another lead."
    assert said in words(answer)
    assert not Team.objects.filter(slug="desk").exists()


def test_the_list_asks_the_same_few_questions_however_many_teams_there_are(as_, staff):
    ada, at = as_("ada"), instant.now()

    def questions():
        with CaptureQueriesContext(connection) as asked:
            page = ada.get("/people/teams/")
        return len(asked), words(page).count("Olivia Ortiz")

    def on_call_for(*slugs):
        for slug in slugs:
            team = teams.add(slug=slug, name=slug, by=SETUP, at=at)
            shifts.add(
                team=team, user=staff["olivia"], starts_at=at, ends_at=at + timedelta(days=1),
                by=SETUP, at=at,
            )  # fmt: skip

    on_call_for("a")
    questions()
    few, _ = questions()
    on_call_for(*"bcdefg")
    assert questions() == (few, 7)


def test_somebody_faster_is_shown(as_, staff):
    ada = as_("ada")
    seen = hidden(ada.get("/people/teams/sales/"), "seen")
    teams.change(slug="sales", name="Sales", lead=staff["sam"], by=SETUP, at=instant.now())
    stale = ada.post("/people/teams/sales/", {"name": "Selling", "lead": "", "seen": seen})
    assert stale.status_code == 409
    assert "Sam Dube" in words(stale)
    assert 'value="Selling"' in stale.content.decode()
    assert Team.objects.get(slug="sales").name == "Sales"


def test_who_is_in_it_what_time_it_is_there_and_who_is_out(as_, staff):
    User.objects.filter(pk=staff["remy"].pk).update(zone="Pacific/Chatham")
    at = instant.now()
    absences.plan(user=staff["remy"], ends_at=at + timedelta(days=2), by=SETUP, at=at)
    said = words(as_("sam").get("/people/teams/sales/"))
    assert "Pacific/Chatham" in said
    assert "Out back in" in said
    # An SDR manager sees their own team.
    assert as_("sam").get("/people/teams/revops/").status_code == 404
    assert "An Admin" not in said
    assert "may not manage people and roles" in said


@pytest.mark.parametrize(
    ("asked", "words_"),
    [
        ({"name": "", "slug": "x"}, "required"),
        ({"name": "X", "slug": "sales"}, "already a team sales"),
        ({"name": "X", "slug": "No Slug"}, "valid"),
        ({"name": "X", "slug": "UPPER"}, "small letters"),
        ({"name": "X\0", "slug": "x"}, "Null"),
        ({"name": "x" * 1000, "slug": "x"}, "at most"),
        ({"name": "X", "slug": "x", "lead": "9" * 30}, "Choose somebody"),
    ],
)
def test_what_cannot_be_a_team(as_, asked, words_):
    answer = as_("ada").post("/people/teams/add/", asked)
    assert answer.status_code == 422
    assert words_ in words(answer)


def test_a_team_with_people_or_shifts_stays(as_, staff):
    ada, at = as_("ada"), instant.now()
    told = ada.post("/people/teams/sales/remove/", headers={"HX-Request": "true"})
    assert told.status_code == 409
    empty = teams.add(slug="empty", name="Empty", by=SETUP, at=at)
    shifts.add(
        team=empty, user=staff["sam"], starts_at=at, ends_at=at + timedelta(days=1), by=SETUP, at=at
    )
    told = ada.post("/people/teams/empty/remove/", headers={"HX-Request": "true"})
    assert told.status_code == 409
    assert "shifts ahead" in words(told)
