"""Fixing differences, accepting them, and the tickets they hang on."""

import html
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.urls import reverse

from connectors import syncing
from connectors.models import SnapshotRow
from connectors.sandbox import ids
from exceptions import desk
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.models import TrailLine
from meshline.people.permissions import NotAllowed
from meshline.policy.models import Company, SourceOfTruth
from proposals import outbox
from proposals.models import Outcome, Proposal
from reconciliation import accepting, carrying_on, fixing, runs, seeing_through
from reconciliation.fixing import FixError
from reconciliation.judging import Judge
from reconciliation.models import Divergence
from tests.connectors.crm import REMY, carry, carry_on, say, soon
from tests.reconciliation import compared
from tests.reconciliation.compared import deal, document, found, linked, ours, reconcile

pytestmark = pytest.mark.django_db


@pytest.fixture
def systems(staff):
    compared.connected()


def follow():
    while carrying_on.do_some():
        pass


def take(one, side, by):
    return fixing.take(divergence_id=one.pk, side=side, by=by, at=instant.now())


def apart(field="amount", **changes):
    """A deal that is apart from its proposal."""
    linked(ours(), "1")
    reconcile("hubspot", deal("1", **(changes or {"amount": "1.00"})))
    return Divergence.objects.get(field=field)


def agree(field, connection="", how="always"):
    SourceOfTruth.objects.create(
        record_kind="proposal", field=field, connection=connection, how=how
    )


# --- Tickets ---------------------------------------------------------------------------------
def test_a_hundred_of_one_group_are_one_ticket_that_burns_down(systems):
    for place in range(100):
        linked(ours(f"doc-{place}"), f"{place}")
    apart_there = [deal(f"{n}", f"doc-{n}", amount="1.00") for n in range(100)]
    reconcile("hubspot", *apart_there)
    follow()
    ticket = Ticket.objects.get(kind="divergence")
    assert (ticket.occurrences, ticket.severity, ticket.status) == (100, "high", "open")
    mended = [deal(f"{n}", f"doc-{n}") for n in range(99)]
    reconcile("hubspot", *mended, apart_there[99])
    follow()
    ticket.refresh_from_db()
    assert ticket.all_occurrences.filter(settled_at=None).count() == 1
    reconcile("hubspot", *mended, deal("99", "doc-99"))
    follow()
    ticket.refresh_from_db()
    assert ticket.status == "resolved"


# --- Taking a side ---------------------------------------------------------------------------
def test_taking_theirs_comes_in_by_the_one_door_and_is_proven_by_the_next_run(systems, olivia):
    one = apart()
    take(one, "theirs", olivia)
    proposal = Proposal.objects.get()
    assert (str(proposal.amount), one.record) == ("1.0000", proposal.record)
    assert proposal.signals.get().source == "hubspot"
    one.refresh_from_db()
    assert (one.state, one.fixed_to) == ("fixing", "theirs")
    reconcile("hubspot", deal("1", amount="1.00"))
    one.refresh_from_db()
    assert (one.state, one.why) == ("gone", "Proven: both sides are equal.")


def test_where_another_one_is_the_authority_theirs_is_not_taken(systems, olivia):
    agree("amount", "pandadoc")
    one = apart()
    assert Judge().badge(one) == "PandaDoc wins"
    with pytest.raises(FixError, match="PandaDoc's value counts"):
        take(one, "theirs", olivia)
    with pytest.raises(FixError, match="PandaDoc's value counts"):
        fixing.edit(divergence_id=one.pk, value="5 EUR", by=olivia, at=instant.now())


def test_where_they_are_the_authority_ours_is_not_written_over_it(systems, olivia):
    agree("amount", "hubspot")
    with pytest.raises(FixError, match="HubSpot's value counts here"):
        take(apart(), "ours", olivia)


def test_a_document_nobody_told_of_is_brought_in(systems, olivia):
    reconcile("pandadoc", document("doc-7", state="viewed"))
    one = Divergence.objects.get(sort="missing-here")
    assert SnapshotRow.objects.count() == 1
    take(one, "theirs", olivia)
    proposal = Proposal.objects.get(external_id="doc-7")
    assert (proposal.state, proposal.title) == ("viewed", "Website relaunch")


