"""Owners and the company in the browser: who is named, who it is now, and what is refused."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exceptions import desk, troubles
from exceptions.kinds import KINDS
from exceptions.troubles import Trouble
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people.models import Absence, Team, User
from meshline.people.permissions import Role
from meshline.policy import operating_model, raci
from meshline.policy.models import Company, RaciAssignment
from meshline.policy.processes import PROCESSES
from tests import factories
from tests.factories import MONDAY, pandadoc
from tests.reading import hidden, words

pytestmark = pytest.mark.django_db

OWNERS = "/operating-model/owners/"
DELIVERY = f"{OWNERS}of/delivery/"
COMPANY = "/operating-model/company/"


@pytest.fixture(autouse=True)
def monday():
    with instant.stopped(MONDAY):
        yield


def word(one):
    return f"team:{one.pk}" if isinstance(one, Team) else f"user:{one.pk}"


def asked(staff, **changes):
    return {"accountable": word(staff["rosa"]), "responsible": [word(staff["olivia"])], **changes}


def named(letter, process="delivery"):
    rows = RaciAssignment.objects.of(process).in_force(instant.now()).filter(letter=letter)
    return [row.holder for row in rows]


def post(client, url=DELIVERY, **typed):
    return client.post(url, {"seen": hidden(client.get(url), "seen"), **typed})


# --- Seeing ----------------------------------------------------------------------------------
def test_every_process_a_ticket_asks_for_is_known():
    assert {kind.process for kind in KINDS.values()} <= set(PROCESSES)
    assert raci.QUEUE in PROCESSES


@pytest.mark.parametrize("who", ["olivia", "sam", "remy", "ada", "vera"])
def test_everybody_reads_who_answers_and_only_managers_change_it(as_, who):
    client = as_(who)
    for url in (OWNERS, COMPANY):
        answer = client.get(url)
        assert "may not change the operating model. Ask a RevOps manager." in words(answer)
        assert 'class="btn btn-primary"' not in answer.content.decode()
    for url in (DELIVERY, COMPANY):
        assert client.post(url, {"name": "X"}, headers={"HX-Request": "true"}).status_code == 403


def test_it_says_who_that_is_right_now_and_why(as_, staff):
    Absence.objects.create(
        user=staff["olivia"], stand_in=staff["sam"], starts_at=MONDAY - timedelta(hours=1),
        ends_at=MONDAY + timedelta(hours=1),
    )  # fmt: skip
    page = words(as_("vera").get(OWNERS))
    assert "Olivia Ortiz Out" in page
    assert "Sam Dube stands in for Olivia Ortiz, who is responsible for delivery." in page
    assert "Rosa Marin is accountable for delivery." in page


def test_the_page_asks_the_same_few_questions_however_many_processes_there_are(as_, staff):
    client = as_("vera")

    def questions():
        with CaptureQueriesContext(connection) as asked:
            page = words(client.get(OWNERS))
        return len(asked), page.count("Sam Dube is responsible for desk")

    def name_owners(*names):
        for name in names:
            team = Team.objects.create(slug=f"team-{name}", name=f"Team {name}", lead=staff["sam"])
            operating_model.set_raci(
                process=f"desk {name}", by=staff["rosa"], at=MONDAY,
                holders={"accountable": [Role.MANAGER], "responsible": [team, staff["olivia"]]},
            )  # fmt: skip

    name_owners("a")
    questions()
    few, _ = questions()
    name_owners(*"bcdefg")
    assert questions() == (few, 7)


def test_a_process_that_only_a_file_knows_is_shown_and_may_be_removed(as_, staff):
    operating_model.set_raci(
        process="partner/desk", holders={"accountable": [staff["rosa"]],
        "responsible": [staff["olivia"]]}, by=staff["rosa"], at=MONDAY,
    )  # fmt: skip
    client = as_("rosa")
    assert "No part of Meshline asks for this one." in words(client.get(OWNERS))
    assert client.get(f"{OWNERS}of/partner/desk/").status_code == 200
    assert remove(client, "partner/desk").status_code == 204
    assert named("accountable", "partner/desk") == []
    client.post(f"{OWNERS}remove/delivery/")
    assert named("accountable") == [staff["rosa"]]


def remove(client, name, seen=None):
    """As from the page that shows who is named, or from an older look at it."""
    seen = seen or hidden(client.get(f"{OWNERS}of/{name}/"), "seen")
    return client.post(f"{OWNERS}remove/{name}/", {"seen": seen}, headers={"HX-Request": "true"})


def test_owners_that_somebody_else_named_meanwhile_are_not_removed(as_, staff):
    named_now = {"accountable": [staff["rosa"]], "responsible": [staff["olivia"]]}
    operating_model.set_raci(process="desk", holders=named_now, by=staff["rosa"], at=MONDAY)
    client = as_("rosa")
    seen = hidden(client.get(f"{OWNERS}of/desk/"), "seen")
    operating_model.set_raci(
        process="desk", holders={"responsible": [staff["sam"]]}, by=staff["rosa"],
        at=MONDAY + timedelta(seconds=1),
    )  # fmt: skip
    with instant.stopped(MONDAY + timedelta(minutes=1)):
        for old in (seen, "x"):
            answer = remove(client, "desk", seen=old)
            assert answer.status_code == 409
            assert "Somebody else changed this meanwhile" in words(answer)
        assert remove(client, "desk").status_code == 204


def test_a_plan_that_would_change_nothing_is_said_to(as_, staff):
    answer = post(as_("rosa"), **asked(staff, effective_from="2026-03-09T10:00"))
    assert answer.status_code == 422
    assert "These are the owners then already: there is nothing to plan." in words(answer)


@pytest.mark.parametrize("name", ["no-such-process", "delivery%00", "%00", "x" * 300])
def test_a_process_that_is_none_is_not_found(as_, name):
    assert as_("rosa").get(f"{OWNERS}of/{name}/").status_code == 404


# --- Changing --------------------------------------------------------------------------------
def test_people_and_teams_are_named_per_letter(as_, staff):
    sales = staff["sam"].team
    answer = post(
        as_("rosa"), accountable=word(sales), informed=[word(staff["vera"])],
        responsible=[word(staff["sam"]), word(sales), word(staff["sam"])],
    )  # fmt: skip
    assert answer.status_code == 303
    assert named("accountable") == [sales]
    assert set(named("responsible")) == {staff["sam"], sales}
    assert named("informed") == [staff["vera"]]
    line = TrailLine.objects.get(what="raci.changed")
    assert line.before["accountable"] == ["rosa@example.com"]
    assert line.after["accountable"] == ["sales"]


def test_the_form_shows_who_is_named_now(as_, staff):
    form = as_("rosa").get(DELIVERY).context["form"]
    assert form["accountable"].value() == word(staff["rosa"])
    assert form["responsible"].value() == [word(staff["olivia"])]


@pytest.mark.parametrize("who", ["vera", "remy", "olivia"])
def test_who_may_not_change_them_reads_who_answers_and_why_they_may_not(as_, staff, who):
    """The lints and the map lead there."""
    page = as_(who).get(DELIVERY)
    assert page.status_code == 200
    said = words(page)
    assert "Rosa Marin" in said
    assert "may not change the operating model" in said
    assert 'name="responsible"' not in page.content.decode()
    assert as_(who).post(DELIVERY, {}).status_code == 403


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("accountable", {"accountable": ""}),
        ("accountable", {"accountable": "user:99999"}),
        ("accountable", {"accountable": "user:\0"}),
        ("accountable", {"accountable": "user:" + "9" * 400}),
        ("responsible", {"responsible": []}),
        ("responsible", {"responsible": ["team:99999"]}),
        ("consulted", {"consulted": ["somebody"]}),
        ("informed", {"informed": ["\0"]}),
    ],
)
def test_what_cannot_be_is_refused_at_its_field_and_stays_chosen(as_, staff, field, change):
    typed = {**asked(staff), "responsible": [word(staff["sam"])], **change}
    answer = post(as_("rosa"), **typed)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    if field != "responsible":
        kept = rf'value="{word(staff["sam"])}"[^>]*checked'
        assert re.search(kept, answer.content.decode())
    assert named("responsible") == [staff["olivia"]]


def test_two_accountables_are_refused_and_not_silently_one(as_, staff):
    both = [word(staff["rosa"]), word(staff["sam"])]
    answer = post(as_("rosa"), **asked(staff, accountable=both))
    assert answer.status_code == 422
    assert "Exactly one is accountable" in words(answer)
    assert named("accountable") == [staff["rosa"]]


def test_who_left_is_shown_as_such_and_cannot_stay(as_, staff):
    User.objects.filter(pk=staff["olivia"].pk).update(is_active=False)
    client = as_("rosa")
    assert "Olivia Ortiz Inactive" in words(client.get(OWNERS))
    assert "Olivia Ortiz (not active)" in words(client.get(DELIVERY))
    answer = post(client, **asked(staff))
    assert answer.status_code == 422
    assert "Olivia Ortiz is not active here any more" in words(answer)


def test_who_left_before_is_not_offered_at_all(as_, staff):
    User.objects.filter(pk=staff["remy"].pk).update(is_active=False)
    answer = post(as_("rosa"), **asked(staff, responsible=[word(staff["remy"])]))
    assert list(answer.context["form"].errors) == ["responsible"]


def test_who_may_not_work_tickets_is_refused_by_name(as_, staff):
    answer = post(as_("rosa"), **asked(staff, responsible=[word(staff["remy"])]))
    assert answer.status_code == 422
    [said] = answer.context["form"].errors["responsible"]
    assert said.startswith("Remy Park (Rep) may not work the queue")


def test_the_second_of_two_managers_sees_what_the_first_changed(as_, staff):
    client = as_("rosa")
    seen = hidden(client.get(DELIVERY), "seen")
    max_ = factories.person("max@example.com", "Max Hale", Role.MANAGER)
    operating_model.set_raci(
        process="delivery", by=max_, at=MONDAY,
        holders={"responsible": [staff["sam"], Role.OPERATOR]},
    )  # fmt: skip
    typed = asked(staff, responsible=[word(staff["rosa"])])
    answer = client.post(DELIVERY, {"seen": seen, **typed})
    assert answer.status_code == 409
    page = words(answer)
    assert "Max Hale (RevOps manager) changed this meanwhile" in page
    # By their names, and nothing that is as it was.
    assert "Responsible Olivia Ortiz Sam Dube, any RevOps operator Save again" in page
    assert staff["sam"] in named("responsible")
    again = client.post(DELIVERY, {"seen": hidden(answer, "seen"), **typed})
    assert again.status_code == 303
    assert named("responsible") == [staff["rosa"]]


# --- From a moment on, and roles -------------------------------------------------------------
def test_a_role_is_offered_and_shown_in_words(as_, staff):
    client = as_("rosa")
    assert "Any RevOps operator" in words(client.get(DELIVERY))
    answer = post(client, **asked(staff, accountable="role:manager", responsible=["role:operator"]))
    assert answer.status_code == 303
    assert named("accountable") == [Role.MANAGER]
    page = words(client.get(OWNERS))
    assert "Rosa Marin is accountable for delivery, like any RevOps manager." in page
    assert "any RevOps manager" in words(client.get("/operating-model/"))


@pytest.mark.parametrize(
    "moment",
    [
        "2026-03-02T09:30", "2020-01-01T00:00", "2031-01-01T00:00", "9999-12-31T23:59",
        "0001-01-01T00:00", "tomorrow", "\0", "9" * 30, "2026-02-30T10:00",
    ],
)  # fmt: skip
def test_a_moment_that_cannot_be_is_refused_and_stays_typed(as_, staff, moment):
    typed = asked(staff, responsible=[word(staff["sam"])], effective_from=moment)
    answer = post(as_("rosa"), **typed)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["effective_from"]
    assert answer.context["form"]["effective_from"].value() == moment
    assert RaciAssignment.objects.planned(after=MONDAY).count() == 0


def test_an_hour_that_the_clocks_skip_is_no_moment(as_, staff):
    User.objects.filter(pk=staff["rosa"].pk).update(zone="Europe/Berlin")
    typed = asked(staff, responsible=[word(staff["sam"])], effective_from="2026-03-29T02:30")
    assert list(post(as_("rosa"), **typed).context["form"].errors) == ["effective_from"]


@pytest.mark.parametrize("moment", ["", "x", "\0", "2026-03-09T10:00", "0001-01-01T00:00+23:00"])
def test_what_is_not_planned_cannot_be_called_off(as_, moment):
    client = as_("rosa")
    asked_for = {"effective_from": moment, "seen": hidden(client.get(DELIVERY), "seen")}
    url = f"{OWNERS}cancel/delivery/"
    answer = client.post(url, asked_for, headers={"HX-Request": "true"})
    assert answer.status_code == 409
    assert "Nothing is planned for that moment" in words(answer)


@pytest.mark.parametrize("at", ["x", "\0", "9999-12-31T23:59", "0001-01-01T00:00", "9" * 50])
def test_a_day_that_is_none_is_said_to_be_none(as_, at):
    answer = as_("vera").get(OWNERS, {"at": at})
    assert answer.status_code == 422
    assert "Olivia Ortiz is responsible for delivery." in words(answer)


# --- Each connection's health ----------------------------------------------------------------
def outage(slug="pandadoc", kind="credentials-refused"):
    return troubles.open_ticket(
        Trouble(
            kind=kind, cause=f"{kind}:{slug}", title="x", reason="x", evidence={"x": 1},
            subject=f"connection:{slug}", connection=slug,
        ),
        by=SETUP, at=MONDAY,
    )  # fmt: skip


def test_a_connection_has_owners_of_its_own_or_those_of_connection_health(as_, staff):
    pandadoc()
    rosa = as_("rosa")
    own = f"{OWNERS}of/connection:pandadoc/"
    listed = rosa.get("/operating-model/systems/health/")
    assert "Under connection health" in words(listed)
    assert f'href="{own}"' in listed.content.decode()
    assert outage().owner == staff["olivia"]
    sams = asked(staff, responsible=[word(staff["sam"])])
    mark = hidden(post(rosa, own, **sams), "previewed")
    assert post(rosa, own, **sams, previewed=mark).status_code == 303
    part = rosa.get("/operating-model/systems/health/", headers={"HX-Request": "true"})
    assert "Owners of its own" in words(part)
    assert "Sam Dube is responsible for the health of PandaDoc." in words(part)

    ticket = outage(kind="link-missing")
    assert (ticket.owner, ticket.process) == (staff["sam"], "connection:pandadoc")
    assert outage("hubspot", kind="link-missing").owner == staff["olivia"]

    # Without owners of its own it is as before.
    assert remove(rosa, "connection:pandadoc").status_code == 204
    assert raci.responsible_for("connection:pandadoc", at=MONDAY).user == staff["olivia"]


def offered(page, name):
    """What is offered for a letter, or as the company's fallback owner."""
    tags = re.findall(rf'<input[^>]*name="{name}"[^>]*>', page.text)
    select = re.search(rf'<select[^>]*name="{name}".*?</select>', page.text, re.DOTALL)
    return set(re.findall(r'value="([^"]+)"', select.group() if select else " ".join(tags)))


