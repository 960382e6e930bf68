"""The map and the lints, read from the live configuration."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from connectors import connections
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.people.models import Absence, OnCallShift, Team, User
from meshline.people.permissions import Role
from meshline.policy import called
from meshline.policy.models import (
    BusinessCalendar,
    ConnectionName,
    RaciAssignment,
    Sla,
    SystemRole,
)
from meshline.policy.truth import How, Truth
from proposals import whose_word
from proposals.models import Contract
from proposals.routing import rulebook
from proposals.states import State
from reconciliation import gathering, lints, showing, workflow_map
from reconciliation.lints.lint import Grade
from tests import factories
from tests.factories import MONDAY
from tests.proposals.routes import DEFAULT, rule
from tests.reading import words

pytestmark = pytest.mark.django_db

MAP = "/operating-model/map/"
OTHERS = ("olivia", "sam", "ada", "vera")


@pytest.fixture
def connected(staff):
    factories.pandadoc()
    factories.hubspot(owner=staff["ada"])
    factories.stripe(credential="rk_test_1")


def found(at=None, code=None):
    every = lints.every(gathering.facts(at=at or instant.now()))
    return [one for one in every if code in (None, one.code)]


def sentences(at=None, code=None):
    return [one.sentence for one in found(at, code)]


# --- Reading it ------------------------------------------------------------------------------
def test_what_is_founded_and_connected_is_whole(connected):
    assert [one.code for one in found() if one.grade is not Grade.NOTE] == []


def test_nothing_connected_is_told_of_every_path(staff):
    paths = workflow_map.every(at=instant.now())
    assert all(path.errors for path in paths if path.contracts)


@pytest.mark.parametrize(
    "who", ["rosa", "remy", *(pytest.param(n, marks=pytest.mark.long) for n in OTHERS)]
)
def test_everybody_reads_the_map_with_links_to_what_they_may_open(as_, connected, who):
    client = as_(who)
    for state in (State.SIGNED, State.INVOICED, State.CLOSED_LOST):
        page = client.get(f"{MAP}{state}/")
        assert page.status_code == 200, state
        for url in set(re.findall(r'<a [^>]*href="(/[^"]*)"', page.text)):
            assert client.get(url).status_code in (200, 302), url
    assert client.get("/operating-model/lints/").status_code == 200


@pytest.mark.parametrize("state", ["nothing", "%00", "x" * 400, "SIGNED"])
def test_a_path_that_is_none_is_not_found(as_, state):
    assert as_("rosa").get(f"{MAP}{state}/").status_code == 404


def test_a_path_says_all_of_its_parts(as_, connected):
    page = words(as_("vera").get(f"{MAP}signed/"))
    for said in (
        "A proposal is signed", "The connection that brought the proposal",
        "2 rules, the first that holds", "Olivia Ortiz now", "Rosa Marin",
        "A ticket: delivery failed (high)",
        "Acknowledged within 30 min, fixed within 4 h of working time.",
        "Create the invoice", "Stripe (the billing tool)", "Read back from the other side",
        "None: fires at once", "none in 30 days",
    ):  # fmt: skip
        assert said in page, said


def test_a_path_leads_to_its_contract_and_to_whose_word_counts(as_, connected):
    truths = "/operating-model/sources-of-truth/"
    for who, entry in {
        "rosa": f"{truths}proposal/quoting/",
        "vera": f"{truths}#truth-quoting",
    }.items():
        client = as_(who)
        page = client.get(f"{MAP}sent/").text
        assert 'href="/operating-model/contracts/sent/">Trigger' in page
        assert f'href="{entry}">Source of truth' in page
        assert client.get(entry).status_code == 200
    assert '<tr id="truth-quoting">' in client.get(truths).text


def test_the_drawing_has_a_text_alternative_and_no_style_of_its_own(as_, connected):
    page = as_("rosa").get(f"{MAP}signed/").text
    svg = re.search(r"<svg class=\"map\".*?</svg>", page, re.DOTALL).group()
    assert 'role="group"' in svg
    assert "Source of truth: The connection that brought the proposal." in svg
    assert "style=" not in svg
    assert "fill=" not in svg


def boxes(page):
    """Where each box of the drawing leads, by the words of its title."""
    svg = re.search(r"<svg class=\"map\".*?</svg>", page.text, re.DOTALL).group()
    linked = r'<a class="map-link" href="([^"]*)">\s*<title>([^<]*)</title>'
    return {title: url for url, title in re.findall(linked, svg)}


def test_each_box_of_the_drawing_leads_to_its_thing(as_, connected):
    contract = Contract.objects.live().get(slug="signed")
    contract.outcomes[0]["gate"] = {"who": "role:manager", "within": 240}
    contract.save()
    sla = Sla.objects.get(kind="", severity="high")
    change, row = f"/operating-model/slas/{sla.pk}/", f"/operating-model/slas/#sla-{sla.pk}"
    for who, agreed in {"rosa": change, "vera": row}.items():
        page = as_(who).get(f"{MAP}signed/")
        found = boxes(page)
        assert page.text.count('class="map-link"') == page.text.count('<g class="map-box')
        leads = {title.partition(":")[0]: url for title, url in found.items()}
        assert leads["Trigger"] == leads["Review gate"] == "/operating-model/contracts/signed/"
        assert leads["Outcome"] == "/operating-model/contracts/signed/"
        assert leads["Routing"] == "/operating-model/routing/"
        assert leads["Owner"] == "/operating-model/owners/of/proposal-state/"
        assert leads["QA signal"].startswith("/outcomes/?kind=")
        assert leads["Failure path"] == leads["How soon"] == agreed
        assert leads["Who has it"] == "/operating-model/owners/of/delivery/"


def test_a_box_whose_page_is_not_theirs_leads_nowhere(staff):
    path = workflow_map.one(State.SIGNED, at=instant.now())
    change = path.parts["failure"].places[:1]
    path.parts["failure"] = replace(path.parts["failure"], places=change)
    for who, leads in {"rosa": True, "vera": False}.items():
        drawn = showing.picture_of(path, staff[who])
        assert bool(next(box.url for box in drawn.boxes if box.name == "Failure path")) is leads


def test_a_gate_and_a_kind_of_ticket_of_its_own_are_shown(as_, connected):
    contract = Contract.objects.live().get(slug="signed")
    contract.outcomes[0]["gate"] = {"who": "role:manager", "within": 240}
    contract.save()
    page = words(as_("rosa").get(f"{MAP}signed/"))
    assert "Waits for any RevOps manager, 4 h at most" in page


def test_a_path_says_who_answers_by_its_contract(as_, connected):
    client, page = as_("rosa"), f"{MAP}signed/"
    usual = "To who is responsible for delivery: Olivia Ortiz now."
    assert usual in words(client.get(page))
    live = Contract.objects.live()
    live.filter(slug="signed").update(owner="person:sam@example.com")
    assert "To sam@example.com, where “A proposal is signed” fails." in words(client.get(page))
    assert usual not in words(client.get(page))


def test_what_is_published_while_the_map_is_drawn_is_on_the_next_one(connected, monkeypatch):
    read = gathering.publishing.known

    def published_meanwhile():
        Contract.objects.create(
            slug="more", version=1, name="More", trigger="sent",
            outcomes=[{"name": "tell-more", "kind": "notice.tell", "target": "meshline",
                       "wanted": ["sent"], "params": {"subject": "More"}}],
            published_at=instant.now(), published_by="x",
        )  # fmt: skip
        return read()

    monkeypatch.setattr(gathering.publishing, "known", published_meanwhile)
    names = [one.slug for one in workflow_map.one(State.SENT, at=instant.now()).contracts]
    assert "more" not in names


def test_its_numbers_are_those_of_the_last_30_days(as_, connected):
    factories.post_pandadoc([factories.document("sent")])
    factories.digest_all()
    page = words(as_("rosa").get(f"{MAP}sent/"))
    assert "0 of 1 proven" in page


def test_the_map_costs_no_more_for_more_contracts(as_, connected, django_assert_max_num_queries):
    client = as_("rosa")
    client.get(MAP)
    with django_assert_max_num_queries(86) as few:
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
def test_a_paused_connection_is_a_warning_on_its_paths(connected, staff, as_):
    connections.set_status(
        slug="hubspot", status="paused", reason="They migrate.", by=staff["rosa"], at=instant.now()
    )
    assert "Deal (deal.upsert) after sent waits: HubSpot is paused. They migrate." in sentences()
    assert "to look at" in words(as_("rosa").get(MAP))


@pytest.mark.parametrize(("status", "is_broken"), [("disabled", True), ("paused", False)])
def test_a_source_of_truth_that_is_shut_is_a_gap_of_its_box(connected, staff, status, is_broken):
    connections.set_status(
        slug="stripe", status=status, reason="They migrate.", by=staff["ada"], at=instant.now()
    )
    path = workflow_map.one(State.INVOICED, at=instant.now())
    [lint] = path.parts["source"].gaps
    assert "Stripe" in lint.sentence
    assert path.parts["source"].is_broken is is_broken
    assert lint in (path.errors if is_broken else path.warnings)


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


def test_whom_a_contract_names_and_who_left_is_a_gap_of_its_path(connected, staff):
    contract = Contract.objects.live().get(slug="signed")
    contract.outcomes[0]["gate"] = {"who": "person:sam@example.com", "within": 240}
    contract.owner = "person:sam@example.com"
    contract.save()
    assert found(code="gate-gone") == found(code="owner-gone") == []
    User.objects.filter(pk=staff["sam"].pk).update(is_active=False)
    [gate] = sentences(code="gate-gone")
    assert gate.endswith("sam@example.com is nobody here who could approve it.")
    path, other = (workflow_map.one(s, at=instant.now()) for s in (State.SIGNED, State.SENT))
    assert [one.code for one in path.parts["failure"].gaps] == ["owner-gone"]
    assert path.effects[0].is_broken
    assert other.gaps == []


def test_conditions_that_ask_for_a_connection_that_is_gone_are_told(connected, staff):
    asks = {"any": [{"field": "source", "op": "is_one_of", "value": "pandadoc, crm-two"}]}
    called.keep(slug="crm-two", name="CRM two")
    rulebook.set_rules([rule("two", asks), DEFAULT], by=SETUP, at=MONDAY)
    Contract.objects.live().filter(slug="signed").update(name="Signed there", condition=asks)
    assert found(code="source-gone") == []
    ConnectionName.objects.filter(connection="crm-two").delete()
    assert sentences(code="source-gone") == [
        "“Signed there” asks for the source “crm-two”, which is no connection here.",
        "“Two” asks for the source “crm-two”, which is no connection here.",
    ]


def test_a_team_without_anybody_is_told(connected):
    empty = Team.objects.create(slug="empty", name="Empty")
    RaciAssignment.objects.filter(process="delivery", letter="responsible").update(
        team=empty, user=None
    )
    assert "The team Empty answers for something, but nobody in it is active." in sentences()
    assert [one.about for one in found(code="owner-fallback")] == []


def test_who_is_on_call_for_two_teams_at_once_is_told(connected, staff):
    for slug in ("revops", "sales"):
        OnCallShift.objects.create(
            team=Team.objects.get(slug=slug), user=staff["olivia"], starts_at=MONDAY,
            ends_at=MONDAY + timedelta(hours=4),
        )  # fmt: skip
    [said] = sentences(MONDAY, "rota-double")
    assert said.startswith(
        "Olivia Ortiz is on call for Revenue Operations and Sales at once, from Mon"
    )


def test_nobody_responsible_is_not_said_of_who_is_accountable(connected, staff):
    User.objects.filter(pk=staff["olivia"].pk).update(role=Role.VIEWER)
    viewer = "Olivia Ortiz is a viewer, who is given no work: named as responsible for delivery."
    assert viewer in sentences()
    said = (
        "Nobody responsible for delivery can be given work now: Rosa Marin has it, as the fallback."
    )
    assert said in sentences()


def test_who_came_to_be_one_who_may_not_work_tickets_is_told(connected, staff):
    revops = Team.objects.get(slug="revops")
    names = RaciAssignment.objects.filter(process="delivery", letter="responsible")
    names.update(team=revops, user=None)
    for team, who in (("revops", "olivia"), ("sales", "remy")):
        OnCallShift.objects.create(
            team=Team.objects.get(slug=team), user=staff[who], starts_at=MONDAY,
            ends_at=MONDAY + timedelta(hours=4),
        )  # fmt: skip
    assert [one for one in sentences(MONDAY) if "may not work" in one] == []
    User.objects.filter(pk__in=[staff["olivia"].pk, staff["rosa"].pk]).update(role=Role.REP)
    on_call = "Olivia Ortiz (Rep) may not work the queue"
    assert sentences(MONDAY, "rota-no-work") == [
        f"{on_call}: on call for {revops.name}, which has tickets."
    ]
    said = sentences(MONDAY, "owner-no-work")
    assert f"{on_call}: named as responsible for exception queue." in said
    assert f"Nobody in {revops.name} may work the queue: named as responsible for delivery." in said
    assert "Rosa Marin (Rep) may not work the queue: named as the fallback owner." in said


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


def test_an_authority_that_says_nothing_of_its_field_is_a_warning(connected):
    factories.post_pandadoc([factories.document("sent")], event_id="1")
    factories.digest_all()
    for how, connection, warned in (("always", "hubspot", 1), ("always", "pandadoc", 0)):
        whose_word.publish(
            name="amount", agreed=Truth(How(how), connection), by=SETUP, at=instant.now()
        )
        said = sentences(code="authority-silent")
        assert len(said) == warned, said
        assert all("Of the amount counts what HubSpot says" in one for one in said)


def test_two_who_stand_in_for_each_other_are_a_circle(connected, staff):
    at = instant.now()
    for one, other in (("olivia", "rosa"), ("rosa", "olivia")):
        Absence.objects.create(
            user=staff[one], stand_in=staff[other], starts_at=at, ends_at=at + timedelta(days=1)
        )
    [lint] = found(code="cycle")
    assert "Olivia Ortiz → Rosa Marin → Olivia Ortiz" in lint.sentence


def test_the_operating_model_counts_what_is_amiss(as_, connected):
    client = as_("rosa")
    page = words(client.get("/operating-model/"))
    assert "Lints 0" in page
    SystemRole.objects.filter(role="crm").delete()
    assert re.search(r"Lints [1-9]", words(client.get("/operating-model/")))


def test_one_grade_alone_is_shown_and_an_unknown_one_is_all(as_, staff):
    client = as_("vera")
    only = words(client.get("/operating-model/lints/?grade=error"))
    assert "outcome-no-connection" in only
    assert "outcome-not-asked" not in only
    for grade in ("", "nothing", "\0", "x" * 900):
        assert "outcome-not-asked" in words(client.get("/operating-model/lints/", {"grade": grade}))
