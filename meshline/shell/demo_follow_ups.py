"""How the demo's reps followed up: here, at the CRM's screen, which its webhook told, and how they
turned to customers, which was found by looking there."""

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta

from django.conf import settings

from connectors import delivery, digest, registry
from connectors.hubspot.translate import TOUCHES
from connectors.models import Connection, RecordLink
from connectors.polls import Asked, Mode
from meshline import instant
from meshline.shell import demo_doors, sandbox_control
from proposals import follow_ups
from proposals.models import FollowUp, Proposal

CRM = "hubspot"
# What a rep does with a customer: as which kind of activity the CRM keeps it.
CONTACTS = {"calls": "call", "writes": "email", "meets": "meeting", "notes": "note"}
# From the contact to our next look.
LOOKED_AFTER = timedelta(minutes=4)


def contact(proposal: Proposal, does: str, says: str, at: datetime) -> None:
    """Its owner turned to the customer and the CRM keeps that; the next look there finds it."""
    kind = TOUCHES[CONTACTS[does]]
    _log(proposal, kind, says, at)
    there, system = Connection.objects.get(slug=CRM), registry.system(CRM)
    poll = system.poll(kind, Mode.INCREMENTAL)
    assert poll is not None
    looked = at + LOOKED_AFTER
    client = delivery.client_of(system, there, at=instant.now(), deadline=sandbox_control.DEADLINE)
    ends_at = time.monotonic() + sandbox_control.DEADLINE
    page = poll.page(client, Asked(at - LOOKED_AFTER, looked, {}, ends_at))
    demo_doors.found(CRM, page.finds, at=looked)
    with instant.stopped(looked):
        digest.digest_batch()


def _log(proposal: Proposal, kind: str, says: str, at: datetime) -> None:
    """Kept there once: a start that was cut off may have done it before."""
    moment = _moment(at)
    logged = {one["properties"].get("hs_timestamp") for one in sandbox_control.objects(kind)}
    if moment in logged:
        return
    deal = RecordLink.objects.get(
        connection__slug=CRM, kind="deal", record=proposal.record
    ).external_id  # fmt: skip
    told = {
        "properties": {"hs_timestamp": moment, "hs_body_preview": says}, "deal": deal,
        "by": proposal.owner.email, "at": moment,
    }  # fmt: skip
    sandbox_control.ask("POST", f"/hubspot/{kind}", told)


def complete_here(proposal: Proposal, note: str, at: datetime) -> None:
    """Its owner completes what is open."""
    one = FollowUp.objects.open().select_related("owner").get(proposal=proposal)
    with instant.stopped(at):
        follow_ups.complete(
            follow_up_id=one.pk, version=one.version, note=note, by=one.owner, at=at
        )


def complete_there(proposal: Proposal, at: datetime) -> None:
    """Its owner completes its task in the CRM, and the CRM says so."""
    open_one = FollowUp.objects.open().select_related("owner", "outcome")
    one = open_one.get(proposal=proposal)
    assert one.outcome is not None  # the task was carried before
    task, by = one.outcome.external_id, one.owner.email
    done = {"properties": {"hs_task_status": "COMPLETED"}, "by": by, "at": _moment(at)}
    sandbox_control.ask("POST", f"/hubspot/tasks/{task}/set", done)
    _post(_event(task, at), at)
    with instant.stopped(at):
        digest.digest_batch()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _event(task: str, at: datetime) -> bytes:
    event = {
        "eventId": int(hashlib.sha256(task.encode()).hexdigest()[:8], 16), "subscriptionId": 1,
        "portalId": 1, "occurredAt": round(at.timestamp() * 1000), "attemptNumber": 0,
        "subscriptionType": "task.propertyChange", "objectId": int(task),
        "propertyName": "hs_task_status", "propertyValue": "COMPLETED", "changeSource": "CRM_UI",
    }  # fmt: skip
    return json.dumps([event]).encode()


def _post(body: bytes, at: datetime) -> None:
    stamp, address = str(round(at.timestamp() * 1000)), f"{settings.PUBLIC_URL}/hooks/hubspot/"
    said = f"POST{address}".encode() + body + stamp.encode()
    right = hmac.new(demo_doors.signing_secret("hubspot"), said, hashlib.sha256).digest()
    demo_doors.post(
        "hubspot", body, query={}, at=at, url=address,
        headers={
            "x-hubspot-signature-v3": base64.b64encode(right).decode(),
            "x-hubspot-request-timestamp": stamp,
        },
    )  # fmt: skip
