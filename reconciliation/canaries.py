"""Canaries: a synthetic event goes the whole way, again and again; what breaks is named at once.

A probe is a row, looked at every few seconds until it is through or broken:
1. It begins once it is due, everything that an earlier one left is taken back, and nothing is
   paused. What its event will be about is put there, where the event does not bring it.
2. It is posted, with nothing locked. Whoever is killed over that leaves a key under which the next
   look posts it again: it is stored once.
3. Leg by leg one looks at the rows; each has a time to be passed in.
4. Through or broken, everything of it is taken back.
"""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from connectors import feigning, registry
from connectors.base import Feigned
from connectors.models import Connection, Secret
from meshline import instant
from meshline.audit import trail
from meshline.audit.actors import Someone, part
from meshline.people import permissions
from meshline.people.models import User
from meshline.people.permissions import Permission
from meshline.policy import business_time, calendars
from proposals import authority
from reconciliation import canary_legs, canary_sights, canary_troubles, canary_ways
from reconciliation.canary_legs import Leg, Verdict
from reconciliation.models.canaries import COLUMNS, Canary, Probe

CANARIES = part("canaries", "The canaries")
LONGEST_REASON = 300
KEPT = timedelta(days=30)
State = Canary.State


class CanaryError(Exception):
    """Why a canary is not changed like this, as a sentence."""


# --- By the clock -------------------------------------------------------------------------------
def look_where_due() -> None:
    """One look at every path, each by itself."""
    if not settings.CANARIES:
        return
    _find_paths(at=instant.now())
    for canary in Canary.objects.select_related("connection").order_by("pk"):
        tend(canary)


def tend(canary: Canary) -> None:
    """Look at the probe that is under way, or begin the next one."""
    probe = canary.probes.filter(state=Probe.State.RUNNING).first()
    if probe is None and canary.is_on and canary.next_at <= instant.now():
        probe = _begin(canary.pk, at=instant.now())
    if probe is None:
        return
    probe.canary = canary
    if probe.under_way in (Leg.POSTED, Leg.RECEIVED):
        _post(probe, at=instant.now())
    _advance(probe.pk, at=instant.now())


def forget(*, at: datetime) -> None:
    """Probes are kept for a month."""
    old = Probe.objects.filter(begun_at__lt=at - KEPT)
    old.exclude(state=Probe.State.RUNNING).delete()


def _find_paths(*, at: datetime) -> None:
    """Every connection that can feign an event has a path of its own, from when its posts can be
    signed: before, nobody there tells us anything."""
    able = [one.slug for one in registry.SYSTEMS.values() if one.emitter and one.emitter.canary]
    heard = Secret.objects.signing().live(at=at).values("connection")
    missing = Connection.objects.filter(system__in=able, canary=None, pk__in=heard)
    made = [_new(one, at) for one in missing.order_by("pk")]
    Canary.objects.bulk_create(made, ignore_conflicts=True)


def _new(there: Connection, at: datetime) -> Canary:
    way = canary_ways.of(there)
    return Canary(
        connection=there, since=at, next_at=at, tells=way.tells, reaches_crm=way.reaches_crm
    )


@transaction.atomic
def _begin(canary_id: int, *, at: datetime) -> Probe | None:
    """The next probe, if one is due and may be; where none may, the path says why."""
    authority.steady()
    canary = _locked(canary_id)
    if not canary.is_on or canary.next_at > at:
        return None
    if canary.probes.filter(state=Probe.State.RUNNING).exists():
        return None
    way = canary_ways.of(canary.connection)
    canary.tells, canary.reaches_crm = way.tells, way.reaches_crm
    canary.save(update_fields=["tells", "reaches_crm"])
    if why := canary_sights.why_not(canary.connection, reaches_crm=way.reaches_crm, at=at):
        _rest(canary, why, at)
        return None
    if not feigning.take_back(canary.connection, at=at):
        return None
    canary.next_at = at + _rhythm(canary, at)
    canary.save(update_fields=["next_at"])
    if canary.state == State.IDLE:
        _stand(canary, State.NEW, at)
    key = f"meshline-canary-{uuid.uuid4().hex}"
    probe = Probe.objects.create(
        canary=canary, key=key, begun_at=at, reaches_crm=way.reaches_crm
    )  # fmt: skip
    if way.stands is not None:
        feigning.set_scene(
            canary.connection, _feigned(probe), stands=way.stands, by=CANARIES, at=at
        )
    return probe


