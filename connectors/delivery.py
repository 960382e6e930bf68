"""Going out: one claimed outcome is delivered, proven by reading back, or tried again."""

import logging
import random
import time
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import DatabaseError

from connectors import backoff, health, mirroring, registry, strangers
from connectors.base import Delivery, Errand, Found, Idempotency, System, Trouble
from connectors.models import Connection, DeliveryAttempt, RecordLink, Secret
from meshline import instant, logs, vault
from proposals import lateness, outbox
from proposals.models import Outcome
from proposals.outbox import LeaseLost
from proposals.tiers import Tier

log = logging.getLogger(__name__)

# For all calls of one errand, in seconds; see what a drain and a lease have in draining.py.
CALL_SECONDS = 15.0
PROOF_RETRY = timedelta(seconds=2)
PROOFS_UNTIL_REDELIVERY = 3
UNKNOWN = (
    "What carried it died on the way, and nobody can tell whether it was done. "
    "Look at the other side before you let it be tried again."
)
UNSAFE_AGAIN = (
    "Does it again now. The other side knows no repeats: look there first whether it was done, "
    "and cancel the outcome if it was."
)


def carry(outcome: Outcome, *, ends_at: float | None = None) -> None:
    """Carry one claimed outcome: deliver it if need be, then prove it. Never raises for it.

    `ends_at` (monotonic) is when its last call must be over: counted from the claim, so that who
    was stopped for a while in between does not call late, into what others have done since.
    """
    if ends_at is None:
        ends_at = time.monotonic() + CALL_SECONDS
    with logs.about(outcome=outcome.pk, connection=outcome.connection):
        try:
            _carry(outcome, ends_at)
        except LeaseLost:
            log.warning("%s was taken over by somebody else", outcome)
        except DatabaseError:
            # The lease lapses by itself, and the next claim finds it.
            log.exception("The database failed while %s was carried", outcome)
        except Exception as error:
            _note_crash(outcome, error)


def _note_crash(
    outcome: Outcome, error: Exception, delivery: Delivery | None = None,
    errand: Errand | None = None,
) -> None:  # fmt: skip
    """Our own fault: tried again later like any failure, as far as that can be written down.

    With `delivery` and `errand` it came while the other side was spoken to. What was done there is
    only read back; where that cannot be told and it knows no repeats, a person decides.
    """
    log.exception("%s could not be carried", outcome)
    said, at = f"{type(error).__name__}: {error}", instant.now()
    trouble = Trouble(said, failure="crashed", unknown=bool(errand and _calls(errand)))
    try:
        # As it stands: what this try wrote into the row in hand was rolled back.
        stands = Outcome.everything.get(pk=outcome.pk)
        if stands.lease_owner != outcome.lease_owner:
            return
        if errand and errand.external_id and stands.delivered_at is None:
            _proof_pending(stands, errand, said, at)
        else:
            _failed(stands, delivery, trouble, at)
    except Exception:
        log.exception("%s is left to its lease", outcome)


def _carry(outcome: Outcome, ends_at: float) -> None:
    at = instant.now()
    if outcome.crashes >= outbox.CLAIMED_TOO_OFTEN:
        because = "It took down what carried it three times."
        outbox.give_up(outcome, because=because, failure="crashed", kind="processing-failed", at=at)
        return
    if outcome.unwanted_at is not None and outcome.delivered_at is None:
        outbox.call_off(outcome, at=at)
        return
    try:
        system, there = _system(outcome)
        delivery = _delivery(system, outcome)
        errand = _errand(outcome, system, delivery, there, ends_at, at)
    except Trouble as trouble:
        _failed(outcome, None, trouble, at)
        return
    if _may_be_done(outcome, delivery):
        outbox.give_up(outcome, because=UNKNOWN, failure="unknown", again=UNSAFE_AGAIN, at=at)
        return
    try:
        _try(outcome, delivery, errand)
    except (LeaseLost, DatabaseError):
        raise
    except Exception as error:
        _note_crash(outcome, error, delivery, errand)


def _may_be_done(outcome: Outcome, delivery: Delivery) -> bool:
    """Whether what died carrying it may have done it, with no way to ask and no key to repeat."""
    is_cut_off = outcome.crashes > 0 and outcome.delivered_at is None
    return is_cut_off and delivery.idempotency is Idempotency.NONE


