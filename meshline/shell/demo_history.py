"""The demo's past weeks, walked through the real doors with the clock stopped at each step.

Webhooks are signed, accepted and digested, outcomes are carried to the stand-in CRM and proven, and
tickets are opened by what goes wrong: nothing here is written past a verb. All of it is one
transaction, so that the workers see either nothing of it or a story that is already over.
"""

import hashlib
import hmac
import json
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors import delivery, digest, registry
from connectors.models import Connection
from exceptions import desk, escalation
from exceptions.models import Ticket
from meshline import instant
from meshline.notices import sendings
from meshline.people.models import User
from meshline.policy.models import Company
from meshline.shell import demo_billing, demo_doors, demo_follow_ups, sandbox_control
from meshline.shell.demo_stories import STORIES, Step, Story
from proposals import lateness, lifecycle, outbox
from proposals.contracts import closing
from proposals.models import Proposal
from proposals.states import State

# A step of the story at the quoting tool: what somebody does there, and the status it leads to.
ACTIONS = {
    "sent": "send", "viewed": "view", "completed": "sign", "declined": "decline",
    "voided": "void", "draft": "draft",
}  # fmt: skip
# And at the billing tool.
AT_BILLING = {"pays": "pay", "voids": "void"}
# From the event to our door, and from there to the worker.
ON_THE_WAY = timedelta(seconds=2)
IN_THE_QUEUE = timedelta(seconds=1)
# While the CRM was down: when its outcome was tried, and when it was up again.
TRIES = [timedelta(seconds=seconds) for seconds in (3, 6, 12, 24, 45)]
TICKET_AFTER, UP_AFTER = timedelta(seconds=70), timedelta(minutes=9)


def make(now: datetime) -> None:
    """Let every story of the demo happen, in the order of its steps."""
    days = ZoneInfo(Company.objects.get().zone)
    documents = _documents(now, days)
    steps = [
        (_moment(step, now, days), number, story, step)
        for number, story in enumerate(STORIES)
        for step in story.steps
    ]
    for at, _, story, step in sorted(steps, key=lambda one: one[:2]):
        _walk(story, step, documents[story.name], at)
    _look_after_the_rest(now)
    # What was told in these weeks stands in the app; nobody is written to about it today.
    sendings.drop_stale(at=now, older_than=timedelta(0))


def _documents(now: datetime, zone: ZoneInfo) -> dict[str, dict[str, Any]]:
    """Each story's document at the quoting tool, made there where it is missing."""
    known = {one["name"]: one for one in sandbox_control.documents()}
    return {
        story.name: known.get(story.name)
        or _new_document(story, _moment(story.steps[0], now, zone))
        for story in STORIES
    }


def _new_document(story: Story, at: datetime) -> dict[str, Any]:
    first, _, last = story.contact.partition(" ")
    return sandbox_control.create_document(
        name=story.name, amount=story.amount, currency=story.currency,
        recipient={"email": story.email, "first_name": first, "last_name": last},
        owner={"email": story.owner}, at=at,
    )  # fmt: skip


def _moment(step: Step, now: datetime, zone: ZoneInfo) -> datetime:
    """A step's time: minutes ago, or so many working days ago at an hour of the company's day."""
    if step.minutes_ago:
        return now - timedelta(minutes=step.minutes_ago)
    day, left = now.astimezone(zone).date(), step.days_ago
    while left:
        day -= timedelta(days=1)
        left -= day.weekday() < 5
    hour, minute = step.clock.split(":")
    return datetime.combine(day, time(int(hour), int(minute)), zone)


def _walk(story: Story, step: Step, document: dict[str, Any], at: datetime) -> None:
    if step.does in ACTIONS:
        if step.does != "draft" or document["state"] != "draft":
            _act_there(document, ACTIONS[step.does], at)
        if not step.is_lost:
            _tell(story, step, document, at)
    elif step.does in AT_BILLING:
        _bill(document, AT_BILLING[step.does], at)
    elif step.does in demo_follow_ups.CONTACTS:
        demo_follow_ups.contact(_proposal(document), step.does, step.says, at)
    elif step.does == "follows up":
        demo_follow_ups.complete_here(_proposal(document), step.says, at)
        _carry_all(at + closing.WAITS)
    elif step.does == "follows up there":
        demo_follow_ups.complete_there(_proposal(document), at)
    elif step.does == "take on":
        _take_on(document, step, at)
    else:
        _decide(document, step, at)


def _act_there(document: dict[str, Any], action: str, at: datetime) -> None:
    # A start that was cut off may have done it before.
    if action in document["actions"]:
        document |= sandbox_control.move_document(document["id"], action, at=at)


