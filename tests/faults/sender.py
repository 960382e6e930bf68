"""The sender: a quoting tool that posts signed events and sends each again until it hears 2xx.

It keeps its own list of what was accepted, and of what must be true in the end.
"""

import contextlib
import http.client
import itertools
import json
import random
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.factories import document, signature
from tests.faults.size import SIZE

_LANES = 4
_AGAIN_AFTER = 0.25  # seconds
_TIMEOUT = 10.0
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Document:
    """One document's life, and what the world must look like after it."""

    id: str
    states: tuple[str, ...]
    amount: str
    # By its own system's clock, which runs up to two minutes ahead of billing's: a signature may be
    # later than the invoice that was made because of it.
    born: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def title(self) -> str:
        return f"Offer {self.id}"

    @property
    def ends(self) -> str:
        """The state our records and the deal end in."""
        if self.is_signed:
            return "invoiced"  # billing says so, soon after
        return "disputed" if "declined" in self.states else self.states[-1]

    @property
    def is_signed(self) -> bool:
        return "completed" in self.states

    def events(self) -> list["Event"]:
        told = {"amount": self.amount, "currency": "EUR"}
        # A customer of its own, whom billing knows by the e-mail.
        contact = {"first_name": "Nina", "last_name": "Brook", "email": f"{self.id}@example.com"}
        lives = [
            document(
                state, id=self.id, at=self.born + timedelta(minutes=minute), name=self.title,
                grand_total=told, recipients=[contact],
            )
            for minute, state in enumerate(self.states)
        ]  # fmt: skip
        return [
            Event(f"{self.id}-{number}", json.dumps([one]).encode())
            for number, one in enumerate(lives)
        ]


@dataclass
class Event:
    """One post: its key, its bytes, and what the door answered when it took it."""

    key: str
    body: bytes
    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    @property
    def is_accepted(self) -> bool:
        return any(200 <= status < 300 for status, _ in self.answers)


LIVES = [
    ("sent", "viewed", "completed"),
    ("sent",),
    ("sent", "viewed", "declined"),
    ("sent", "completed", "viewed"),
]


def documents(name: str, events: int, *, seed: int = 1) -> list[Document]:
    """Lives of so many events in all; the name keeps them apart from every other test's."""
    dice, made = random.Random(seed), []
    run = f"{name}{next(_numbers)}"
    while events > 0:
        states = dice.choice(LIVES)[:events]
        amount = f"{dice.randrange(10_000, 9_999_999) / 100:.2f}"
        made.append(Document(f"{run}-{len(made)}", states, amount))
        events -= len(states)
    return made


class Sender:
    """Posts from a few lanes at a pace; every event until it is accepted, whatever is broken."""

    def __init__(self, port: int, *, timeout: float = _TIMEOUT) -> None:
        self.port, self.timeout = port, timeout
        self.events: list[Event] = []
        # Seconds of each answer that was 2xx, and what else was heard.
        self.latencies: list[float] = []
        self.refusals: dict[str, int] = {}
        self._left: deque[Event] = deque()
        self._threads: list[threading.Thread] = []

    def send(self, whom: Iterable[Document], *, per_second: float = 100.0) -> "Sender":
        """Begin to send; `wait` waits until the last is accepted."""
        lives = [one.events() for one in whom]
        # Events of one document in their order, those of different documents mixed.
        mixed = [one for turn in itertools.zip_longest(*lives) for one in turn if one is not None]
        return self.send_events(mixed, per_second=per_second)

    def send_events(self, events: list[Event], *, per_second: float = 100.0) -> "Sender":
        self.events += events
        self._left.extend(events)
        pause = _LANES / per_second
        lanes = [
            threading.Thread(target=self._run, args=(pause,), daemon=True) for _ in range(_LANES)
        ]
        # Those of a call before may still hold an event that is not accepted yet.
        self._threads += lanes
        for lane in lanes:
            lane.start()
        return self

    def wait(self, *, within: float = SIZE.patience) -> "Sender":
        deadline = time.monotonic() + within
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        missing = [one.key for one in self.events if not one.is_accepted]
        assert not missing, f"Not accepted within {within:.0f} s: {missing[:5]}; {self.refusals}"
        return self

    @property
    def is_done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def percentile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def _run(self, pause: float) -> None:
        wire: list[http.client.HTTPConnection] = []
        while True:
            try:
                event = self._left.popleft()
            except IndexError:
                break
            begun = time.monotonic()
            while not self._post(wire, event):
                time.sleep(_AGAIN_AFTER)
            time.sleep(max(0.0, begun + pause - time.monotonic()))
        for one in wire:
            one.close()

    def _post(self, wire: list[http.client.HTTPConnection], event: Event) -> bool:
        """One try over the lane's connection; True when it was accepted."""
        if not wire:
            wire.append(http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout))
        begun = time.monotonic()
        path = f"/hooks/pandadoc/?signature={signature(event.body)}"
        headers = {
            "Content-Type": "application/json",
            "X-PandaDoc-Webhook-Event-Id": event.key,
        }
        try:
            wire[0].request("POST", path, event.body, headers)
            answer = wire[0].getresponse()
            said = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._note(type(error).__name__)
            with contextlib.suppress(OSError):
                wire.pop().close()
            return False
        event.answers.append((answer.status, said))
        if 200 <= answer.status < 300:
            self.latencies.append(time.monotonic() - begun)
            return True
        self._note(str(answer.status))
        return False

    def _note(self, what: str) -> None:
        self.refusals[what] = self.refusals.get(what, 0) + 1
