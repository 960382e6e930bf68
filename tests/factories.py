"""Rows for tests, made by walking the real verbs; people have names."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

from django.conf import settings as django_settings
from django.test import Client

from connectors import connections, digest, registry
from connectors.connections import Settings
from connectors.models import Connection, Message
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.people.models import Team, User
from meshline.people.permissions import Role
from meshline.policy.models import Company, RaciAssignment

PASSWORD = "a long and honest passphrase"
SHARED_KEY = "pandadoc-shared-key-of-the-tests"
WHSEC = "whsec_" + base64.b64encode(b"standard-webhooks-secret-of-the-tests").decode()
MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def reread(row):
    """The same row as the database has it now."""
    return type(row).objects.get(pk=row.pk)


def person(email: str, name: str, role: Role, team: Team | None = None) -> User:
    """Somebody who can sign in with PASSWORD."""
    user = User(email=email, name=name, role=role, team=team)
    # One cheap round of hashing: the suite signs in hundreds of times.
    user.set_password(PASSWORD)
    user.save()
    return user


def staff() -> dict[str, User]:
    """The people of a small company: one of each role, RevOps apart from Sales."""
    revops = Team.objects.get(slug="revops")
    sales, _ = Team.objects.get_or_create(slug="sales", defaults={"name": "Sales"})
    people = {
        "olivia": person("olivia@example.com", "Olivia Ortiz", Role.OPERATOR, revops),
        "rosa": person("rosa@example.com", "Rosa Marin", Role.MANAGER, revops),
        "sam": person("sam@example.com", "Sam Dube", Role.SDR_MANAGER, sales),
        "remy": person("remy@example.com", "Remy Park", Role.REP, sales),
        "ada": person("ada@example.com", "Ada Stone", Role.ADMIN),
        "vera": person("vera@example.com", "Vera Lind", Role.VIEWER),
    }
    Company.objects.update(fallback_owner=people["rosa"])
    RaciAssignment.objects.filter(letter="responsible").update(team=None, user=people["olivia"])
    RaciAssignment.objects.filter(letter="accountable").update(team=None, user=people["rosa"])
    return people


def pandadoc(slug: str = "pandadoc", **changes: Any) -> Connection:
    """A quoting connection with a signing secret."""
    at = instant.now()
    settings = Settings(
        slug=slug, name="PandaDoc", system="pandadoc",
        **{"base_url": "http://127.0.0.1:9", "allow_loopback": True, **changes},
    )  # fmt: skip
    made = connections.create(settings, by=SETUP, at=at)
    return connections.enter_secret(
        slug=made.slug, purpose="signing", secret=SHARED_KEY, by=SETUP, at=at
    )


def hubspot(base_url: str = "http://127.0.0.1:9", token: str = "pat-test", **changes: Any):
    """A CRM connection with a credential."""
    at = instant.now()
    settings = Settings(
        slug="hubspot", name="HubSpot", system="hubspot", base_url=base_url, allow_loopback=True,
        **changes,
    )  # fmt: skip
    connections.create(settings, by=SETUP, at=at)
    return connections.enter_secret(
        slug="hubspot", purpose="credential", secret=token, by=SETUP, at=at
    )


def standard(slug: str = "generic", name: str = "Generic") -> Connection:
    """A connection that signs by Standard Webhooks."""
    at = instant.now()
    settings = Settings(slug=slug, name=name, system="standardwebhooks")
    connections.create(settings, by=SETUP, at=at)
    return connections.enter_secret(slug=slug, purpose="signing", secret=WHSEC, by=SETUP, at=at)


def document(
    state: str = "sent", *, id: str = "doc-1", at: datetime = MONDAY, owner: str | None = None,
    **changes: Any,
) -> dict[str, Any]:  # fmt: skip
    """One PandaDoc event: the document came into `state` at `at`."""
    data = {
        "id": id,
        "name": "Website relaunch",
        "status": f"document.{state}",
        "date_created": "2026-03-01T08:00:00.000000Z",
        "date_modified": at.isoformat().replace("+00:00", "Z"),
        "expiration_date": None,
        "grand_total": {"amount": "1234.50", "currency": "EUR"},
        "created_by": {"email": owner or "remy@example.com"},
        "recipients": [
            {"first_name": "Nina", "last_name": "Brook", "email": "nina@customer.example.com"}
        ],
        "metadata": {},
        "shared_link": "",
    }
    return {"event": "document_state_changed", "data": {**data, **changes}}


def signature(body: bytes, secret: str = SHARED_KEY) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def post_pandadoc(
    events: Any, *, event_id: str = "evt-1", slug: str = "pandadoc", secret: str = SHARED_KEY,
    client: Client | None = None, **headers: str,
):  # fmt: skip
    """POST a PandaDoc webhook as PandaDoc would; bytes go as they are."""
    body = events if isinstance(events, bytes) else json.dumps(events).encode()
    address = f"/hooks/{slug}/?signature={signature(body, secret)}"
    headers = {"X-PandaDoc-Webhook-Event-Id": event_id, **headers}
    return (client or Client()).post(
        address, body, content_type="application/json", headers=headers
    )


def post_standard(
    body: Any, *, id: str = "msg-1", stamp: int | None = None, slug: str = "generic",
    secret: str = WHSEC, client: Client | None = None, **headers: str,
):  # fmt: skip
    """POST a Standard Webhook as its specification says."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = int(instant.now().timestamp()) if stamp is None else stamp
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = base64.b64encode(
        hmac.new(key, f"{id}.{stamp}.".encode() + raw, hashlib.sha256).digest()
    ).decode()
    sent = {
        "webhook-id": id, "webhook-timestamp": str(stamp), "webhook-signature": f"v1,{signed}",
        **headers,
    }  # fmt: skip
    return (client or Client()).post(
        f"/hooks/{slug}/", raw, content_type="application/json", headers=sent
    )


