"""What a contract says of failing: when to try again, which ticket, and whose it is."""

from datetime import timedelta

import pytest

from connectors import backoff, registry
from exceptions.models import Ticket
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.people.models import Absence, User
from proposals.contracts import publishing, versions
from proposals.contracts.catalogue import DEEDS, OPEN_TICKET
from proposals.models import Contract
from proposals.tiers import Retry, Tier
from tests.connectors.crm import carry, outcome, say, sweep_late

pytestmark = pytest.mark.django_db
DOWN = {"kind": "status", "code": 503, "times": 99}
REFUSED = {"kind": "status", "code": 400, "times": 99}


def test_the_catalogue_is_what_the_connectors_carry():
    """Each kind is carried by a system of its part; what takes another back is in no contract."""
    carried = {
        delivery.kind: system.role
        for system in (registry.PEOPLE, *registry.SYSTEMS.values())
        for delivery in system.deliveries
    }
    undoing = {kind for deed in DEEDS.values() for kind in (deed.undo, deed.moved) if kind}
    assert undoing <= set(carried)
    asked = {kind: deed.target for kind, deed in DEEDS.items() if kind != OPEN_TICKET}
    assert asked == {kind: role for kind, role in carried.items() if kind not in undoing}


def agreed(**changes):
    content = versions.terms_of(Contract.objects.live().get(slug="sent")).content
    return publishing.put_in_force(
        slug="sent", content={**content, **changes}, by=SETUP, at=instant.now()
    )


def test_its_own_schedule_of_retries_counts(crm):
    agreed(retry="never")
    crm.breaks(DOWN)
    say("sent")
    carry()
    deal = outcome("deal")
    assert (deal.state, deal.tries) == ("given_up", 1)


def test_without_one_the_tiers_own_schedule_counts(crm):
    crm.breaks(DOWN)
    say("sent")
    carry()
    assert outcome("deal").state == "due"


@pytest.mark.parametrize("tier", list(Tier))
def test_named_schedules_are_those_of_the_tiers(tier):
    assert backoff.waits_of(tier) == backoff.RETRIES[tier]
    assert backoff.waits_of(tier, Retry.PATIENT) == backoff.RETRIES[Tier.HOURS]
    assert backoff.waits_of(tier, Retry.NEVER) == ()


def test_a_failure_is_the_ticket_the_contract_asks_for(crm, staff):
    agreed(ticket="dispute", severity="critical", owner="process:proposal-state")
    crm.breaks(REFUSED)
    say("sent")
    carry()
    ticket = Ticket.objects.get(kind="dispute", step="deal")
    assert (ticket.severity, ticket.process) == ("critical", "proposal-state")
    assert ticket.owner == staff["olivia"]
    assert ticket.owner_why == "Olivia Ortiz is responsible for proposal state."
    assert ticket.falls_under == "proposal-state"
    # Due as a critical one is.
    assert ticket.fix_due_at - ticket.opened_at >= timedelta(hours=2)


def test_a_person_named_by_the_contract_answers_or_who_stands_in(crm, staff):
    agreed(owner="person:sam@example.com")
    crm.breaks(REFUSED)
    say("sent")
    carry()
    ticket = Ticket.objects.get(kind="delivery-failed", step="deal")
    assert ticket.owner == staff["sam"]
    assert ticket.owner_why == "Sam Dube answers when “A proposal is sent” fails."


@pytest.mark.parametrize("stand_in", ["rosa", None])
def test_whoever_is_out_leaves_no_hole(crm, staff, stand_in):
    agreed(owner="person:sam@example.com")
    now = instant.now()
    Absence.objects.create(
        user=staff["sam"], stand_in=staff[stand_in] if stand_in else None,
        starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=1),
    )  # fmt: skip
    crm.breaks(REFUSED)
    say("sent")
    carry()
    ticket = Ticket.objects.get(kind="delivery-failed", step="deal")
    assert ticket.owner == staff[stand_in or "olivia"]


def test_whoever_has_left_leaves_no_hole(crm, staff):
    agreed(owner="person:sam@example.com")
    User.objects.filter(email="sam@example.com").update(is_active=False)
    crm.breaks(REFUSED)
    say("sent")
    carry()
    assert Ticket.objects.get(kind="delivery-failed", step="deal").owner == staff["olivia"]


def test_what_is_late_takes_the_path_too_and_an_outage_stays_one_ticket(crm):
    agreed(ticket="dispute")
    say("sent")
    say("sent", id="doc-2")
    crm.breaks(DOWN)
    carry()
    sweep_late()
    assert Ticket.objects.filter(kind="dispute", connection="hubspot").count() == 1
