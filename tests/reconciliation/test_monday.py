"""The Monday checklist: what each item finds, its tickets, its signature, and who is told."""

from datetime import timedelta

import pytest
from django.test import Client

from connectors import reaching
from connectors.models import Connection
from connectors.reaching import Reached
from exceptions import troubles
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.notices.models import Notice
from meshline.people.models import User
from meshline.people.permissions import NotAllowed
from meshline.policy.models import RaciAssignment
from proposals.models import Outcome, Proposal
from reconciliation import checking, monday
from reconciliation.checks.check import Failing, Finding
from reconciliation.checks.table import CHECKS
from reconciliation.models.mondays import MondayList
from reconciliation.monday import AlreadySigned
from reconciliation.monday_items import ITEMS, Item
from tests.factories import MONDAY, SETUP
from tests.reconciliation.billed import connected, sign, tell

pytestmark = pytest.mark.django_db
PAGE = "/reconciliation/monday/"
WEEK = "2026-W10"


@pytest.fixture(autouse=True)
def monday_morning():
    with instant.stopped(MONDAY + timedelta(minutes=10)):
        yield


@pytest.fixture(autouse=True)
def within_reach(monkeypatch):
    """Every connection answers; a test says otherwise."""
    answers = [Reached("pandadoc", "PandaDoc", True, "It knows us.")]
    monkeypatch.setattr(reaching, "every", lambda at: answers)
    return answers


@pytest.fixture
def company(staff):
    connected()
    return staff


def run(by):
    return monday.run(by=by, at=instant.now())


def later():
    """What was asked for with a change has had its time by then."""
    return instant.stopped(MONDAY + timedelta(minutes=20))


def found(name):
    return MondayList.objects.latest("pk").items.get(name=name)


def refs(name):
    return [row["ref"] for row in found(name).rows]


# --- What each item finds --------------------------------------------------------------------
def test_a_connection_out_of_reach_is_found(company, within_reach):
    run(company["rosa"])
    assert (found("sources").state, found("sources").asked) == ("holds", 1)
    within_reach.append(Reached("stripe", "Stripe", False, "It does not answer."))
    run(company["rosa"])
    assert (found("sources").state, refs("sources")) == ("fails", ["connection:stripe"])


def test_a_proposal_that_is_not_in_the_crm_is_found(company):
    proposal = tell("sent")
    with later():
        run(company["rosa"])
    assert refs("delivery") == [proposal.record]


def test_a_ticket_whose_owner_left_is_found(company):
    ticket = _ticket()
    run(company["rosa"])
    assert found("tickets").state == "holds"
    User.objects.filter(pk=ticket.owner_id).update(is_active=False)
    run(company["rosa"])
    assert refs("tickets") == [f"ticket:{ticket.pk}"]


def test_what_was_signed_this_week_and_is_not_invoiced_is_found(company):
    proposal = sign()
    run(company["rosa"])
    # It is on its way, and nobody's concern yet.
    assert found("billing").state == "holds"
    Outcome.objects.filter(kind="invoice.create").update(state="given_up")
    run(company["rosa"])
    [row] = found("billing").rows
    assert (row["ref"], row["amount"], row["currency"]) == (proposal.record, "1234.5000", "EUR")
    assert "given up" in row["why"]


def test_what_nobody_follows_up_is_found(company):
    proposal = tell("sent")
    Outcome.objects.filter(proposal=proposal).update(state="cancelled")
    Proposal.objects.filter(pk=proposal.pk).update(next_follow_up_at=None)
    with later():
        run(company["rosa"])
    assert refs("follow-ups") == [proposal.record]


def test_a_process_without_exactly_one_accountable_is_found_with_its_page(company):
    run(company["rosa"])
    alone = {row["ref"] for row in found("ownership").rows}
    assert "process:delivery" not in alone
    RaciAssignment.objects.filter(process="delivery", letter="accountable").delete()
    run(company["rosa"])
    [row] = [row for row in found("ownership").rows if row["ref"] == "process:delivery"]
    assert row["why"] == "Nobody is accountable for it."
    assert row["url"].endswith("/delivery/")


