"""Who carries an outcome, or tells a record, settles its ticket afterwards; so does who puts a
ticket right: none waits for the other in a ring."""

from functools import partial

import pytest
from django.db import transaction

from connectors import skipping
from exceptions import troubles
from exceptions.models import Ticket
from meshline import instant
from proposals import owning
from proposals.lateness import CARRIER
from proposals.models import Outcome, Proposal
from tests.connectors.crm import outcome
from tests.connectors.test_ticket_remedies import drift, olivia, stuck  # noqa: F401
from tests.sessions import Other

pytestmark = pytest.mark.django_db(transaction=True)


def settle(subject):
    troubles.settle(subject=subject, because="It is there.", by=CARRIER, at=instant.now())


def test_who_skips_waits_for_who_carries(stuck, olivia):  # noqa: F811
    both = [outcome("deal").pk, outcome("follow-up").pk]
    skip = partial(
        skipping.skip, ticket_id=stuck.pk, outcomes=both, reason="They have it.", by=olivia
    )
    with transaction.atomic():
        carried = Outcome.objects.select_for_update(of=("self",)).get(pk=both[1])
        other = Other(partial(skip, at=instant.now()))
        other.until_it_waits_or_is_over()
        settle(carried.ref)
    assert str(other.over()).startswith("Skipped:")


def test_who_sets_the_owner_waits_for_who_tells_the_record(drift, staff, olivia):  # noqa: F811
    proposals = owning.open_on(drift)
    give = partial(
        owning.give_all, ticket_id=drift.pk, owner=staff["remy"], shown=owning.seen(proposals),
        reason="Hers.", by=olivia, at=instant.now(),
    )  # fmt: skip
    with transaction.atomic():
        told = Proposal.objects.select_for_update(no_key=True).get(pk=proposals[-1].pk)
        other = Other(give)
        other.until_it_waits_or_is_over()
        Ticket.objects.select_for_update().get(pk=drift.pk)
        assert told.pk
    assert str(other.over()).startswith("Gave ")
