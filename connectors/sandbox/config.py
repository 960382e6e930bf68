"""What the stand-ins are told: keys, addresses, limits. Kept over restarts and resets."""

import copy
import threading
from typing import Any

from connectors.sandbox.store import Store

# Name → default. What is not named here cannot be configured.
DEFAULTS: dict[str, dict[str, Any]] = {
    "pandadoc": {
        "api_key": "",  # empty: every call is refused with 401
        "webhook_url": "",  # empty: nothing is sent and nothing is kept for sending
        "shared_key": "",  # signs the webhooks
        "events": ["document_state_changed", "document_updated", "recipient_completed"],
        "retry_delays": [0.5, 1, 2, 5, 10, 30],  # seconds before each further try
        "webhook_timeout": 20,  # seconds, as the vendor documents it
        "draft_delay": 0.4,  # seconds from created to draft; the real ones take 3 to 5
        "rate_limit": {"per_minute": 6000},  # per endpoint; the real ones allow 100
    },
    "hubspot": {
        "token": "",
        "owners": [],  # [{"email", "firstName", "lastName", "archived"?}]
        "search_lag": 0.5,  # seconds the search index is behind
        "webhook_url": "",  # empty: nothing is told
        "client_secret": "",  # signs the webhooks
        "signature_version": "v3",  # or v1, v2
        "signed_url": "",  # the address that is signed, when a proxy changes it on the way
        "app_id": 31_415_926,  # whose writes are told as INTEGRATION with this sourceId
        "portal_id": 62_515,
        "changes_first": True,  # of one creation, the changes are told before the creation
        "batch_window": 0.05,  # seconds an event waits for others
        "subscriptions": [
            f"{noun}.{what}"
            for noun in ("deal", "task", "contact")
            for what in ("creation", "propertyChange", "deletion", "merge")
        ],
        "retry_delays": [0.5, 1, 2, 5, 10, 30],
        "webhook_timeout": 5,  # seconds, as the vendor documents it
        # The real ones allow 190 in ten seconds, 650,000 a day, 5 searches a second.
        "rate_limit": {"ten_seconds": 10_000, "daily": 1_000_000, "search_per_second": 500},
    },
    "stripe": {
        "api_key": "",  # sk_test_… or sk_live_…; empty: every call is refused with 401
        "api_version": "2026-10-28.endive",  # the endpoint's: events are told in it
        "webhook_url": "",
        "webhook_secret": "",  # whsec_…
        "webhook_secret_old": "",  # while it is being rotated: a second v1 signature
        "sign_v0": False,  # a v0 signature as well, which proves nothing
        "events": ["*"],  # the types the endpoint subscribes to
        "other_endpoints": 1,  # how many others wait for an event when it is first sent
        "retry_delays": [0.5, 1, 2, 5, 10, 30],
        "webhook_timeout": 20,
        "search_lag": 0.5,  # seconds; at Stripe usually under a minute
        "key_seconds": 86_400,  # how long an idempotency key is remembered
        "rate_limit": {"per_second": 10_000},  # the real one allows 100, a sandbox 25
    },
    "slack": {
        "token": "",  # xoxb-…
        "channels": [],  # [{"id", "name", "is_member"?, "is_archived"?, "is_private"?}]
        "members": [],  # [{"email", "name"?, "id"?, "deleted"?}]
        "incoming": [],  # [{"path": "T…/B…/secret", "channel"}]: incoming webhooks
        "rate_limit": {"per_channel_per_second": 10_000},  # the real one allows about 1
    },
    "listener": {  # receives what Meshline sends
        "secret": "",  # whsec_…; empty: every message is refused with 401
        "secret_old": "",  # while it is being rotated
    },
}
SECRET = {
    *("api_key", "shared_key", "token", "webhook_secret", "webhook_secret_old"),
    *("client_secret", "secret", "secret_old", "incoming"),
}
# Lists of objects → the field each needs, and all it may have.
ENTRIES = {
    "owners": ("email", {"email", "firstName", "lastName", "archived"}),
    "channels": ("id", {"id", "name", "is_member", "is_archived", "is_private"}),
    "members": ("email", {"email", "name", "id", "deleted"}),
    "incoming": ("path", {"path", "channel"}),
}


class ConfigError(ValueError):
    """The configuration cannot be taken; the message is a sentence."""


class Config:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known = {
            vendor: {**copy.deepcopy(defaults), **store.setting(vendor)}
            for vendor, defaults in DEFAULTS.items()
        }

    def __getitem__(self, vendor: str) -> dict[str, Any]:
        return self._known[vendor]

    def change(self, changes: dict[str, Any]) -> None:
        """Take over what is named, keep the rest; all or nothing."""
        with self._lock:
            changed = {vendor: self._merged(vendor, given) for vendor, given in changes.items()}
            with self._store.transaction():
                for vendor, values in changed.items():
                    self._store.keep_setting(vendor, values)
            self._known.update(changed)

    def shown(self) -> dict[str, Any]:
        """Everything but the secrets, of which only is said whether they are set."""
        return {
            vendor: {
                name: bool(value) if name in SECRET else value for name, value in values.items()
            }
            for vendor, values in self._known.items()
        }

    def _merged(self, vendor: str, given: Any) -> dict[str, Any]:
        if vendor not in DEFAULTS:
            raise ConfigError(f"There is no stand-in called {vendor}.")
        if not isinstance(given, dict):
            raise ConfigError(f"The configuration of {vendor} must be an object.")
        merged = dict(self._known[vendor])
        for name, value in given.items():
            merged[name] = _checked(vendor, name, value, merged.get(name))
        return merged


def _checked(vendor: str, name: str, value: Any, present: Any) -> Any:
    if name not in DEFAULTS[vendor]:
        raise ConfigError(f"{vendor} has no setting called {name}.")
    if name == "rate_limit":
        return _limits(vendor, value, present)
    kind: Any = type(DEFAULTS[vendor][name])
    fits = isinstance(value, (int, float) if kind in (int, float) else kind)
    if isinstance(value, bool) != (kind is bool) or not fits:
        raise ConfigError(f"{vendor}.{name} is not a {kind.__name__}.")
    if name in ENTRIES:
        _check_entries(name, value)
    if name == "signature_version" and value not in ("v1", "v2", "v3"):
        raise ConfigError(f"{vendor}.signature_version is v1, v2 or v3.")
    if (
        name in ("webhook_url", "signed_url")
        and value
        and not value.startswith(("http://", "https://"))
    ):
        raise ConfigError(f"{vendor}.{name} must begin with http:// or https://.")
    if name == "retry_delays" and not all(isinstance(delay, int | float) for delay in value):
        raise ConfigError(f"{vendor}.retry_delays must be a list of seconds.")
    return value


def _limits(vendor: str, value: Any, present: dict[str, int]) -> dict[str, int]:
    known = DEFAULTS[vendor]["rate_limit"]
    if not isinstance(value, dict) or not set(value) <= set(known):
        raise ConfigError(f"{vendor}.rate_limit may name {', '.join(known)}.")
    if not all(isinstance(most, int) and most >= 0 for most in value.values()):
        raise ConfigError(f"{vendor}.rate_limit takes whole numbers.")
    return {**present, **value}


def _check_entries(name: str, entries: list[Any]) -> None:
    needed, known = ENTRIES[name]
    for entry in entries:
        value = entry.get(needed) if isinstance(entry, dict) else None
        if not (value and isinstance(value, str)):
            raise ConfigError(f"Everything in {name} needs {needed}, a text.")
        if unknown := set(entry) - known:
            raise ConfigError(f"Nothing in {name} has a {', '.join(sorted(unknown))}.")
