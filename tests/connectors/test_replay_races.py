"""Two who replay one ticket at the same moment: real threads, real transactions."""

from functools import partial

import pytest

from connectors import ticket_replay
from connectors.replay_words import Plan, Start, Versions, Way
from exceptions.models import Ticket
from exceptions.states import MoveError
from meshline import instant
from meshline.audit.models import TrailLine
from tests import factories
from tests.connectors.mapped import LEGAL, published, sent
from tests.exceptions.test_races import at_once
from tests.factories import digest_all

pytestmark = pytest.mark.django_db(transaction=True)
WAY = Way(Start.STEP, Versions.NOW)


def test_of_two_who_replay_at_once_one_does_and_the_other_is_told(staff, pandadoc):
    factories.hubspot()
    for minute in range(5):
        sent("in_legal_review", minute, id=f"doc-{minute}")
    digest_all()
    published(pandadoc, LEGAL, staff["rosa"])
    ticket, olivia = Ticket.objects.get(), staff["olivia"]
    ahead = ticket_replay.preview(ticket_id=ticket.pk, way=WAY, by=olivia, at=instant.now())
    act = partial(
        ticket_replay.carry_out, ticket_id=ticket.pk, way=WAY, shown=ahead.fingerprint, by=olivia
    )
    results = at_once(*(partial(act, at=instant.now()) for _ in range(2)))
    assert sum(isinstance(one, Plan) for one in results) == 1, results
    # The ticket closed by the first one.
    assert sum(isinstance(one, MoveError) for one in results) == 1, results
    assert TrailLine.objects.filter(what="ticket.remedied").count() == 1
    assert TrailLine.objects.filter(what="message.released").count() == 5
