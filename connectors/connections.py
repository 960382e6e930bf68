"""Configuring connections: who they are, their secrets, and whether they run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction

from connectors import heralds, net, registry
from connectors.base import System
from connectors.models import Connection, Secret
from connectors.registry import UnknownSystem
from exceptions import troubles
from meshline import bell, vault
from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy import called
from meshline.policy.models import SystemRole
from meshline.vault import VaultError
from proposals import outbox
from proposals.tiers import Tier

# How long the older of two signing secrets stays good while a sender changes over.
CHANGE_OVER = timedelta(days=1)
SIGNING_SECRETS_MOST = 2
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,58}[a-z0-9]|[a-z0-9]")
_RESERVED = {"meshline", "people"}


class SettingError(Exception):
    """A setting that cannot be, with the field it is about."""

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


class Stale(Exception):
    """Somebody else changed the connection in between."""


@dataclass(frozen=True)
class Settings:
    """A connection as people and the operating model file describe it; secrets stand apart."""

    slug: str
    name: str
    system: str
    base_url: str = ""
    tier: str = Tier.MINUTES
    owner: User | None = None
    expected_every: int | None = None
    allow_loopback: bool = False
    options: Mapping[str, str] = field(default_factory=dict)


@transaction.atomic
def create(settings: Settings, *, by: Someone, at: datetime) -> Connection:
    """Create a connection. Raises SettingError naming the field that is wrong."""
    permissions.check(by, Permission.CONFIGURE_CONNECTION)
    check(settings)
    if Connection.objects.filter(slug=settings.slug).exists():
        raise SettingError(f"There is already a connection {settings.slug}.", "slug")
    made = Connection(slug=settings.slug, system=settings.system, created_at=at, changed_at=at)
    _set(made, settings)
    made.save()
    called.keep(slug=made.slug, name=made.name)
    trail.record("connection.created", subject=made, by=by, at=at, after=_facts(made))
    _play_role(made, at)
    return made


@transaction.atomic
def change(settings: Settings, *, version: int | None, by: Someone, at: datetime) -> Connection:
    """Change a connection that is at `version` (None: whatever it is at).

    Raises Stale when somebody changed it since, SettingError naming the field that is wrong.
    """
    permissions.check(by, Permission.CONFIGURE_CONNECTION)
    found = Connection.objects.select_for_update().get(slug=settings.slug)
    return _change(found, settings, version, by, at)


@transaction.atomic
def agree(
    *, slug: str, owner: User | None, tier: str, expected_every: int | None, version: int | None,
    by: Someone, at: datetime,
) -> Connection:  # fmt: skip
    """What is agreed about a connection, whoever holds its secrets: owner, tier and rhythm.

    Raises Stale and SettingError as `change` does.
    """
    permissions.check(by, Permission.AGREE_ON_CONNECTION)
    found = Connection.objects.select_for_update().get(slug=slug)
    settings = Settings(
        slug, found.name, found.system, found.base_url, tier, owner, expected_every,
        found.allow_loopback, found.options,
    )  # fmt: skip
    return _change(found, settings, version, by, at)


def _change(
    found: Connection, settings: Settings, version: int | None, by: Someone, at: datetime
) -> Connection:
    if version is not None and found.version != version:
        raise Stale("Somebody else changed this connection meanwhile; look at it again.")
    if settings.system != found.system:
        raise SettingError("A connection's system cannot change; create another one.", "system")
    check(settings, holding=found)
    before = _facts(found)
    _set(found, settings)
    if _facts(found) == before:
        return found
    found.version, found.changed_at = found.version + 1, at
    found.save()
    called.keep(slug=found.slug, name=found.name)
    after = _facts(found)
    trail.record("connection.changed", subject=found, by=by, at=at, before=before, after=after)
    return found


@transaction.atomic
def enter_secret(*, slug: str, purpose: str, secret: str, by: Someone, at: datetime) -> Connection:
    """Store a secret, sealed. The older signing secret stays good for a day; at most two live.

    The same secret again changes nothing. A fresh credential ends the ones before it at once.
    """
    permissions.check(by, Permission.CONFIGURE_CONNECTION)
    secret = secret.strip()
    if not secret or len(secret) > 1000 or not secret.isprintable():
        raise SettingError("A secret is one line of at most 1,000 printable characters.", purpose)
    found = Connection.objects.select_for_update().get(slug=slug)
    live = list(Secret.objects.filter(connection=found, purpose=purpose).live(at=at))
    if live and _opened(live[0]) == secret:
        return found
    _end_older(live, purpose, at)
    Secret.objects.create(
        connection=found, purpose=purpose, sealed=vault.seal(secret), created_at=at
    )
    trail.record("connection.secret-entered", subject=found, by=by, at=at, after={"for": purpose})
    if purpose == Secret.Purpose.CREDENTIAL:
        because = f"{by.actor_label} entered a new credential."
        troubles.settle(subject=f"connection:{slug}", because=because, by=by, at=at,
                    kinds={"credentials-refused"})  # fmt: skip
    return found


@transaction.atomic
def end_older_secrets(*, slug: str, by: Someone, at: datetime) -> Connection:
    """The sender has changed over: only the newest signing secret is good from now on."""
    permissions.check(by, Permission.CONFIGURE_CONNECTION)
    found = Connection.objects.select_for_update().get(slug=slug)
    older = list(Secret.objects.filter(connection=found).signing().live(at=at))[1:]
    for secret in older:
        secret.ends_at = at
        secret.save(update_fields=["ends_at"])
    if older:
        trail.record("connection.secret-ended", subject=found, by=by, at=at)
    return found


@transaction.atomic
def set_status(*, slug: str, status: str, reason: str, by: Someone, at: datetime) -> Connection:
    """Pause (intake goes on and holds), disable (webhooks are refused), or let it run again."""
    pausing = status != Connection.Status.ACTIVE
    permissions.check(by, Permission.PAUSE_CONNECTION if pausing else Permission.RESUME_CONNECTION)
    if status == Connection.Status.DISABLED:
        permissions.check(by, Permission.CONFIGURE_CONNECTION)
    found = Connection.objects.select_for_update().get(slug=slug)
    if pausing and not reason.strip():
        raise SettingError("Say why, so that others know.", "reason")
    if found.status == status:
        return found
    before = {"status": found.status}
    found.status, found.status_why = status, reason.strip()[:300] if pausing else ""
    found.version, found.changed_at = found.version + 1, at
    found.save()
    trail.record(
        f"connection.{_DEED[status]}", subject=found, by=by, at=at,
        before=before, after={"status": status}, why=reason.strip(),
    )  # fmt: skip
    if pausing:
        heralds.tell_of_stop(found, deed=_DEED[status], why=reason, by=by, at=at)
    else:
        bell.ring("inbox")
        bell.ring("outbox")
        bell.ring("notices")
    return found


def check(settings: Settings, *, holding: Connection | None = None) -> None:
    """Raise SettingError, naming the field, unless these settings can be.

    What the connection holds already may stay: an owner who has left since.
    """
    if not _SLUG.fullmatch(settings.slug) or settings.slug in _RESERVED:
        raise SettingError(
            "Use 1 to 60 small letters, digits and hyphens; meshline and people are taken.", "slug"
        )
    if not settings.name.strip():
        raise SettingError("Give it a name.", "name")
    try:
        system = registry.system(settings.system)
    except UnknownSystem as error:
        raise SettingError(str(error), "system") from None
    _check_options(system, settings.options)
    if settings.tier not in set(Tier):
        raise SettingError(f"The tier is one of {', '.join(Tier)}.", "tier")
    if settings.expected_every is not None and settings.expected_every < 1:
        raise SettingError("Expected every: a whole number of minutes, at least 1.",
                              "expected_every")  # fmt: skip
    owner = settings.owner
    if owner and not owner.is_active and (holding is None or holding.owner_id != owner.pk):
        sentence = f"{owner.name} is not active here any more; choose somebody who is."
        raise SettingError(sentence, "owner")
    if settings.base_url:
        _check_url(settings)


def _check_options(system: System, options: Mapping[str, str]) -> None:
    for name, value in options.items():
        option = system.option(name)
        if option is None:
            known = ", ".join(one.name for one in system.options) or "none"
            raise SettingError(
                f"{system.name} has no option {name!r}; there is {known}.", "options"
            )
        if value and (refusal := option.refusal(value)):
            raise SettingError(refusal, f"option_{name}")


_DEED: dict[str, str] = {
    Connection.Status.ACTIVE: "resumed",
    Connection.Status.PAUSED: "paused",
    Connection.Status.DISABLED: "disabled",
}


def _check_url(settings: Settings) -> None:
    """The address itself must be allowed; whether a name resolves today may change."""
    try:
        net.check_url(settings.base_url, allow_loopback=settings.allow_loopback)
    except net.AddressRefused as error:
        raise SettingError(str(error), "base_url") from None
    except net.CallError as error:
        # A name that does not resolve today may resolve tomorrow: its Test says so.
        if error.failure != "dns":
            raise SettingError(str(error), "base_url") from None


def _set(target: Connection, settings: Settings) -> None:
    target.name = settings.name.strip()[:120]
    target.base_url = settings.base_url.rstrip("/")
    target.tier, target.owner = settings.tier, settings.owner
    target.expected_every = settings.expected_every
    target.allow_loopback = settings.allow_loopback
    # What is said as it is by itself is not said: a better default reaches everybody.
    system = registry.system(settings.system)
    plain = system.told({})
    target.options = {
        name: value for name, value in settings.options.items() if value and value != plain[name]
    }


def _facts(target: Connection) -> dict:
    return {
        "name": target.name,
        "system": target.system,
        "base URL": target.base_url,
        "tier": target.tier,
        "owner": target.owner.email if target.owner else None,
        "expected every": target.expected_every,
        "loopback allowed": target.allow_loopback,
        **target.options,
    }


def _opened(secret: Secret) -> str | None:
    """The stored secret; None when its key is lost, so that a new one can still be entered."""
    try:
        return vault.unseal(secret.sealed)
    except VaultError:
        return None


def _end_older(live: list[Secret], purpose: str, at: datetime) -> None:
    if purpose == Secret.Purpose.CREDENTIAL:
        keep: list[Secret] = []
    else:
        keep = live[: SIGNING_SECRETS_MOST - 1]
    for secret in live:
        secret.ends_at = at + CHANGE_OVER if secret in keep else at
        secret.save(update_fields=["ends_at"])


def _play_role(made: Connection, at: datetime) -> None:
    """The first connection of its kind plays its system's part: quoting, crm."""
    role = registry.system(made.system).role
    if not role:
        return
    _, is_first = SystemRole.objects.get_or_create(role=role, defaults={"connection": made.slug})
    if is_first:
        outbox.play_role(role=role, slug=made.slug, at=at)
