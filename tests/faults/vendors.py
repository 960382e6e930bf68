"""The stand-in vendors in a process of their own: what they were asked, and what happened."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.factories import SHARED_KEY
from tests.faults.processes import until

PROJECT = Path(__file__).resolve().parents[2]
SECRETS = {
    "FAULTS_SHARED_KEY": SHARED_KEY,
    "FAULTS_HUBSPOT_TOKEN": "pat-of-the-faults",
    "FAULTS_STRIPE_KEY": "rk_test_of_the_faults",
    "FAULTS_STRIPE_SIGNING": "whsec_signing_of_the_faults",
    "FAULTS_SLACK_TOKEN": "xoxb-of-the-faults",
    "FAULTS_LISTENER": "whsec_" + base64.b64encode(b"the-listener-of-the-faults").decode(),
}
CHANNEL = "C0DEALS"
REMY = {"email": "remy@example.com", "firstName": "Remy", "lastName": "Park"}
# As many as the stand-ins show at once.
MOST = 9_999
# What the operating model says of each vendor but the quoting tool: one entry connects it. Nothing
# looks through them by itself: the judge counts calls, and looking has tests of its own.
CONNECTIONS = """\
- slug: hubspot
  system: hubspot
  base_url: {url}/hubspot
  credential_env: FAULTS_HUBSPOT_TOKEN
  options: {{poll_every: "0"}}
- slug: stripe
  system: stripe
  base_url: {url}/stripe
  credential_env: FAULTS_STRIPE_KEY
  signing_secret_env: FAULTS_STRIPE_SIGNING
  options: {{poll_every: "0"}}
- slug: slack
  system: slack
  base_url: {url}/slack
  credential_env: FAULTS_SLACK_TOKEN
  options: {{channel: C0DEALS}}
- slug: listener
  system: outgoing-webhook
  base_url: {url}/listener/everything
  credential_env: FAULTS_LISTENER
"""


class Vendors:
    """`tells` is the port at which billing's own webhooks arrive."""

    def __init__(self, folder: Path, port: int, *, tells: int) -> None:
        self.port, self._tells = port, tells
        self._folder = folder
        self._process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "connectors.sandbox", "--port", str(self.port)]
        with (self._folder / "vendors.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--state", str(self._folder / "vendors")],
                cwd=PROJECT, stdout=log, stderr=log,
            )  # fmt: skip
        until(self._answers, within=30, what="the stand-ins answer")
        self.ask("POST", "/configure", self._configuration())

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

    def model(self) -> str:
        """The vendors' part of an operating model file."""
        said = CONNECTIONS.format(url=self.url)
        return said.replace("  system:", "  tier: seconds\n  allow_loopback: true\n  system:")

    def _configuration(self) -> dict[str, Any]:
        hubspot = {"token": SECRETS["FAULTS_HUBSPOT_TOKEN"], "owners": [REMY], "search_lag": 0}
        stripe = {
            "api_key": SECRETS["FAULTS_STRIPE_KEY"],
            "webhook_url": f"http://127.0.0.1:{self._tells}/hooks/stripe/",
            "webhook_secret": SECRETS["FAULTS_STRIPE_SIGNING"],
            # As stubborn as the real one, which tries for three days.
            "retry_delays": [0.5, *[1] * 3000],
        }
        channel = {"id": CHANNEL, "name": "deals", "is_member": True}
        slack = {"token": SECRETS["FAULTS_SLACK_TOKEN"], "channels": [channel]}
        listener = {"secret": SECRETS["FAULTS_LISTENER"]}
        return {"hubspot": hubspot, "stripe": stripe, "slack": slack, "listener": listener}

    def ask(self, method: str, path: str, body: Any = None, **params: str | int) -> dict[str, Any]:
        """One call of the back door, which no fault stands in front of."""
        client = HTTPConnection("127.0.0.1", self.port, timeout=60)
        raw = None if body is None else json.dumps(body).encode()
        client.request(method, f"/control{path}?{urlencode(params)}", raw)
        answer = client.getresponse()
        said = json.loads(answer.read())
        client.close()
        assert answer.status < 400, said
        return said

    def breaks(self, vendor: str, *faults: dict[str, Any]) -> None:
        self.ask("PUT", f"/faults/{vendor}", {"faults": list(faults)})

    def mends(self, vendor: str) -> None:
        self.ask("DELETE", f"/faults/{vendor}")

    def met(self, vendor: str) -> int:
        """How many calls have met a fault that is on now."""
        return sum(one["seen"] for one in self.ask("GET", f"/faults/{vendor}")["faults"])

    def deals(self) -> list[dict[str, Any]]:
        found = self.ask("GET", "/hubspot/deals", newest=MOST)["results"]
        return [one["properties"] for one in found]

    def tasks(self) -> list[dict[str, Any]]:
        found = self.ask("GET", "/hubspot/tasks", newest=MOST)["results"]
        return [one["properties"] for one in found]

    def invoices(self) -> list[dict[str, Any]]:
        return self.ask("GET", "/stripe/invoices", newest=MOST)["results"]

    def messages(self) -> list[dict[str, Any]]:
        """What stands in the chat."""
        return self.ask("GET", "/slack/messages", newest=MOST)["results"]

    def heard(self) -> list[dict[str, Any]]:
        """What our own webhooks told the listener, each id once."""
        return self.ask("GET", "/listener/everything", newest=MOST)["results"]

    def effects(self, vendor: str) -> Iterator[dict[str, Any]]:
        yield from self._book("effects", vendor)

    def calls(self, vendor: str) -> Iterator[dict[str, Any]]:
        yield from self._book("calls", vendor)

    def _book(self, book: str, vendor: str) -> Iterator[dict[str, Any]]:
        last: int | None = 0
        while last is not None:
            page = self.ask("GET", f"/{book}", vendor=vendor, since=last)
            yield from page[book]
            last = page["last"]

    def _answers(self) -> bool:
        try:
            return bool(self.ask("GET", "/configure"))
        except OSError:
            return False
