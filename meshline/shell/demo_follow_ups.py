"""How the demo's reps followed up: one here, one at the CRM's screen, which its webhook told."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

from django.conf import settings

from connectors import digest
from meshline import instant
from meshline.shell import demo_doors, sandbox_control
from proposals import follow_ups
from proposals.models import FollowUp, Proposal


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
    moment = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    done = {"properties": {"hs_task_status": "COMPLETED"}, "by": by, "at": moment}
    sandbox_control.ask("POST", f"/hubspot/tasks/{task}/set", done)
    _post(_event(task, at), at)
    with instant.stopped(at):
        digest.digest_batch()


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
