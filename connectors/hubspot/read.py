"""Proof: reading back what HubSpot was asked to hold."""

from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from connectors import moments
from connectors.base import Errand, Found
from connectors.hubspot.deliver import DEAL_KEY, TASK_KEY
from connectors.hubspot.stages import SAYS
from connectors.parsing import Unreadable

_INVOICE = ("invoice_id", "invoice_status", "invoice_url")
_DEAL = [
    DEAL_KEY, "dealname", "amount", "meshline_state", "dealstage",
    *(f"meshline_{name}" for name in _INVOICE),
]  # fmt: skip


def deal(errand: Errand) -> Found | None:
    """The deal, under our id and with what was written; None while it is not so."""
    wanted = errand.params
    found = _object(errand, "deals", _DEAL)
    if found is None or found.get(DEAL_KEY) != wanted["proposal"]:
        return None
    same = (
        wanted["title"] in ("", found.get("dealname"))
        and wanted["state"] in ("", found.get("meshline_state"))
        and _says_alike(found.get("dealstage"), wanted["stage"])
        and _same_amount(found.get("amount"), wanted["amount"])
        # A deal without an invoice of ours has none of these properties to compare.
        and all(
            found.get(f"meshline_{name}") == wanted[name] for name in _INVOICE if wanted.get(name)
        )
    )
    if not same:
        return None
    title = wanted["title"] or found.get("dealname") or "without a name"
    state = wanted["state"] or found.get("meshline_state")
    sentence = f"Read back: deal {errand.external_id} is {state}, {title}."
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


def moved_task(errand: Errand) -> Found | None:
    """The task is due when it was moved to, or is not there at all."""
    if not errand.external_id:
        return Found("", "", "There is no task left to move.")
    found = _object(errand, "tasks", [TASK_KEY, "hs_timestamp"])
    if found is not None and not _same_moment(found.get("hs_timestamp"), errand.params["due_at"]):
        return None
    sentence = f"Read back: task {errand.external_id} is due at its new time."
    return Found(errand.external_id, "task", sentence)


def _same_moment(there: str | None, wanted: str) -> bool:
    """To the millisecond, as HubSpot counts."""
    try:
        moment = moments.moment(there, field="hs_timestamp")
    except Unreadable:
        return False
    return abs(moment - datetime.fromisoformat(wanted)) < timedelta(milliseconds=1)


def _object(errand: Errand, kind: str, properties: list[str]) -> dict | None:
    if not errand.external_id:
        return None
    found = errand.client.find(kind, errand.external_id, properties=properties)
    inside = found.get("properties") if found else None
    return inside if isinstance(inside, dict) else None


def _says_alike(there: str | None, wanted: str) -> bool:
    """Whether the deal is won, lost or open as what was written; in which open stage is theirs.

    What a stage of another pipeline means nobody knows here, so it contradicts nothing.
    """
    return not wanted or (bool(there) and SAYS.get(there or "", wanted) == wanted)


def _same_amount(there: str | None, wanted: str) -> bool:
    if not wanted:
        return True
    try:
        return Decimal(there or "") == Decimal(wanted)
    except InvalidOperation:
        return False
