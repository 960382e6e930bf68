"""The billing tool behind its door: what it holds, what it tells, and how it breaks."""

import json
from typing import Any

from connectors import http
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
