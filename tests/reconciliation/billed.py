"""What the tests of signed against invoiced share: proposals on their way, and billing's books."""

import copy
import json
from datetime import timedelta

from connectors.models import Connection, Snapshot, SnapshotRow, Sync
from connectors.stripe import poll
from meshline import instant
from meshline.audit.actors import SETUP
from meshline.policy.models import SystemRole
from proposals import billing
from proposals.contracts import publishing, versions
from proposals.models import Contract, Proposal
from tests import factories
from tests.factories import MONDAY, digest_all, document, post_pandadoc

NINA = "nina@customer.example.com"


def tell(state, id="doc-1", minute=0, **more):
    """The quoting tool tells of a document, some minutes after Monday began."""
    at = MONDAY + timedelta(minutes=minute)
    event = document(state, id=id, at=at, **more)
    assert post_pandadoc([event], event_id=f"{id}-{state}-{minute}").status_code == 202
    digest_all()
    return Proposal.objects.get(external_id=id)


def sign(id="doc-1", amount="1234.50", currency="EUR", **more):
    """A proposal that is signed, under the contracts in force."""
    money = {"grand_total": {"amount": amount, "currency": currency}, **more}
    tell("sent", id, 0, **money)
    return tell("completed", id, 5, **money)


def without_billing():
    """From now on no contract asks for an invoice."""
    _publish(lambda rows: [row for row in rows if row["kind"] != "invoice.create"])


def with_billing(**changes):
    """From now on what is signed is invoiced, as at the beginning."""
    row = {"name": "invoice", "kind": "invoice.create", "target": "billing", "once": True,
           "optional": True, "facts": True, "params": {},
           "wanted": ["signed", "invoiced", "closed-won"], **changes}  # fmt: skip
    _publish(lambda rows: [*(one for one in rows if one["name"] != "invoice"), row])


def nobody_bills():
    SystemRole.objects.filter(role="billing").delete()


def as_billed(proposal, *invoices, state="invoiced"):
    """As the lifecycle leaves a row of which billing told these: (id, status, amount, currency)."""
    told = {
        billing.name(pk): {"number": pk, "status": status, "amount": amount, "currency": currency}
        for pk, status, amount, currency in invoices
    }
    counts = billing.billed(told)
    proposal.state, proposal.invoiced = state, counts.amount
    proposal.invoice_id = proposal.invoice_number = counts.invoice.id
    proposal.invoice_status = counts.invoice.status
    proposal.invoiced_currency = counts.invoice.currency if counts.amount is not None else ""
    return proposal


def invoiced(proposal, *invoices, state="invoiced"):
    """The same, kept."""
    as_billed(proposal, *invoices, state=state).save()
    proposal.refresh_from_db()
    return proposal


def invoice(id="in_9", total=123450, currency="eur", status="open", email=NINA, **more):
    """An invoice as Stripe lists it."""
    return {
        "id": id, "object": "invoice", "status": status, "number": f"INV-{id}", "total": total,
        "currency": currency, "customer_email": email, "metadata": {}, "hosted_invoice_url": None,
        **more,
    }  # fmt: skip


def read(*invoices, complete=True, slug="stripe"):
    """Billing was read to its end just now, and held these."""
    there, at = Connection.objects.get(slug=slug), instant.now()
    sync = Sync.objects.create(
        connection=there, kind="invoices", mode="full", state="done", complete=complete,
        until=at, asked_at=at, finished_at=at,
    )  # fmt: skip
    snapshot = Snapshot.objects.create(
        connection=there, kind="invoices", sync=sync, begun_at=at, complete=complete
    )
    for one in invoices:
        entry = poll._entry(one)
        SnapshotRow.objects.create(
            snapshot=snapshot, external_id=entry.external_id, fields=dict(entry.fields),
            amount_minor=entry.amount_minor, currency=entry.currency, raw=json.dumps(one).encode(),
        )  # fmt: skip
    return snapshot


def connected():
    """The quoting tool, the CRM and billing, none of them reachable."""
    factories.pandadoc()
    factories.hubspot()
    factories.stripe()


def _publish(outcomes):
    live = Contract.objects.live().get(slug="signed")
    content = copy.deepcopy(versions.terms_of(live).content)
    content["outcomes"] = outcomes(content["outcomes"])
    publishing.put_in_force(slug="signed", content=content, by=SETUP, at=instant.now())