def test_another_value_is_said_and_undone(systems, olivia):
    one = apart(field="title", title="Website")
    fixing.edit(divergence_id=one.pk, value="  Our  website ", by=olivia, at=instant.now())
    assert Proposal.objects.get().title == "Our website"
    fixing.undo(divergence_id=one.pk, by=olivia, at=instant.now())
    assert Proposal.objects.get().title == "Website relaunch"
    one.refresh_from_db()
    assert (one.state, one.fixed_by) == ("open", None)


def test_undone_it_is_accepted_as_it_was(systems, rosa, olivia):
    one = apart(field="title", title="Website")
    accept(one, rosa)
    one.refresh_from_db()
    stood = (one.accepted_by, one.accepted_at, one.accepted_until, one.accepted_why)
    take(one, "theirs", olivia)
    one.refresh_from_db()
    assert (one.state, one.accepted_by) == ("fixing", None)
    fixing.undo(divergence_id=one.pk, by=olivia, at=instant.now())
    one.refresh_from_db()
    assert one.state == "accepted"
    assert (one.accepted_by, one.accepted_at, one.accepted_until, one.accepted_why) == stood
    follow()
    assert not Ticket.objects.filter(kind="divergence").exists()


def test_undoing_is_offered_for_ten_seconds(systems, olivia):
    one, at = apart(field="title", title="Website"), instant.now()
    fixing.edit(divergence_id=one.pk, value="Our website", by=olivia, at=at)
    with pytest.raises(FixError, match="here it is “Our website” now"):
        fixing.undo(divergence_id=one.pk, by=olivia, at=at + timedelta(seconds=11))
    assert Proposal.objects.get().title == "Our website"
    # Said otherwise instead, while the first word of it is still on its way.
    fixing.edit(divergence_id=one.pk, value="Website", by=olivia, at=at + timedelta(seconds=12))
    assert Proposal.objects.get().title == "Website"


@pytest.mark.parametrize(
    ("value", "said"),
    [("-5.00 EUR", "below zero"), ("14250.00 XXX", "no currency"), ("", "write a number")],
)
def test_an_impossible_amount_is_not_said(systems, olivia, value, said):
    one = apart()
    with pytest.raises(FixError, match=f"Amount: .*{said}") as refused:
        fixing.edit(divergence_id=one.pk, value=value, by=olivia, at=instant.now())
    assert refused.value.field == "value"
    assert str(Proposal.objects.get().amount) == "1234.5000"


@pytest.mark.parametrize(
    "theirs", [{"amount": "-5.00", "currency": "CHF"}, {"amount": "5.00", "currency": "XXX"}]
)
def test_an_impossible_amount_of_theirs_is_not_taken(systems, olivia, theirs):
    one = apart(**theirs)
    with pytest.raises(FixError, match="What HubSpot says cannot be taken"):
        take(one, "theirs", olivia)
    one.refresh_from_db()
    assert (one.state, str(Proposal.objects.get().amount)) == ("open", "1234.5000")


def test_who_may_fix(systems, staff):
    one = apart()
    for who in ("sam", "remy", "ada", "vera"):
        with pytest.raises(NotAllowed):
            take(one, "theirs", staff[who])


# --- Accepting -------------------------------------------------------------------------------
def accept(one, by, *, days=30, reason="Agreed with the customer."):
    at = instant.now()
    until = (at + timedelta(days=days)).date()
    return accepting.accept(divergence_id=one.pk, reason=reason, until=until, by=by, at=at)


def test_accepted_it_stays_until_its_end_and_is_open_again_then(systems, rosa):
    one = apart()
    accept(one, rosa)
    follow()
    assert not Ticket.objects.filter(kind="divergence").exists()
    reconcile("hubspot", deal("1", amount="1.00"))
    assert Divergence.objects.get().state == "accepted"
    Divergence.objects.update(accepted_until=instant.now() - timedelta(seconds=1))
    reconcile("hubspot", deal("1", amount="1.00"))
    assert Divergence.objects.get().state == "open"
    follow()
    assert Ticket.objects.get(kind="divergence").status == "open"


