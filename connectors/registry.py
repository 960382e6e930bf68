"""Every system Meshline speaks with, one entry each."""

from connectors.base import Delivery, Emitter, Idempotency, System
from connectors.hubspot import client as hubspot_client
from connectors.hubspot import deliver as hubspot_deliver
from connectors.hubspot import read as hubspot_read
from connectors.pandadoc import client as pandadoc_client
from connectors.pandadoc import receive as pandadoc_receive
from connectors.pandadoc import translate as pandadoc_translate
from connectors.people import deliver as people_deliver
from connectors.standardwebhooks import receive as standard_receive
from connectors.standardwebhooks import translate as standard_translate


class UnknownSystem(Exception):
    """A system no connector is written for."""


def _app_page(base_url: str, kind: str, pk: str) -> str:
    """The stand-ins show a record's page beside their API; the real ones need account ids."""
    return f"{base_url}/app/{kind}s/{pk}" if base_url.startswith("http://") else ""


def _document_page(base_url: str, kind: str, pk: str) -> str:
    if base_url.startswith("http://"):
        return _app_page(base_url, kind, pk)
    return f"https://app.pandadoc.com/a/#/documents/{pk}"


PEOPLE = System(
    slug="meshline",
    name="Meshline",
    role="meshline",
    deliveries=(
        Delivery(
            "notice.tell", "tell the owner", Idempotency.NATIVE_KEY,
            people_deliver.notice, people_deliver.read_notice,
        ),
    ),
)  # fmt: skip

SYSTEMS: dict[str, System] = {
    system.slug: system
    for system in (
        System(
            slug="pandadoc",
            name="PandaDoc",
            role="quoting",
            emitter=Emitter(
                verify=pandadoc_receive.verify,
                split=pandadoc_receive.split,
                translate=pandadoc_translate.translate,
            ),
            client=pandadoc_client.Client,
            default_url="https://api.pandadoc.com",
            page=_document_page,
            probe=lambda client: client.whoami(),
            signing_label="Shared key of the webhook subscription",
        ),
        System(
            slug="hubspot",
            name="HubSpot",
            role="crm",
            deliveries=(
                Delivery(
                    "deal.upsert", "create or update the deal", Idempotency.UPSERT,
                    hubspot_deliver.deal, hubspot_read.deal,
                ),
                Delivery(
                    "task.create", "create a task for the owner", Idempotency.LOOKUP_THEN_CREATE,
                    hubspot_deliver.task, hubspot_read.task,
                ),
                Delivery(
                    "task.complete", "close the task", Idempotency.UPSERT,
                    hubspot_deliver.complete_task, hubspot_read.completed_task,
                ),
            ),
            client=hubspot_client.Client,
            default_url="https://api.hubapi.com",
            page=_app_page,
            probe=lambda client: client.whoami(),
            credential_label="Private app token or service key",
        ),
        System(
            slug="standardwebhooks",
            name="Standard Webhooks",
            role="quoting",
            emitter=Emitter(
                verify=standard_receive.verify,
                split=standard_receive.split,
                translate=standard_translate.translate,
            ),
            signing_label="Signing secret (whsec_…)",
        ),
    )
}  # fmt: skip


def system(slug: str) -> System:
    """The system of that name. Raises UnknownSystem naming those there are."""
    if slug == PEOPLE.slug:
        return PEOPLE
    if slug not in SYSTEMS:
        known = ", ".join(sorted(SYSTEMS))
        raise UnknownSystem(f"There is no connector for {slug!r}; there is {known}.")
    return SYSTEMS[slug]


def choices() -> list[tuple[str, str]]:
    return [(entry.slug, entry.name) for entry in SYSTEMS.values()]
