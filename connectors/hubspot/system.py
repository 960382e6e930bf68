"""HubSpot as a system: its doors, and what its connections are asked for."""

from connectors.base import Delivery, Emitter, Idempotency, Option, System, stand_in_page
from connectors.hubspot import client, deliver, read, receive, translate

SYSTEM = System(
    slug="hubspot",
    name="HubSpot",
    role="crm",
    emitter=Emitter(
        verify=receive.verify,
        split=receive.split,
        translate=translate.translate,
    ),
    deliveries=(
        Delivery(
            "deal.upsert",
            "create or update the deal",
            Idempotency.UPSERT,
            deliver.deal,
            read.deal,
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
    ),
    client=client.Client,
    default_url="https://api.hubapi.com",
    page=stand_in_page,
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
    ),
)
