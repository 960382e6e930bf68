"""An installation that holds something is brought up to date, and keeps it."""

from datetime import timedelta

import pytest

from tests.factories import MONDAY
from tests.shell import migrating

# As it was before tickets had two clocks, and before every floor knew the connections' names.
BEFORE = {
    "exceptions": "0005_a_ticket_says_whose_process",
    "connectors": "0007_messages_quarantined",
    "policy": "0007_all_authors_of_a_draft",
    "proposals": "0009_waits_of_outcomes",
    "reconciliation": "0001_checks",
}


@pytest.fixture
def older(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), migrating.elsewhere("older"):
        yield


def models(state):
    """The rows of a model, as it was then."""
    return lambda app, model: state.apps.get_model(app, model)._base_manager


def opened(old, owner, cause, records):
    """A ticket that knew one amount, whatever hangs on it."""
    ticket = old("exceptions", "Ticket").create(
        kind="delivery-failed", severity="high", status="acknowledged", cause=cause, title="t",
        reason="r", evidence={"a": 1}, remedies=[], occurrences=len(records), last_seen_at=MONDAY,
        owner_id=owner.pk, owner_why="w", opened_at=MONDAY,
        ack_due_at=MONDAY + timedelta(hours=1), fix_due_at=MONDAY + timedelta(hours=4),
        claimed_by_id=owner.pk, claimed_at=MONDAY, acknowledged_by_id=owner.pk,
        acknowledged_at=MONDAY, amount_at_risk=500, currency="EUR",
    )  # fmt: skip
    for n in records:
        evidence = {"record": f"proposal:{n}", "record_title": f"Crane {n}", "key": "k"}
        old("exceptions", "Occurrence").create(
            ticket_id=ticket.pk, subject=f"outcome:{n}", at=MONDAY, evidence=evidence
        )
    return ticket


def test_what_was_there_before_the_two_clocks_goes_on(older):
    old = models(migrating.step_to(BEFORE))
    owner = old("people", "User").create(email="olivia@example.com", name="Olivia", role="operator")
    made = opened(old, owner, "of two", [1, 2])
    opened(old, owner, "of one", [3])
    old("connectors", "Connection").create(
        slug="pandadoc",
        name="PandaDoc",
        system="pandadoc",
        created_at=MONDAY,
        changed_at=MONDAY,
    )

    new = models(migrating.bring_up_to_date())
    ticket = new("exceptions", "Ticket").get(pk=made.pk)
    assert ticket.counted_from == ticket.first_acknowledged_at == MONDAY
    assert ticket.next_step_at is not None
    first, second, alone = new("exceptions", "Occurrence").order_by("pk")
    assert (first.record, first.record_title) == ("proposal:1", "Crane 1")
    assert [one.amount for one in (first, second, alone)] == [500, None, 500]
    assert second.evidence == {"key": "k"}
    assert new("policy", "ConnectionName").get().name == "PandaDoc"