def test_it_is_accepted_to_the_end_of_its_last_day_where_the_company_is(systems, rosa):
    Company.objects.update(zone="Pacific/Auckland")
    one, at = apart(), datetime(2027, 11, 20, 12, tzinfo=UTC)
    day = date(2027, 11, 28)
    one = accepting.accept(divergence_id=one.pk, reason="So.", until=day, by=rosa, at=at)
    assert one.accepted_until == datetime(2027, 11, 28, 11, tzinfo=UTC)
    assert accepting.last_day(one) == day


@pytest.mark.parametrize(("days", "reason"), [(367, "So."), (0, "So."), (-1, "So."), (3, " ")])
def test_it_is_accepted_with_a_reason_and_for_a_year_at_most(systems, rosa, days, reason):
    with pytest.raises(FixError):
        accept(apart(), rosa, days=days, reason=reason)


def test_a_manager_accepts(systems, olivia):
    with pytest.raises(NotAllowed):
        accept(apart(), olivia)


# --- Carried to the CRM ----------------------------------------------------------------------
def in_the_crm(crm):
    """A proposal whose deal somebody changed by hand; the difference a run found."""
    say("sent")
    carry_on()
    (outcome,) = Outcome.objects.filter(kind="deal.upsert")
    Proposal.objects.update(changed_at=instant.now() - timedelta(hours=1))
    Outcome.objects.update(delivered_at=instant.now() - timedelta(hours=1))
    crm.change_deal(outcome.external_id, amount="1.00")
    return outcome


def run_through():
    (run,) = runs.ask(slug="hubspot", by=None, at=instant.now())
    for _ in range(20):
        type(run).objects.filter(pk=run.pk).update(next_step_at=instant.now())
        if not (syncing.read_next() or carrying_on.do_some()):
            break
    run.refresh_from_db()
    return run


def test_ours_is_carried_to_the_crm_and_proven_by_reading_it_back(crm, olivia):
    outcome = in_the_crm(crm)
    assert run_through().state == "done"
    assert found() == [("different", "amount", "1234.50 EUR", "1.00 EUR")]
    one = Divergence.objects.get()
    take(one, "ours", olivia)
    carry_on()
    outcome.refresh_from_db()
    assert outcome.state == "proven"
    follow()
    one.refresh_from_db()
    assert (one.state, one.why) == ("gone", "Proven: what was written was read back.")
    assert crm.deals()[0]["amount"] == "1234.50"
    assert run_through().counts == {}
    assert TrailLine.objects.filter(what="divergence.fix-asked").exists()


def test_ours_is_not_written_after_all_while_nobody_has_begun(crm, olivia):
    outcome = in_the_crm(crm)
    run_through()
    one = Divergence.objects.get()
    take(one, "ours", olivia)
    fixing.undo(divergence_id=one.pk, by=olivia, at=instant.now())
    carry_on()
    outcome.refresh_from_db()
    assert (outcome.state, crm.deals()[0]["amount"]) == ("proven", "1.00")
    one.refresh_from_db()
    assert one.state == "open"


def test_ours_that_was_accepted_is_accepted_again_when_that_is_undone(crm, rosa, olivia):
    in_the_crm(crm)
    run_through()
    one = Divergence.objects.get()
    accept(one, rosa)
    take(one, "ours", olivia)
    fixing.undo(divergence_id=one.pk, by=olivia, at=instant.now())
    one.refresh_from_db()
    assert (one.state, one.accepted_by) == ("accepted", rosa)


def two_apart(crm):
    """A deal with another title and another amount, both found."""
    outcome = in_the_crm(crm)
    crm.change_deal(outcome.external_id, dealname="Tram X")
    run_through()
    return [Divergence.objects.get(field=field) for field in ("amount", "title")]


def newest():
    return Outcome.objects.filter(kind="deal.upsert").order_by("-pk").first()


