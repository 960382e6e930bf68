"""The demo's other side: quoting, billing, CRM and chat to play with, and faults to switch on."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from html import unescape
from typing import Any

from django import forms
from django.db.models import Count, Q

from connectors.stripe import money
from meshline.money import MoneyError, quantised
from meshline.people.models import User
from meshline.people.permissions import Role
from meshline.shell import sandbox_control
from meshline.shell.sandbox_control import SandboxNo
from meshline.web.forms import CleanText
from proposals.models import Proposal
from proposals.models.outcome import State

SHOWN = 10
_INVOICE = re.compile(r"in_[A-Za-z0-9]{1,60}")
# What a new proposal may be called and for whom it may be; each one in its turn.
IDEAS = (
    ("Wind tunnel upgrade", "Nina Brook"),
    ("Cable car telemetry", "Paul Ridge"),
    ("Aquarium filter control", "Sina Tide"),
    ("Printing hall dust watch", "Emil Serif"),
    ("Vineyard frost alarm", "Clara Rebe"),
    ("Ice rink energy plan", "Jonas Frost"),
)
# Named by the quoting tool, and known to nobody here: what follows is a ticket.
STRANGER = ("jules@example.com", "Jules, whom nobody here knows")
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
# What can happen to an invoice at the billing tool.
INVOICE_ACTS = {
    "pay": "Pay",
    "fail": "Card fails",
    "overdue": "Fall due",
    "void": "Void",
    "dispute": "Dispute",
    "win_dispute": "Bank: it stands",
    "lose_dispute": "Bank: pay back",
}
_TONES = {"open": "info", "paid": "ok", "uncollectible": "danger"}


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
        "crm-slow", "hubspot", "CRM is slow", "It works, a few hundred bytes a second.",
        {"kind": "slow_drip", "bytes_per_second": 250},
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
        "billing-down", "stripe", "Billing down", "Every call is answered 503.", {"kind": "down"}
    ),
    Switch(
        "billing-lost-answer", "stripe", "Billing's answers get lost",
        "It does the work, then hangs up.",
        {"kind": "commit_then_reset", "match": {"method": "POST"}},
    ),
    Switch("chat-down", "slack", "Chat down", "Every call is answered 503.", {"kind": "down"}),
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

    name = CleanText(max_length=120, label="Proposal")
    amount = forms.DecimalField(
        label="Amount", min_value=0, max_digits=12, decimal_places=2, initial="18400.00"
    )
    currency = forms.ChoiceField(label="Currency", choices=[(one, one) for one in CURRENCIES])
    owner = forms.ChoiceField(label="Owner")
    customer = CleanText(max_length=120, label="Customer")

    def __init__(self, *args: Any, turn: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"] = forms.ChoiceField(label="Owner", choices=[*_reps(), STRANGER])
        name, customer = IDEAS[turn % len(IDEAS)]
        self.initial = {"name": name, "customer": customer, **self.initial}

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
    made = sandbox_control.create_document(
        name=asked["name"],
        amount=str(asked["amount"]),
        currency=asked["currency"],
        recipient={
            "email": f"{_address(asked['customer'])}@customer.example.com",
            "first_name": first,
            "last_name": last,
        },
        owner={"email": asked["owner"]},
    )
    if not send:
        return f"“{asked['name']}” is a draft in the quoting tool."
    sandbox_control.move_document(made["id"], "send")
    return f"“{asked['name']}” was sent from the quoting tool."


def move(number: str, action: str) -> str:
    """Let something happen to a document over there. Raises SandboxNo when its state forbids it."""
    if action not in ACTS:
        raise SandboxNo(f"A document can be told to {', '.join(ACTS)}.")
    # It becomes part of an address.
    if not (number.isascii() and number.isalnum()):
        raise SandboxNo("There is no such document.")
    moved = sandbox_control.move_document(number, action)
    return f"“{moved['name']}” is {moved['state']} in the quoting tool."


def bill(invoice: str, action: str) -> str:
    """Let something happen to an invoice over there. Raises SandboxNo when it cannot."""
    if action not in INVOICE_ACTS:
        raise SandboxNo(f"An invoice can be told to {', '.join(INVOICE_ACTS)}.")
    if not _INVOICE.fullmatch(invoice):
        raise SandboxNo("There is no such invoice.")
    now = sandbox_control.act_on_invoice(invoice, action)
    return f"Invoice {now['number'] or now['id']} is {now['status']} in the billing tool."


def switch(slug: str, *, on: bool) -> str:
    """Switch a fault on or off; the vendor's other faults stay, but this one comes first."""
    chosen = next((one for one in SWITCHES if one.slug == slug), None)
    if chosen is None:
        raise SandboxNo("There is no such switch.")
    others = [_asked(fault) for fault in _met(chosen.vendor) if not _is(chosen, fault)]
    sandbox_control.break_it(chosen.vendor, [chosen.fault, *others] if on else others)
    return f"{chosen.label}: {'on' if on else 'off'}."


