"""Agreeing on whose word counts: what it changes, what is put before people, and what stays."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client

from exceptions import desk
from exceptions.models import Ticket
from meshline.audit.actors import SETUP
from meshline.audit.models import TrailLine
from meshline.people.permissions import NotAllowed
from meshline.policy import sources_of_truth
from meshline.policy.models import SourceOfTruth
from meshline.policy.operating_model import ModelError, Stale
from meshline.policy.truth import How, Truth
from proposals import authority, deciding, sources, whose_word
from proposals.contracts import promising
from proposals.lifecycle import Conflict
from proposals.models import Outcome, Proposal, Signal
from tests.factories import MONDAY, digest_all, document, post_pandadoc, post_standard, standard
from tests.sessions import Other

pytestmark = pytest.mark.django_db

AT = MONDAY + timedelta(minutes=5)


@pytest.fixture
def crm_says(pandadoc):
    """Another system tells of the quoting tool's document."""
    standard("crm", "Our CRM")
    told = iter(range(10**6))

    def saying(minute, doc="doc-1", amount="1200.00", **more):
        data = {"id": doc, "source": "pandadoc", **more}
        if amount:
            data["amount"] = {"amount": amount, "currency": "EUR"}
        at = (MONDAY + timedelta(minutes=minute)).isoformat()
        body = {"type": "proposal.updated", "timestamp": at, "data": data}
        post_standard(body, id=f"crm-{next(told)}", slug="crm")
        digest_all()

    return saying


def quoted(minute=0, doc="doc-1", amount="1000.00", state="sent", **more):
    total = {"amount": amount, "currency": "EUR"}
    at = MONDAY + timedelta(minutes=minute)
    event = document(state, id=doc, at=at, grand_total=total, **more)
    post_pandadoc([event], event_id=f"{doc}-{minute}-{amount}-{state}")
    digest_all()


def agree(how, connection="", name="amount", by=SETUP, seen=None):
    truth = Truth(how, connection)
    return whose_word.publish(name=name, agreed=truth, by=by, at=AT, seen=seen)


def proposal(doc="doc-1"):
    return Proposal.objects.get(external_id=doc)


def conflicts():
    return Ticket.objects.unresolved().filter(kind="field-conflict")


def take(who, source, field="amount"):
    claims = contracts_of(proposal()).told.asked[field]
    signal = next(one.by for one in claims if one.source == source)
    return deciding.take(proposal_id=proposal().pk, field=field, signal_id=signal, by=who, at=AT)


def contracts_of(one):
    return whose_word.retelling.as_they_stand([one])[0]


# --- What an agreement changes ---------------------------------------------------------------
def test_the_proposals_that_several_told_change_with_it_and_no_others(crm_says):
    quoted()
    crm_says(1)
    quoted(doc="doc-2")
    before = proposal("doc-2").version
    assert agree(How.ALWAYS, "pandadoc") == 1
    assert proposal().amount_words == "1,000.00 EUR"
    assert (proposal("doc-2").version, proposal().version) == (before, 3)
    # Twice is as good as once.
    assert agree(How.ALWAYS, "pandadoc") == 0
    assert whose_word.follow(name="amount", by=SETUP, at=AT) == 0
    assert TrailLine.objects.filter(what="authority.changed").count() == 1
    # And back.
    assert agree(How.RECENT) == 1
    assert proposal().amount_words == "1,200.00 EUR"


def test_without_a_connection_the_origin_s_word_counts(crm_says):
    quoted()
    crm_says(1)
    agree(How.UNLESS_BLANK)
    assert proposal().amount_words == "1,000.00 EUR"


