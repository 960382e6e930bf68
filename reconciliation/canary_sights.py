"""What one sees of a probe on each of its legs: read from the rows, never from what was sent."""

from collections.abc import Callable
from datetime import datetime

from connectors import feigning
from connectors.models import Connection, Message
from meshline import instant
from meshline.policy import called, roles
from meshline.pulse import vitals
from proposals.models import Outcome, Signal
from proposals.models.outcome import State as Carried
from proposals.states import State
from reconciliation.canary_legs import Leg, Look
from reconciliation.models.canaries import Probe

_OVER = (Carried.GIVEN_UP, Carried.CANCELLED)


def look(probe: Probe, leg: Leg, *, at: datetime) -> Look:
    """How this leg stands."""
    return _LOOKS[leg](probe, at)


def _posted(probe: Probe, at: datetime) -> Look:
    if probe.status is not None:
        return Look(at=probe.asked_at)
    return Look(seen=probe.says or "Our own door was not asked yet.")


def _received(probe: Probe, at: datetime) -> Look:
    if probe.message is None:
        answer = feigning.Answer(probe.says, probe.status)
        return Look(seen=probe.says, is_final=not answer.may_change)
    return Look(at=probe.asked_at)


def _translated(probe: Probe, at: datetime) -> Look:
    message = Message.everything.filter(pk=probe.message).first()
    if message is None:
        return Look(seen="Its message is gone.", is_final=True)
    if message.status == Message.Status.ACCEPTED:
        return Look(seen=message.why or f"Nobody has read its message. {_workers()}".strip())
    if message.signal_id is None:
        seen = f"Its message is {message.get_status_display().lower()}: {message.why}"
        return Look(seen=seen, is_final=True)
    return Look(at=message.digested_at)


def _routed(probe: Probe, at: datetime) -> Look:
    signal = _signal(probe)
    if signal is None:
        return Look(seen="What it told is gone.", is_final=True)
    feint, is_now = feigning.feint_of(probe.canary.connection), State(signal.proposal.state)
    says = feint.says if feint else is_now
    if signal.result == Signal.Result.REFUSED or is_now is not says:
        why = signal.why or f"It is {is_now.label.lower()}, not {says.label.lower()}."
        return Look(seen=why, is_final=True)
    if probe.reaches_crm and not _outcomes(signal):
        return Look(seen="No contract asked the CRM for anything.", is_final=True)
    return Look(at=_translated(probe, at).at)


def _carried(probe: Probe, at: datetime) -> Look:
    return _each(probe, lambda one: one.delivered_at)


def _proven(probe: Probe, at: datetime) -> Look:
    return _each(probe, lambda one: one.proven_at)


def _cleaned(probe: Probe, at: datetime) -> Look:
    if feigning.take_back(probe.canary.connection, at=at):
        return Look(at=instant.now())
    return Look(seen="Something of it is still being worked on.")


_LOOKS: dict[Leg, Callable[[Probe, datetime], Look]] = {
    Leg.POSTED: _posted, Leg.RECEIVED: _received, Leg.TRANSLATED: _translated,
    Leg.ROUTED: _routed, Leg.CARRIED: _carried, Leg.PROVEN: _proven, Leg.CLEANED: _cleaned,
}  # fmt: skip


# --- Underneath ---------------------------------------------------------------------------------
def _signal(probe: Probe) -> Signal | None:
    brought = Signal.everything.filter(origin=f"message:{probe.message}")
    return brought.select_related("proposal").first()


def _outcomes(signal: Signal) -> list[Outcome]:
    """What followed from it."""
    return list(Outcome.everything.filter(signal=signal).order_by("pk"))


def _each(probe: Probe, when: Callable[[Outcome], datetime | None]) -> Look:
    """The leg is passed when every outcome has come so far."""
    signal = _signal(probe)
    outcomes = _outcomes(signal) if signal else []
    times = [at for one in outcomes if (at := when(one))]
    if outcomes and len(times) == len(outcomes):
        return Look(at=max(times))
    left = next((one for one in outcomes if not when(one)), None)
    if left is None:
        return Look(seen="What it asked for is gone.", is_final=True)
    return Look(seen=_why(left), is_final=left.state in _OVER)


def _why(outcome: Outcome) -> str:
    """Such as "HubSpot, deal: It answered 503."."""
    said = outcome.last_error or _behind(outcome.connection) or _workers()
    what = f"{called.of(outcome.connection)}, {outcome.name.replace('-', ' ')}"
    return f"{what}: {said or f'It is {outcome.get_state_display().lower()}.'}"


def _behind(slug: str) -> str:
    is_open = Connection.objects.filter(slug=slug, breaker=Connection.Breaker.OPEN).exists()
    return "Its breaker is open: one outcome is tried every 30 s." if is_open else ""


def _workers() -> str:
    found = vitals.workers()
    return "" if found == vitals.OK else str(found)


# --- Whether there is anything to be tried ------------------------------------------------------
def why_not(emitter: Connection, *, reaches_crm: bool, at: datetime) -> str:
    """Why this path is not tried now, as a sentence; empty when it is."""
    needed = [emitter]
    if reaches_crm:
        crm = Connection.objects.filter(slug=roles.connections().get("crm", "")).first()
        if crm is None:
            return "No connection plays the part of the CRM."
        needed.append(crm)
    if stopped := next((one for one in needed if not one.is_active), None):
        said = f"{stopped.name} is {stopped.status}"
        return f"{said}: {stopped.status_why}" if stopped.status_why else f"{said}."
    if feigning.secret_of(emitter, at=at) is None:
        return f"{emitter.name} has no signing secret any more."
    return ""
