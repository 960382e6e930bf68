"""The stand-in vendors in a process of their own: what they were asked, and what happened."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.faults.processes import until

PROJECT = Path(__file__).resolve().parents[2]
TOKEN = "pat-of-the-faults"
REMY = {"email": "remy@example.com", "firstName": "Remy", "lastName": "Park"}
# As many as the stand-ins show at once.
MOST = 9_999


class Vendors:
    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
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
        told = {"token": TOKEN, "owners": [REMY], "search_lag": 0}
        self.ask("POST", "/configure", {"hubspot": told})

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

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
