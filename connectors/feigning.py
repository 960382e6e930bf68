"""Feigning an event: posted over HTTP to our own door as its sender would, and taken back later."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from connectors import echoes, http, mappings, marks, registry
from connectors.base import Feigned, Feint
from connectors.http import CallError, Reply
from connectors.models import Connection, Message, Receipt, RecordLink, Secret
from meshline import vault
from meshline.audit.actors import Actor
from meshline.vault import VaultError
from proposals import synthetic
from proposals.states import State
from proposals.synthetic import Stands

# Our own door is near; whoever needs longer is broken.
CALL_SECONDS = 8.0
# What an event is about was there before, also by a clock that counts whole seconds.
_BEFORE = timedelta(minutes=1)


@dataclass(frozen=True)
class Answer:
    """What our door said: the status, and the message it stored; neither where nobody answered."""

    says: str
    status: int | None = None
    message: int | None = None

    @property
    def may_change(self) -> bool:
        """Whether asking again may help: nobody answered, or "come again"."""
        return self.status is None or self.status in (408, 429) or self.status >= 500


def feint_of(there: Connection) -> Feint | None:
    """What it can feign; None where its system sends nothing of a proposal."""
    emitter = registry.system(there.system).emitter
    return emitter.canary if emitter else None


def secret_of(there: Connection, *, at: datetime) -> Secret | None:
    """The newest secret that its sender signs with."""
    return Secret.objects.filter(connection=there).signing().live(at=at).first()


def post(there: Connection, feigned: Feigned, *, at: datetime) -> Answer:
    """Tell our own door of it. The same key again is a repeat, and stored once."""
    feint, secret = feint_of(there), secret_of(there, at=at)
    if feint is None or secret is None:
        return Answer(f"{there.name} has no signing secret.", status=401)
    hook = reverse("connectors:hook", args=[there.slug])
    # Some sign the address, too: the one they were told, wherever ours is asked.
    told = replace(
        feigned, url=f"{settings.PUBLIC_URL}{hook}", options=there.options,
        word=_word(there, feint.says),
    )  # fmt: skip
    try:
        signed = feint.post(told, vault.unseal(bytes(secret.sealed)))
        reply = http.call(
            "POST", f"{settings.CANARY_URL}{hook}", content=signed.body, params=dict(signed.params),
            headers={**signed.headers, marks.HEADER: marks.mark(signed.body)},
            deadline=CALL_SECONDS, allow_loopback=True,
        )  # fmt: skip
    except (CallError, VaultError) as error:
        return Answer(str(error))
    return _answered(reply)


def _word(there: Connection, says: State) -> str:
    """How this connection says it, as it is mapped by now."""
    emitter = registry.system(there.system).emitter
    return emitter.word_for(says, mappings.of(there)) if emitter else ""


@transaction.atomic
def set_scene(
    there: Connection, feigned: Feigned, *, stands: State, by: Actor, at: datetime
) -> None:  # fmt: skip
    """Let what an event will be about be there, in that state: nothing follows from it."""
    fields = {
        "title": feigned.title, "amount": feigned.amount, "currency": feigned.currency,
        "contact_name": feigned.contact_name, "contact_email": feigned.contact_email,
    }  # fmt: skip
    scene = Stands(
        feigned.source, feigned.external_id, stands, fields, since=feigned.at - _BEFORE,
        origin=f"canary:{feigned.key}",
    )  # fmt: skip
    record = synthetic.let_stand(scene, by=by, at=at)
    if (feint := feint_of(there)) and feint.thing:
        kind, pk = feint.thing
        RecordLink.objects.create(
            connection=there, record=record, kind=kind, external_id=pk, linked_at=at
        )


@transaction.atomic
def take_back(there: Connection, *, at: datetime) -> bool:
    """Remove everything synthetic that came by this connection; False while it is worked on."""
    feigned = synthetic.of(there.slug)
    if not synthetic.take_back(feigned, at=at):
        return False
    records = [one.record for one in feigned]
    if (feint := feint_of(there)) and feint.thing:
        kind, pk = feint.thing
        things = RecordLink.objects.filter(connection=there, kind=kind, external_id=pk)
        things.filter(record__in=records).delete()
    echoes.remember(records, at=at)
    # What other canaries left here, and came back of it, has its own time.
    messages = Message.everything.filter(connection=there, is_synthetic=True).exclude(
        why=echoes.WHY
    )
    held = list(messages.select_for_update(of=("self",)).order_by("pk"))
    if any((one.lease_until or at) > at for one in held):
        transaction.set_rollback(True)
        return False
    messages.delete()
    posts = Receipt.everything.filter(pk__in={one.receipt_id for one in held}, is_synthetic=True)
    posts.delete()
    return True


def _answered(reply: Reply) -> Answer:
    try:
        told = reply.json()
    except CallError:
        told = {}
    told = told if isinstance(told, dict) else {}
    says = f"HTTP {reply.status}"
    if error := told.get("error"):
        says = f"{says}: {error}"
    stored = str(told.get("message", ""))
    return Answer(says, reply.status, int(stored) if stored.isdecimal() else None)
