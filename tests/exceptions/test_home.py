"""Home: what needs this person now, by role."""

from datetime import timedelta

import pytest

from connectors.models import Connection
from exceptions import desk, troubles
from meshline.notices import notices
from meshline.notices.models import Notice
from meshline.people.models import User
from meshline.policy import drafts
from proposals.contracts import publishing, versions
from proposals.models import Contract, Proposal
from tests import factories
from tests.exceptions.conftest import CARRIER, MONDAY, open_one, trouble

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("monday", "staff")]


@pytest.fixture
def proposal(staff):
    """Remy's, to be followed up in an hour."""
    factories.pandadoc()
    factories.post_pandadoc([factories.document("sent")])
    factories.digest_all()
    Proposal.objects.update(next_follow_up_at=MONDAY + timedelta(hours=1))
    return Proposal.objects.get()


def home(client):
    response = client.get("/")
    assert response.status_code == 200
    return response.text


def blocks(client):
    """The page without its notices, which name tickets, too."""
    return home(client).partition('id="notices"')[0]


def test_an_operator_sees_their_tickets_and_what_nobody_has(as_, olivia, rosa):
    mine, free = open_one("mine"), open_one("free", owner=rosa, record="proposal:18")
    taken = open_one("taken", record="proposal:19")
    desk.claim(ticket_id=taken.pk, by=rosa, at=MONDAY)
    text = blocks(as_(olivia))
    first, second = text.index("My tickets"), text.index('id="unclaimed"')
    assert first < text.index(mine.title) < second < text.index(free.title)
    assert taken.title not in text
    assert "3,703.50 EUR" in text


def test_a_few_are_shown_the_soonest_due_first(as_, olivia):
    made = [open_one(f"n{n}", at=MONDAY - timedelta(minutes=n)) for n in range(8)]
    text = blocks(as_(olivia))
    places = [text.find(f'href="/queue/{one.pk}/">') for one in reversed(made)]
    assert places[:5] == sorted(places[:5])
    assert -1 not in places[:5]
    assert places[5:] == [-1, -1, -1]


def test_every_block_says_when_there_is_nothing(as_, olivia):
    factories.pandadoc()
    text = home(as_(olivia))
    for sentence in (
        "No ticket is in your hands.", "Nobody else's ticket waits to be claimed.",
        "No proposal waits for follow-up today.", "Everything that is connected is carried.",
        "You were told nothing yet.",
    ):  # fmt: skip
        assert sentence.replace("'", "&#x27;") in text or sentence in text, sentence


def test_a_rep_sees_their_follow_ups_and_no_queue(as_, staff, proposal):
    text = home(as_(staff["remy"]))
    assert "Website relaunch" in text
    assert "Due in 1 h" in text
    assert "My tickets" not in text
    assert "Open tickets" not in text


def test_an_overdue_follow_up_says_so_and_a_far_one_waits(as_, staff, proposal):
    Proposal.objects.update(next_follow_up_at=MONDAY - timedelta(hours=2))
    assert "Overdue 2 h" in home(as_(staff["remy"]))
    Proposal.objects.update(next_follow_up_at=MONDAY + timedelta(days=3))
    assert "No proposal waits" in home(as_(staff["remy"]))


def test_a_sales_manager_sees_their_teams_follow_ups_and_an_operator_only_their_own(
    as_, staff, proposal, olivia
):
    assert "Website relaunch" in home(as_(staff["sam"]))
    assert "team&#x27;s follow-ups" in home(as_(staff["sam"])) or "team's" in home(
        as_(staff["sam"])
    )
    assert "No proposal waits" in home(as_(olivia))


def test_a_sales_manager_sees_no_ticket_of_another_team(as_, staff):
    other = open_one("other")
    theirs = troubles.open_ticket(trouble("theirs", owner=staff["remy"]), by=CARRIER, at=MONDAY)
    text = home(as_(staff["sam"]))
    assert theirs.title in text
    assert other.title not in text


