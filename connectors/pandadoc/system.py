"""PandaDoc as a system: its doors, and what its connections are asked for."""

from collections.abc import Mapping

from connectors.base import POLLING, Emitter, Feint, System, Words, stand_in_page
from connectors.pandadoc import canary, client, poll, receive, translate


def _page(base_url: str, kind: str, pk: str, options: Mapping[str, str]) -> str:
    if base_url.startswith("http://"):
        return stand_in_page(base_url, kind, pk)
    return f"https://app.pandadoc.com/a/#/documents/{pk}"


SYSTEM = System(
    slug="pandadoc",
    name="PandaDoc",
    role="quoting",
    emitter=Emitter(
        verify=receive.verify,
        split=receive.split,
        translate=translate.translate,
        words=Words(
            "data.status, when an event is document_state_changed",
            translate.STATES,
            "cannot be read: its message is held, with a ticket",
        ),
        fields={
            "title": "data.name",
            "amount": "data.grand_total",
            "currency": "data.grand_total",
            "owner_email": "data.owner, else data.sent_by, else data.created_by",
            "contact_name": "the first signer in data.recipients, else the first of them",
            "contact_email": "the first signer in data.recipients, else the first of them",
        },
        canary=Feint(canary.post),
    ),
    client=client.Client,
    default_url="https://api.pandadoc.com",
    page=_page,
    probe=lambda client: client.whoami(),
    signing_label="Shared key of the webhook subscription",
    options=(POLLING,),
    polls=(poll.DOCUMENTS,),
)
