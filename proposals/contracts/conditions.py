"""What a contract's condition may ask about a proposal, and what the answers are.

The record as it is told: the same whatever order its events came in. Pure.
"""

from typing import Any

from meshline.clauses import Field, Kind

FIELDS: dict[str, Field] = {
    "amount": Field("Amount", Kind.NUMBER),
    "currency": Field("Currency"),
    "source": Field("Source"),
    "title": Field("Title"),
    "contact_name": Field("Contact"),
    "contact_email": Field("Contact e-mail"),
    "contact_domain": Field("Contact e-mail domain"),
    "owner": Field("Owner"),
    "team": Field("Team of the owner"),
    "owner_is_temporary": Field(
        "Owner is temporary", Kind.FLAG,
        so="the owner has it for the time being", not_so="the owner is there to stay",
    ),
    "invoice_status": Field("Invoice status"),
    "invoiced": Field("Invoiced amount", Kind.NUMBER),
}  # fmt: skip


def facts(proposal: Any) -> dict[str, Any]:
    """What is so of this proposal; owners are known by their e-mail, teams by their slug."""
    owner = proposal.owner
    _, _, domain = proposal.contact_email.rpartition("@")
    return {
        "amount": proposal.amount,
        "currency": proposal.currency,
        "source": proposal.source,
        "title": proposal.title,
        "contact_name": proposal.contact_name,
        "contact_email": proposal.contact_email,
        "contact_domain": domain.lower(),
        "owner": owner.email,
        "team": owner.team.slug if owner.team else "",
        "owner_is_temporary": proposal.owner_is_temporary,
        "invoice_status": proposal.invoice_status,
        "invoiced": proposal.invoiced,
    }