def _tell(story: Story, step: Step, document: dict[str, Any], at: datetime) -> None:
    """The webhook of that moment comes in, and what follows from it goes out."""
    received = at + ON_THE_WAY
    _post(_event(story, step, document, at), received)
    with instant.stopped(received + IN_THE_QUEUE):
        digest.digest_batch()
    if step.crm_is_down:
        _carry_through_an_outage(received)
    _carry_all(received + 2 * IN_THE_QUEUE)
    # Nothing else makes an invoice.
    if step.does == "completed":
        demo_billing.tell(_proposal(document), received + 3 * IN_THE_QUEUE)
        _carry_all(received + 4 * IN_THE_QUEUE)


def _bill(document: dict[str, Any], does: str, at: datetime) -> None:
    """Somebody does something to the invoice, and billing says so."""
    proposal = _proposal(document)
    demo_billing.act(proposal.invoice_id, does)
    demo_billing.tell(proposal, at)
    _carry_all(at + IN_THE_QUEUE)


def _event(story: Story, step: Step, document: dict[str, Any], at: datetime) -> bytes:
    moment = at.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%S.%f")
    first, _, last = story.contact.partition(" ")
    email = story.email if story.tells_email else ""
    data = {
        "id": document["id"],
        "name": story.name,
        "status": f"document.{step.does}",
        "date_modified": moment if step.without_zone else f"{moment}Z",
        "grand_total": {"amount": story.amount, "currency": story.currency},
        "created_by": {"email": story.owner},
        "recipients": [{"first_name": first, "last_name": last, "email": email}],
        "metadata": {},
    }
    return json.dumps([{"event": "document_state_changed", "data": data}]).encode()


def _post(body: bytes, at: datetime) -> None:
    secret = demo_doors.signing_secret("pandadoc")
    demo_doors.post(
        "pandadoc",
        body,
        headers={"x-pandadoc-webhook-event-id": hashlib.sha256(body).hexdigest()[:32]},
        query={"signature": hmac.new(secret, body, hashlib.sha256).hexdigest()},
        at=at,
    )


# --- Going out ------------------------------------------------------------------------------------
def _carriers() -> list[str]:
    return [registry.PEOPLE.slug, *Connection.objects.active().values_list("slug", flat=True)]


def _carry_all(at: datetime) -> None:
    with instant.stopped(at):
        _carry(_carriers())


def _carry(slugs: list[str]) -> None:
    while _carry_one(slugs):
        pass


def _carry_one(slugs: list[str]) -> bool:
    outcome = outbox.claim(slugs, lease_seconds=60)
    if outcome is not None:
        delivery.carry(outcome)
    return outcome is not None


def _carry_through_an_outage(since: datetime) -> None:
    """The CRM is down for some minutes: retries, a ticket, and its end on evidence."""
    with instant.stopped(since + 2 * IN_THE_QUEUE):
        _carry([registry.PEOPLE.slug])
    sandbox_control.break_it("hubspot", [{"kind": "down"}])
    try:
        for wait in TRIES:
            with instant.stopped(since + wait):
                _carry_one(["hubspot"])
        lateness.open_late_tickets(at=since + TICKET_AFTER)
    finally:
        sandbox_control.break_it("hubspot", [])
    _carry_all(since + UP_AFTER)


# --- The clock ------------------------------------------------------------------------------------
def _look_after_the_rest(now: datetime) -> None:
    """What the clock would have done about what is still open, when it was due."""
    due = Ticket.objects.unresolved().filter(next_step_at__lt=now).order_by("next_step_at", "pk")
    while ticket := due.first():
        escalation.take(ticket_id=ticket.pk, at=ticket.next_step_at)


# --- People ---------------------------------------------------------------------------------------
def _decide(document: dict[str, Any], step: Step, at: datetime) -> None:
    """The manager closes it, as only people may."""
    proposal = _proposal(document)
    rosa = User.objects.get(email="rosa@example.com")
    with instant.stopped(at):
        lifecycle.move(
            proposal_id=proposal.pk, to=State(step.does), version=proposal.version,
            reason=step.says, by=rosa, at=at,
        )  # fmt: skip
    _carry_all(at + IN_THE_QUEUE)


def _take_on(document: dict[str, Any], step: Step, at: datetime) -> None:
    """The operator claims the proposal's ticket, says so, and writes down what was said."""
    olivia = User.objects.get(email="olivia@example.com")
    tickets = Ticket.objects.unresolved().filter(record=_proposal(document).record)
    for ticket in tickets:
        desk.claim(ticket_id=ticket.pk, by=olivia, at=at)
        desk.acknowledge(ticket_id=ticket.pk, by=olivia, at=at + timedelta(minutes=1))
        desk.note(ticket_id=ticket.pk, text=step.says, by=olivia, at=at + timedelta(minutes=2))


def _proposal(document: dict[str, Any]) -> Proposal:
    return Proposal.objects.get(source="pandadoc", external_id=document["id"])
