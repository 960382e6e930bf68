"""HubSpot as a system: its doors, and what its connections are asked for."""

import re
from collections.abc import Mapping

from connectors.base import (
    POLLING,
    Delivery,
    Emitter,
    Feint,
    Idempotency,
    Option,
    System,
    Words,
    stand_in_page,
)
from connectors.hubspot import (
    activity,
    canary,
    client,
    deliver,
    poll,
    read,
    receive,
    stages,
    translate,
)
from proposals.states import State

PORTAL = "portal_id"
# What HubSpot's own addresses call the objects that have a page of their own.
_OBJECTS = {"deal": "0-3"}
_DIGITS = re.compile(r"[1-9][0-9]{0,14}")


def _page(base_url: str, kind: str, pk: str, options: Mapping[str, str]) -> str:
    if base_url.startswith("http://"):
        return stand_in_page(base_url, kind, pk)
    portal, number = options.get(PORTAL, ""), _OBJECTS.get(kind)
    if not portal or number is None:
        return ""
    return f"https://app.hubspot.com/contacts/{portal}/record/{number}/{pk}"


def _portal(value: str) -> str:
    return "" if not value or _DIGITS.fullmatch(value) else "The Hub ID is a number."


SYSTEM = System(
    slug="hubspot",
    name="HubSpot",
    role="crm",
    emitter=Emitter(
        verify=receive.verify,
        split=receive.split,
        translate=translate.translate,
        words=Words(
            "propertyValue, when a deal's dealstage changes",
            translate.CLOSING,
            "closes nothing: its message is kept and ignored",
            lowered=True,
        ),
        canary=Feint(
            canary.post, State.CLOSED_LOST, stands=State.SENT, thing=("deal", str(canary.NOBODYS))
        ),
        names=translate.names,
    ),
    deliveries=(
        Delivery(
            "deal.upsert",
            "create or update the deal",
            Idempotency.UPSERT,
            deliver.deal,
            read.deal,
            shows=frozenset({"title", "amount", "currency", "owner_email", "state", "stage"}),
            also=stages.told,
        ),
        Delivery(
            "task.create",
            "create a task for the owner",
            Idempotency.LOOKUP_THEN_CREATE,
            deliver.task,
            read.task,
        ),
        Delivery(
            "task.complete",
            "close the task",
            Idempotency.UPSERT,
            deliver.complete_task,
            read.completed_task,
        ),
        Delivery(
            "task.move",
            "set when the task is due",
            Idempotency.UPSERT,
            deliver.move_task,
            read.moved_task,
        ),
    ),
    client=client.Client,
    default_url="https://api.hubapi.com",
    page=_page,
    probe=lambda client: client.whoami(),
    credential_label="Private app token or service key",
    signing_label="Client secret of the app that sends webhooks",
    options=(
        Option(
            receive.SIGNATURE,
            "Signature",
            "Which of HubSpot's signatures its webhooks carry; v3 wherever possible.",
            choices=(receive.V3, receive.V2, receive.V1),
            default=receive.V3,
        ),
        Option(
            translate.APP_ID,
            "App id",
            "Of the app whose token we write with: its own changes come back as events, "
            "and are known by it.",
        ),
        Option(
            PORTAL,
            "Hub ID",
            "The number of your account: with it, tickets and proposals link to their deals.",
            check=_portal,
        ),
        POLLING,
    ),
    polls=(poll.DEALS, activity.TASKS, *activity.ACTIVITY),
)
