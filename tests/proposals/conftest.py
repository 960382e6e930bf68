"""Proposals as their verbs leave them, and people signed in."""

import pytest

from proposals.models import Proposal
from tests.factories import digest_all, document, post_pandadoc


@pytest.fixture
def tell(pandadoc):
    """The quoting tool tells of a document; the proposal as it is then."""
    told = iter(range(10**6))

    def telling(state="sent", id="doc-1", **more):
        event = document(state, id=id, **more)
        assert post_pandadoc([event], event_id=f"told-{next(told)}").status_code == 202
        digest_all()
        return Proposal.objects.get(external_id=id)

    return telling


@pytest.fixture
def sent(tell):
    """Remy's proposal, sent to Nina Brook."""
    return tell("sent")