def switches() -> list[tuple[Switch, bool]]:
    """Every switch, and whether it is on."""
    met = {vendor: _met(vendor) for vendor in dict.fromkeys(one.vendor for one in SWITCHES)}
    return [(one, any(_is(one, fault) for fault in met[one.vendor])) for one in SWITCHES]


def other_side(user: User) -> dict[str, Any]:
    """The stand-ins as they are now, with our proposal beside each document this person may see."""
    documents = sandbox_control.documents(most=SHOWN)
    ours = _ours([one["id"] for one in documents], user)
    return {
        "documents": [_document(one, ours.get(one["id"])) for one in documents],
        "deals": [_object(one) for one in sandbox_control.objects("deals", most=SHOWN)],
        "tasks": [_object(one) for one in sandbox_control.objects("tasks", most=SHOWN)],
        "invoices": [_invoice(one) for one in sandbox_control.invoices(most=SHOWN)],
        "chat": [_message(one) for one in sandbox_control.messages(most=SHOWN)],
    }


def _reps() -> list[tuple[str, str]]:
    reps = User.objects.active().in_role(Role.REP).order_by("-name")
    return [(rep.email, rep.name) for rep in reps]


def _ours(documents: list[str], user: User) -> dict[str, Proposal]:
    """The proposals of these documents, each with how many of its outcomes are proven."""
    wanted = ~Q(outcomes__state=State.CANCELLED) & Q(outcomes__isnull=False)
    seen = Proposal.objects.visible_to(user).filter(external_id__in=documents)
    counted = seen.annotate(
        promised=Count("outcomes", filter=wanted),
        proven=Count("outcomes", filter=Q(outcomes__state=State.PROVEN)),
    )
    return {proposal.external_id: proposal for proposal in counted}


def _document(one: dict[str, Any], proposal: Proposal | None) -> dict[str, Any]:
    acts = [(act, *ACTS[act]) for act in ACTS if act in one["actions"]]
    return {**one, "proposal": proposal, "acts": acts}


def _invoice(one: dict[str, Any]) -> dict[str, Any]:
    currency = one["currency"].upper()
    acts = [(act, label) for act, label in INVOICE_ACTS.items() if act in one["actions"]]
    total = Decimal(money.from_units(one["total"], currency))
    tone = _TONES.get(one["status"], "neutral")
    return {**one, "total": total, "currency": currency, "acts": acts, "tone": tone}


def _message(one: dict[str, Any]) -> dict[str, Any]:
    """A message without the link behind it, its signs as they were typed."""
    return {**one, "says": unescape(str(one.get("text", "")).partition(" <http")[0])}


def _object(one: dict[str, Any]) -> dict[str, Any]:
    properties = one.get("properties") or {}
    return {"id": one["id"], **properties, "due_at": _moment(properties.get("hs_timestamp"))}


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def _address(name: str) -> str:
    """A name as the first half of an e-mail address."""
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in name.lower()).split()
    return ".".join(words) or "somebody"


def _met(vendor: str) -> list[dict[str, Any]]:
    """The faults that calls can still meet; one that is used up is over."""
    return [fault for fault in sandbox_control.faults(vendor) if fault["left"] != 0]


def _is(switch: Switch, fault: dict[str, Any]) -> bool:
    return all(fault.get(name) == value for name, value in switch.fault.items())


def _asked(fault: dict[str, Any]) -> dict[str, Any]:
    """A fault as it is asked for, without what the stand-in keeps of it."""
    plain = {name: value for name, value in fault.items() if name not in ("left", "seen")}
    return plain | {"times": fault["left"]}