def test_an_owner_that_counts_by_agreement_is_known_here(crm_says, staff):
    """Though nobody of this batch named them."""
    quoted()
    crm_says(1, amount="", owner={"email": "olivia@example.com"})
    assert proposal().owner == staff["olivia"]
    agree(How.ALWAYS, "pandadoc", name="owner_email")
    assert proposal().owner == staff["remy"]
    crm_says(2, amount="", owner={"email": "nobody@example.com"})
    assert (proposal().owner, proposal().owner_is_temporary) == (staff["remy"], False)
    agree(How.ALWAYS, "crm", name="owner_email")
    assert proposal().owner_is_temporary
    assert Ticket.objects.unresolved().filter(kind="role-drift").count() == 1
    agree(How.ALWAYS, "pandadoc", name="owner_email")
    assert proposal().owner == staff["remy"]
    assert not Ticket.objects.unresolved().filter(kind="role-drift").exists()


def test_a_late_word_of_the_authority_counts_whenever_it_comes(crm_says):
    crm_says(1)
    agree(How.ALWAYS, "pandadoc")
    assert proposal().amount_words == "1,200.00 EUR"
    quoted(0)
    assert proposal().amount_words == "1,000.00 EUR"


def test_what_does_not_win_is_kept_with_its_reason_and_its_place(crm_says):
    quoted()
    agree(How.ALWAYS, "pandadoc")
    crm_says(1)
    kept = Signal.objects.get(source="crm")
    assert (kept.result, kept.fields["amount"]) == ("noted", "1200.00")
    assert kept.why == "Its amount is kept, but PandaDoc's counts."
    assert sources.of(proposal())["amount"].source == "pandadoc"
    assert sources.of(proposal())["title"].source == "pandadoc"


def test_a_move_s_authority_is_agreed_in_the_same_table(pandadoc):
    quoted()
    assert agree(How.ALWAYS, "crm", name="close") == 0
    assert authority.load().configured["close"] == "crm"
    assert agree(How.ALWAYS, "", name="close") == 0
    assert "close" not in authority.load().configured


@pytest.mark.parametrize(
    ("name", "how", "connection", "field"),
    [
        ("colour", How.ALWAYS, "", "field"), ("", How.ASK, "", "field"),
        ("currency", How.ALWAYS, "", "field"), ("invoice/1", How.ASK, "", "field"),
        ("close", How.ASK, "", "how"), ("quoting", How.RECENT, "", "how"),
        ("amount", How.ALWAYS, "people", "connection"), ("amount", How.ASK, "crm", "connection"),
        ("amount", How.RECENT, "crm", "connection"),
    ],
)  # fmt: skip
def test_what_cannot_be_agreed_is_refused_with_its_field(name, how, connection, field):
    before = set(SourceOfTruth.objects.values_list("field", "how", "connection"))
    for act in (whose_word.preview, lambda **asked: agree(asked["agreed"].how, connection, name)):
        with pytest.raises(ModelError) as caught:
            act(name=name, agreed=Truth(how, connection))
        assert caught.value.field == field
    assert set(SourceOfTruth.objects.values_list("field", "how", "connection")) == before


def test_only_managers_agree_and_nobody_overwrites_what_they_have_not_seen(staff, crm_says):
    quoted()
    crm_says(1)
    for name in ("olivia", "ada", "vera", "sam"):
        with pytest.raises(NotAllowed):
            agree(How.ALWAYS, "pandadoc", by=staff[name])
    assert proposal().amount_words == "1,200.00 EUR"
    agree(How.ASK, by=staff["rosa"], seen={})
    with pytest.raises(Stale):
        agree(How.ALWAYS, "pandadoc", by=staff["rosa"], seen={})
    assert SourceOfTruth.objects.get(field="amount").how == "ask"


def test_no_agreement_without_its_proposals(crm_says, monkeypatch):
    quoted()
    crm_says(1)

    def breaks(*args, **kwargs):
        raise RuntimeError("in between")

    monkeypatch.setattr(promising, "promise", breaks)
    with pytest.raises(RuntimeError), transaction.atomic():
        agree(How.ALWAYS, "pandadoc")
    assert not SourceOfTruth.objects.filter(field="amount").exists()
    assert proposal().amount_words == "1,200.00 EUR"