def test_an_owner_who_left_is_found(company):
    run(company["rosa"])
    before = refs("ownership")
    RaciAssignment.objects.filter(process="delivery", letter="responsible").update(
        team=None, user=company["ada"]
    )
    User.objects.filter(pk=company["ada"].pk).update(is_active=False)
    run(company["rosa"])
    assert any("Ada Stone" in ref for ref in set(refs("ownership")) - set(before))


def test_an_item_that_breaks_could_not_look_and_the_others_do(company, monkeypatch):
    def breaks(moment):
        raise RuntimeError("no such thing")

    _replace(monkeypatch, "tickets", breaks)
    run(company["rosa"])
    one = found("tickets")
    assert (one.state, one.why) == ("unknown", "RuntimeError: no such thing")
    assert MondayList.objects.get().items.count() == len(ITEMS)


def test_where_the_connections_cannot_be_asked_that_alone_is_unknown(company, monkeypatch):
    monkeypatch.setattr(reaching, "every", lambda at: 1 / 0)
    run(company["rosa"])
    assert found("sources").state == "unknown"
    assert found("tickets").state == "holds"


def test_of_very_many_the_first_are_kept_and_all_are_counted(company, monkeypatch):
    rows = [Failing(f"x:{number}", "x", "y") for number in range(700)]
    _replace(monkeypatch, "tickets", lambda moment: Finding.of(900, rows))
    run(company["rosa"])
    one = found("tickets")
    assert (one.failing, one.asked, len(one.rows)) == (700, 900, 500)


def _replace(monkeypatch, name, look):
    kept = ITEMS[name]
    made = Item(kept.name, kept.label, kept.says, look, kept.remedy, kept.told_by)
    monkeypatch.setitem(ITEMS, name, made)


def _ticket():
    return troubles.open_ticket(
        troubles.Trouble(
            kind="delivery-failed", cause="x", title="x", reason="x", subject="outcome:0",
            evidence={"x": 1},
        ),
        by=SETUP, at=instant.now(),
    )  # fmt: skip


# --- Its tickets -----------------------------------------------------------------------------
def test_what_does_not_hold_is_one_ticket_that_closes_once_it_does(company, within_reach):
    within_reach.append(Reached("stripe", "Stripe", False, "It does not answer."))
    run(company["rosa"])
    run(company["rosa"])
    ticket = Ticket.objects.get(cause="monday:sources")
    assert (ticket.kind, ticket.occurrences, ticket.status) == ("check-failed", 1, "open")
    assert "Stripe: It does not answer." in ticket.evidence["first"]
    within_reach.pop()
    run(company["rosa"])
    ticket.refresh_from_db()
    assert ticket.status == "resolved"


def test_what_a_check_has_told_gets_no_second_ticket(company):
    tell("sent")
    with later():
        checking.look(CHECKS["delivery-sanity"])
        run(company["rosa"])
    assert found("delivery").state == "fails"
    assert not Ticket.objects.filter(cause="monday:delivery").exists()


# --- When it runs ----------------------------------------------------------------------------
def at(**span):
    return MONDAY + timedelta(**span)


def test_the_clock_runs_it_once_when_its_hour_has_come(company):
    early = MONDAY.replace(hour=5)
    assert monday.run_if_due(at=early) is None
    assert monday.run_if_due(at=at(hours=1)).week == WEEK
    assert monday.run_if_due(at=at(hours=2)) is None
    assert MondayList.objects.count() == 1


def test_what_the_clock_missed_is_made_up_for_within_its_week(company):
    assert monday.run_if_due(at=at(days=3)).week == WEEK


def test_two_at_once_are_one(company):
    """Whoever comes second finds it kept, though neither saw it before."""
    first = monday._run(WEEK, None, at(hours=1))
    assert first is not None
    assert monday._run(WEEK, None, at(hours=1)) is None
    assert MondayList.objects.get().items.count() == len(ITEMS)


