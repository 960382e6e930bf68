"""The map and the lints, read from the live configuration."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from connectors import connections
from meshline import instant
from meshline.people.models import Absence, OnCallShift, Team, User
from meshline.policy.models import BusinessCalendar, RaciAssignment, SystemRole
from proposals.models import Contract
from proposals.states import State
from reconciliation import gathering, lints, workflow_map
from tests import factories
from tests.factories import MONDAY

pytestmark = pytest.mark.django_db

MAP = "/operating-model/map/"


@pytest.fixture
def client_of(staff):
    def signed_in(name):
        client = Client()
        client.force_login(staff[name])
        return client

    return signed_in


@pytest.fixture
def connected(staff):
    factories.pandadoc()
    factories.hubspot(owner=staff["ada"])
    factories.stripe(credential="rk_test_1")


def words(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def found(at=None, code=None):
    every = lints.every(gathering.facts(at=at or instant.now()))
    return [one for one in every if code in (None, one.code)]


def sentences(at=None, code=None):
    return [one.sentence for one in found(at, code)]


# --- Reading it ------------------------------------------------------------------------------
def test_what_is_founded_and_connected_is_whole(connected):
    assert [one.code for one in found() if one.grade is not lints.Grade.NOTE] == []


def test_nothing_connected_is_told_of_every_path(staff):
    paths = workflow_map.every(at=instant.now())
    assert all(path.errors for path in paths if path.contracts)


@pytest.mark.parametrize("who", ["olivia", "rosa", "sam", "remy", "ada", "vera"])
def test_everybody_reads_the_map_with_links_to_what_they_may_open(client_of, connected, who):
    client = client_of(who)
    for state in (State.SIGNED, State.INVOICED, State.CLOSED_LOST):
        page = client.get(f"{MAP}{state}/")
        assert page.status_code == 200, state
        for url in set(re.findall(r'<a [^>]*href="(/[^"]*)"', page.text)):
            assert client.get(url).status_code in (200, 302), url
    assert client.get("/operating-model/lints/").status_code == 200


@pytest.mark.parametrize("state", ["nothing", "%00", "x" * 400, "SIGNED"])
def test_a_path_that_is_none_is_not_found(client_of, state):
    assert client_of("rosa").get(f"{MAP}{state}/").status_code == 404


def test_a_path_says_all_of_its_parts(client_of, connected):
    page = words(client_of("vera").get(f"{MAP}signed/"))
    for said in (
        "A proposal is signed", "The connection that brought the proposal",
        "2 rules, the first that holds", "Olivia Ortiz now", "Rosa Marin",
        "A ticket: delivery failed (high)",
        "Acknowledged within 30 min, fixed within 4 h of working time.",
        "Create the invoice", "Stripe (the billing tool)", "Read back from the other side",
        "None: fires at once", "none in 30 days",
    ):  # fmt: skip
        assert said in page, said


def test_the_drawing_has_a_text_alternative_and_no_style_of_its_own(client_of, connected):
    page = client_of("rosa").get(f"{MAP}signed/").text
    svg = re.search(r"<svg class=\"map\".*?</svg>", page, re.DOTALL).group()
    assert 'role="img"' in svg
    assert "Source of truth: The connection that brought the proposal." in svg
    assert "style=" not in svg
    assert "fill=" not in svg


def test_a_gate_and_a_kind_of_ticket_of_its_own_are_shown(client_of, connected):
    contract = Contract.objects.live().get(slug="signed")
    contract.outcomes[0]["gate"] = {"who": "role:manager", "within": 240}
    contract.save()
    page = words(client_of("rosa").get(f"{MAP}signed/"))
    assert "Waits for any RevOps manager, 4 h at most" in page


def test_its_numbers_are_those_of_the_last_30_days(client_of, connected):
    factories.post_pandadoc([factories.document("sent")])
    factories.digest_all()
    page = words(client_of("rosa").get(f"{MAP}sent/"))
    assert "0 of 1 proven" in page


def test_the_map_costs_no_more_for_more_contracts(
    client_of, connected, django_assert_max_num_queries
):
    client = client_of("rosa")
    client.get(MAP)
    with django_assert_max_num_queries(80) as few:
        client.get(MAP)
    for number in range(10):
        Contract.objects.create(
            slug=f"more-{number}", version=1, name=f"More {number}", trigger="sent",
            outcomes=[{"name": f"tell-{number}", "kind": "notice.tell", "target": "meshline",
                       "wanted": ["sent"], "params": {"subject": str(number)}}],
            published_at=instant.now(), published_by="x",
        )  # fmt: skip
    with django_assert_max_num_queries(len(few.captured_queries)):
        client.get(MAP)


# --- The facts -------------------------------------------------------------------------------
def test_a_paused_connection_is_a_warning_on_its_paths(connected, staff, client_of):
    connections.set_status(
        slug="hubspot", status="paused", reason="They migrate.", by=staff["rosa"], at=instant.now()
    )
    assert "Deal (deal.upsert) after sent waits: HubSpot is paused. They migrate." in sentences()
    assert "to look at" in words(client_of("rosa").get(MAP))


def test_a_connection_without_its_credential_is_a_gap(connected):
    factories.connected("slack")
    assert any("which has no credential yet" in one for one in sentences())


def test_who_left_is_named_wherever_they_are_named(connected, staff):
    User.objects.filter(pk=staff["ada"].pk).update(is_active=False)
    User.objects.filter(pk=staff["rosa"].pk).update(is_active=False)
    said = sentences(code="owner-gone")
    assert "Ada Stone owns HubSpot, but is no longer active." in said
    assert "Rosa Marin answers for delivery, but is no longer active." in said
    assert "Rosa Marin is the fallback owner, but is no longer active." in said


def test_a_team_without_anybody_is_told(connected):
    empty = Team.objects.create(slug="empty", name="Empty")
    RaciAssignment.objects.filter(process="delivery", letter="responsible").update(
        team=empty, user=None
    )
    assert "The team Empty answers for something, but nobody in it is active." in sentences()
    assert [one.about for one in found(code="owner-fallback")] == []


def test_the_rota_is_looked_at_for_a_week_in_working_hours(connected, staff):
    revops = Team.objects.get(slug="revops")
    assert sentences(MONDAY, "rota-none") == []
    # Monday 09:00 to Wednesday 12:00, and a shift of the next week.
    for start, hours in ((0, 51), (7 * 24, 48)):
        begins = MONDAY.replace(hour=9, minute=0) + timedelta(hours=start)
        OnCallShift.objects.create(
            team=revops, user=staff["olivia"], starts_at=begins,
            ends_at=begins + timedelta(hours=hours),
        )  # fmt: skip
    [gap] = sentences(MONDAY, "rota-gap")
    assert "from Wed 4 Mar, 12:00 UTC to Mon 9 Mar, 09:00 UTC." in gap
    # The longest SLA is 40 working hours; from Monday 09:30 they end on the next Monday 09:30.
    OnCallShift.objects.filter(starts_at__gt=MONDAY + timedelta(days=5)).delete()
    assert any("(40 h) reaches beyond the rota" in one for one in sentences(MONDAY))
    # Whoever left covers nothing.
    User.objects.filter(pk=staff["olivia"].pk).update(is_active=False)
    assert sentences(MONDAY, "rota-gap") == []


def test_a_calendar_that_never_reaches_an_sla_is_a_gap(connected):
    BusinessCalendar.objects.update(windows=[[0, "09:00", "09:01"]])
    assert len(found(code="sla-too-long")) == 4
    # On a path only the SLA that its failures go by is its own.
    path = workflow_map.one(State.SENT, at=instant.now())
    assert len([one for one in path.gaps if one.code == "sla-too-long"]) == 1


def test_a_field_that_a_source_never_told_is_a_warning(connected):
    for number in range(5):
        event = factories.document("sent", id=f"doc-{number}", recipients=[])
        factories.post_pandadoc([event], event_id=str(number))
    factories.digest_all()
    said = sentences(code="field-not-mapped")
    assert len(said) == 1
    assert "None of the last 5 events of PandaDoc told contact_name or contact_email" in said[0]


def test_two_who_stand_in_for_each_other_are_a_circle(connected, staff):
    at = instant.now()
    for one, other in (("olivia", "rosa"), ("rosa", "olivia")):
        Absence.objects.create(
            user=staff[one], stand_in=staff[other], starts_at=at, ends_at=at + timedelta(days=1)
        )
    [lint] = found(code="cycle")
    assert "Olivia Ortiz → Rosa Marin → Olivia Ortiz" in lint.sentence


def test_the_operating_model_counts_what_is_amiss(client_of, connected):
    client = client_of("rosa")
    page = words(client.get("/operating-model/"))
    assert "Lints 0" in page
    SystemRole.objects.filter(role="crm").delete()
    assert re.search(r"Lints [1-9]", words(client.get("/operating-model/")))


def test_one_grade_alone_is_shown_and_an_unknown_one_is_all(client_of, staff):
    client = client_of("vera")
    only = words(client.get("/operating-model/lints/?grade=error"))
    assert "outcome-no-connection" in only
    assert "outcome-not-asked" not in only
    for grade in ("", "nothing", "\0", "x" * 900):
        assert "outcome-not-asked" in words(client.get("/operating-model/lints/", {"grade": grade}))
