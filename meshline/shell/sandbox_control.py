"""The stand-ins' back door, as the demo uses it: configure, act as a customer, break, look."""

from datetime import datetime
from typing import Any

from django.conf import settings

from connectors import http
from connectors.http import CallError

# The stand-ins run beside us: what takes longer than this is no answer.
DEADLINE = 5.0


class SandboxAway(Exception):
    """The stand-ins do not answer, as a sentence for whoever looks at the demo."""


class SandboxNo(Exception):
    """The stand-ins understood and refused; the sentence is theirs."""


def ask(method: str, path: str, body: Any = None, **params: str) -> dict[str, Any]:
    """One call of the control, under `/control`. Raises SandboxAway or SandboxNo."""
    try:
        reply = http.call(
            method, f"{settings.SANDBOX_URL}/control{path}", json=body, params=params or None,
            deadline=DEADLINE, allow_loopback=True,
        )  # fmt: skip
        said = reply.json()
    except CallError as error:
        raise SandboxAway(f"The stand-in vendors do not answer: {error}") from None
    if reply.status >= 400:
        raise SandboxNo(str(said.get("error") or f"The stand-ins said {reply.status}."))
    return said


def configure(**vendors: dict[str, Any]) -> None:
    """Tell the stand-ins their keys, owners and addresses; what is not named stays."""
    ask("POST", "/configure", vendors)


def break_it(vendor: str, faults: list[dict[str, Any]]) -> None:
    """From now on exactly these faults; none repairs it."""
    ask("PUT", f"/faults/{vendor}", {"faults": faults})


def faults(vendor: str) -> list[dict[str, Any]]:
    return ask("GET", f"/faults/{vendor}")["faults"]


def documents(*, most: int = 100) -> list[dict[str, Any]]:
    """The newest documents of the quoting tool, newest first."""
    return ask("GET", "/pandadoc/documents", newest=str(most))["documents"]


def create_document(
    *, name: str, amount: str, currency: str, recipient: dict[str, str], owner: dict[str, str],
    metadata: dict[str, str] | None = None, at: datetime | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A new draft, as somebody makes it at the quoting tool's screen, now or `at` a past moment."""
    body = {
        "name": name, "amount": amount, "currency": currency, "recipient": recipient,
        "owner": owner, "metadata": metadata or {}, **_moment(at),
    }  # fmt: skip
    return ask("POST", "/pandadoc/documents", body)


def move_document(number: str, action: str, *, at: datetime | None = None) -> dict[str, Any]:
    """Send, view, sign, pay, decline, void or draft; SandboxNo when its state forbids it."""
    return ask("POST", f"/pandadoc/documents/{number}/{action}", _moment(at))


def _moment(at: datetime | None) -> dict[str, str]:
    return {"at": at.isoformat()} if at else {}


def invoices(*, most: int = 20) -> list[dict[str, Any]]:
    """The newest invoices of the billing tool, newest first, with what can be done to each."""
    return ask("GET", "/stripe/invoices", newest=str(most))["results"]


def act_on_invoice(invoice: str, action: str) -> dict[str, Any]:
    """Pay, fail, void, dispute …: as the customer, or somebody at Stripe's screen."""
    return ask("POST", f"/stripe/invoices/{invoice}/{action}", {})


def messages(*, most: int = 20) -> list[dict[str, Any]]:
    """The newest messages in the chat, newest first."""
    return ask("GET", "/slack/messages", newest=str(most))["results"]


def objects(kind: str, *, most: int = 20) -> list[dict[str, Any]]:
    """The newest deals or tasks of the CRM, newest first, whatever fault is on."""
    return ask("GET", f"/hubspot/{kind}", newest=str(most))["results"]