# --- Signing it ------------------------------------------------------------------------------
def signed(by, minutes=20, seen=None, **notes):
    seen = seen or MondayList.objects.get().looked_at
    return monday.sign(
        week=WEEK,
        seen=seen,
        minutes=minutes,
        note="All gone through.",
        notes=notes,
        by=by,
        at=instant.now(),
    )


def test_it_is_signed_once_with_notes_and_kept(company):
    run(company["rosa"])
    signed(company["olivia"], tickets="Two are new.")
    kept = MondayList.objects.get()
    assert (kept.signed_by, kept.minutes, kept.note) == (company["olivia"], 20, "All gone through.")
    assert found("tickets").note == "Two are new."
    assert TrailLine.objects.get(what="monday.signed").after == {"minutes": 20}
    assert not TrailLine.objects.filter(what="monday.debt").exists()
    for again in (lambda: signed(company["rosa"]), lambda: run(company["rosa"])):
        with pytest.raises(AlreadySigned, match="Olivia Ortiz signed it already"):
            again()


def test_what_was_looked_at_again_meanwhile_is_read_before_it_is_signed(company):
    run(company["rosa"])
    client = Client()
    client.force_login(company["rosa"])
    form = client.get(f"{PAGE}{WEEK}/").context["form"]
    typed = {"minutes": "20", "note": "Truths fail.", "seen": form["seen"].value()}
    with instant.stopped(MONDAY + timedelta(minutes=5)):
        run(company["olivia"])
    answer = client.post(f"{PAGE}{WEEK}/sign/", typed)
    assert answer.status_code == 409
    body = answer.content.decode()
    assert "Olivia Ortiz had it looked through again at" in body
    again = answer.context["form"]
    assert (again["note"].value(), again["minutes"].value()) == ("Truths fail.", "20")
    assert not MondayList.objects.get().is_signed
    assert client.post(f"{PAGE}{WEEK}/sign/", {**typed, "seen": ""}).status_code == 409
    now = answer.context["form"]["seen"].value()
    assert client.post(f"{PAGE}{WEEK}/sign/", {**typed, "seen": now}).status_code == 303
    assert MondayList.objects.get().note == "Truths fail."


def test_more_than_an_hour_is_coordination_debt(company):
    run(company["rosa"])
    signed(company["rosa"], minutes=61)
    assert TrailLine.objects.get(what="monday.debt").after == {"minutes": 61, "over": 1}


@pytest.mark.parametrize("minutes", [0, 601, -5])
def test_minutes_have_bounds(company, minutes):
    run(company["rosa"])
    with pytest.raises(ValueError, match="from 1 to 600"):
        signed(company["rosa"], minutes=minutes)
    assert not MondayList.objects.get().is_signed


def test_only_revops_signs(company):
    run(company["rosa"])
    for who in ("sam", "remy", "ada", "vera"):
        with pytest.raises(NotAllowed):
            signed(company[who])


def test_who_is_accountable_hears_on_tuesday_once_that_nobody_signed(company):
    run(company["rosa"])
    assert monday.remind(at=at(hours=20)) == 0
    assert monday.remind(at=at(days=1)) == 1
    assert monday.remind(at=at(days=1, minutes=1)) == 0
    notice = Notice.objects.get(text__contains="Nobody has signed")
    assert notice.user == company["rosa"]


def test_who_has_signed_is_not_reminded(company):
    run(company["rosa"])
    signed(company["rosa"])
    assert monday.remind(at=at(days=1)) == 0


