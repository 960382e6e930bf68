"""PandaDoc as a system: its doors, and what its connections are asked for."""

from connectors.base import Emitter, System, stand_in_page
from connectors.pandadoc import client, receive, translate


def _page(base_url: str, kind: str, pk: str) -> str:
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
    ),
    client=client.Client,
    default_url="https://api.pandadoc.com",
    page=_page,
    probe=lambda client: client.whoami(),
    signing_label="Shared key of the webhook subscription",
)