def test_as_responsible_only_who_could_be_saved_is_offered(as_, staff):
    admins = Team.objects.create(slug="admins", name="Admins")
    empty = Team.objects.create(slug="empty", name="Empty")
    User.objects.filter(pk=staff["ada"].pk).update(team=admins)
    rosa, own = as_("rosa"), f"{OWNERS}of/delivery/"
    page = rosa.get(own)
    never = {word(staff[name]) for name in ("remy", "ada", "vera")}
    never |= {f"team:{admins.pk}", "role:rep", "role:admin", "role:viewer"}
    could = {word(staff[name]) for name in ("olivia", "rosa", "sam")} | {f"team:{empty.pk}"}
    shown = offered(page, "responsible")
    assert not never & shown
    assert could <= shown
    assert never | could <= offered(page, "accountable")
    # Who holds it now stands there to be taken out, and who is sent all the same reads why not.
    RaciAssignment.objects.filter(letter="responsible").update(user=staff["remy"])
    assert word(staff["remy"]) in offered(rosa.get(own), "responsible")
    refused = post(rosa, own, **asked(staff, responsible=[word(staff["ada"])]))
    assert "Ada Stone (Admin) may not work the queue" in words(refused)


def test_as_the_fallback_only_who_could_be_saved_is_offered(as_, staff):
    page = as_("rosa").get("/operating-model/company/")
    people = {str(staff[name].pk) for name in ("olivia", "rosa", "sam")}
    assert offered(page, "fallback_owner") == people