def _try(outcome: Outcome, delivery: Delivery, errand: Errand) -> None:
    """Deliver unless that is done, prove, and write down what happened."""
    started, found = time.monotonic(), Found("")
    try:
        found = _delivered(outcome, delivery, errand)
        errand.external_id = found.external_id
        proof = delivery.prove(errand)
    except Trouble as trouble:
        at = instant.now()
        trouble.credential = errand.client.caller.credential if errand.client else None
        # What was delivered stays delivered: only its proof failed.
        if errand.external_id and outcome.delivered_at is None and not trouble.credentials:
            outcome.external_id = errand.external_id
        _keep(outcome, errand, started, str(trouble), trouble.failure, at)
        strangers.note(outcome, found, at=at)
        if outcome.delivered_at is None and errand.external_id:
            _proof_pending(outcome, errand, str(trouble), at)
        else:
            _failed(outcome, delivery, trouble, at)
        return
    at = instant.now()
    if proof is None:
        because = f"{found.sentence} It cannot be read back yet.".strip()
        _keep(outcome, errand, started, because, lateness.UNPROVEN, at)
        strangers.note(outcome, found, at=at)
        _unproven(outcome, delivery, errand, because, at)
        return
    said = f"{found.sentence} {proof.sentence}".strip()
    keep = partial(_keep, outcome, errand, started, said, "", at)
    try:
        strangers.note(outcome, found, at=at)
        outbox.mark_proven(
            outcome, external_id=proof.external_id, evidence=proof.sentence, at=at, also=keep
        )
    except Exception:
        # Somebody else has it by now, or it is our own mistake: that we called stands all the same.
        keep()
        raise
    _follow_up(outcome, errand, proof, at)


def _delivered(outcome: Outcome, delivery: Delivery, errand: Errand) -> Found:
    if outcome.delivered_at is not None:
        return Found(outcome.external_id, "", "")
    return delivery.deliver(errand)


def _follow_up(outcome: Outcome, errand: Errand, proof: Found, at: datetime) -> None:
    """What a proof tells beyond its outcome: the record's id, and the connection's health."""
    if outcome.connection != registry.PEOPLE.slug:
        _link(outcome, errand, proof, at)
        health.note_success(outcome.connection, at=at)


def _unproven(
    outcome: Outcome, delivery: Delivery, errand: Errand, because: str, at: datetime
) -> None:
    """A yes that created nothing: proven again a few times, then carried again under its key."""
    seen = DeliveryAttempt.objects.filter(outcome=outcome, failure=lateness.UNPROVEN).count()
    if seen % PROOFS_UNTIL_REDELIVERY or delivery.idempotency is Idempotency.NONE:
        outcome.failure = lateness.UNPROVEN
        _proof_pending(outcome, errand, because, at)
        return
    outcome.delivered_at = None
    _again(outcome, because, lateness.UNPROVEN, None, True, at)


def _proof_pending(outcome: Outcome, errand: Errand, because: str, at: datetime) -> None:
    outbox.mark_delivered(
        outcome, external_id=errand.external_id, prove_at=at + PROOF_RETRY, because=because, at=at
    )


def _failed(outcome: Outcome, delivery: Delivery | None, trouble: Trouble, at: datetime) -> None:
    """Decide what follows from a failure: pause, give up, or try again later."""
    slug = outcome.connection
    if trouble.credentials and slug != registry.PEOPLE.slug:
        health.credentials_refused(slug, str(trouble), credential=trouble.credential, at=at)
        outbox.put_back(outcome, until=at, because=str(trouble), at=at)
        return
    # What was delivered is only read back, and that as often as it takes.
    never_again = (
        trouble.unknown and outcome.delivered_at is None
        and delivery is not None and delivery.idempotency is Idempotency.NONE
    )  # fmt: skip
    if trouble.permanent or never_again:
        again = UNSAFE_AGAIN if never_again else ""
        outbox.give_up(outcome, because=str(trouble), failure=trouble.failure, again=again, at=at)
        if trouble.status is not None:
            # It said no to this one request; it answers.
            health.note_success(slug, at=at)
        return
    uses_up = trouble.status is None or backoff.uses_up_attempt(
        trouble.status, first_failed_at=outcome.first_failed_at or at, failed_at=at
    )
    _again(outcome, str(trouble), trouble.failure, trouble.retry_after, uses_up, at)
    if slug != registry.PEOPLE.slug:
        health.note_failure(slug, trouble.failure, str(trouble), at=at)


