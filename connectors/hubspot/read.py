"""Proof: reading back what HubSpot was asked to hold."""

from decimal import Decimal, InvalidOperation

from connectors.base import Errand, Found
from connectors.hubspot.deliver import DEAL_KEY, TASK_KEY

_INVOICE = ("invoice_id", "invoice_status", "invoice_url")
_DEAL = [
    DEAL_KEY, "dealname", "amount", "meshline_state",
    *(f"meshline_{name}" for name in _INVOICE),
]  # fmt: skip


def deal(errand: Errand) -> Found | None:
    """The deal, under our id and with what was written; None while it is not so."""
    wanted = errand.params
    found = _object(errand, "deals", _DEAL)
    if found is None or found.get(DEAL_KEY) != wanted["proposal"]:
        return None
    same = (
        found.get("dealname") == wanted["title"]
        and found.get("meshline_state") == wanted["state"]
        and _same_amount(found.get("amount"), wanted["amount"])
        # A deal without an invoice of ours has none of these properties to compare.
        and all(
            found.get(f"meshline_{name}") == wanted[name] for name in _INVOICE if wanted.get(name)
        )
    )
    if not same:
        return None
    sentence = f"Read back: deal {errand.external_id} is {wanted['state']}, {wanted['title']}."
    return Found(errand.external_id, "deal", sentence)


def task(errand: Errand) -> Found | None:
    """The task, under our key."""
    found = _object(errand, "tasks", [TASK_KEY, "hs_task_status", "hs_task_subject"])
    if found is None or found.get(TASK_KEY) != errand.key:
        return None
    return Found(errand.external_id, "task", f"Read back: task {errand.external_id} is there.")


def completed_task(errand: Errand) -> Found | None:
    """The task is closed, or is not there at all."""
    if not errand.external_id:
        return Found("", "", "There is no task left to close.")
    found = _object(errand, "tasks", [TASK_KEY, "hs_task_status"])
    if found is not None and found.get("hs_task_status") != "COMPLETED":
        return None
    return Found(errand.external_id, "task", f"Read back: task {errand.external_id} is closed.")


def _object(errand: Errand, kind: str, properties: list[str]) -> dict | None:
    if not errand.external_id:
        return None
    found = errand.client.find(kind, errand.external_id, properties=properties)
    inside = found.get("properties") if found else None
    return inside if isinstance(inside, dict) else None


def _same_amount(there: str | None, wanted: str) -> bool:
    if not wanted:
        return True
    try:
        return Decimal(there or "") == Decimal(wanted)
    except InvalidOperation:
        return False
