"""Both sides of a comparison, planted row by row: ours and a complete snapshot of theirs."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

from connectors import connections
from connectors.minor import minor
from connectors.models import Connection, RecordLink, Snapshot, SnapshotRow, Sync
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.people.models import User
from proposals.models import Proposal
from reconciliation import running, runs
from reconciliation.models import Divergence, Run
from tests import factories

REMY = "remy@example.com"
# As the mirror writes it.
STAGES = {"closed-won": "closedwon", "closed-lost": "closedlost"}
KIND_OF = {"pandadoc": "documents", "hubspot": "deals", "stripe": "invoices"}


def connected() -> None:
    """A quoting tool, a CRM and a billing tool that nobody really calls."""
    factories.pandadoc()
    connections.enter_secret(
        slug="pandadoc", purpose="credential", secret="key", by=SETUP, at=instant.now()
    )
    factories.hubspot()
    factories.stripe(credential="rk_test_nothing")


def ours(
    id: str = "doc-1", *, state: str = "sent", amount: str | None = "1234.50",
    currency: str = "EUR", days_ago: float = 1, owner: str = REMY, **changes: Any,
) -> Proposal:  # fmt: skip
    at = instant.now() - timedelta(days=days_ago)
    facts: dict[str, Any] = {
        "title": "Website relaunch", "contact_name": "Nina Brook",
        "contact_email": "nina@customer.example.com", "owner_named": "remy@example.com", **changes,
    }  # fmt: skip
    return Proposal.objects.create(
        source="pandadoc", external_id=id, state=state, currency=currency,
        amount=None if amount is None else Decimal(amount),
        owner=User.objects.get(email=owner), created_at=at, changed_at=at, **facts,
    )  # fmt: skip


def deal(
    pk: str, id: str = "doc-1", *, state: str = "sent", amount: Any = "1234.50",
    currency: str = "EUR", days_ago: float = 0.5, **changes: Any,
) -> dict[str, Any]:  # fmt: skip
    """A deal as the CRM's poll reads it."""
    fields = {
        "title": "Website relaunch", "state": state, "amount": amount,
        "stage": STAGES.get(state, "contractsent"),
        "proposal": f"pandadoc:{id}", "owner": "1", "owner_email": REMY, "invoice": "",
        "changed_at": (instant.now() - timedelta(days=days_ago)).isoformat(), **changes,
    }  # fmt: skip
    return {"pk": pk, "fields": fields, "amount": amount, "currency": currency}


def document(id: str = "doc-1", **changes: Any) -> dict[str, Any]:
    told = {"contact_name": "Nina Brook", "contact_email": "nina@customer.example.com",
            "owner_email": "remy@example.com"}  # fmt: skip
    row = deal(id, id, **{**told, **changes})
    for name in ("proposal", "stage", "owner", "invoice"):
        row["fields"].pop(name)
    return row


def invoice(
    pk: str, id: str = "doc-1", *, state: str = "open", amount: str = "1234.50",
    currency: str = "EUR",
) -> dict[str, Any]:  # fmt: skip
    fields = {"proposal": id and f"pandadoc:{id}", "number": pk, "state": state, "amount": amount,
              "contact_email": "nina@customer.example.com"}  # fmt: skip
    return {"pk": pk, "fields": fields, "amount": amount, "currency": currency}


def linked(proposal: Proposal, deal_id: str) -> None:
    _link(proposal, "hubspot", "deal", deal_id)


def adopted(proposal: Proposal, invoice_id: str) -> None:
    """Somebody linked that invoice to it, which bears no name of ours."""
    _link(proposal, "stripe", "invoice", invoice_id)


def _link(proposal: Proposal, slug: str, kind: str, external_id: str) -> None:
    RecordLink.objects.create(
        connection=Connection.objects.get(slug=slug), record=proposal.record, kind=kind,
        external_id=external_id, linked_at=instant.now(),
    )  # fmt: skip


def snapshot(slug: str, *rows: dict[str, Any], complete: bool = True) -> Snapshot:
    """Everything that is over there, as a sync would have read it just now."""
    there, kind, at = Connection.objects.get(slug=slug), KIND_OF[slug], instant.now()
    sync = Sync.objects.create(
        connection=there, kind=kind, mode="full", asked_at=at, until=at, finished_at=at,
        state="done" if complete else "failed", complete=complete,
        error="" if complete else "HubSpot answered 500.",
    )  # fmt: skip
    made = Snapshot.objects.create(
        connection=there, kind=kind, sync=sync, begun_at=at, complete=complete
    )
    SnapshotRow.objects.bulk_create([
        SnapshotRow(
            snapshot=made, external_id=row["pk"], fields=row["fields"], currency=row["currency"],
            amount_minor=minor(row["amount"], row["currency"]),
            raw=json.dumps(row["fields"]).encode(),
        )
        for row in rows
    ])  # fmt: skip
    return made


def reconcile(slug: str, *rows: dict[str, Any], scope: str = "recent", complete: bool = True):
    """A run against exactly these records over there, carried to its end."""
    (run,) = runs.ask(slug=slug, scope=scope, by=None, at=instant.now())
    kept = snapshot(slug, *rows, complete=complete)
    if not complete:
        Run.objects.filter(pk=run.pk).update(sync_id=kept.sync_id)
    drain()
    run.refresh_from_db()
    return run


def drain() -> None:
    while running.step_next():
        pass


def found(**which: Any) -> list[tuple[str, str, str, str]]:
    """What is not settled: sort, field, and both sides as compared."""
    rows = Divergence.objects.unsettled().filter(**which).order_by("sort", "field", "record")
    return [(one.sort, one.field, one.ours, one.theirs) for one in rows]