def test_what_is_accepted_or_open_is_not_overwritten_by_what_else_is_carried(crm, olivia, rosa):
    amount, title = two_apart(crm)
    accept(title, rosa)
    take(amount, "theirs", olivia)
    carry_on()
    assert (newest().params["amount"], newest().state) == ("1.00", "proven")
    assert crm.deals()[0]["dealname"] == "Tram X"
    # Nor by a later word of the story; a value that is new here is carried.
    say("viewed", minute=5)
    carry_on()
    assert (crm.deals()[0]["meshline_state"], crm.deals()[0]["dealname"]) == ("viewed", "Tram X")
    say("viewed", minute=6, name="Relaunch")
    carry_on()
    assert crm.deals()[0]["dealname"] == "Relaunch"


def test_ours_of_one_field_leaves_the_others_as_they_are_there(crm, olivia):
    amount, title = two_apart(crm)
    take(title, "ours", olivia)
    carry_on()
    (deal,) = crm.deals()
    assert (deal["dealname"], deal["amount"]) == ("Website relaunch", "1.00")
    follow()
    amount.refresh_from_db()
    title.refresh_from_db()
    assert (amount.state, title.state) == ("open", "gone")


def test_a_state_that_differs_is_left_as_it_is_there(crm, olivia):
    outcome = in_the_crm(crm)
    crm.change_deal(outcome.external_id, meshline_state="signed")
    run_through()
    take(Divergence.objects.get(field="amount"), "ours", olivia)
    carry_on()
    (deal,) = crm.deals()
    assert (deal["meshline_state"], deal["amount"]) == ("signed", "1234.50")
    assert newest().state == "proven"


# --- Undoing what may have been carried ------------------------------------------------------
def edit(one, value, by):
    return fixing.edit(divergence_id=one.pk, value=value, by=by, at=instant.now())


def test_what_was_carried_is_not_undone_and_says_what_stands_there(crm, olivia):
    _, title = two_apart(crm)
    edit(title, "Tram Y", olivia)
    carry_on()
    assert crm.deals()[0]["dealname"] == "Tram Y"
    with pytest.raises(FixError, match="carried already: in HubSpot it is “Tram Y” now"):
        fixing.undo(divergence_id=title.pk, by=olivia, at=instant.now())
    assert Proposal.objects.get().title == "Tram Y"
    # As the sentence says: a new edit puts theirs back.
    edit(title, "Tram X", olivia)
    carry_on()
    assert crm.deals()[0]["dealname"] == "Tram X"


def test_undone_before_it_was_carried_theirs_stays_there(crm, olivia):
    _, title = two_apart(crm)
    edit(title, "Tram Y", olivia)
    fixing.undo(divergence_id=title.pk, by=olivia, at=instant.now())
    carry_on()
    title.refresh_from_db()
    assert (title.state, title.theirs, crm.deals()[0]["dealname"]) == ("open", "Tram X", "Tram X")


def test_what_can_be_taken_back_waits_meanwhile_however_fast_the_workers_are(crm, olivia):
    amount, title = two_apart(crm)
    for one, act in ((amount, lambda: take(amount, "ours", olivia)),
                     (title, lambda: edit(title, "Tram Y", olivia))):  # fmt: skip
        act()
        carry()
        one.refresh_from_db()
        assert (crm.deals()[0]["amount"], crm.deals()[0]["dealname"]) == ("1.00", "Tram X")
        fixing.undo(divergence_id=one.pk, by=olivia, at=instant.now())
        act()
        one.refresh_from_db()
        assert newest().next_attempt_at - one.fixed_at == fixing.UNDONE_WITHIN


def test_ours_that_was_carried_is_not_undone(crm, olivia):
    amount, _ = two_apart(crm)
    take(amount, "ours", olivia)
    carry_on()
    with pytest.raises(FixError, match="in HubSpot it is “1,234"):
        fixing.undo(divergence_id=amount.pk, by=olivia, at=instant.now())
    follow()
    with pytest.raises(FixError, match="carried already"):
        fixing.undo(divergence_id=amount.pk, by=olivia, at=instant.now())


def _is_offered(one, by):
    one.refresh_from_db()
    return fixing.is_undoable(one, by, at=instant.now())