def test_an_escalated_outage_goes_to_who_is_accountable_for_that_connection(as_, staff):
    pandadoc()
    own = f"{OWNERS}of/connection:pandadoc/"
    post(as_("rosa"), own, **asked(staff, accountable=word(staff["sam"])))
    ticket = outage()
    desk.escalate(ticket_id=ticket.pk, reason="Still down.", by=staff["olivia"], at=MONDAY)
    ticket.refresh_from_db()
    assert ticket.owner == staff["sam"]


@pytest.mark.parametrize("slug", ["", "A B", "x" * 61, "pandadoc%00", "../x", "-"])
def test_what_can_be_no_connection_has_no_owners(as_, slug):
    assert as_("rosa").get(f"{OWNERS}of/connection:{slug}/").status_code == 404


# --- The company -----------------------------------------------------------------------------
def test_the_company_is_changed_with_its_line_on_the_trail(as_, staff):
    answer = post(
        as_("rosa"), COMPANY, name="Northwind", zone="Europe/Berlin",
        fallback_owner=staff["olivia"].pk,
    )  # fmt: skip
    assert answer.status_code == 303
    company = Company.objects.get()
    assert (company.name, company.zone) == ("Northwind", "Europe/Berlin")
    assert company.fallback_owner == staff["olivia"]
    line = TrailLine.objects.get(what="company.changed")
    assert line.after["fallback owner"] == "olivia@example.com"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "x" * 121), ("name", "a\0b"), ("zone", "Mars/Olympus"),
        ("zone", "\0"), ("fallback_owner", "99999"), ("fallback_owner", "x"),
        ("fallback_owner", "\0"), ("fallback_owner", "9" * 60),
    ],
)  # fmt: skip
def test_what_the_company_cannot_be_is_refused_and_stays_typed(as_, staff, field, value):
    typed = {"name": "Northwind", "zone": "UTC", "fallback_owner": "", field: value}
    answer = post(as_("rosa"), COMPANY, **typed)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert answer.context["form"]["name"].value() == typed["name"]
    assert Company.objects.get().fallback_owner == staff["rosa"]