# --- Reaching --------------------------------------------------------------------------------
def test_a_connection_is_reached_by_a_call_or_by_its_word(company, monkeypatch):
    monkeypatch.undo()
    with instant.stopped(MONDAY):
        Connection.objects.filter(slug="stripe").update(status="paused", status_why="Tests.")
        Connection.objects.filter(slug="pandadoc").update(
            expected_every=60, created_at=MONDAY - timedelta(days=1)
        )
        told = {one.slug: one for one in reaching.every(at=MONDAY)}
        assert (told["stripe"].holds, told["stripe"].sentence) == (False, "It is paused. Tests.")
        # It has a key, and nobody is at its address.
        assert not told["hubspot"].holds
        # It has none: it only tells, and did not for longer than agreed.
        assert not told["pandadoc"].holds
        assert told["pandadoc"].sentence.startswith("It has told nothing yet.")
        tell("sent")
        told = {one.slug: one for one in reaching.every(at=instant.now())}
        assert told["pandadoc"].holds


# --- The journey -----------------------------------------------------------------------------
def test_two_weeks_are_run_signed_archived_and_compared(company):
    """Given a proposal that fails this week, when the next week it is right and another one fails,
    then both lists are kept, and the second says what is new, gone and there still."""
    first, second = sign(name="Deal one"), sign("doc-2", name="Deal two")
    Outcome.objects.filter(kind="invoice.create").update(state="given_up")
    client = Client()
    client.force_login(company["rosa"])
    assert b"No Monday yet" in client.get(PAGE).content
    assert client.post(f"{PAGE}run/").status_code == 303
    page = client.get(f"{PAGE}{WEEK}/")
    assert b"Deal one" in page.content
    with instant.stopped(MONDAY + timedelta(minutes=35)):
        form = client.get(f"{PAGE}{WEEK}/").context["form"]
        assert form["minutes"].value() == 25
        answer = client.post(
            f"{PAGE}{WEEK}/sign/",
            {"minutes": "75", "note": "Late.", "note-billing": "Chased.",
             "seen": form["seen"].value()},
        )  # fmt: skip
        assert answer.status_code == 303
        body = client.get(f"{PAGE}{WEEK}/").content.decode()
        assert "Coordination debt" in body
        assert "Chased." in body
        assert "Sign it" not in body
    # A week later: one is right, one is there still, one is new.
    Outcome.objects.filter(proposal=first).update(kind="elsewhere")
    with instant.stopped(MONDAY + timedelta(days=7)):
        Proposal.objects.filter(pk=second.pk).update(since=instant.now() - timedelta(hours=2))
        Proposal.objects.filter(pk=first.pk).update(state="closed-lost")
        third = sign("doc-3", name="Deal three")
        Outcome.objects.filter(proposal=third, kind="invoice.create").update(state="given_up")
        Proposal.objects.filter(pk=third.pk).update(since=instant.now() - timedelta(hours=2))
        client = Client()
        client.force_login(company["rosa"])
        client.post(f"{PAGE}run/")
        page = client.get(f"{PAGE}2026-W11/")
        beside = next(one.beside for one in page.context["items"] if one.item.name == "billing")
        assert [row.link.words for row in beside.new] == ["Deal three"]
        assert [row.link.words for row in beside.gone] == ["Deal one"]
        assert beside.still == 1
        weeks = client.get(PAGE).content.decode()
        assert "2026-W11" in weeks
        assert "coordination debt" in weeks
        for nonsense in ("2026-W99", "2026-W11x", "%00", "2026-W1%00"):
            assert client.get(f"{PAGE}{nonsense}/").status_code == 404
            assert client.post(f"{PAGE}{nonsense}/sign/").status_code == 404


def test_who_sees_masked_sees_no_amount_and_who_may_not_sign_reads_why(company):
    sign()
    Outcome.objects.filter(kind="invoice.create").update(state="given_up")
    run(company["rosa"])
    client = Client()
    client.force_login(company["vera"])
    body = client.get(f"{PAGE}{WEEK}/").content.decode()
    assert "1,234.50" not in body
    assert "•••" in body
    assert "may not sign the Monday checklist" in body
    client.force_login(company["sam"])
    assert client.get(f"{PAGE}{WEEK}/").status_code == 200