# --- The preview -----------------------------------------------------------------------------
def test_a_preview_counts_what_then_changes_and_changes_nothing(crm_says):
    quoted()
    crm_says(1)
    crm_says(0, doc="doc-2")
    quoted(1, doc="doc-2")
    before = TrailLine.objects.count(), SourceOfTruth.objects.count()
    found = whose_word.preview(name="amount", agreed=Truth(How.ALWAYS, "pandadoc"))
    assert (found.open, found.over, found.changes, found.asked) == (2, 0, 1, 0)
    assert found.others == {"crm"}
    assert [one.proposal for one in found.first] == [proposal()]
    asking = whose_word.preview(name="amount", agreed=Truth(How.ASK))
    # Of the first the quoting tool spoke first, of the second the CRM: both go back to that.
    assert (asking.changes, asking.asked) == (2, 2)
    assert (TrailLine.objects.count(), SourceOfTruth.objects.count()) == before
    assert agree(How.ALWAYS, "pandadoc") == found.changes


def test_an_amount_written_otherwise_is_no_change(crm_says):
    """As what a person took over from what was read there is: in their words, not in ours."""
    quoted()
    crm_says(1)
    quoted(0, doc="doc-2", amount="14250.00")
    crm_says(1, doc="doc-2", amount="14250.00")
    taken = Signal.objects.get(source="crm", proposal__external_id="doc-2")
    Signal.objects.filter(pk=taken.pk).update(fields={"amount": "14250", "currency": "EUR"})
    found = whose_word.preview(name="amount", agreed=Truth(How.ALWAYS, "pandadoc"))
    assert (found.changes, len(found.first)) == (1, 1)
    assert agree(How.ALWAYS, "pandadoc") == 1


def test_a_closed_proposal_is_counted_apart(crm_says, staff):
    quoted()
    crm_says(1)
    Proposal.objects.update(state="closed-lost")
    found = whose_word.preview(name="amount", agreed=Truth(How.ALWAYS, "pandadoc"))
    assert (found.open, found.over) == (0, 1)


# --- Asking a person -------------------------------------------------------------------------
def test_a_difference_is_a_ticket_with_both_values_and_a_button_each(crm_says, staff):
    agree(How.ASK)
    quoted()
    assert not conflicts().exists()
    crm_says(1)
    ticket = conflicts().get()
    assert proposal().amount_words == "1,000.00 EUR"
    assert ticket.evidence["Our CRM says"] == "1,200.00 EUR"
    assert ticket.evidence["PandaDoc says"] == "1,000.00 EUR"
    assert ticket.evidence["it stays"] == "1,000.00 EUR"
    assert [one["label"] for one in ticket.remedies] == ["Take Our CRM's", "Take PandaDoc's"]
    # Said again it is the same question; said otherwise it is another one.
    crm_says(2)
    assert conflicts().get() == ticket
    crm_says(3, amount="1300.00")
    assert conflicts().count() == 1
    assert conflicts().get().evidence["Our CRM says"] == "1,300.00 EUR"
    ticket.refresh_from_db()
    assert ticket.resolution_note == "The systems tell other values by now."


def test_once_they_agree_the_ticket_closes_on_that(crm_says):
    agree(How.ASK)
    quoted()
    crm_says(1)
    ticket = conflicts().get()
    crm_says(2, amount="1000.00")
    assert not conflicts().exists()
    ticket.refresh_from_db()
    assert ticket.resolution == "closed on evidence"


@pytest.mark.parametrize(("source", "amount"), [("crm", "1,200.00"), ("pandadoc", "1,000.00")])
def test_what_a_person_takes_counts_from_then_on(crm_says, staff, source, amount):
    agree(How.ASK)
    quoted()
    crm_says(1)
    take(staff["olivia"], source)
    assert proposal().amount_words == f"{amount} EUR"
    assert not conflicts().exists()
    quoted(2, state="viewed")
    crm_says(3)
    assert (proposal().amount_words, proposal().state) == (f"{amount} EUR", "viewed")
    line = TrailLine.objects.get(what="proposal.decided")
    assert (line.actor_id, line.after["taken from"]) == (str(staff["olivia"].pk), source)
    # Its value stands on the proposal, where a person may be forgotten; not on the trail.
    assert amount not in str(line.after)