def digest_all() -> int:
    """Digest everything that is due; how many messages were taken."""
    total = 0
    while taken := digest.digest_batch():
        total += taken
    return total


def message(response) -> Message:
    """The message a webhook answer names."""
    return Message.objects.get(pk=response.json()["message"])


# --- Billing, the CRM's own words, and the chat -------------------------------------------------
WEBHOOK_SECRET = "whsec_of_the_tests"
CLIENT_SECRET = "hubspot-client-secret-of-the-tests"


def connected(
    system: str, *, slug: str = "", base_url: str = "http://127.0.0.1:9", signing: str = "",
    credential: str = "", **changes: Any,
) -> Connection:  # fmt: skip
    """A connection to any system, with the secrets given."""
    at, slug = instant.now(), slug or system
    settings = Settings(
        slug=slug, name=registry.system(system).name, system=system, base_url=base_url,
        allow_loopback=True, **changes,
    )  # fmt: skip
    made = connections.create(settings, by=SETUP, at=at)
    for purpose, secret in (("signing", signing), ("credential", credential)):
        if secret:
            connections.enter_secret(slug=slug, purpose=purpose, secret=secret, by=SETUP, at=at)
    return made


def stripe(base_url: str = "http://127.0.0.1:9", credential: str = "", **options: str):
    """Billing, by the stand-in's key."""
    return connected(
        "stripe", base_url=base_url, signing=WEBHOOK_SECRET, credential=credential, options=options
    )


def post_stripe(
    event: Any, *, stamp: int | None = None, secret: str = WEBHOOK_SECRET, slug: str = "stripe",
    client: Client | None = None, **headers: str,
):  # fmt: skip
    """POST an event as Stripe signs it."""
    raw = event if isinstance(event, bytes) else json.dumps(event, default=int).encode()
    stamp = int(instant.now().timestamp()) if stamp is None else stamp
    signed = hmac.new(secret.encode(), f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest()
    sent = {"Stripe-Signature": f"t={stamp},v1={signed}", **headers}
    return (client or Client()).post(
        f"/hooks/{slug}/", raw, content_type="application/json; charset=utf-8", headers=sent
    )


def post_hubspot(
    events: Any, *, stamp: int | None = None, secret: str = CLIENT_SECRET, slug: str = "hubspot",
    url: str = "", client: Client | None = None, **headers: str,
):  # fmt: skip
    """POST a batch as HubSpot signs it (v3), for the address it was told."""
    raw = events if isinstance(events, bytes) else json.dumps(events).encode()
    stamp = int(instant.now().timestamp() * 1000) if stamp is None else stamp
    where = url or f"{django_settings.PUBLIC_URL}/hooks/{slug}/"
    signed = hmac.new(
        secret.encode(), f"POST{where}".encode() + raw + str(stamp).encode(), hashlib.sha256
    )
    sent = {
        "X-HubSpot-Signature-v3": base64.b64encode(signed.digest()).decode(),
        "X-HubSpot-Request-Timestamp": str(stamp), **headers,
    }  # fmt: skip
    return (client or Client()).post(
        f"/hooks/{slug}/", raw, content_type="application/json", headers=sent
    )
