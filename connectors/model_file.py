"""Connections in the operating model file, their secrets by the name of a variable."""

import os
import re
from datetime import datetime
from typing import Any

from connectors import connections, parts, registry
from connectors.connections import SettingError, Settings
from connectors.models import Connection, Secret
from meshline import instant, vault
from meshline.audit.actors import Someone
from meshline.people.model_file import person
from meshline.policy.models import SystemRole
from meshline.policy.operating_model import ModelError
from meshline.sections import (
    Field,
    Hidden,
    Identity,
    Node,
    Section,
    SectionError,
    Values,
    Wrong,
    flag,
    line_of_text,
    listing,
    lowered,
    maybe,
    minutes,
    one_of,
    sane_span,
    span,
    text,
)
from meshline.vault import VaultError
from proposals.tiers import Tier

# The file's key, what the secret is for, and what people call it.
SECRETS = {
    "signing_secret_env": (Secret.Purpose.SIGNING, "signing secret"),
    "credential_env": (Secret.Purpose.CREDENTIAL, "credential"),
}
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")
# Meshline's own: whoever writes the file must not be able to send them to an address of theirs.
_OURS = {"SECRET_KEY", "SECRETS_KEYS", "DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL"}

CHANGED = "The operating model file says so."
REMOVED = "removed by the operating model file"


def systems() -> list[str]:
    """What a connection can be to."""
    return sorted(registry.SYSTEMS)


# --- What is here -------------------------------------------------------------------------------
def _here() -> dict[Identity, Values]:
    rows = Connection.objects.select_related("owner").order_by("slug")
    plays: dict[str, list[str]] = {}
    for role, slug in SystemRole.objects.order_by("role").values_list("role", "connection"):
        plays.setdefault(slug, []).append(role)
    return {(row.slug,): {**_said_of(row), "plays": plays.get(row.slug, [])} for row in rows}


def _said_of(row: Connection) -> Values:
    return {
        "slug": row.slug,
        "name": row.name,
        "system": row.system,
        "base_url": row.base_url or None,
        "allow_loopback": row.allow_loopback,
        "tier": row.tier,
        "owner": row.owner.email.lower() if row.owner else None,
        "expected_every": row.expected_every,
        "options": row.options,
        "status": row.status,
    }


# --- What is made so ----------------------------------------------------------------------------
def _add(values: Values, *, by: Someone, at: datetime) -> None:
    settings = {"name": _readable_name(values), **values}
    connections.create(_settings(settings), by=by, at=at)
    _run_and_keep(values, by, at)


def _change(identity: Identity, values: Values, *, by: Someone, at: datetime) -> None:
    """What the file does not say is read under the lock, so that nobody's change is undone."""
    row = Connection.objects.select_for_update(of=("self",)).get(slug=identity[0])
    if said := {name: value for name, value in values.items() if name != "plays"}:
        settings = _settings({**_said_of(row), **said})
        connections.change(settings, version=row.version, by=by, at=at)
        _run_and_keep({"slug": row.slug, **said}, by, at)
    if "plays" in values:
        _play(row.slug, values["plays"], by, at)


def _play(slug: str, wanted: list[str], by: Someone, at: datetime) -> None:
    """It plays these parts, and no others any more."""
    played = SystemRole.objects.filter(connection=slug).values_list("role", flat=True)
    for part in sorted(set(played) - set(wanted)):
        parts.play(part=part, slug="", by=by, at=at)
    for part in wanted:
        try:
            parts.play(part=part, slug=slug, by=by, at=at)
        except ModelError as error:
            raise SectionError(str(error), "plays") from None


def _disable(identity: Identity, *, by: Someone, at: datetime) -> None:
    connections.set_status(
        slug=identity[0], status=Connection.Status.DISABLED, reason=REMOVED, by=by, at=at
    )


def _settings(values: Values) -> Settings:
    return Settings(
        slug=values["slug"], name=values["name"], system=values["system"],
        base_url=values.get("base_url") or "", tier=values.get("tier", Tier.MINUTES),
        owner=person(values.get("owner")), expected_every=values.get("expected_every"),
        allow_loopback=values.get("allow_loopback", False), options=values.get("options", {}),
    )  # fmt: skip


def _readable_name(values: Values) -> str:
    slug, system = values["slug"], registry.system(values["system"])
    return system.name if slug == system.slug else f"{system.name} ({slug})"


