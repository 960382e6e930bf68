"""Stripe over HTTP: the few calls we make, in its words. Requests are forms, answers JSON."""

import hashlib
from typing import Any
from urllib.parse import quote

from connectors.answers import Caller
from connectors.base import Trouble
from connectors.http import Reply

# What our requests and the events of our endpoint are written in.
VERSION = "2026-10-28.endive"
NOT_FOUND, CONFLICT = 404, 409
# Stripe takes keys of up to 255 characters.
_LONGEST_KEY = 255
# A page must fit into what is kept of an answer (64 KiB; an invoice has about 4), and so many are
# read: whoever looks for something narrows the list down first.
_PAGE, _PAGES = 10, 50
# How often a step whose stored answer is a failure is begun under a fresh key.
_GENERATIONS = 5


class Client:
    """One Stripe account, by secret or restricted key."""

    def __init__(
        self, base_url: str, credential: str, *, allow_loopback: bool = False,
        deadline: float = 15.0,
    ) -> None:  # fmt: skip
        headers = {"Authorization": f"Bearer {credential}", "Stripe-Version": VERSION}
        self.caller = Caller(
            base_url.rstrip("/"), headers, allow_loopback=allow_loopback, deadline=deadline,
            # A conflict is our own key, still on its way in an earlier call.
            passing=frozenset({CONFLICT}), says_retry=_says_retry,
        )  # fmt: skip

    def create(self, kind: str, form: dict[str, str], *, key: str) -> dict[str, Any]:
        """Do one step under an idempotency key.

        Stripe repeats what it answered before under a key, also a failure of its own or a no that
        somebody has put right since, for a day. What is repeated is therefore begun anew under the
        key's next generation; whoever calls this a second time has looked before that the step was
        not done.
        """
        for generation in range(_GENERATIONS):
            reply = self._post(kind, form, _keyed(key, generation))
            if not _is_stored_failure(reply):
                break
        if reply.status in _FAILURES:
            raise self.caller.trouble(reply, "POST", f"/v1/{kind}")
        return _object(self.caller.json(reply))

    def find(self, kind: str, pk: str) -> dict[str, Any] | None:
        """One object by its id; None when there is none."""
        reply = self.caller.call(
            "GET", f"/v1/{kind}/{quote(pk, safe='')}", fine=frozenset({NOT_FOUND})
        )
        return None if reply.status == NOT_FOUND else _object(self.caller.json(reply))

    def rows(self, kind: str, **filters: str) -> list[dict[str, Any]]:
        """What a list holds, newest first, up to 500. Unlike the search it never lags.

        A filter's name may end in `_gte`: then it is at least that.
        """
        found: list[dict[str, Any]] = []
        params = {_filter(name): value for name, value in filters.items()}
        params["limit"] = str(_PAGE)
        for _ in range(_PAGES):
            answer = self.caller.json(self.caller.call("GET", f"/v1/{kind}", params=params))
            page = answer.get("data") if isinstance(answer, dict) else None
            if not isinstance(page, list):
                raise Trouble("Stripe's list holds no data.", failure="garbled")
            found += [one for one in page if isinstance(one, dict)]
            if not page or not answer.get("has_more"):
                return found
            params["starting_after"] = str(found[-1]["id"])
        return found

    def page(self, kind: str, **params: str) -> Reply:
        """One page of a list as it came, newest first."""
        return self.caller.call("GET", f"/v1/{kind}", params=params)

    def whoami(self) -> str:
        """A cheap call that needs a good key."""
        self.caller.call("GET", "/v1/customers", params={"limit": "1"})
        return "Stripe answers and accepts the key."

    def _post(self, kind: str, form: dict[str, str], key: str) -> Reply:
        headers = {"Idempotency-Key": key}
        return self.caller.call("POST", f"/v1/{kind}", form=form, headers=headers, fine=_FAILURES)


# Stripe stores most of these under the key; they come back to be looked at here.
_FAILURES = frozenset(range(400, 600))
# Of the moment and of no request: the key is in use, or there are too many.
_NEVER_STORED = frozenset({CONFLICT, 429})


def _filter(name: str) -> str:
    return f"{name.removesuffix('_gte')}[gte]" if name.endswith("_gte") else name


def _keyed(key: str, generation: int) -> str:
    whole = f"{key}/{generation}" if generation else key
    if len(whole) <= _LONGEST_KEY:
        return whole
    return f"sha256:{hashlib.sha256(whole.encode()).hexdigest()}"


def _is_stored_failure(reply: Reply) -> bool:
    is_failure = reply.status in _FAILURES - _NEVER_STORED
    return is_failure and reply.headers.get("Idempotent-Replayed", "") == "true"


def _says_retry(reply: Reply) -> bool | None:
    """Stripe's own word on whether the same call may work later."""
    said = reply.headers.get("Stripe-Should-Retry", "")
    return {"true": True, "false": False}.get(said)


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict) or not answer.get("id"):
        raise Trouble("Stripe's answer carries no id.", failure="garbled", unknown=True)
    return answer
