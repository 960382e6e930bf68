"""Reading a vendor's answer: what is a failure, and what kind of one."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors import backoff, http
from connectors.base import Trouble
from connectors.http import CallError, Reply

# What is kept of a body on an attempt's page.
_KEPT = 4000
# A vendor that says "too many" or "unavailable" without saying how long gets at least this.
_BREATHER_SECONDS = 2.0
# A limit that is answered with 403 is one of a day or so: it is asked again by the hour.
_USED_UP_SECONDS = 3600.0
UNAUTHORIZED, FORBIDDEN = 401, 403
# Where vendors write their codes, as opposed to their words, in which anything may stand.
_CODES = frozenset({
    "category", "code", "error", "errorcode", "errortype", "reason", "status", "subcategory",
    "type",
})  # fmt: skip
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,80}")
# What of a code means a limit: REQUEST_LIMIT_EXCEEDED, RATE_LIMITS, dailyLimitExceeded.
_LIMIT = re.compile(r"ratelimit|limitexceeded|limitreached|quotaexceeded|toomany|resourceexhausted")
_NO_LETTER = re.compile(r"[^a-z]")
# How deep codes stand: {"error": {"errors": [{"reason": …}]}}.
_DEEPEST = 4


@dataclass
class Caller:
    """Calls one vendor with one credential, and keeps what went over the wire for the page.

    `headers` carry the credential and are never kept; `credential` is the row it comes from.
    `deadline` is seconds for a whole call; `ends_at` (monotonic) is the end of all calls that are
    still to come.
    """

    base_url: str
    headers: dict[str, str]
    allow_loopback: bool = False
    deadline: float = 15.0
    calls: list[dict[str, Any]] = field(default_factory=list)
    retry_after: Callable[[Reply], float | None] | None = None
    # Refusals of this vendor that pass by themselves, beside those that do everywhere.
    passing: frozenset[int] = frozenset()
    # Whether this vendor itself says that the same call may work later; None: it does not say.
    says_retry: Callable[[Reply], bool | None] = lambda reply: None
    ends_at: float | None = None
    credential: int | None = None

    def call(
        self, method: str, path: str, *, json: Any = None, form: dict[str, str] | None = None,
        content: bytes | None = None, params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None, fine: frozenset[int] = frozenset(),
    ) -> Reply:  # fmt: skip
        """One call. 2xx and the statuses in `fine` come back; all else raises Trouble.

        `headers` are this call's own and are kept with it: they must hold no secret.
        """
        deadline = self._left(method, path)
        kept: dict[str, Any] = {"method": method, "url": f"{self.base_url}{path}"}
        if params:
            kept["params"] = params
        for name, said in (("body", json), ("form", form), ("headers", headers)):
            if said is not None:
                kept[name] = said
        if content is not None:
            kept["body"] = content.decode()
        self.calls.append(kept)
        try:
            reply = http.call(
                method, f"{self.base_url}{path}", headers={**self.headers, **(headers or {})},
                json=json, form=form, content=content, params=params,
                deadline=deadline, allow_loopback=self.allow_loopback,
            )  # fmt: skip
        except CallError as error:
            kept["error"] = str(error)
            raise _unreached(error) from None
        kept |= {"status": reply.status, "seconds": round(reply.seconds, 3), "answer": _kept(reply)}
        if 200 <= reply.status < 300 or reply.status in fine:
            return reply
        raise self.trouble(reply, method, path)

    def _left(self, method: str, path: str) -> float:
        """How many seconds the next call may take."""
        if self.ends_at is None:
            return self.deadline
        left = self.ends_at - time.monotonic()
        if left <= 0:
            said = f"The calls before it took so long that {method} {path} was not made."
            raise Trouble(said, failure="unavailable")
        return min(self.deadline, left)

    def json(self, reply: Reply) -> Any:
        """The answer as JSON; an HTML page with 200 is a failure like any other."""
        try:
            return reply.json()
        except CallError as error:
            raise Trouble(
                str(error), failure="garbled", unknown=True, status=reply.status
            ) from None

    def trouble(self, reply: Reply, method: str, path: str) -> Trouble:
        """What to make of an answer that is a failure."""
        said = f"{method} {path} was answered {reply.status}: {_kept(reply)[:300] or 'no words'}"
        if reply.status == FORBIDDEN and _names_a_limit(reply):
            asked_for = self._asked_for(reply)
            return Trouble(
                # As "too many" counts, which it is: it says nothing about this request.
                said, failure="throttled", status=backoff.TOO_MANY,
                retry_after=_USED_UP_SECONDS if asked_for is None else asked_for,
            )  # fmt: skip
        if reply.status in (UNAUTHORIZED, FORBIDDEN):
            return Trouble(said, failure="credentials", credentials=True, status=reply.status)
        if not self._passes(reply):
            failure = f"refused-{reply.status}"
            return Trouble(said, failure=failure, permanent=True, status=reply.status)
        failure = "throttled" if reply.status == 429 else "unavailable"
        return Trouble(
            said, failure=failure, status=reply.status, retry_after=self._asked_for(reply),
            unknown=reply.status >= 500,
        )  # fmt: skip

    def _passes(self, reply: Reply) -> bool:
        """Whether this refusal may pass by itself."""
        said = self.says_retry(reply)
        if said is not None:
            return said
        return reply.status in self.passing or backoff.is_retryable(reply.status)

    def _asked_for(self, reply: Reply) -> float | None:
        given = reply.headers.get("Retry-After")
        if given:
            wait = backoff.parse_retry_after(given, now=datetime.now(UTC))
            if wait is not None:
                return wait.total_seconds()
        if self.retry_after is not None:
            return self.retry_after(reply)
        return _BREATHER_SECONDS if reply.status in (429, 503) else None


def _names_a_limit(reply: Reply) -> bool:
    """Whether a refusal is for a limit that is used up, by the vendor's own code for it."""
    try:
        codes = _codes(reply.json())
    except CallError:
        return False
    return any(_LIMIT.search(_letters(code)) for code in codes if _CODE.fullmatch(code))


def _codes(said: Any, depth: int = _DEEPEST) -> Iterator[str]:
    """Every code in an error's body, which is an object or a list of them."""
    if depth == 0:
        return
    for one in said if isinstance(said, list) else []:
        yield from _codes(one, depth - 1)
    for name, value in said.items() if isinstance(said, dict) else ():
        if isinstance(value, str) and _letters(name) in _CODES:
            yield value
        yield from _codes(value, depth - 1)


def _letters(name: str) -> str:
    """One name for errorCode, error_code and ERROR-CODE."""
    return _NO_LETTER.sub("", name.lower())


def _unreached(error: CallError) -> Trouble:
    permanent = error.failure in {"address", "request"}
    failure = f"address-{error.failure}" if permanent else "unavailable"
    return Trouble(
        str(error), failure=failure, permanent=permanent, unknown=error.reached is not False
    )


def _kept(reply: Reply) -> str:
    text = reply.body[:_KEPT].decode("utf-8", "replace")
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