def test_a_ticket_somebody_closed_without_deciding_comes_back_with_the_next_word(crm_says, staff):
    agree(How.ASK)
    quoted()
    crm_says(1)
    first = conflicts().get()
    desk.resolve(ticket_id=first.pk, resolution="fixed", by=staff["rosa"], at=AT)
    quoted(2, state="viewed")
    assert conflicts().get() != first


def test_an_agreement_answers_the_question_and_asks_it(crm_says):
    quoted()
    crm_says(1)
    agree(How.ASK)
    assert conflicts().count() == 1
    assert proposal().amount_words == "1,000.00 EUR"
    # What stands there already is right; the ticket goes all the same.
    agree(How.ALWAYS, "pandadoc")
    assert not conflicts().exists()
    agree(How.ASK)
    agree(How.RECENT)
    assert not conflicts().exists()
    assert proposal().amount_words == "1,200.00 EUR"


def test_two_fields_are_two_questions(crm_says):
    agree(How.ASK)
    agree(How.ASK, name="title")
    quoted()
    crm_says(1, title="Another name")
    assert conflicts().count() == 2
    crm_says(2, title="Website relaunch")
    assert [one.evidence["field"] for one in conflicts()] == ["amount"]


def test_who_may_decide_and_what_is_there_to_decide(crm_says, staff):
    agree(How.ASK)
    quoted()
    crm_says(1)
    for name in ("remy", "sam", "ada", "vera"):
        with pytest.raises(NotAllowed):
            take(staff[name], "crm")
    decide = {"proposal_id": proposal().pk, "by": staff["rosa"], "at": AT}
    with pytest.raises(Conflict, match="nothing to decide"):
        deciding.take(field="title", signal_id=1, **decide)
    with pytest.raises(Conflict, match="other values"):
        deciding.take(field="amount", signal_id=0, **decide)
    assert conflicts().exists()


def test_the_button_of_the_ticket_decides_or_says_why_not(crm_says, staff):
    agree(How.ASK)
    quoted()
    crm_says(1)
    pk = proposal().pk
    signal = Signal.objects.get(source="crm").pk
    client = Client()
    client.force_login(staff["olivia"])
    for url, code in [
        (f"/proposals/{pk}/take/colour/{signal}/", 409),
        (f"/proposals/{pk}/take/%00/{signal}/", 409),
        (f"/proposals/{pk}/take/amount/{'9' * 30}/", 409),
        (f"/proposals/{pk + 999}/take/amount/{signal}/", 404),
    ]:
        assert client.post(url, headers={"HX-Request": "true"}).status_code == code, url
    page = f"/queue/{conflicts().get().pk}/"
    on_it = {"Referer": f"http://testserver{page}"}
    answer = client.post(f"/proposals/{pk}/take/amount/{signal}/", headers=on_it)
    # Back to the ticket, which closed by it.
    assert (answer.status_code, answer.headers["Location"]) == (303, page)
    assert proposal().amount_words == "1,200.00 EUR"


def test_the_deal_is_written_anew_once_it_is_decided(crm_says, staff):
    agree(How.ASK)
    quoted()
    crm_says(1)
    take(staff["rosa"], "crm")
    last = Outcome.objects.filter(kind="deal.upsert").order_by("-pk").first()
    assert last.params["amount"] == "1200.00"


# --- At the same time ------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_whoever_takes_signals_in_waits_for_a_change_and_the_other_way_round(staff):
    """So that no proposal is told by a rule that is over."""

    @transaction.atomic
    def change():
        authority.alone()
        return "changed"

    with transaction.atomic():
        authority.steady()
        other = Other(change)
        other.until_it_waits_or_is_over()
        assert other.waits()
    assert other.over() == "changed"


def test_facts_of_nothing_are_nothing():
    assert sources_of_truth.facts(None) == {}
