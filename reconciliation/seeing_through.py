"""Seeing a fix through: what was asked for with many is begun in its turn; what was written is gone
once it was read back, or open again if it did not get there."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import OperationalError, transaction
from django.db.models import Q, QuerySet

from connectors import strangers
from connectors.models import Connection
from meshline import instant
from meshline.people.permissions import NotAllowed
from proposals.models.outcome import State as Carried
from proposals.steering import NotNow
from reconciliation import fixing, taking
from reconciliation.models import Divergence, Side

SOME = 50
# What a read back does not compare: of that the next run is the proof.
_NOT_READ_BACK = Q(cause="another currency") | Q(kind=taking.KIND, field=taking.OWNER)
log = logging.getLogger(__name__)
State = Divergence.State


def carry_on(*, most: int = SOME) -> int:
    """Begin what was asked for with many others, one after the other; how many."""
    waiting = Divergence.objects.filter(state=State.FIXING, is_asked=True).order_by("pk")
    return sum(_begin(pk) for pk in list(waiting.values_list("pk", flat=True)[:most]))


@transaction.atomic
def _begin(divergence_id: int) -> bool:
    rows = Divergence.objects.filter(pk=divergence_id, state=State.FIXING, is_asked=True)
    one = rows.select_for_update(of=("self",), no_key=True, skip_locked=True).select_related(
        "fixed_by"
    ).first()  # fmt: skip
    if one is None or one.fixed_by is None:
        return False
    by, side, at = one.fixed_by, one.fixed_to, instant.now()
    one.state, one.is_asked, one.fixed_to = State.OPEN, False, ""
    one.save()
    if why_not := _tried(lambda: fixing.take(divergence_id=one.pk, side=side, by=by, at=at)):
        Divergence.objects.filter(pk=one.pk).update(why=why_not[:300])
    return True


def _tried(act: Callable[[], Any]) -> str:
    """Do it; why it could not be done, as a sentence."""
    try:
        with transaction.atomic():
            act()
    except (fixing.FixError, NotAllowed, NotNow) as error:
        return str(error)
    except OperationalError:
        # The database's trouble, not this one's: it waits, and is tried again.
        raise
    except Exception:
        log.exception("A difference could not be fixed.")
        return "Something broke on our side; nothing was changed."
    return ""


# --- Proof -----------------------------------------------------------------------------------
def note_proofs(*, at: datetime) -> int:
    """What was written there and read back as ours is gone; how many. What was given up or called
    off is open again, and so is an owner whom they do not know there."""
    mine = Divergence.objects.filter(state=State.FIXING, is_asked=False)
    proven = mine.filter(
        fixed_to=Side.OURS, outcome__state=Carried.PROVEN, outcome__proven_at__isnull=False
    ).exclude(_NOT_READ_BACK)
    gone = proven.update(
        state=State.GONE, gone_at=at, why="Proven: what was written was read back."
    )
    dropped = mine.filter(outcome__state__in=[Carried.CANCELLED, Carried.GIVEN_UP])
    lost = dropped.update(state=State.OPEN, why="What was to be written did not get there.")
    return gone + lost + sum(_open_strangers(there) for there in _with_strangers())


def _open_strangers(there: Connection) -> int:
    why = f"{there.name} has no user with this e-mail; the owner there is as it was."
    return _strangers().filter(connection=there).update(state=State.OPEN, why=why)


def _with_strangers() -> list[Connection]:
    mine = Connection.objects.filter(pk__in=_strangers().values("connection"))
    return list(mine.order_by("pk"))


def _strangers() -> QuerySet[Divergence]:
    """Owners that were written to where nobody knows them: the rest of the record got there."""
    owners = Divergence.objects.filter(kind=taking.KIND, field=taking.OWNER)
    written = owners.filter(state=State.FIXING, is_asked=False, fixed_to=Side.OURS)
    return written.filter(strangers.named("outcome"), outcome__state=Carried.PROVEN)


def something_is_due() -> bool:
    mine = Divergence.objects.filter(state=State.FIXING)
    over = [Carried.PROVEN, Carried.CANCELLED, Carried.GIVEN_UP]
    written = mine.filter(fixed_to=Side.OURS, outcome__state__in=over)
    return mine.filter(is_asked=True).exists() or (
        written.exclude(_NOT_READ_BACK, outcome__state=Carried.PROVEN).exists()
        or _strangers().exists()
    )