def test_to_undo_is_offered_only_until_somebody_began_to_carry_it(crm, olivia, rosa):
    amount, title = two_apart(crm)
    for one, act in ((amount, lambda: take(amount, "ours", olivia)),
                     (title, lambda: edit(title, "Tram Y", olivia))):  # fmt: skip
        act()
        assert _is_offered(one, olivia)
        assert not _is_offered(one, rosa)
        carry_on()
        one.refresh_from_db()
        assert one.state == "fixing"
        assert not _is_offered(one, olivia)


def test_the_button_to_undo_goes_as_soon_as_it_was_carried(crm, olivia, client):
    _, title = two_apart(crm)
    client.force_login(olivia)
    address = reverse("reconciliation:divergence", args=[title.pk])
    undo = reverse("reconciliation:undo", args=[title.pk])
    answer = client.post(reverse("reconciliation:edit", args=[title.pk]), {"value": "Tram Y"})
    # Nothing else offers it: a message could not take it back.
    text = client.get(answer["Location"]).content.decode()
    assert text.count(undo) == text.count(f'hx-get="{address}"') == 1
    part = {"HX-Request": "true"}
    assert client.get(address, headers=part).status_code == 204
    carry_on()
    gone = client.get(address, headers=part)
    assert gone.status_code == 200
    assert 'id="undo"' in gone.content.decode()
    for text in (gone.content.decode(), client.get(address).content.decode()):
        assert undo not in text
        assert 'hx-trigger="every 5s"' in text
    # It goes on asking until it is over, and then says so on the page that shows otherwise.
    run_through()
    over = client.get(address, headers=part).content.decode()
    assert f'href="{address}"' in over
    assert "It is gone now" in over
    assert "hx-get" not in over
    assert "It is gone now" not in client.get(address).content.decode()


@pytest.mark.django_db(transaction=True)
def test_while_it_is_undone_nobody_carries_it(staff, monkeypatch):
    compared.connected()
    say("sent")
    linked(Proposal.objects.get(), "1")
    Outcome.objects.update(state="proven", proven_at=instant.now(), next_attempt_at=instant.now())
    Proposal.objects.update(changed_at=instant.now() - timedelta(hours=1))
    reconcile("hubspot", deal("1", title="Tram X", state="sent"))
    one = Divergence.objects.get(field="title")
    edit(one, "Tram Y", staff["olivia"])
    assert Outcome.objects.filter(state="due", params__title="Tram Y").exists()
    passed, say_so = [], fixing._say

    def claimed_meanwhile(*args, **named):
        with ThreadPoolExecutor(1) as other:
            passed.append(other.submit(_claimed).result())
        return say_so(*args, **named)

    monkeypatch.setattr(fixing, "_say", claimed_meanwhile)
    fixing.undo(divergence_id=one.pk, by=staff["olivia"], at=instant.now())
    assert passed == [0]


def _claimed():
    """How many another worker takes at this moment."""
    try:
        return len(outbox.claim_all(["hubspot"], lease_seconds=60, most=5))
    finally:
        connection.close()


def test_a_stage_is_written_there_and_proven_by_reading_it_back(crm, olivia):
    outcome = in_the_crm(crm)
    crm.change_deal(outcome.external_id, amount="1234.50", dealstage="closedwon")
    run_through()
    assert found() == [("different", "stage", "open", "closed-won")]
    take(Divergence.objects.get(), "ours", olivia)
    carry_on()
    follow()
    assert Divergence.objects.get().why == "Proven: what was written was read back."
    assert crm.deals()[0]["dealstage"] == "contractsent"
    assert run_through().counts == {}


def test_an_owner_is_written_there_and_proven_by_the_next_run(crm, olivia):
    outcome = in_the_crm(crm)
    crm.owners(REMY, {"email": "other@example.com"})
    crm.change_deal(
        outcome.external_id, amount="1234.50", hubspot_owner_id=ids.owner_id("other@example.com")
    )
    run_through()
    assert found() == [("different", "owner_email", "remy@example.com", "other@example.com")]
    take(Divergence.objects.get(), "ours", olivia)
    carry_on()
    follow()
    assert Divergence.objects.get().state == "fixing"
    assert not carrying_on.something_is_due()
    assert run_through().counts == {}
    assert Divergence.objects.get().why == "Proven: both sides are equal."