def _again(
    outcome: Outcome, because: str, failure: str, retry_after: float | None, uses_up: bool,
    at: datetime,
) -> None:  # fmt: skip
    tier, schedule = Tier(outcome.tier), outcome.contract.schedule
    tries = outcome.tries + uses_up
    if backoff.next_attempt(tier, tries, failed_at=at, jitter=0, schedule=schedule) is None:
        spent = f"{because} All {tries} tries are used up."
        kind = "proof-missing" if failure == lateness.UNPROVEN else "delivery-failed"
        outbox.give_up(outcome, because=spent, failure=failure, kind=kind, at=at)
        return
    # The wait grows every time, also with attempts that use up no try.
    step = min(outcome.waits + 1, len(backoff.waits_of(tier, schedule)))
    until = backoff.next_attempt(
        tier, step, failed_at=at, jitter=random.uniform(-1, 1), schedule=schedule,
        retry_after=timedelta(seconds=retry_after) if retry_after is not None else None,
    )  # fmt: skip
    outbox.postpone(
        outcome, until=until or at, because=because, failure=failure, uses_up_try=uses_up, at=at
    )


def _system(outcome: Outcome) -> tuple[System, Connection | None]:
    if outcome.connection == registry.PEOPLE.slug:
        return registry.PEOPLE, None
    there = Connection.objects.filter(slug=outcome.connection).first()
    if there is None:
        sentence = f"There is no connection {outcome.connection!r}."
        raise Trouble(sentence, failure="no-connection", permanent=True)
    return registry.system(there.system), there


def _delivery(system: System, outcome: Outcome) -> Delivery:
    delivery = system.delivery(outcome.kind)
    if delivery is None:
        sentence = f"{system.name} cannot carry {outcome.kind}."
        raise Trouble(sentence, failure="no-such-delivery", permanent=True)
    return delivery


def _errand(
    outcome: Outcome, system: System, delivery: Delivery, there: Connection | None,
    ends_at: float, at: datetime,
) -> Errand:  # fmt: skip
    client = client_of(system, there, at=at) if there else None
    links = links_of(outcome, there)
    kept = mirroring.left_alone(outcome, delivery, there, links)
    if client is not None:
        client.caller.ends_at = ends_at
    return Errand(
        key=outcome.key,
        kind=outcome.kind,
        params=mirroring.without(mirroring.told(outcome, delivery), kept),
        record=outcome.record,
        client=client,
        # An id from a delivery that did not count proves nothing.
        external_id=outcome.external_id if outcome.delivered_at else "",
        # Not by its count of attempts: one that was refused is given back.
        may_exist=outcome.was_tried,
        links=links,
        options=system.told(there.options) if there else {},
        at=at,
        promised_at=outcome.promised_at,
    )


def client_of(
    system: System, there: Connection, *, at: datetime, deadline: float = CALL_SECONDS
) -> Any:
    """A client for this connection with its newest credential. Raises Trouble without one."""
    credential = Secret.objects.filter(connection=there).credentials().live(at=at).first()
    if credential is None or system.client is None:
        sentence = f"{there.name} has no credential yet; an admin enters it on its page."
        raise Trouble(sentence, failure="credentials", credentials=True)
    client = system.client(
        there.base_url or system.default_url,
        vault.unseal(credential.sealed),
        allow_loopback=there.allow_loopback,
        deadline=deadline,
    )
    client.caller.credential = credential.pk
    return client


def links_of(outcome: Outcome, there: Connection | None) -> dict[str, str]:
    """The ids of its record over there, by kind."""
    if there is None:
        return {}
    known = RecordLink.objects.filter(connection=there, record=outcome.record)
    return dict(known.order_by("pk").values_list("kind", "external_id"))


def _link(outcome: Outcome, errand: Errand, proof: Found, at: datetime) -> None:
    if not proof.kind or not proof.external_id:
        return
    if errand.links.get(proof.kind) == proof.external_id:
        return
    connection_id = Connection.objects.values_list("pk", flat=True).get(slug=outcome.connection)
    RecordLink.objects.get_or_create(
        connection_id=connection_id,
        kind=proof.kind,
        external_id=proof.external_id,
        defaults={"record": errand.record, "key": outcome.key, "linked_at": at},
    )


def _keep(
    outcome: Outcome, errand: Errand, started: float, result: str, failure: str, at: datetime
) -> None:
    """Write the attempt down: what went out, what came back, and how long it took (seconds)."""
    DeliveryAttempt.objects.create(
        outcome=outcome, connection=outcome.connection, number=max(outcome.attempts, 1), at=at,
        seconds=time.monotonic() - started, succeeded=not failure, failure=failure,
        calls=_calls(errand), result=result[:4000],
    )  # fmt: skip


def _calls(errand: Errand) -> list[dict[str, Any]]:
    """What was asked of the other side so far."""
    caller = getattr(errand.client, "caller", None)
    return caller.calls if caller else []
