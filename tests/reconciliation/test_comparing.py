"""What differs between here and there is found, all of it, and nothing else."""

import pytest

from connectors import snapshots
from connectors.models import Connection, MappingVersion, Snapshot, SnapshotRow, Sync
from connectors.polls import Entry, Find
from meshline import instant
from proposals.models import Proposal
from reconciliation import runs
from reconciliation.models import Divergence
from tests.reconciliation import compared
from tests.reconciliation.compared import (
    adopted,
    deal,
    document,
    found,
    invoice,
    linked,
    ours,
    reconcile,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def systems(staff):
    compared.connected()


def test_equal_is_nothing(db):
    linked(ours(), "1")
    run = reconcile("hubspot", deal("1"))
    assert (run.state, run.compared, run.known, run.apart, run.counts) == ("done", 1, 1, 0, {})
    assert found() == []


def test_another_amount_is_different_and_grave(db):
    linked(ours(), "1")
    run = reconcile("hubspot", deal("1", amount="1200.00"))
    assert found() == [("different", "amount", "1234.50 EUR", "1200.00 EUR")]
    assert (run.counts, run.delta, run.apart) == ({"different": 1}, {"EUR": 3450}, 1)


def test_theirs_changed_before_ours_is_stale(db):
    linked(ours(days_ago=1), "1")
    reconcile("hubspot", deal("1", state="draft", days_ago=3))
    assert found() == [("stale", "state", "sent", "draft")]


def test_another_currency_is_a_difference_and_never_converted(db):
    linked(ours(), "1")
    reconcile("hubspot", deal("1", currency="USD"))
    assert found() == [("different", "amount", "1234.50 EUR", "1234.50 USD")]


def test_a_stage_that_says_won_in_one_tool_only_is_different(db):
    linked(ours(), "1")
    linked(ours("doc-2", state="closed-won"), "2")
    reconcile("hubspot", deal("1", stage="closedwon"),
              deal("2", "doc-2", state="closed-won", stage="contractsent"))  # fmt: skip
    assert found() == [
        ("different", "stage", "open", "closed-won"), ("different", "stage", "closed-won", "open"),
    ]  # fmt: skip
    one = Divergence.objects.first()
    assert (one.cause, one.severity) == ("open here, closed-won there", "normal")
    assert (one.ours_raw, one.theirs_raw) == ("open", "closedwon")


@pytest.mark.parametrize("stage", ["qualifiedtobuy", "decisionmakerboughtin", "1234567", "", None])
def test_an_open_deal_is_where_its_owner_moves_it_and_other_pipelines_say_nothing(db, stage):
    linked(ours(), "1")
    reconcile("hubspot", deal("1", stage=stage))
    assert found() == []


def test_a_mapped_stage_says_what_it_is_mapped_to(db):
    there = Connection.objects.get(slug="hubspot")
    words = {"1234567": "closed-lost", "7654321": "nothing"}
    MappingVersion.objects.create(
        connection=there, number=1, content={"words": words}, author="Rosa", approver="Rosa",
        published_at=instant.now(),
    )  # fmt: skip
    linked(ours(), "1")
    linked(ours("doc-2", state="closed-lost"), "2")
    reconcile("hubspot", deal("1", stage="1234567"),
              deal("2", "doc-2", state="closed-lost", stage="7654321"))  # fmt: skip
    assert found() == [
        ("different", "stage", "open", "closed-lost"),
        ("different", "stage", "closed-lost", "open"),
    ]  # fmt: skip


def test_another_owner_over_there_is_different(db):
    linked(ours(), "1")
    reconcile("hubspot", deal("1", owner_email="Olivia@example.com"))
    assert found() == [("different", "owner_email", "remy@example.com", "olivia@example.com")]


@pytest.mark.parametrize("named", ["", None, "Remy@Example.com"])
def test_a_deal_of_nobody_or_of_somebody_unknown_is_not_different(db, named):
    linked(ours(), "1")
    reconcile("hubspot", deal("1", owner_email=named))
    assert found() == []


def test_a_stage_that_ours_came_to_after_theirs_was_read_is_for_the_next_run(db):
    proposal = ours()
    linked(proposal, "1")
    runs.ask(slug="hubspot", by=None, at=instant.now())
    compared.snapshot("hubspot", deal("1"))
    Proposal.objects.update(state="closed-won", changed_at=instant.now())
    compared.drain()
    assert found() == []


def test_what_is_gone_over_there_is_missing_there_if_it_was_known_to_be_there(db):
    linked(ours(), "1")
    ours("doc-2")
    run = reconcile("hubspot")
    assert found() == [("missing-there", "", "1234.50 EUR", "")]
    assert (run.known, run.gone) == (1, 1)


def test_what_nobody_here_knows_is_missing_here(db):
    run = reconcile("hubspot", deal("1", "doc-9"))
    assert found() == [("missing-here", "", "", "1234.50 EUR")]
    assert run.compared == 0


def test_two_over_there_for_one_of_ours_are_several(db):
    linked(ours(), "1")
    reconcile("hubspot", deal("1"), deal("2", amount="7.00"))
    assert found() == [("duplicate", "", "1", "2")]


def test_a_field_that_is_a_list_now_is_said_with_its_raw_value(db):
    linked(ours(), "1")
    reconcile("hubspot", deal("1", amount=["1234.50"], title=["Website relaunch"]))
    assert found() == [
        ("different", "amount", "1234.50 EUR", ""),
        ("different", "title", "Website relaunch", '["Website relaunch"]'),
    ]


def test_a_list_is_not_the_text_that_looks_like_it(db):
    looks_like_it = '["Website relaunch"]'
    linked(ours(title=looks_like_it), "1")
    reconcile("hubspot", deal("1", title=["Website relaunch"]))
    assert found() == [("different", "title", looks_like_it, looks_like_it)]
    assert Divergence.objects.get().cause == "theirs is no longer text"


def test_a_deal_that_names_another_proposal_is_not_missing(db):
    linked(ours(), "1")
    reconcile("hubspot", deal("1", proposal=["odd"]))
    assert found() == [("different", "proposal", "pandadoc:doc-1", '["odd"]')]


def test_a_document_that_does_not_tell_a_field_is_not_different(db):
    ours()
    reconcile("pandadoc", document(contact_name=None, title=""))
    assert found() == []


def test_what_follows_the_signature_is_signed_to_the_quoting_tool(db):
    ours(state="closed-won")
    reconcile("pandadoc", document(state="signed"))
    assert found() == []


def test_several_invoices_add_up_and_void_ones_do_not_count(db):
    ours(state="invoiced", invoice_status="open", invoiced="1234.50", invoiced_currency="EUR")
    reconcile(
        "stripe", invoice("in_1", amount="1000.00"), invoice("in_2", amount="234.50"),
        invoice("in_3", amount="9999.00", state="void"), invoice("in_4", "", amount="5.00"),
    )  # fmt: skip
    # One of another proposal source is somebody else's; the one that names none, too.
    assert found() == []


def test_an_invoice_that_was_linked_by_hand_is_compared_like_one_we_made(db):
    billed = {"state": "invoiced", "invoice_status": "open", "invoiced_currency": "EUR"}
    adopted(ours(invoiced="1234.50", **billed), "in_8")
    adopted(ours("doc-2", invoiced="1000.00", **billed), "in_9")
    run = reconcile(
        "stripe", invoice("in_8", ""), invoice("in_9", "", amount="1000.00"),
        invoice("in_1", "", amount="7.00"),
    )  # fmt: skip
    assert (run.compared, run.gone) == (2, 0)
    # At most what it is over is apart; the one that nobody linked is somebody else's.
    assert found() == [("different", "amount", "1234.50 EUR", "1000.00 EUR")]
    assert Divergence.objects.get().theirs_raw == "1000.00 EUR"


def test_a_linked_invoice_adds_up_with_those_that_name_the_proposal(db):
    one = ours(state="invoiced", invoice_status="open", invoiced="1234.50", invoiced_currency="EUR")
    adopted(one, "in_8")
    reconcile("stripe", invoice("in_8", "", amount="1000.00"), invoice("in_9", amount="234.50"))
    assert found() == []


def test_a_missing_invoice_is_grave(db):
    ours(state="invoiced", invoice_status="open", invoiced="1234.50", invoiced_currency="EUR")
    reconcile("stripe", invoice("in_3", state="void"))
    assert found(severity="high") == [("missing-there", "", "1234.50 EUR", "")]


def test_invoices_that_add_up_to_something_else_are_shown_one_by_one(db):
    ours(state="invoiced", invoice_status="open", invoiced="1234.50", invoiced_currency="EUR")
    reconcile("stripe", invoice("in_1", amount="1000.00"), invoice("in_2", amount="4.50"))
    assert [(field, mine, its) for _, field, mine, its in found()] == [
        ("amount", "1234.50 EUR", "1004.50 EUR"), ("invoiced", "1234.50 EUR", "1004.50 EUR"),
    ]  # fmt: skip
    assert Divergence.objects.first().theirs_raw == "1000.00 EUR + 4.50 EUR"


def test_invoices_in_two_currencies_are_not_added_up(db):
    ours(state="invoiced", invoice_status="open", invoiced="1234.50", invoiced_currency="EUR")
    reconcile("stripe", invoice("in_1", currency="USD"), invoice("in_2", amount="1.00"))
    assert set(Divergence.objects.values_list("cause", flat=True)) == {"theirs is no amount"}


def test_what_a_canary_made_is_compared_with_nothing(db):
    linked(ours(), "1")
    Proposal.everything.update(is_synthetic=True)
    run = reconcile("hubspot")
    assert (run.state, run.compared, run.known) == ("done", 0, 0)
    assert found() == []


def test_what_a_canary_left_over_there_is_in_no_snapshot(db):
    there, at = Connection.objects.get(slug="hubspot"), instant.now()
    sync = Sync.objects.create(connection=there, kind="deals", mode="full", until=at, asked_at=at)
    Snapshot.objects.create(connection=there, kind="deals", sync=sync, begun_at=at)
    named = {"1": "pandadoc:doc-1", "2": "canary:pandadoc:try-1"}
    finds = [Find(b"{}", entry=Entry(pk, {"proposal": name})) for pk, name in named.items()]
    snapshots.keep(sync, finds)
    assert [row.external_id for row in SnapshotRow.objects.all()] == ["1"]