def _post(probe: Probe, *, at: datetime) -> None:
    """Tell our own door, with nothing locked; what it said is written down."""
    answer = feigning.post(probe.canary.connection, _feigned(probe), at=at)
    running = Probe.objects.filter(pk=probe.pk, state=Probe.State.RUNNING)
    running.update(
        asked_at=instant.now(), status=answer.status, says=answer.says, message=answer.message
    )


def _feigned(probe: Probe) -> Feigned:
    canary = probe.canary
    slug = canary.connection.slug
    return Feigned(probe.key, slug, canary.external_id, probe.title, at=probe.begun_at)


@transaction.atomic
def _advance(probe_id: int, *, at: datetime) -> None:
    """As many legs as are passed by now; then it waits, is broken, or is through."""
    canary = _locked(Probe.objects.values_list("canary", flat=True).get(pk=probe_id))
    probe = canary.probes.select_for_update(of=("self",)).get(pk=probe_id)
    if probe.state != Probe.State.RUNNING:
        return
    probe.canary = canary
    reaches_crm = probe.reaches_crm
    if why := canary_sights.why_not(canary.connection, reaches_crm=reaches_crm, at=at):
        _end(probe, Probe.State.STOPPED, at, seen=why)
        _rest(canary, why, at)
        return
    while leg := probe.under_way:
        look = canary_sights.look(probe, leg, at=at)
        verdict = canary_legs.judge(leg, look, since=probe.begins(leg), at=at)
        if verdict is Verdict.BROKEN:
            _break(probe, leg, look.seen, at)
        if verdict is not Verdict.PASSED:
            return
        setattr(probe, COLUMNS[leg], look.at)
        probe.save(update_fields=[COLUMNS[leg]])
    _end(probe, Probe.State.PASSED, at)
    _pass(canary, at)


def _break(probe: Probe, leg: Leg, seen: str, at: datetime) -> None:
    _end(probe, Probe.State.BROKEN, at, leg=leg, seen=seen)
    canary = probe.canary
    if not canary.is_red or canary.leg != leg:
        facts = {"leg": leg.value}
        trail.record("canary.red", subject=canary, by=CANARIES, at=at, after=facts, why=seen)
    _stand(canary, State.RED, at, leg=leg, seen=seen)
    # From here on it is looked at as in business hours, whatever the hour was when this one began.
    canary.next_at = min(canary.next_at, probe.begun_at + _rhythm(canary, at))
    canary.save(update_fields=["next_at"])
    canary_troubles.tell(probe, by=CANARIES, at=at)


def _pass(canary: Canary, at: datetime) -> None:
    if canary.is_red:
        before = {"leg": canary.leg}
        trail.record("canary.green", subject=canary, by=CANARIES, at=at, before=before)
    _stand(canary, State.GREEN, at)
    canary_troubles.settle(canary, because="A probe went the whole way.", by=CANARIES, at=at)


def _rest(canary: Canary, why: str, at: datetime) -> None:
    """Nothing is tried, and so nothing is known; an open ticket stays until something is."""
    _stand(canary, State.IDLE, at, seen=why)


def _stand(canary: Canary, state: str, at: datetime, *, leg: str = "", seen: str = "") -> None:
    if (canary.state, canary.leg, canary.seen) == (state, leg, seen):
        return
    if (canary.state, canary.leg) != (state, leg):
        canary.since = at
    canary.state, canary.leg, canary.seen = state, leg, seen
    canary.save(update_fields=["state", "leg", "seen", "since"])