def test_a_connection_that_is_not_carried_says_why(as_, staff, olivia):
    factories.pandadoc()
    factories.hubspot()
    why = "It refused our credentials: 401."
    Connection.objects.filter(slug="hubspot").update(status="paused", status_why=why)
    Connection.objects.filter(slug="pandadoc").update(breaker="open")
    text = home(as_(olivia))
    assert "is paused: It refused our credentials: 401." in text
    assert "does not answer." in text
    assert 'href="/connections/hubspot/"' in text


def test_an_admin_of_an_empty_installation_is_told_where_to_begin(as_, staff, olivia):
    text = home(as_(staff["ada"]))
    assert "Connect your first system" in text
    assert 'href="/connections/new/"' in text
    assert "Nothing is connected yet" in home(as_(olivia))


def test_once_something_is_connected_the_guidance_is_gone(as_, staff):
    factories.pandadoc()
    assert "Connect your first system" not in home(as_(staff["ada"]))


def test_a_viewer_reads_numbers_with_amounts_masked(as_, staff):
    open_one()
    text = home(as_(staff["vera"]))
    assert "••• EUR" in text
    assert "1,234.50" not in text


def test_notices_are_there_for_everybody(as_, staff):
    for name in ("remy", "ada", "vera", "sam"):
        notices.tell(staff[name], f"Hello {name}", key=f"hello-{name}", at=MONDAY)
        assert f"Hello {name}" in home(as_(staff[name]))


def test_more_of_everything_is_no_more_queries(as_, olivia, django_assert_max_num_queries):
    client = as_(olivia)
    open_one("first")
    home(client)
    with django_assert_max_num_queries(25) as few:
        home(client)
    for number in range(20):
        open_one(str(number))
    with django_assert_max_num_queries(len(few)):
        home(client)


def test_who_publishes_the_model_sees_what_waits_for_their_review(as_, staff):
    heading = "Waits for your review or signature"
    assert heading not in home(as_(staff["vera"]))
    staff["vera"].approves_model = True
    staff["vera"].save()
    assert "Nothing waits for you." in home(as_(staff["vera"]))
    for act in (
        lambda: drafts.save(
            kind="routing-rules", slug="main", content={}, based_on=0, revision=0,
            by=staff["olivia"], at=MONDAY,
        ),
        lambda: drafts.submit(
            kind="routing-rules", slug="main", revision=1, by=staff["olivia"], at=MONDAY
        ),
    ):  # fmt: skip
        assert heading not in home(as_(staff["rosa"]))
        act()
    page = home(as_(staff["rosa"]))
    assert "Routing rules" in page.partition(heading)[2]
    assert "Olivia Ortiz" in page.partition(heading)[2]
    # Neither its author, nor who has no say in it; rules take no signature.
    for name in ("olivia", "remy"):
        assert heading not in home(as_(staff[name]))
    assert "Nothing waits for you." in home(as_(staff["vera"]))


def test_who_signs_sees_the_contracts_that_take_a_second_person_and_no_others(as_, staff):
    User.objects.filter(pk=staff["vera"].pk).update(approves_model=True)
    for slug in ("sent", "signed"):
        content = versions.terms_of(Contract.objects.live().get(slug=slug)).content
        publishing.save(
            slug=slug, content={**content, "name": f"Otherwise {slug}"}, based_on=1, revision=0,
            by=staff["olivia"], at=MONDAY,
        )  # fmt: skip
        publishing.submit(slug=slug, revision=1, by=staff["olivia"], at=MONDAY)
    for name, waiting in (("rosa", ["sent", "signed"]), ("vera", ["signed"]), ("olivia", [])):
        page = blocks(as_(staff[name]))
        assert [slug for slug in ("sent", "signed") if f"“Otherwise {slug}”" in page] == waiting
        told = Notice.objects.filter(user=staff[name], text__contains="asks you to approve")
        assert sorted(one.text.partition("the contract ")[2] for one in told) == [
            {"sent": "“A proposal is sent”.", "signed": "“A proposal is signed”."}[slug]
            for slug in waiting
        ]