OTHER = {"email": "other@example.com"}


def with_another_owner(crm, *known):
    """Our deal is somebody's over there whom we do not mean; `known` are who else is there."""
    crm.owners(OTHER, *known)
    outcome = in_the_crm(crm)
    theirs = ids.owner_id(OTHER["email"])
    crm.change_deal(outcome.external_id, amount="1234.50", hubspot_owner_id=theirs)
    run_through()
    return Divergence.objects.get(field="owner_email")


@pytest.mark.parametrize("is_late", [False, True], ids=["at once", "read back later"])
def test_an_owner_whom_they_do_not_know_is_said_to_be_and_not_waited_for(crm, olivia, is_late):
    one = with_another_owner(crm)
    take(one, "ours", olivia)
    if is_late:
        crm.breaks({"kind": "html_200", "match": {"method": "GET", "path": "/objects/deals/"}})
        soon()
        carry()
        assert newest().state == "delivered"
        crm.mend()
    carry_on()
    assert newest().state == "proven"
    assert seeing_through.something_is_due()
    follow()
    one.refresh_from_db()
    assert (one.state, one.why) == (
        "open", "HubSpot has no user with this e-mail; the owner there is as it was.",
    )  # fmt: skip
    assert not carrying_on.something_is_due()
    # Once they are there, it is written and proven as ever.
    crm.owners(REMY, OTHER)
    take(one, "ours", olivia)
    carry_on()
    follow()
    one.refresh_from_db()
    assert one.state == "fixing"
    assert run_through().counts == {}


def test_that_they_know_an_owner_is_believed_when_it_was_written_and_not_before(crm, olivia):
    one = with_another_owner(crm)
    ticket, at = Ticket.objects.get(kind="link-missing"), instant.now()
    desk.claim(ticket_id=ticket.pk, by=olivia, at=at)
    desk.resolve(ticket_id=ticket.pk, resolution="fixed", by=olivia, at=at)
    crm.owners(REMY, OTHER)
    assert "had no user" in Judge().unsure_of_ours(one)
    take(one, "ours", olivia)
    carry_on()
    follow()
    one.refresh_from_db()
    assert (one.state, Judge().unsure_of_ours(one)) == ("fixing", "")


@pytest.mark.parametrize("known", [(), (REMY,)], ids=["a stranger", "known there"])
def test_that_they_did_not_know_an_owner_is_said_before_it_is_written(crm, olivia, client, known):
    one = with_another_owner(crm, *known)
    client.force_login(olivia)
    text = client.get(reverse("reconciliation:divergence", args=[one.pk])).content.decode()
    said = "HubSpot had no user with this e-mail when it was last asked" in text
    assert said is not bool(known)
    # They may be there by now, and only to ask once more tells: it is offered all the same.
    assert reverse("reconciliation:take-side", args=[one.pk, "ours"]) in text


def test_what_they_answered_instead_of_taking_ours_stands_on_the_page(crm, olivia, client):
    in_the_crm(crm)
    run_through()
    one = Divergence.objects.get()
    take(one, "ours", olivia)
    crm.breaks({"kind": "status", "code": 400, "match": {"path": "/objects/deals/"}})
    carry_on()
    follow()
    one.refresh_from_db()
    assert (one.state, one.outcome.state) == ("open", "given_up")
    client.force_login(olivia)
    text = client.get(reverse("reconciliation:divergence", args=[one.pk])).content.decode()
    assert "What was to be written did not get there." in text
    assert html.escape(one.outcome.last_error) in text


def test_a_stage_and_an_owner_that_differ_are_left_as_they_are_there(crm, olivia):
    outcome = in_the_crm(crm)
    crm.owners(REMY, {"email": "other@example.com"})
    theirs = {"dealstage": "closedwon", "hubspot_owner_id": ids.owner_id("other@example.com")}
    crm.change_deal(outcome.external_id, **theirs)
    run_through()
    take(Divergence.objects.get(field="amount"), "ours", olivia)
    carry_on()
    (deal,) = crm.deals()
    assert theirs.items() <= deal.items()
    assert (deal["amount"], newest().state) == ("1234.50", "proven")


