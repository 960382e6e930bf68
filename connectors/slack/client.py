"""Slack over HTTP: a 200 with `ok: false` is how it says no."""

from typing import Any

from connectors.answers import Caller
from connectors.base import Trouble

# It does not know us, or does not let us.
_CREDENTIALS = frozenset({
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired",
    "missing_scope", "no_permission", "org_login_required",
})  # fmt: skip
# Its own troubles, after which nobody knows whether it was done.
_PASSING = frozenset({
    "internal_error", "fatal_error", "service_unavailable", "request_timeout",
    "team_added_to_org",
})  # fmt: skip
_THROTTLED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})


class Client:
    """One Slack workspace, by bot token."""

    def __init__(
        self, base_url: str, credential: str, *, allow_loopback: bool = False,
        deadline: float = 15.0,
    ) -> None:  # fmt: skip
        self.caller = Caller(
            base_url.rstrip("/"), {"Authorization": f"Bearer {credential}"},
            allow_loopback=allow_loopback, deadline=deadline,
        )  # fmt: skip

    def post(self, channel: str, text: str, *, key: str) -> tuple[str, str]:
        """Post a message; the channel's id and the message's `ts`, which together name it."""
        metadata = {"event_type": "meshline_outcome", "event_payload": {"key": key}}
        body = {"channel": channel, "text": text, "metadata": metadata, "unfurl_links": False}
        answer = self._call("POST", "chat.postMessage", json=body)
        where, ts = answer.get("channel"), answer.get("ts")
        if not where or not ts:
            sentence = "Slack took the message, but did not say where it is."
            raise Trouble(sentence, failure="garbled", unknown=True)
        return str(where), str(ts)

    def member(self, email: str) -> str:
        """The id of the member with this e-mail; empty when there is none."""
        answer = self._call(
            "GET", "users.lookupByEmail", params={"email": email},
            fine=frozenset({"users_not_found"}),
        )  # fmt: skip
        user = answer.get("user")
        return str(user.get("id") or "") if isinstance(user, dict) else ""

    def permalink(self, channel: str, ts: str) -> str:
        """The address of a message; empty when there is none."""
        params = {"channel": channel, "message_ts": ts}
        answer = self._call(
            "GET", "chat.getPermalink", params=params, fine=frozenset({"message_not_found"})
        )
        return str(answer.get("permalink") or "")

    def whoami(self) -> str:
        """A cheap call that needs a good token."""
        answer = self._call("POST", "auth.test", json={})
        return f"Slack answers and accepts the token ({answer.get('team') or 'a workspace'})."

    def _call(
        self, verb: str, method: str, *, json: Any = None, params: dict[str, str] | None = None,
        fine: frozenset[str] = frozenset(),
    ) -> dict[str, Any]:  # fmt: skip
        reply = self.caller.call(verb, f"/api/{method}", json=json, params=params)
        answer = self.caller.json(reply)
        if not isinstance(answer, dict):
            raise Trouble("Slack's answer is no object.", failure="garbled", unknown=True)
        error = str(answer.get("error") or "")
        if answer.get("ok") is True or error in fine:
            return answer
        raise _trouble(method, error)


def _trouble(method: str, error: str) -> Trouble:
    said = f"{method} was answered ok: false, {error[:100] or 'without a reason'}."
    if error in _CREDENTIALS:
        return Trouble(said, failure="credentials", credentials=True, status=200)
    if error in _THROTTLED:
        return Trouble(said, failure="throttled", status=429, retry_after=30.0)
    if error in _PASSING:
        return Trouble(said, failure="unavailable", unknown=True, status=503)
    return Trouble(said, failure=f"refused-{error[:40] or 'nameless'}", permanent=True, status=200)
