"""Events as they come about: told, digested, carried and touched at set times."""

import json
from dataclasses import replace
from datetime import timedelta

from django.db import connection

from connectors import inbox
from connectors.base import Post
from meshline import instant
from meshline.audit.actors import part
from proposals import intake, lifecycle
from proposals.models import Outcome, Proposal
from proposals.models.outcome import State
from proposals.signals import TOUCH, Incoming
from tests.factories import MONDAY, digest_all, document, signature

HOUR = timedelta(hours=1)


def tell(id="doc-1", state="sent", *, at=MONDAY, received=2, digested=3, **more):
    """An event that occurred at `at`, came so many seconds later, and was digested then."""
    body = json.dumps([document(state, id=id, at=at, **more)]).encode()
    come = at + timedelta(seconds=received)
    post = Post(
        body=body, headers={"x-pandadoc-webhook-event-id": f"{id}-{state}"},
        query={"signature": signature(body)}, at=come,
    )  # fmt: skip
    inbox.accept(replace(inbox.door("pandadoc"), at=come), post, sender="127.0.0.1")
    with instant.stopped(at + timedelta(seconds=digested)):
        digest_all()
    return Proposal.objects.get(external_id=id)


def prove(proposal, *, delivered, proven):
    """Everything promised of it was delivered and proven so many seconds after it was promised."""
    for one in Outcome.objects.filter(proposal=proposal).exclude(state=State.CANCELLED):
        one.state = State.PROVEN
        one.delivered_at = one.promised_at + timedelta(seconds=delivered)
        one.proven_at = one.promised_at + timedelta(seconds=proven)
        one.save()


def touch(proposal, *, at):
    """A person calls the customer, as the CRM tells of it."""
    call = Incoming(
        origin=f"call:{proposal.pk}:{at.isoformat()}", kind=f"{TOUCH}call", source="hubspot",
        record_source=proposal.source, external_id=proposal.external_id, occurred_at=at,
        received_at=at, by=part("hubspot", "HubSpot"), piece=f"call:{at.isoformat()}",
    )  # fmt: skip
    with instant.stopped(at):
        intake.receive(call, at=at)


def hand_over(proposal, by, *, at):
    """Somebody gives it to its own owner once more: work on it, and no contact."""
    fresh = Proposal.objects.get(pk=proposal.pk)
    return lifecycle.assign(
        proposal_id=fresh.pk, owner=fresh.owner, version=fresh.version, reason="Mine.", by=by, at=at
    )


def link():
    """The trail's links, as a commit writes them."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
