"""Who came in, who went, and before whom the door was shut: a trail line each."""

from datetime import datetime

from django.db import transaction

from meshline.audit import trail
from meshline.audit.actors import part
from meshline.audit.trail import Personal
from meshline.people import throttle
from meshline.people.models import User

DOOR = part("door", "The sign-in page")


@transaction.atomic
def came_in(*, user: User, address: str, at: datetime) -> None:
    """A person signed in; from where is theirs, and sealed."""
    after = {"address": _address(user, address)}
    trail.record("person.signed-in", subject=user, by=user, at=at, after=after)


@transaction.atomic
def went(*, user: User, at: datetime) -> None:
    """A person signed out by their own act."""
    trail.record("person.signed-out", subject=user, by=user, at=at)


@transaction.atomic
def failed(*, email: str, address: str, at: datetime) -> None:
    """Count one wrong password. The one that shuts the door is told on the trail, once.

    For an e-mail that is nobody's here there is no line: anybody could write as many as they like.
    """
    throttle.note_failure(email, address, at=at)
    user = User.objects.with_email(email).first()
    if user is None or not throttle.has_just_shut(email, address, at=at):
        return
    after = {"address": _address(user, address), "wrong passwords": throttle.TRIES}
    trail.record(
        "person.sign-in-locked", subject=user, by=DOOR, at=at, after=after,
        why="Too many wrong passwords in a row.",
    )  # fmt: skip


def _address(user: User, address: str) -> Personal:
    return Personal(f"person:{user.pk}", address)
