"""A draft is tried on a real proposal and on all that lately came in; nothing is written by it."""

import copy
import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meshline import instant
from proposals.contracts import backtest, publishing, rehearsal, terms, versions
from proposals.models import Contract, Outcome, Proposal, Signal
from tests import factories
from tests.factories import MONDAY, digest_all, document, post_pandadoc
from tests.reading import words

pytestmark = pytest.mark.django_db

SENT = "/operating-model/contracts/sent/"


@pytest.fixture(autouse=True)
def crm(staff):
    factories.hubspot()


@pytest.fixture
def vera(staff):
    """The CRO, who signs the operating model."""
    staff["vera"].approves_model = True
    staff["vera"].save()
    return staff["vera"]


def content(slug="sent"):
    return copy.deepcopy(versions.terms_of(Contract.objects.live().get(slug=slug)).content)


def draft(by, change, slug="sent"):
    said = content(slug)
    change(said)
    return publishing.save(slug=slug, content=said, based_on=1, revision=0, by=by, at=instant.now())


def proposed(said, slug="sent"):
    return versions.proposed(terms.kept(said), slug=slug)


def compared(spec, ids=None):
    """What would be different with this contract among those in force."""
    window = backtest.window(at=instant.now())
    old = versions.live()
    new = [one for one in old if one.slug != spec.slug] + [spec]
    found = backtest.compare(ids or window.chunk(after=0, most=None), window, old, new)
    return {one.proposal.external_id: one for one in found if one.is_any}


def names(effects):
    return [effect.spec.name for effect in effects]


def counts():
    models = [model for model in apps.get_models() if model._meta.managed]
    return {model: model._default_manager.count() for model in models}


# --- On one proposal ------------------------------------------------------------------------------
def trial(proposal, spec):
    signals = rehearsal.signals_of([proposal])[proposal.pk]
    return rehearsal.trial(proposal, signals, spec, at=MONDAY)


def test_a_trial_fills_the_texts_in_and_says_when_it_is_due(sent):
    said = content()
    said["outcomes"][1]["params"] |= {"subject": "Call {contact} about {amount}", "due_within": 240}
    said["tier"] = "hours"
    found = trial(sent, proposed(said))
    task = found.effects[1]
    assert task.texts["subject"] == "Call Nina Brook about 1,234.50 EUR"
    assert task.due_at == MONDAY + timedelta(hours=4)
    assert (task.tier, found.is_supposed) == ("hours", False)


def test_a_trial_shows_each_clause_with_the_value_seen(sent):
    said = content()
    said["condition"] = {"all": [
        {"field": "amount", "op": "at_least", "value": "5000"},
        {"field": "contact_domain", "op": "is", "value": "customer.example.com"},
    ]}  # fmt: skip
    found = trial(sent, proposed(said))
    assert not found.verdict.held
    assert [(part.held, part.seen) for part in found.verdict.parts] == [
        (False, "1,234.50"), (True, "customer.example.com"),
    ]  # fmt: skip
    assert found.effects == []


def test_where_a_proposal_is_not_in_that_state_it_is_supposed(sent):
    found = trial(sent, proposed(content("signed"), "signed"))
    assert found.is_supposed
    assert names(found.effects) == ["deal", "onboarding", "tell-owner"]
    assert [spec.name for spec in found.left_out] == ["invoice", "message", "webhook"]
    assert Proposal.objects.get(pk=sent.pk).state == "sent"


def test_the_test_box_in_the_browser(as_, sent, staff):
    def change(said):
        said["outcomes"][2]["params"]["subject"] = "{contact} has {title}: {amount}"
        said["outcomes"][2]["gate"] = {"who": "role:manager", "within": 240}

    draft(staff["olivia"], change)
    olivia = as_("olivia")
    assert f'href="{SENT}test/"' in olivia.get(SENT).content.decode()
    page = words(olivia.get(f"{SENT}test/", {"proposal": sent.pk}))
    assert "Nina Brook has Website relaunch: 1,234.50 EUR" in page
    assert "a RevOps manager at most 4 business hours" in page
    assert "It holds" in page
    signal = Signal.objects.get()
    page = words(olivia.get(f"{SENT}test/", {"signal": signal.pk}))
    assert f"as told up to signal {signal.pk}" in page


@pytest.mark.parametrize(
    "asked", [{"proposal": "0"}, {"proposal": "9" * 30}, {"signal": "x"}, {"signal": "\0"},
              {"signal": "9" * 18}, {"proposal": "-1"}],
)  # fmt: skip
def test_what_cannot_be_picked_is_not_found(as_, staff, asked):
    answer = as_("olivia").get(f"{SENT}test/", asked)
    assert answer.status_code == 404
    assert "There is no such proposal or signal." in words(answer)


