"""What people settle for themselves: their name, zone and password, light or dark, keys."""

from datetime import datetime

from django.db import transaction

from meshline.audit import trail
from meshline.audit.trail import Personal
from meshline.people import people
from meshline.people.models import User

THEMES: dict[str, bool | None] = {"light": False, "dark": True, "system": None}


@transaction.atomic
def settle(*, by: User, name: str, zone: str, at: datetime) -> User:
    """Change one's own name and zone; the trail keeps what they were."""
    user = User.objects.select_for_update().get(pk=by.pk)
    before = _facts(user)
    user.name, user.zone = name, zone
    user.save(update_fields=["name", "zone"])
    after = _facts(user)
    if after != before:
        trail.record("person.changed", subject=user, by=by, at=at, before=before, after=after)
    return user


@transaction.atomic
def choose_password(*, by: User, password: str, at: datetime) -> None:
    """A new password for oneself; whoever sits elsewhere by the old one, or has a link, is out.

    The caller has asked for the old one, and keeps its own sitting.
    """
    user = User.objects.select_for_update().get(pk=by.pk)
    user.set_password(password)
    user.save(update_fields=["password"])
    people.end_sittings(user)
    people.end_invitations(user, at=at)
    trail.record("person.password-changed", subject=user, by=user, at=at)


def choose_theme(*, by: User, theme: str) -> None:
    """Light, dark or as the system says: a matter of taste, not of record."""
    User.objects.filter(pk=by.pk).update(dark=THEMES[theme])


def choose_keys(*, by: User, single: bool) -> None:
    """Whether a letter alone does something; a matter of taste, too."""
    User.objects.filter(pk=by.pk).update(single_keys=single)


def _facts(user: User) -> dict[str, object]:
    return {"name": Personal(f"person:{user.pk}", user.name), "zone": user.zone}
