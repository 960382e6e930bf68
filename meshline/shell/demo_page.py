"""The demo's other side: a quoting tool and a CRM to play with, and faults to switch on."""

from dataclasses import dataclass
from typing import Any

from django import forms

from meshline.money import MoneyError, quantised
from meshline.people.models import User
from meshline.people.permissions import Role
from meshline.shell import sandbox_control
from meshline.shell.sandbox_control import SandboxNo
from meshline.web.forms import CleanText
from proposals.models import Proposal

SHOWN = 12
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "JPY")
# What a document can be told to do, in the order of its life.
ACTS = {
    "send": ("Send", "send"),
    "view": ("View", "eye"),
    "sign": ("Sign", "writing-sign"),
    "pay": ("Pay", "coins"),
    "decline": ("Dispute", "flag"),
    "void": ("Expire", "hourglass"),
    "draft": ("Rework", "pencil"),
}


@dataclass(frozen=True)
class Switch:
    """A fault of a stand-in that can be switched on and off."""

    slug: str
    vendor: str
    label: str
    says: str
    fault: dict[str, Any]


SWITCHES = (
    Switch("crm-down", "hubspot", "CRM down", "Every call is answered 503.", {"kind": "down"}),
    Switch(
        "crm-throttled", "hubspot", "CRM throttles", "Every call is answered 429, wait 5 s.",
        {"kind": "status", "code": 429, "retry_after": 5},
    ),
    Switch(
        "crm-ghost", "hubspot", "CRM creates nothing", "It says yes, and nothing is there.",
        {"kind": "ghost_200"},
    ),
    Switch(
        "crm-lost-answer", "hubspot", "CRM's answers get lost", "It does the work, then hangs up.",
        {"kind": "commit_then_reset", "match": {"method": "POST"}},
    ),
    Switch(
        "quoting-doubled", "pandadoc", "Webhooks come twice", "Each is sent a second time.",
        {"kind": "webhook_double"},
    ),
    Switch(
        "quoting-late", "pandadoc", "Webhooks come late", "Each waits five seconds.",
        {"kind": "webhook_late", "seconds": 5},
    ),
    Switch(
        "quoting-lost", "pandadoc", "Webhooks get lost", "None arrives.",
        {"kind": "webhook_drop"},
    ),
)  # fmt: skip


class DocumentForm(forms.Form):
    """A new proposal at the quoting tool."""

    name = CleanText(max_length=120, label="Proposal", initial="Wind tunnel upgrade")
    amount = forms.DecimalField(
        label="Amount", min_value=0, max_digits=12, decimal_places=2, initial="18400.00"
    )
    currency = forms.ChoiceField(label="Currency", choices=[(one, one) for one in CURRENCIES])
    owner = forms.ModelChoiceField(
        label="Owner", queryset=User.objects.none(), to_field_name="email", empty_label=None
    )
    customer = CleanText(max_length=120, label="Customer", initial="Nina Brook")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = User.objects.active().in_role(Role.REP).order_by("name")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "amount" in cleaned and "currency" in cleaned:
            try:
                cleaned["amount"] = quantised(cleaned["amount"], cleaned["currency"])
            except MoneyError as error:
                self.add_error("amount", str(error))
        return cleaned


def create(asked: dict[str, Any], *, send: bool) -> str:
    """Make the document over there, and send it if asked to; a sentence of what was done."""
    first, _, last = asked["customer"].partition(" ")
    owner_first, _, owner_last = asked["owner"].name.partition(" ")
    made = sandbox_control.create_document(
        name=asked["name"],
        amount=str(asked["amount"]),
        currency=asked["currency"],
        recipient={
            "email": f"{first.lower() or 'somebody'}@customer.example.com",
            "first_name": first,
            "last_name": last,
        },
        owner={
            "email": asked["owner"].email, "first_name": owner_first, "last_name": owner_last,
        },
    )  # fmt: skip
    if not send:
        return f"“{asked['name']}” is a draft in the quoting tool."
    sandbox_control.move_document(made["id"], "send")
    return f"“{asked['name']}” was sent from the quoting tool."


def move(number: str, action: str) -> str:
    """Let something happen to a document over there. Raises SandboxNo when its state forbids it."""
    if action not in ACTS:
        raise SandboxNo(f"A document can be told to {', '.join(ACTS)}.")
    moved = sandbox_control.move_document(number, action)
    return f"“{moved['name']}” is {moved['state']} in the quoting tool."


def switch(slug: str, *, on: bool) -> str:
    """Switch a fault on or off; the vendor's other faults stay."""
    chosen = next((one for one in SWITCHES if one.slug == slug), None)
    if chosen is None:
        raise SandboxNo("There is no such switch.")
    now = sandbox_control.faults(chosen.vendor)
    others = [_asked(fault) for fault in now if fault["kind"] != chosen.fault["kind"]]
    sandbox_control.break_it(chosen.vendor, [*others, chosen.fault] if on else others)
    return f"{chosen.label}: {'on' if on else 'off'}."


def switches() -> list[tuple[Switch, bool]]:
    """Every switch, and whether it is on."""
    kinds = {
        vendor: {fault["kind"] for fault in sandbox_control.faults(vendor)}
        for vendor in ("hubspot", "pandadoc")
    }
    return [(one, one.fault["kind"] in kinds[one.vendor]) for one in SWITCHES]


def other_side() -> dict[str, Any]:
    """The stand-ins as they are now: documents with our proposal beside each, deals and tasks."""
    documents = sandbox_control.documents(most=SHOWN)
    ours = Proposal.objects.filter(external_id__in=[one["id"] for one in documents])
    proposals = {proposal.external_id: proposal for proposal in ours}
    return {
        "documents": [_document(one, proposals.get(one["id"])) for one in documents],
        "deals": [_object(one) for one in sandbox_control.objects("deals", most=SHOWN)],
        "tasks": [_object(one) for one in sandbox_control.objects("tasks", most=SHOWN)],
    }


def _document(one: dict[str, Any], proposal: Proposal | None) -> dict[str, Any]:
    acts = [(act, *ACTS[act]) for act in ACTS if act in one["actions"]]
    return {**one, "proposal": proposal, "acts": acts}


def _object(one: dict[str, Any]) -> dict[str, Any]:
    return {"id": one["id"], **(one.get("properties") or {})}


def _asked(fault: dict[str, Any]) -> dict[str, Any]:
    """A fault as it is asked for, without what the stand-in keeps of it."""
    return {name: value for name, value in fault.items() if name not in ("left", "seen")}
