"""Standard Webhooks, both ways: any sender, and any receiver, that signs by them."""

from connectors.base import Delivery, Emitter, Feint, Idempotency, System
from connectors.standardwebhooks import canary, client, deliver, receive, translate

SENDER = System(
    slug="standardwebhooks",
    name="Standard Webhooks",
    role="quoting",
    emitter=Emitter(
        verify=receive.verify,
        split=receive.split,
        translate=translate.translate,
        fields={
            "title": "data.title",
            "amount": "data.amount",
            "currency": "data.amount",
            "owner_email": "data.owner.email",
            "contact_name": "data.contact.name",
            "contact_email": "data.contact.email",
        },
        canary=Feint(canary.post),
    ),
    signing_label="Signing secret (whsec_…)",
)

RECEIVER = System(
    slug="outgoing-webhook",
    name="Outgoing webhook",
    role="automation",
    deliveries=(
        Delivery(
            "webhook.send",
            "send a signed webhook",
            Idempotency.NATIVE_KEY,
            deliver.webhook,
            deliver.read_webhook,
        ),
    ),
    client=client.Client,
    probe=lambda client: client.ping(),
    credential_label="Signing secret for what we send (whsec_…)",
)