def test_without_proposals_there_is_nothing_to_try_it_on(as_, staff):
    assert "No proposal yet" in words(as_("olivia").get(f"{SENT}test/"))
    assert "No event came in within the last seven days." in words(
        as_("olivia").get(f"{SENT}backtest/")
    )


# --- On all that lately came in -------------------------------------------------------------------
@pytest.fixture
def lately(pandadoc):
    """Three documents: a small one sent, a large one sent and signed, one that was signed late."""

    def event(doc, state, minute, amount="1234.50"):
        made = document(
            state, id=doc, at=MONDAY + timedelta(minutes=minute), name=doc,
            grand_total={"amount": amount, "currency": "EUR"},
        )  # fmt: skip
        post_pandadoc([made], event_id=f"{doc}-{minute}")
        digest_all()

    event("small", "sent", 0, "100.00")
    event("large", "sent", 1, "9000.00")
    event("large", "viewed", 3, "9000.00")
    event("large", "completed", 5, "9000.00")
    event("other", "sent", 2)
    return event


def test_what_is_in_force_is_not_different_from_itself(lately):
    assert compared(proposed(content())) == {}


def test_a_condition_loses_what_it_leaves_out(lately):
    said = content()
    said["condition"] = {"field": "amount", "op": "at_least", "value": "1000"}
    found = compared(proposed(said))
    assert set(found) == {"small"}
    assert names(found["small"].lost) == ["deal", "follow-up", "tell-owner"]
    assert (found["small"].gained, found["small"].changed) == ([], [])


def test_an_outcome_more_is_gained_wherever_its_state_was_passed(lately):
    said = content("viewed")
    said["outcomes"].append({
        "name": "tell-owner", "kind": "notice.tell", "target": "meshline", "wanted": ["viewed"],
        "params": {"subject": "{title} was looked at."},
    })  # fmt: skip
    found = compared(proposed(said, "viewed"))
    # It is signed by now: the notice would have gone out while it was viewed.
    assert {doc: names(one.gained) for doc, one in found.items()} == {"large": ["tell-owner"]}
    assert found["large"].gained[0].texts["subject"] == "large was looked at."


def test_texts_due_times_and_gates_that_change_are_told(lately):
    said = content()
    task = said["outcomes"][1]
    task["params"] |= {"subject": "Call {contact}", "due_within": 60}
    task["gate"] = {"who": "approvers", "within": 60}
    (change,) = compared(proposed(said))["small"].changed
    assert change.words == {
        "subject": ("Follow up: small", "Call Nina Brook"),
        "due": ("2026-03-04 09:30 UTC", "2026-03-02 10:30 UTC"),
        "waits for": ("nobody", "somebody with the approver's right"),
    }


def test_a_tier_that_changes_says_what_would_have_been_late(lately):
    received = Signal.objects.get(proposal__external_id="small").received_at
    Outcome.objects.filter(proposal__external_id="small", name="deal").update(
        state="proven", proven_at=received + timedelta(minutes=3)
    )
    (change, *_) = compared(proposed({**content(), "tier": "seconds"}))["small"].changed
    assert change.words == {"tier": ("minutes", "seconds")}
    assert change.verdict == ("in time", "late")


def test_retiring_loses_everything_of_it(lately, staff, vera, as_):
    publishing.save(
        slug="other-one", content={**content("viewed"), "trigger": "expired", "outcomes": [{
            "name": "tell", "kind": "notice.tell", "wanted": ["expired"],
            "params": {"subject": "x"}}]},
        based_on=0, revision=0, by=staff["rosa"], at=instant.now(),
    )  # fmt: skip
    publishing.retire(
        slug="signed", in_force=1, reason="Enough.", by=staff["rosa"], at=instant.now()
    )
    page = words(as_("rosa").get("/operating-model/contracts/signed/backtest/?run=all"))
    assert "3 lost" in page
    assert "1 proposal." in page


def test_a_backtest_writes_nothing(lately, as_, staff):
    draft(staff["rosa"], lambda said: said.update(tier="daily"))
    rosa = as_("rosa")
    rosa.get("/")
    before = counts()
    with CaptureQueriesContext(
        connection,
    ) as ran:
        page = rosa.get(f"{SENT}backtest/", {"run": "all"})
    assert "3 proposals played" in words(page)
    assert "9 otherwise" in words(page)
    verbs = {query["sql"].split()[0].upper() for query in ran.captured_queries}
    assert verbs <= {"SELECT", "SAVEPOINT", "RELEASE"}, verbs
    assert counts() == before


def test_a_trial_writes_nothing(sent, as_, staff):
    rosa = as_("rosa")
    # The sitting's own row is renewed once a minute.
    rosa.get("/")
    before = counts()
    with CaptureQueriesContext(connection) as ran:
        rosa.get(f"{SENT}test/", {"proposal": sent.pk})
    verbs = {query["sql"].split()[0].upper() for query in ran.captured_queries}
    assert verbs <= {"SELECT", "SAVEPOINT", "RELEASE"}, verbs
    assert counts() == before