def test_somebody_who_left_cannot_become_the_fallback(as_, staff):
    User.objects.filter(pk=staff["remy"].pk).update(is_active=False)
    typed = {"name": "Northwind", "zone": "UTC", "fallback_owner": staff["remy"].pk}
    answer = post(as_("rosa"), COMPANY, **typed)
    assert list(answer.context["form"].errors) == ["fallback_owner"]


@pytest.mark.parametrize(
    ("who", "why"),
    [("remy", "Remy Park (Rep) may not work the queue"), ("", "Somebody stays the fallback owner")],
)
def test_who_may_not_work_tickets_cannot_become_the_fallback(as_, staff, who, why):
    typed = {"name": "Northwind", "zone": "UTC", "fallback_owner": staff[who].pk if who else ""}
    answer = post(as_("rosa"), COMPANY, **typed)
    assert answer.status_code == 422
    assert why in answer.context["form"].errors["fallback_owner"][0]


def test_a_company_somebody_changed_meanwhile_is_not_overwritten(as_, staff):
    client = as_("rosa")
    seen = hidden(client.get(COMPANY), "seen")
    operating_model.set_company(
        name="Northwind", zone="UTC", fallback_owner=staff["rosa"], by=staff["rosa"], at=MONDAY
    )
    typed = {"name": "Southwind", "zone": "UTC", "fallback_owner": staff["rosa"].pk}
    answer = client.post(COMPANY, {"seen": seen, **typed})
    assert answer.status_code == 409
    assert "Northwind" in words(answer)
    assert 'value="Southwind"' in answer.content.decode()
    assert Company.objects.get().name == "Northwind"


def test_a_fallback_owner_who_left_is_shown_as_such(as_, staff):
    User.objects.filter(pk=staff["remy"].pk).update(is_active=False)
    Company.objects.update(fallback_owner=staff["remy"])
    for url in (COMPANY, "/operating-model/"):
        assert "Remy Park Inactive" in words(as_("vera").get(url))
    assert "Remy Park (not active)" in words(as_("rosa").get(COMPANY))
