"""Inviting people and changing who they are here."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from meshline.audit import trail
from meshline.audit.actors import Someone
from meshline.audit.trail import Personal
from meshline.people import permissions
from meshline.people.models import Invitation, Team, User
from meshline.people.permissions import NotAllowed, Permission, Role

INVITATION_LASTS = timedelta(days=7)


class PersonError(Exception):
    """A change to a person that cannot be made, with the field it is about."""

    def __init__(self, sentence: str, field: str | None = None):
        super().__init__(sentence)
        self.field = field


@transaction.atomic
def add(
    *, email: str, name: str, role: str, by: Someone, at: datetime,
    team: Team | None = None, zone: str = "UTC",
) -> User:  # fmt: skip
    """Add a person who cannot sign in yet. Raises PersonError when the e-mail is taken."""
    permissions.check(by, Permission.MANAGE_PEOPLE)
    _check_email(email)
    if User.objects.filter(email__iexact=email).exists():
        raise PersonError(f"There is already a person with the e-mail {email}.", "email")
    user = User(email=email.strip().lower(), name=name, role=_role(role), team=team, zone=zone)
    user.set_unusable_password()
    user.save()
    after = {"role": user.role, "team": team and team.slug, **_personal(user)}
    trail.record("person.added", subject=user, by=by, at=at, after=after)
    return user


@transaction.atomic
def change(
    *, user_id: int, by: Someone, at: datetime,
    name: str, role: str, team: Team | None, zone: str, is_active: bool,
    approves_model: bool = False,
) -> User:  # fmt: skip
    """Change a person. Nobody changes their own role; the last active admin stays."""
    permissions.check(by, Permission.MANAGE_PEOPLE)
    user = User.objects.select_for_update().get(pk=user_id)
    before = _facts(user)
    _refuse_own_role(user, role, is_active, by)
    _keep_an_admin(user, role, is_active)
    user.name, user.role, user.team, user.zone = name, _role(role), team, zone
    if user.is_active != is_active:
        user.deactivated_at = None if is_active else at
    user.is_active, user.approves_model = is_active, approves_model
    user.save()
    if not is_active:
        end_sittings(user)
    after = _facts(user)
    if after != before:
        trail.record("person.changed", subject=user, by=by, at=at, before=before, after=after)
    return user


@transaction.atomic
def invite(
    *, email: str, role: str, by: Someone, at: datetime, name: str = "",
    team: Team | None = None, again: bool = False,
) -> str:  # fmt: skip
    """A one-time sign-in token for this person, who is added if nobody has that e-mail yet.

    Who has signed in before gets a new link only when it is asked for `again`: whoever holds it
    chooses their password. Raises PersonError otherwise.
    """
    permissions.check(by, Permission.MANAGE_PEOPLE)
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        name = name or email.partition("@")[0].replace(".", " ").title()
        user = add(email=email, name=name, role=role, team=team, by=by, at=at)
    elif user.role != role:
        raise PersonError(f"{email} is already here as {Role(user.role).label}.", "role")
    elif user.has_usable_password() and not again:
        said = f"{user.name} is here already; make them a new link on their own page."
        raise PersonError(said, "email")
    token = secrets.token_urlsafe(32)
    expires = at + INVITATION_LASTS
    Invitation.objects.create(user=user, token_hash=_hash(token), expires_at=expires)
    trail.record(
        "person.invited", subject=user, by=by, at=at, after={"until": expires, "again": again}
    )
    return token


def invitation(token: str, *, at: datetime) -> Invitation | None:
    """The invitation this token opens, if it is unused, in time and its person is active."""
    return (
        Invitation.objects.filter(token_hash=_hash(token), used_at=None, expires_at__gt=at)
        .filter(user__is_active=True)
        .select_related("user")
        .first()
    )


@transaction.atomic
def accept_invitation(*, token: str, password: str, at: datetime) -> User:
    """Use the invitation up: its person chooses a password. Raises PersonError when it is over."""
    found = invitation(token, at=at)
    if found is None or not _use(found, at):
        raise PersonError(
            "This invitation was used already or is over; ask an admin for a new one."
        )
    user = found.user
    user.set_password(password)
    user.save(update_fields=["password"])
    trail.record("person.joined", subject=user, by=user, at=at)
    return user


def end_sittings(user: User) -> None:
    """Sign a person out everywhere, at once."""
    for session in Session.objects.all().iterator():
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()


def _use(invitation: Invitation, at: datetime) -> bool:
    unused = Invitation.objects.filter(pk=invitation.pk, used_at=None)
    return unused.update(used_at=at) == 1


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _role(value: str) -> str:
    try:
        return Role(value).value
    except ValueError:
        known = ", ".join(role.value for role in Role)
        raise PersonError(f"There is no role {value!r}; the roles are {known}.", "role") from None


def _check_email(email: str) -> None:
    try:
        validate_email(email.strip())
    except ValidationError:
        raise PersonError(f"{email!r} is not an e-mail address.", "email") from None


def _facts(user: User) -> dict:
    team = user.team.slug if user.team else None
    return {
        "name": Personal(f"person:{user.pk}", user.name),
        "role": user.role,
        "team": team,
        "zone": user.zone,
        "active": user.is_active,
        "approves model": user.approves_model,
    }


def _personal(user: User) -> dict:
    person = f"person:{user.pk}"
    return {"name": Personal(person, user.name), "email": Personal(person, user.email)}


def _refuse_own_role(user: User, role: str, is_active: bool, by: Someone) -> None:
    if isinstance(by, User) and by.pk == user.pk and (role != user.role or not is_active):
        raise NotAllowed("Nobody changes their own role or deactivates themselves.")


def _keep_an_admin(user: User, role: str, is_active: bool) -> None:
    stays = role == Role.ADMIN and is_active
    if user.role != Role.ADMIN or not user.is_active or stays:
        return
    others = User.objects.active().in_role(Role.ADMIN).exclude(pk=user.pk).select_for_update()
    if not others.exists():
        raise PersonError("This is the last active admin; make somebody else admin first.", "role")
