"""Our outcomes in HubSpot's words."""

from datetime import datetime

from connectors.base import Errand, Found, Trouble
from connectors.hubspot.client import TASK_TO_DEAL

# The unique properties we know our records by; docs/hubspot.md says how to create them.
DEAL_KEY = "meshline_proposal_id"
TASK_KEY = "meshline_key"


def deal(errand: Errand) -> Found:
    """Create or update the proposal's deal, in one call by our unique property."""
    owner, gap = _owner(errand)
    pk = errand.client.upsert(
        "deals", unique=DEAL_KEY, value=errand.params["proposal"], properties=_deal(errand, owner)
    )
    email = errand.params["owner_email"]
    return Found(pk, "deal", f"Deal {pk} carries the proposal.", email, gap)


def task(errand: Errand) -> Found:
    """Create the task once: after an unknown result it is looked up by our key first."""
    if errand.may_exist and (known := _known_task(errand, errand.key)):
        return Found(known, "task", f"Task {known} was there already.")
    owner, gap = _owner(errand)
    properties = _task(errand, owner)
    pk = errand.client.create("tasks", properties=properties, associations=_to_deal(errand))
    if pk:
        return Found(pk, "task", f"Task {pk} was created.", errand.params["owner_email"], gap)
    # A conflict means that an earlier try, or another worker, made it.
    if known := _known_task(errand, errand.key):
        return Found(known, "task", f"Task {known} was there already.")
    sentence = "HubSpot has a task with our key, so it says, but shows none."
    raise Trouble(sentence, failure="garbled", unknown=True)


def complete_task(errand: Errand) -> Found:
    """Close the task an earlier outcome made; fine when there is none."""
    pk = _earlier_task(errand)
    if not pk:
        return Found("", "", "There is no task to close.")
    errand.client.update("tasks", pk, properties={"hs_task_status": "COMPLETED"})
    return Found(pk, "task", f"Task {pk} is closed.")


def move_task(errand: Errand) -> Found:
    """Set when the task an earlier outcome made is due; fine when there is none."""
    pk = _earlier_task(errand)
    if not pk:
        return Found("", "", "There is no task to move.")
    errand.client.update("tasks", pk, properties={"hs_timestamp": _due(errand)})
    return Found(pk, "task", f"Task {pk} is due at another time.")


def _deal(errand: Errand, owner: str) -> dict[str, str]:
    params = errand.params
    properties = {
        "dealname": params["title"],
        # Of a stage that is left as it is there, nothing is said.
        "dealstage": params["dealstage"] if params["stage"] else "",
        "meshline_state": params["state"],
        "amount": params["amount"],
        "deal_currency_code": params["currency"],
        "hubspot_owner_id": owner,
        "meshline_invoice_id": params.get("invoice_id", ""),
        "meshline_invoice_status": params.get("invoice_status", ""),
        "meshline_invoice_url": params.get("invoice_url", ""),
    }
    # An empty value would clear what somebody there may have filled in by hand.
    return {name: value for name, value in properties.items() if value}


def _task(errand: Errand, owner: str) -> dict[str, str]:
    params = errand.params
    properties = {
        TASK_KEY: errand.key,
        "hs_timestamp": _due(errand),
        "hs_task_subject": params["subject"],
        "hs_task_body": params.get("body", ""),
        "hs_task_status": "NOT_STARTED",
        "hs_task_priority": params.get("priority", "MEDIUM"),
        "hubspot_owner_id": owner,
    }
    return {name: value for name, value in properties.items() if value}


def _due(errand: Errand) -> str:
    return datetime.fromisoformat(errand.params["due_at"]).isoformat(timespec="milliseconds")


def _to_deal(errand: Errand) -> list[dict]:
    deal_id = errand.links.get("deal")
    if not deal_id:
        return []
    kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": TASK_TO_DEAL}
    return [{"to": {"id": deal_id}, "types": [kind]}]


def _earlier_task(errand: Errand) -> str:
    """The task that an earlier outcome made; empty when it is not there."""
    pk = errand.params.get("of_id") or _known_task(errand, errand.params["of_key"])
    is_there = pk and errand.client.find("tasks", pk, properties=[TASK_KEY]) is not None
    return pk if is_there else ""


def _known_task(errand: Errand, key: str) -> str:
    found = errand.client.find_by("tasks", TASK_KEY, key)
    return str(found["id"]) if found else ""


def _owner(errand: Errand) -> tuple[str, str]:
    """HubSpot's id of the owner; without one the record is left unassigned, and said to be."""
    email = errand.params["owner_email"]
    if not email:
        return "", ""
    owner = errand.client.owner_id(email)
    return owner, "" if owner else f"HubSpot has no owner with the e-mail {email}."
