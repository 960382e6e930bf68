"""What shall go wrong: a list of faults per vendor, matched in order and used up one by one."""

import json
from typing import Any

from connectors.sandbox.store import Store

# Kind → its settings with their defaults. These meet a client's API call:
API_FAULTS: dict[str, dict[str, Any]] = {
    "down": {},  # 503 to everything
    # Answer with this status and do nothing. retry_after: seconds or an HTTP date as text;
    # retry_after_date: seconds from now, sent as an HTTP date; policy: which limit a 429 names.
    "status": {
        "code": 500,
        "retry_after": None,
        "retry_after_date": None,
        "body": None,
        "headers": {},
        "policy": None,
    },
    "hang": {"seconds": 30.0},  # do nothing, say nothing, close
    "slow_drip": {"bytes_per_second": 20},  # do it, and answer a few bytes at a time
    "reset_before": {},  # TCP reset before anything was done
    "commit_then_reset": {},  # do it, then a TCP reset instead of the answer
    "commit_then_hang": {"seconds": 30.0},  # do it, say nothing, close
    # Begin, take that long, then do it and answer; meanwhile the same call is in flight.
    "work_slowly": {"seconds": 3.0},
    "huge_body": {"bytes": 50_000_000},  # do nothing, answer 200 with endless JSON
    "html_200": {},  # do nothing, answer 200 with a web page
    "ghost_200": {},  # answer as if it were done, but do nothing
    "gzip_bomb": {"bytes": 64_000_000},  # do nothing, answer 200 with JSON that unpacks to this
}
# and these a webhook on its way out:
WEBHOOK_FAULTS: dict[str, dict[str, Any]] = {
    "webhook_drop": {},  # never sent; the history shows it as failed
    "webhook_late": {"seconds": 5.0},
    "webhook_double": {},  # sent twice, same id, same bytes
    "webhook_reorder": {"n": 2},  # hold n, then send the last one first
    "webhook_hold": {},  # hold until it is let go by hand, or the faults change
}
KINDS = API_FAULTS | WEBHOOK_FAULTS
MATCHES = {"api": {"method", "path"}, "webhook": {"event", "status", "document"}}
WEBHOOK_VENDORS = {"pandadoc", "hubspot", "stripe"}


class FaultError(ValueError):
    """The fault cannot be taken; the message is a sentence."""


def checked(vendor: str, given: Any) -> dict[str, Any]:
    """A fault with every setting filled in."""
    if not isinstance(given, dict) or given.get("kind") not in KINDS:
        raise FaultError(f"A fault needs a kind: {', '.join(KINDS)}.")
    kind = given["kind"]
    if kind in WEBHOOK_FAULTS and vendor not in WEBHOOK_VENDORS:
        raise FaultError(f"{vendor} sends no webhooks here.")
    if unknown := set(given) - set(KINDS[kind]) - {"kind", "match", "times"}:
        raise FaultError(f"{kind} has no setting called {', '.join(sorted(unknown))}.")
    if kind == "status" and given.get("code") not in range(200, 600):
        raise FaultError("status needs a code from 200 to 599.")
    for name, default in KINDS[kind].items():
        if isinstance(default, int | float) and not _is_amount(given.get(name, default)):
            raise FaultError(f"{name} is a number from 0.")
    if not isinstance(given.get("headers", {}), dict):
        raise FaultError("headers is an object.")
    match = given.get("match") or {}
    known = MATCHES["webhook" if kind in WEBHOOK_FAULTS else "api"]
    if not isinstance(match, dict) or not set(match) <= known:
        raise FaultError(f"{kind} can be matched by {', '.join(sorted(known))}.")
    times = given.get("times")
    if times is not None and (not isinstance(times, int) or times < 1):
        raise FaultError("times is a whole number from 1, or null for every time.")
    return {**KINDS[kind], **given, "match": match, "times": times}


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _uses(fault: dict[str, Any]) -> int | None:
    """How many calls or events it will meet; reordering once means holding n."""
    if fault["times"] is None:
        return None
    return int(fault["times"]) * int(fault.get("n", 1))


def meets(fault: dict[str, Any], facts: dict[str, str]) -> bool:
    """Does the fault's match fit? A path need only contain what is asked; all else is equal."""
    for name, wanted in fault["match"].items():
        found = facts.get(name, "")
        fits = wanted in found if name == "path" else str(wanted).lower() == found.lower()
        if not fits:
            return False
    return True


class FaultBook:
    def __init__(self, store: Store) -> None:
        self._store = store

    def replace(self, vendor: str, given: Any) -> None:
        if not isinstance(given, list):
            raise FaultError("faults is a list.")
        wanted = [checked(vendor, fault) for fault in given]
        with self._store.transaction():
            self._store.run("DELETE FROM faults WHERE vendor = ?", vendor)
            for fault in wanted:
                self._store.run(
                    "INSERT INTO faults (vendor, body, left) VALUES (?, ?, ?)",
                    *(vendor, json.dumps(fault), _uses(fault)),
                )

    def listed(self, vendor: str) -> list[dict[str, Any]]:
        """Each fault with how often it was met (`seen`) and will be yet (`left`, null: always)."""
        rows = self._store.rows("SELECT * FROM faults WHERE vendor = ? ORDER BY seq", vendor)
        return [
            json.loads(row["body"]) | {"left": row["left"], "seen": row["seen"]} for row in rows
        ]

    def take_for_call(self, vendor: str, *, method: str, path: str) -> dict[str, Any] | None:
        return self._take(vendor, API_FAULTS, {"method": method, "path": path})

    def take_for_page(self, vendor: str) -> dict[str, Any] | None:
        """A page for people only meets the vendor being down."""
        return self._take(vendor, {"down": {}}, {"method": "GET", "path": "/app/"})

    def take_for_webhook(self, vendor: str, **facts: str) -> dict[str, Any] | None:
        return self._take(vendor, WEBHOOK_FAULTS, facts)

    def _take(self, vendor: str, kinds: Any, facts: dict[str, str]) -> dict[str, Any] | None:
        """The first fault that fits, with one of its times used up."""
        with self._store.transaction():
            rows = self._store.rows(
                "SELECT * FROM faults WHERE vendor = ? AND (left IS NULL OR left > 0) ORDER BY seq",
                vendor,
            )
            for row in rows:
                fault = json.loads(row["body"])
                if fault["kind"] in kinds and meets(fault, facts):
                    self._store.run(
                        "UPDATE faults SET left = left - 1, seen = seen + 1 WHERE seq = ?",
                        row["seq"],
                    )
                    return fault | {"seq": row["seq"]}
        return None
