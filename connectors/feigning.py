"""Feigning an event: posted over HTTP to our own door as its sender would, and taken back later."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from connectors import echoes, http, marks, registry
from connectors.base import Emitter, Feigned
from connectors.http import CallError, Reply
from connectors.models import Connection, Message, Receipt, Secret
from meshline import vault
from meshline.vault import VaultError
from proposals import synthetic

# Our own door is near; whoever needs longer is broken.
CALL_SECONDS = 8.0


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


def emitter_of(there: Connection) -> Emitter | None:
    """What can feign an event of it; None where its system sends none of a proposal."""
    emitter = registry.system(there.system).emitter
    return emitter if emitter and emitter.canary else None


def secret_of(there: Connection, *, at: datetime) -> Secret | None:
    """The newest secret that its sender signs with."""
    return Secret.objects.filter(connection=there).signing().live(at=at).first()


def post(there: Connection, feigned: Feigned, *, at: datetime) -> Answer:
    """Tell our own door of it. The same key again is a repeat, and stored once."""
    emitter, secret = emitter_of(there), secret_of(there, at=at)
    if emitter is None or emitter.canary is None or secret is None:
        return Answer(f"{there.name} has no signing secret.", status=401)
    try:
        signed = emitter.canary(feigned, vault.unseal(bytes(secret.sealed)))
        address = f"{settings.CANARY_URL}{reverse('connectors:hook', args=[there.slug])}"
        reply = http.call(
            "POST", address, content=signed.body, params=dict(signed.params),
            headers={**signed.headers, marks.HEADER: marks.mark(signed.body)},
            deadline=CALL_SECONDS, allow_loopback=True,
        )  # fmt: skip
    except (CallError, VaultError) as error:
        return Answer(str(error))
    return _answered(reply)


@transaction.atomic
def take_back(there: Connection, *, at: datetime) -> bool:
    """Remove everything synthetic that came by this connection; False while it is worked on."""
    feigned = synthetic.of(there.slug)
    if not synthetic.take_back(feigned, at=at):
        return False
    echoes.remember([one.record for one in feigned], of=there, at=at)
    messages = Message.everything.filter(connection=there, is_synthetic=True)
    held = list(messages.select_for_update(of=("self",)).order_by("pk"))
    if any((one.lease_until or at) > at for one in held):
        transaction.set_rollback(True)
        return False
    messages.delete()
    Receipt.everything.filter(connection=there, is_synthetic=True).delete()
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
