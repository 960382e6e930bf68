"""The back door: for the demo and the tests to configure, act as a person, break and count.

What people do at one vendor's screen is a desk of its own, one file for each vendor.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from connectors.sandbox.config import Config, ConfigError
from connectors.sandbox.desk import Desk, no, sentence_of
from connectors.sandbox.exchange import (
    Answer,
    FieldError,
    MissingError,
    MoveError,
    RefusalError,
    Request,
    UnreadableError,
    json_answer,
)
from connectors.sandbox.faults import FaultBook, FaultError
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.sender import Sender
from connectors.sandbox.store import Store

__all__ = ["Control", "no"]
VENDOR = r"(?P<vendor>pandadoc|hubspot|stripe|slack|listener)"


class Control(Desk):
    ROUTES = (
        ("GET", re.compile("/configure"), "configuration"),
        ("POST", re.compile("/configure"), "configure"),
        ("GET", re.compile("/faults/" + VENDOR), "list_faults"),
        ("PUT", re.compile("/faults/" + VENDOR), "set_faults"),
        ("DELETE", re.compile("/faults/" + VENDOR), "clear_faults"),
        ("GET", re.compile("/calls"), "calls"),
        ("GET", re.compile("/effects"), "effects"),
        ("POST", re.compile("/reset"), "reset"),
    )

    def __init__(
        self,
        *,
        store: Store,
        config: Config,
        faults: FaultBook,
        ledger: Ledger,
        senders: Sequence[Sender],
        desks: Sequence[Desk],
        forget: Callable[[], None],
    ) -> None:
        self._store = store
        self._config = config
        self._faults = faults
        self._ledger = ledger
        self._senders = senders
        self._desks = (self, *desks)
        self._forget = forget

    def answer(self, request: Request) -> Answer:
        try:
            for desk in self._desks:
                if (answer := desk.try_to_answer(request)) is not None:
                    return answer
            return no(404, f"There is no {request.method} /control{request.path}.")
        except (UnreadableError, ConfigError, FaultError) as problem:
            return no(400, str(problem))
        except FieldError as problem:
            return no(400, str(problem), problem.name)
        except MoveError as problem:
            return no(409, str(problem))
        except MissingError as problem:
            return no(404, str(problem))
        except RefusalError as refusal:
            return no(refusal.answer.status, sentence_of(refusal))

    # Configuration

    def _configuration(self, request: Request) -> Answer:
        return json_answer(200, self._config.shown())

    def _configure(self, request: Request) -> Answer:
        self._config.change(request.json(exact_numbers=False))
        return self._configuration(request)

    def _reset(self, request: Request) -> Answer:
        self._store.wipe()
        self._forget()
        return json_answer(200, {"reset": True})

    # Faults and books

    def _list_faults(self, request: Request, vendor: str) -> Answer:
        return json_answer(200, {"faults": self._faults.listed(vendor)})

    def _set_faults(self, request: Request, vendor: str) -> Answer:
        self._faults.replace(vendor, request.json(exact_numbers=False).get("faults"))
        self._let_go(vendor)
        return self._list_faults(request, vendor)

    def _clear_faults(self, request: Request, vendor: str) -> Answer:
        self._faults.replace(vendor, [])
        self._let_go(vendor)
        return self._list_faults(request, vendor)

    def _let_go(self, vendor: str) -> None:
        for sender in self._senders:
            if sender.vendor == vendor:
                sender.release_held()

    def _calls(self, request: Request) -> Answer:
        return _look(self._ledger.calls, request)

    def _effects(self, request: Request) -> Answer:
        return _look(self._ledger.effects, request)


def _look(book: Callable[[str, str], dict[str, Any]], request: Request) -> Answer:
    try:
        return json_answer(200, book(request.first("vendor"), request.first("since")))
    except (ValueError, OverflowError):
        raise FieldError("since", "since is neither a position nor a moment.") from None
