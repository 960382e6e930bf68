"""The billing tool behind its door: what it holds, what it tells, and how it breaks."""

import json
import uuid
from typing import Any

from connectors import http
from connectors.stripe.client import Client
from meshline.shell import sandbox_control
from tests import factories

KEY = "rk_test_of_the_tests"


class Billing:
    """The stand-in for Stripe. What it would send is fetched, and posted by hand in any order."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/stripe"

    def breaks(self, *faults: dict[str, Any]) -> None:
        sandbox_control.break_it("stripe", list(faults))

    def mend(self) -> None:
        sandbox_control.break_it("stripe", [])

    def forgets_its_keys(self) -> None:
        sandbox_control.ask("POST", "/stripe/forget-keys", {})

    def act(self, invoice: str, act: str, **asked: Any) -> None:
        sandbox_control.ask("POST", f"/stripe/invoices/{invoice}/{act}", asked)

    def make_by_hand(self, customer: str) -> None:
        """Somebody at Stripe's screen makes another invoice for this customer."""
        asked = {"customer": customer, "amount": 100, "currency": "eur"}
        sandbox_control.ask("POST", "/stripe/invoices", asked)

    def customer(self, **form: str) -> str:
        return self._made("customers", form)

    def quote(self, customer: str, units: int = 123450, currency: str = "eur", **form: str) -> str:
        """A draft over one item, made as a program would; `metadata[…]` by its form's name."""
        price = "line_items[0][price_data]"
        item = {f"{price}[currency]": currency, f"{price}[unit_amount]": str(units)}
        return self._made("quotes", {"customer": customer, **item, **form})

    def move_quote(self, quote: str, *acts: str) -> None:
        for act in acts:
            sandbox_control.ask("POST", f"/stripe/quotes/{quote}/{act}", {})

    def update(self, kind: str, pk: str, **form: str) -> None:
        self._made(f"{kind}/{pk}", form)

    def delete(self, kind: str, pk: str) -> None:
        self._client().caller.call("DELETE", f"/v1/{kind}/{pk}")

    def _made(self, kind: str, form: dict[str, str]) -> str:
        return str(self._client().create(kind, form, key=str(uuid.uuid4()))["id"])

    def _client(self) -> Client:
        return Client(self.url, KEY, allow_loopback=True)

    def objects(self, kind: str) -> list[dict[str, Any]]:
        return sandbox_control.ask("GET", f"/stripe/{kind}", newest="500")["results"]

    def invoice(self) -> dict[str, Any]:
        (only,) = self.objects("invoices")
        return only

    def effects(self) -> dict[str, dict[str, int]]:
        """What really happened there: our key → action → how often."""
        return sandbox_control.ask("GET", "/effects", vendor="stripe")["by_key"]

    def calls(self) -> list[dict[str, Any]]:
        return sandbox_control.ask("GET", "/calls", vendor="stripe")["calls"]

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """Every event there was, in its own order."""
        found = http.call(
            "GET", f"{self.url}/v1/events", headers={"Authorization": f"Bearer {KEY}"},
            params={"limit": "100"}, allow_loopback=True,
        ).json()["data"][::-1]  # fmt: skip
        return [one for one in found if not kinds or one["type"] in kinds]

    def tells(self, *kinds: str) -> list[int]:
        """Post its events as it signs them, and digest them; the answers' codes."""
        return tell(self.events(*kinds))


def tell(events: list[dict[str, Any]]) -> list[int]:
    answers = [factories.post_stripe(event) for event in events]
    factories.digest_all()
    return [answer.status_code for answer in answers]


def plain(event: dict[str, Any]) -> dict[str, Any]:
    """An event of its own to change."""
    return json.loads(json.dumps(event, default=int))