def test_a_stage_is_written_also_where_the_state_is_left_as_it_is(crm, olivia):
    outcome = in_the_crm(crm)
    crm.change_deal(outcome.external_id, meshline_state="signed", dealstage="closedwon")
    run_through()
    take(Divergence.objects.get(field="stage"), "ours", olivia)
    carry_on()
    (deal,) = crm.deals()
    assert (deal["dealstage"], deal["meshline_state"]) == ("contractsent", "signed")


# --- Whether it is closed, and whose it is ---------------------------------------------------
def test_that_a_deal_is_closed_is_taken_as_the_word_of_who_takes_it(systems, olivia):
    take(apart("stage", stage="closedlost"), "theirs", olivia)
    proposal = Proposal.objects.get()
    assert (proposal.state, proposal.signals.get().source) == ("closed-lost", "people")
    reconcile("hubspot", deal("1", state="closed-lost"))
    assert Divergence.objects.get(field="stage").why == "Proven: both sides are equal."


def test_where_the_crm_says_what_is_closed_it_is_its_word(systems, olivia):
    SourceOfTruth.objects.filter(field="close").update(connection="hubspot")
    linked(ours(state="signed"), "1")
    reconcile("hubspot", deal("1", state="signed", stage="closedlost"))
    one = Divergence.objects.get()
    assert Judge().badge(one) == "HubSpot wins"
    with pytest.raises(FixError, match="HubSpot's value counts here"):
        take(one, "ours", olivia)
    take(one, "theirs", olivia)
    proposal = Proposal.objects.get()
    assert (proposal.state, proposal.signals.get().source) == ("closed-lost", "hubspot")


def test_a_stage_is_refused_where_it_is_no_move_or_says_nothing(systems, olivia):
    one = apart("stage", stage="closedwon")
    with pytest.raises(FixError, match=r"A sent proposal cannot become closed won\."):
        take(one, "theirs", olivia)
    Divergence.objects.update(theirs="open")
    with pytest.raises(FixError, match="does not say how far its proposal is"):
        take(one, "theirs", olivia)
    with pytest.raises(FixError, match="no value here that could be edited"):
        fixing.edit(divergence_id=one.pk, value="open", by=olivia, at=instant.now())


def test_whoever_has_the_deal_is_given_the_proposal(systems, olivia):
    one = apart("owner_email", owner_email="rosa@example.com")
    take(one, "theirs", olivia)
    proposal = Proposal.objects.get()
    assert (proposal.owner.email, proposal.owner_pinned) == ("rosa@example.com", True)
    assert (
        proposal.owner_why == "Olivia Ortiz chose Rosa Marin: HubSpot has the deal with Rosa Marin."
    )
    reconcile("hubspot", deal("1", owner_email="rosa@example.com"))
    assert Divergence.objects.get().why == "Proven: both sides are equal."


@pytest.mark.parametrize(
    ("email", "why"),
    [
        ("gone@example.com", "nobody here has that e-mail"),
        ("sam@example.com", "Sam Dube no longer works here; choose somebody else."),
        ("vera@example.com", "Vera Lind is a viewer now"),
    ],
)
def test_it_is_not_given_to_who_cannot_have_it(systems, olivia, staff, email, why):
    type(olivia).objects.filter(email="sam@example.com").update(is_active=False)
    one = apart("owner_email", owner_email=email)
    with pytest.raises(FixError, match=why):
        take(one, "theirs", olivia)
    assert Divergence.objects.get().state == "open"
    with pytest.raises(FixError, match="Give the proposal to somebody on its page"):
        fixing.edit(divergence_id=one.pk, value=email, by=olivia, at=instant.now())


def test_whose_word_on_the_owner_counts_is_agreed(systems, olivia):
    agree("owner_email", "pandadoc")
    with pytest.raises(FixError, match="PandaDoc's value counts"):
        take(apart("owner_email", owner_email="rosa@example.com"), "theirs", olivia)