def _end(probe: Probe, state: str, at: datetime, *, leg: str = "", seen: str = "") -> None:
    probe.state, probe.ended_at, probe.leg, probe.seen = state, at, leg, seen
    probe.save(update_fields=["state", "ended_at", "leg", "seen"])
    # What cannot be taken back yet is, before the next one begins.
    feigning.take_back(probe.canary.connection, at=at)


def _rhythm(canary: Canary, at: datetime) -> timedelta:
    soon = at + timedelta(minutes=1)
    is_business = bool(business_time.between(at, soon, calendars.hours_of(None)))
    return canary_legs.rhythm(
        fast=canary.fast, slow=canary.slow, is_business=is_business, is_red=canary.is_red
    )


# --- For people ---------------------------------------------------------------------------------
@transaction.atomic
def run_now(*, slug: str, by: User, at: datetime) -> Canary:
    """Let the next probe begin at once: the clock looks every few seconds."""
    permissions.check(by, Permission.RUN_CHECK)
    canary = _named(slug)
    if not canary.is_on:
        raise CanaryError("It is switched off; switch it on first.")
    canary.next_at = at
    canary.save(update_fields=["next_at"])
    trail.record("canary.asked", subject=canary, by=by, at=at)
    return canary


@transaction.atomic
def switch(*, slug: str, on: bool, reason: str, by: User, at: datetime) -> Canary:
    """Let a path be tried, or not any more, for a reason. What is under way is not waited for."""
    permissions.check(by, Permission.TUNE_CHECKS)
    canary, why = _named(slug), _readable(reason)
    if canary.is_on == on:
        raise CanaryError(f"It is {'on' if on else 'off'} already.")
    canary.is_on, canary.next_at = on, at
    canary.save(update_fields=["is_on", "next_at"])
    what = "canary.on" if on else "canary.off"
    trail.record(what, subject=canary, by=by, at=at, why=why)
    if on:
        _stand(canary, State.NEW, at)
    else:
        _put_off(canary, f"{by.name} switched it off: {why}", by, at)
    return canary


def _put_off(canary: Canary, said: str, by: Someone, at: datetime) -> None:
    for probe in canary.probes.filter(state=Probe.State.RUNNING):
        probe.canary = canary
        _end(probe, Probe.State.STOPPED, at, seen=said)
    _rest(canary, said, at)
    canary_troubles.settle(canary, because=said, by=by, at=at)


@transaction.atomic
def set_rhythm(
    *, slug: str, fast: int, slow: int, reason: str, by: User, at: datetime
) -> Canary:  # fmt: skip
    """How often it is tried from now on, in business hours and otherwise, for a reason."""
    permissions.check(by, Permission.TUNE_CHECKS)
    canary, why = _named(slug), _readable(reason)
    if not canary_legs.FASTEST <= fast <= slow <= canary_legs.SLOWEST:
        raise CanaryError("Outside business hours it is tried less often, or as often: 1 to 1440.")
    before = {"in business hours": canary.fast, "otherwise": canary.slow}
    canary.fast, canary.slow = fast, slow
    canary.next_at = min(canary.next_at, at + _rhythm(canary, at))
    canary.save(update_fields=["fast", "slow", "next_at"])
    after = {"in business hours": fast, "otherwise": slow}
    trail.record("canary.rhythm", subject=canary, by=by, at=at, before=before, after=after, why=why)
    return canary


# --- Underneath ---------------------------------------------------------------------------------
def _locked(canary_id: int) -> Canary:
    rows = Canary.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("connection").get(pk=canary_id)


def _named(slug: str) -> Canary:
    return _locked(Canary.objects.values_list("pk", flat=True).get(connection__slug=slug))


def _readable(reason: str) -> str:
    reason = " ".join(reason.replace("\0", "").split())
    if not reason:
        raise CanaryError("Say why.")
    if len(reason) > LONGEST_REASON:
        raise CanaryError(f"Keep the reason under {LONGEST_REASON} characters.")
    return reason