def _run_and_keep(values: Values, by: Someone, at: datetime) -> None:
    """Secrets before the status: what starts to run has what it needs."""
    slug = values["slug"]
    for key in SECRETS:
        if key in values:
            _enter(slug, key, values[key], by, at)
    if "status" in values:
        connections.set_status(slug=slug, status=values["status"], reason=CHANGED, by=by, at=at)


def _enter(slug: str, key: str, variable: str, by: Someone, at: datetime) -> None:
    secret = _secret_in(variable)
    if not secret:
        return
    purpose, _ = SECRETS[key]
    try:
        connections.enter_secret(slug=slug, purpose=purpose, secret=secret, by=by, at=at)
    except (SettingError, VaultError) as error:
        raise SectionError(f"{variable}: {error}", key) from None


# --- Secrets ------------------------------------------------------------------------------------
def _secret_in(variable: str) -> str:
    return os.environ.get(variable, "").strip()


def _compare_secrets(identity: Identity, given: Values) -> Hidden:
    """Which secrets would be replaced; which variables are not set."""
    changes: dict[str, tuple[str, str]] = {}
    notes: list[str] = []
    for key, (purpose, words) in SECRETS.items():
        if key not in given:
            continue
        variable, kept = given[key], _newest(identity[0], purpose)
        secret = _secret_in(variable)
        if not secret:
            notes.append(_unset(variable, words, kept))
        elif kept is None or not _is_the_same(kept, secret):
            changes[key] = ("none" if kept is None else "the one stored", f"new, from {variable}")
    return Hidden(changes, tuple(notes))


def _newest(slug: str, purpose: str) -> Secret | None:
    live = Secret.objects.live(at=instant.now())
    return live.filter(connection__slug=slug, purpose=purpose).first()


def _is_the_same(kept: Secret, secret: str) -> bool:
    try:
        return vault.unseal(kept.sealed) == secret
    except VaultError:
        return False


def _unset(variable: str, words: str, kept: Secret | None) -> str:
    if kept is None:
        return f"{variable} is not set: there is no {words} yet."
    return f"{variable} is not set: the {words} stored before stays."


def _variable(node: Node) -> str:
    """The name of a variable. What stands here instead may be the secret, so it is never shown."""
    name = node.value
    if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
        raise Wrong(
            "Write the name of an environment variable, in capitals, like PANDADOC_SECRET; "
            "never the secret itself."
        )
    if name in _OURS:
        raise Wrong(f"{name} is Meshline's own and no secret of a connection; name another one.")
    return name


def _options(node: Node) -> dict[str, str]:
    """What a system wants to know beside address and secrets: a mapping of names to text."""
    if not isinstance(node.value, dict):
        raise Wrong("Write the options as a mapping of names to values.")
    return {name: _option(one) for name, one in node.value.items()}


def _option(node: Node) -> str:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Wrong("Write an option's value as text.", node.line)
    said = str(value).strip()
    if len(said) > 200 or not said.isprintable():
        raise Wrong("An option is one line of at most 200 characters.", node.line)
    return said


def _address(node: Node) -> str | None:
    return text(node).strip().rstrip("/") or None


def _check_address(address: Any) -> None:
    if address is not None and len(address) > 300:
        raise Wrong("Write an address of at most 300 characters.")


def _no_part_twice(names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise Wrong("A part is named twice; once is enough.")


CONNECTIONS = Section(
    key="connections",
    noun="connection",
    identity=("slug",),
    fields={
        "slug": Field(text),
        "name": Field(text, check=line_of_text(120)),
        "system": Field(text, refers_to="system", needed=True),
        "base_url": Field(maybe(_address), check=_check_address),
        "allow_loopback": Field(flag),
        "tier": Field(one_of(*Tier)),
        "owner": Field(maybe(lowered), refers_to="person"),
        "expected_every": Field(maybe(minutes()), write=span, check=sane_span),
        "options": Field(_options, unsaid={}),
        "plays": Field(listing(text), refers_to="part", check=_no_part_twice, unsaid=[]),
        # Only what is not active says so: a file in daily use does not resume what was paused.
        "status": Field(one_of(*Connection.Status.values), unsaid=Connection.Status.ACTIVE.value),
        "signing_secret_env": Field(_variable, hidden=True),
        "credential_env": Field(_variable, hidden=True),
    },
    here=_here,
    add=_add,
    change=_change,
    remove=_disable,
    removed={"status": Connection.Status.DISABLED.value},
    # A part goes from one connection to another, so both are there first.
    late=frozenset({"plays"}),
    in_one_only="plays",
    compare_hidden=_compare_secrets,
)

SECTIONS = [CONNECTIONS]
