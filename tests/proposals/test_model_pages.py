"""The operating model to read: contracts as sentences, the table of moves, and what was agreed."""

from datetime import date

import pytest

from meshline import instant
from meshline.audit.actors import SETUP
from meshline.policy.models import BusinessCalendar, Holiday, Sla, SourceOfTruth
from meshline.shell import model_words
from proposals.contracts import publishing
from proposals.models import Contract
from proposals.states import MOVES, State
from tests import factories

EVERYBODY = ["olivia", "rosa", "sam", "remy", "ada", "vera"]


@pytest.fixture
def model(staff):
    factories.pandadoc()
    factories.hubspot()


@pytest.mark.parametrize("url", ["/operating-model/", "/operating-model/contracts/"])
@pytest.mark.parametrize("name", EVERYBODY)
def test_everybody_may_read_it(as_, model, name, url):
    assert as_(name).get(url).status_code == 200


@pytest.mark.parametrize("url", ["/operating-model/", "/operating-model/contracts/"])
def test_strangers_may_not(client, db, url):
    assert client.get(url).status_code == 302


# --- Contracts -------------------------------------------------------------------------------
def chapters(client):
    found = client.get("/operating-model/contracts/").context["chapters"]
    return {chapter.state: chapter for chapter in found}


def test_each_state_has_its_chapter_with_version_and_authority(as_, model):
    found = chapters(as_("rosa"))
    assert set(found) == set(State)
    (contract, lines, _) = found[State.SENT].agreed[0]
    assert contract.version == 1
    assert len(lines) == 3
    assert found[State.SENT].authority == "the connection that brought the proposal"
    assert found[State.CLOSED_WON].authority == "people: a RevOps operator or manager"
    assert found[State.INVOICED].authority == "nobody yet: nothing plays the part"


def test_the_page_says_it_in_plain_words(as_, model):
    page = as_("remy").get("/operating-model/contracts/").content.decode()
    assert "create the follow-up task in HubSpot (the CRM) for the owner" in page
    assert "close the follow-up task that follows when a proposal is sent" in page
    assert "note it on the timeline" in page
    assert "published" in page


def test_a_new_version_is_told_from_its_data(as_, model):
    live = Contract.objects.live().get(slug="sent")
    outcomes = [dict(row) for row in live.outcomes]
    outcomes[1]["params"] = {**outcomes[1]["params"], "due_within": 240}
    content = {"name": live.name, "trigger": "sent", "outcomes": outcomes}
    publishing.put_in_force(slug="sent", content=content, by=SETUP, at=instant.now())
    (contract, lines, _) = chapters(as_("rosa"))[State.SENT].agreed[0]
    assert contract.version == 2
    assert "due 4 business hours later" in lines[1]


def test_a_named_authority_stands_in_its_chapter_and_in_the_table(as_, model):
    SourceOfTruth.objects.filter(field="close").update(connection="hubspot")
    answer = as_("rosa").get("/operating-model/contracts/")
    assert chapters(as_("rosa"))[State.CLOSED_WON].authority == "HubSpot"
    signed = next(row for row in answer.context["moves"] if row["state"] is State.SIGNED)
    assert dict(signed["cells"])[State.CLOSED_WON] == "HubSpot"


def test_the_table_shows_exactly_the_moves_there_are(as_, model):
    rows = as_("rosa").get("/operating-model/contracts/").context["moves"]
    shown = {row["state"]: {to for to, who in row["cells"] if who} for row in rows}
    assert shown == {here: set(to) for here, to in MOVES.items()}


def test_without_contracts_the_page_says_so(as_, model):
    Contract.objects.update(is_live=False)
    page = as_("rosa").get("/operating-model/contracts/").content.decode()
    assert "No contract is live" in page


# --- The whole model -------------------------------------------------------------------------
def test_owners_deadlines_hours_and_parts_stand_there_in_words(as_, model):
    page = as_("rosa").get("/operating-model/").content.decode()
    for words in (
        "Exception queue", "Rosa Marin", "Olivia Ortiz", "30 min", "4 h", "Mon–Fri 09:00–17:00",
        "the connection that brought the proposal", ">HubSpot</a>", "Nothing yet",
        "All of this is edited here", "manage.py operating_model", "Most recent",
        "/operating-model/owners/", "/operating-model/slas/", "/operating-model/company/",
    ):  # fmt: skip
        assert words in page, words


def test_links_lead_only_where_the_person_may_go(as_, model):
    page = as_("remy").get("/operating-model/").content.decode()
    main = page[page.index('<main id="main"') :]
    assert 'href="/people/"' not in main
    assert 'href="/connections/' not in main
    assert 'href="/operating-model/contracts/"' in main


def test_a_kind_with_an_sla_of_its_own_is_named(as_, model):
    Sla.objects.create(kind="dispute", severity="high", ack_within=15, fix_within=90)
    rows = as_("rosa").get("/operating-model/").context["slas"]
    assert {
        "kind": "Proposal disputed",
        "severity": "high",
        "ack": "15 min",
        "fix": "1 h 30 min",
    } in rows


def test_only_coming_days_off_are_told(as_, model):
    calendar = BusinessCalendar.objects.get(is_default=True)
    Holiday.objects.create(calendar=calendar, day=date(2020, 1, 1), name="Long ago")
    Holiday.objects.create(calendar=calendar, day=date(2199, 1, 1), name="New Year")
    page = as_("rosa").get("/operating-model/").content.decode()
    assert "New Year" in page
    assert "Long ago" not in page


WEEK = [[day, "09:00", "17:00"] for day in range(5)]


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        (WEEK, ["Mon–Fri 09:00–17:00"]),
        ([], []),
        ([[0, "09:00", "12:00"], [0, "13:00", "17:00"]], ["Mon 09:00–12:00 and 13:00–17:00"]),
        ([*WEEK[:4], [4, "09:00", "15:00"]], ["Mon–Thu 09:00–17:00", "Fri 09:00–15:00"]),
        ([WEEK[0], WEEK[2]], ["Mon 09:00–17:00", "Wed 09:00–17:00"]),
        ([[6, "00:00", "24:00"]], ["Sun 00:00–24:00"]),
    ],
)
def test_windows_in_words(windows, words):
    assert model_words.windows(windows) == words
