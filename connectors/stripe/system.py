"""Stripe as a system: its doors, and what its connections are asked for."""

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
    stand_in_page,
)
from connectors.stripe import canary, client, deliver, linked, poll, read, receive, translate
from proposals.states import State

_DAYS = re.compile(r"[1-9][0-9]?|[12][0-9]{2}|3[0-5][0-9]|36[0-5]")


def _page(base_url: str, kind: str, pk: str, options: Mapping[str, str]) -> str:
    # Its own documents are quotes.
    kind = translate.QUOTE if kind == "document" else kind
    if base_url.startswith("http://"):
        return stand_in_page(base_url, kind, pk)
    return f"https://dashboard.stripe.com/{kind}s/{pk}"


def _days(value: str) -> str:
    return "" if _DAYS.fullmatch(value) else "Days until due: a whole number from 1 to 365."


SYSTEM = System(
    slug="stripe",
    name="Stripe",
    role="billing",
    emitter=Emitter(
        verify=receive.verify,
        split=receive.split,
        translate=translate.translate,
        # Of its own quotes; an invoice is told as what became of a document.
        fields={
            "title": "data.object.description, else data.object.header, else data.object.number",
            "amount": "data.object.amount_total, in the smallest unit",
            "currency": "data.object.currency",
            "owner_email": f"data.object.metadata.{translate.OWNER}",
            "contact_name": "data.object.customer.name",
            "contact_email": "data.object.customer.email",
        },
        money=translate.money_of,
        canary=Feint(canary.post, State.INVOICED, stands=State.SIGNED),
    ),
    deliveries=(
        Delivery(
            "invoice.create",
            "create the invoice",
            Idempotency.NATIVE_KEY,
            deliver.invoice,
            read.invoice,
            needs=frozenset({"amount", "contact_email"}),
        ),
    ),
    client=client.Client,
    default_url="https://api.stripe.com",
    page=_page,
    probe=lambda client: client.whoami(),
    credential_label="Secret or restricted key",
    signing_label="Signing secret of the webhook endpoint (whsec_…)",
    options=(
        Option(
            deliver.FINISH,
            "How far an invoice is taken",
            "finalize: it is open and numbered; send: Stripe mails it as well; draft: "
            "somebody looks at it first.",
            choices=(deliver.FINALIZE, deliver.SEND, deliver.DRAFT),
            default=deliver.FINALIZE,
        ),
        Option(
            deliver.DAYS_UNTIL_DUE,
            "Days until due",
            "How long the customer has to pay.",
            default="30",
            check=_days,
        ),
        POLLING,
    ),
    polls=(poll.EVENTS, poll.INVOICES),
    invoice_told=linked.event,
)
