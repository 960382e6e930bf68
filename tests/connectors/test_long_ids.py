"""An id as long as we keep it goes all the way: into keys, notices and links."""

import pytest

from connectors import draining
from meshline.notices.models import Notice
from proposals.models import Outcome, Proposal
from tests import factories


@pytest.mark.django_db(transaction=True)
def test_the_longest_id_is_told_to_its_owner(staff):
    factories.standard("a-connection-with-a-rather-long-name-as-slugs-go-and-may-be")
    slug = "a-connection-with-a-rather-long-name-as-slugs-go-and-may-be"
    body = {
        "type": "proposal.sent",
        "timestamp": "2026-03-02T09:30:00Z",
        "data": {"id": "I" * 200, "title": "Long", "owner": {"email": "remy@example.com"}},
    }
    assert factories.post_standard(body, slug=slug).status_code == 202
    factories.digest_all()
    assert Proposal.objects.get().external_id == "I" * 200
    draining.drain(threads=0, linger=0)
    told = Outcome.objects.get(name="tell-owner")
    assert told.state == "proven", told.last_error
    assert Notice.objects.get(user=staff["remy"]).key == told.key