def test_in_pieces_it_finds_the_same_as_at_once(lately, as_, staff, monkeypatch):
    monkeypatch.setattr(backtest, "CHUNK", 1)
    draft(staff["rosa"], lambda said: said.update(tier="daily"))
    rosa = as_("rosa")
    url, pieces = f"{SENT}backtest/?run=pieces", []
    while url:
        answer = rosa.get(url, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        page = answer.content.decode()
        pieces.append(page)
        more = re.search(r'hx-get="([^"]*after=[^"]*)"', page)
        url = more.group(1).replace("&amp;", "&") if more else ""
    assert len(pieces) == 3
    assert '<progress value="1"' in pieces[0]
    assert "2 of 3 proposals" in pieces[1]
    assert "9 otherwise" in pieces[2]
    assert "Done" in pieces[2]
    whole = rosa.get(f"{SENT}backtest/", {"run": "all"}).content.decode()
    for doc in ("small", "large", "other"):
        assert sum(f">{doc}</a>" in piece for piece in pieces) == 1
        assert f">{doc}</a>" in whole


@pytest.fixture
def to_sign(lately, staff, vera):
    """A change of what is signed, which waits for somebody else to publish it."""

    def change(said):
        (task,) = [row for row in said["outcomes"] if row["name"] == "onboarding"]
        task["params"] |= {"subject": "Call {contact} about {amount}", "due_within": 60}

    draft(staff["rosa"], change, slug="signed")
    publishing.submit(slug="signed", revision=1, by=staff["rosa"], at=instant.now())
    return "/operating-model/contracts/signed/"


def test_who_signs_reads_a_fresh_backtest_where_they_sign_masked_as_they_see(to_sign, as_, staff):
    vera = as_("vera")
    page = vera.get(to_sign).text
    assert f'hx-get="{to_sign}backtest/?run=pieces"' in page
    assert f'hx-get="{to_sign}backtest' not in as_("rosa").get(to_sign).text
    answer = vera.get(f"{to_sign}backtest/?run=pieces", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    said = words(answer)
    assert "1 otherwise" in said
    assert ">large</a>" in answer.text
    assert "subject ••• •••, another text" in said
    assert "UTC" in said
    assert not {"Nina", "9,000"} & set(re.findall(r"Nina|9,000", said))
    assert "Call Nina Brook about 9,000.00 EUR" in words(
        as_("olivia").get(f"{to_sign}backtest/?run=all")
    )


def test_who_signs_and_sees_only_their_own_reads_no_names(to_sign, as_, staff):
    staff["sam"].approves_model = True
    staff["sam"].save()
    Proposal.objects.update(owner=staff["rosa"])
    answer = as_("sam").get(f"{to_sign}backtest/?run=all")
    assert "masked for your role" in words(answer)
    assert not re.search(r"large|Nina|9,000", answer.text.partition("<main")[2])


def test_nobody_else_plays_a_draft(to_sign, as_, staff):
    assert as_("remy").get(f"{to_sign}backtest/").status_code == 403
    assert as_("vera").get(f"{SENT}backtest/").status_code == 403


def test_a_draft_that_changed_meanwhile_is_not_played_on(lately, as_, staff, monkeypatch):
    monkeypatch.setattr(backtest, "CHUNK", 1)
    made = draft(staff["rosa"], lambda said: said.update(tier="daily"))
    answer = as_("rosa").get(
        f"{SENT}backtest/?run=pieces&after=1&until=99&mark={made.pk}-7",
        headers={"HX-Request": "true"},
    )
    assert "The draft was changed meanwhile; begin again." in words(answer)


def test_whatever_is_asked_of_a_backtest_is_no_fault_of_ours(lately, as_, staff):
    for asked in (
        "run=all&after=x&until=" + "9" * 30, "run=pieces&tally=nonsense&after=-1", "run=\0",
        "run=all&until=&after=", "run=all&until=0",
    ):  # fmt: skip
        assert as_("rosa").get(f"{SENT}backtest/?{asked}").status_code == 200


def test_the_window_is_the_last_events_of_seven_days_at_most(lately, monkeypatch):
    now = instant.now()
    assert backtest.window(at=now).count == 5
    Signal.objects.filter(proposal__external_id="small").update(received_at=now - timedelta(days=8))
    assert backtest.window(at=now).count == 4
    monkeypatch.setattr(backtest, "MOST_EVENTS", 2)
    last = backtest.window(at=now)
    assert last.count == 2
    lately("new", "sent", 9)
    assert backtest.window(at=now, until=last.until).events == last.events
