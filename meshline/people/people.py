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
# As their rows have room for.
EMAIL_LENGTH, NAME_LENGTH = 254, 120
# Of whom there is always one: who keeps the people, and who keeps the operating model.
_NEEDED = {Role.ADMIN: "admin", Role.MANAGER: "manager"}


class PersonError(Exception):
    """A change to a person that cannot be made, with the field it is about."""

    def __init__(self, sentence: str, field: str | None = None):
        super().__init__(sentence)
        self.field = field


class Stale(PersonError):
    """Somebody else changed them since they were looked at: `seen` was so, `now` it is so."""

    def __init__(self, seen: dict, now: dict) -> None:
        super().__init__("Somebody else changed this person meanwhile; nothing is saved yet.")
        self.seen, self.now = seen, now


@transaction.atomic
def add(
    *, email: str, name: str, role: str, by: Someone, at: datetime,
    team: Team | None = None, zone: str = "UTC",
) -> User:  # fmt: skip
    """Add a person who cannot sign in yet. Raises PersonError when the e-mail is taken."""
    permissions.check(by, Permission.MANAGE_PEOPLE)
    check_email(email)
    if len(name) > NAME_LENGTH:
        raise PersonError(f"A name has at most {NAME_LENGTH} characters.", "name")
    if User.objects.with_email(email).exists():
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
    approves_model: bool = False, seen: dict | None = None,
) -> User:  # fmt: skip
    """Change a person. Nobody changes their own role; the last active admin and manager stay.

    Raises Stale when they are not as they were `seen` any more: what was shown an hour ago would
    bring back who left since.
    """
    permissions.check(by, Permission.MANAGE_PEOPLE)
    user = _held(user_id)
    before = facts(user)
    if seen is not None and seen != before:
        raise Stale(seen, before)
    told = _told(user)
    check_stays(user, role=role, is_active=is_active, by=by)
    worked, was_active = user.can_be_given_work, user.is_active
    user.name, user.role, user.team, user.zone = name, _role(role), team, zone
    user.is_active, user.approves_model = is_active, approves_model
    if user.can_be_given_work != worked:
        user.deactivated_at = at if worked else None
    user.save()
    # Once: every sitting of everybody is looked into for it.
    if was_active and not is_active:
        end_sittings(user)
        end_invitations(user, at=at)
    if facts(user) != before:
        trail.record("person.changed", subject=user, by=by, at=at, before=told, after=_told(user))
    return user


def check_stays(user: User, *, role: str, is_active: bool, by: Someone) -> None:
    """Raise NotAllowed or PersonError where this person cannot leave, or their role."""
    _refuse_own_role(user, role, is_active, by)
    for needed in _NEEDED:
        _keep_one(needed, user, role, is_active)


@transaction.atomic
def invite(
    *, email: str, role: str, by: Someone, at: datetime, name: str = "",
    team: Team | None = None, again: bool = False,
) -> str:  # fmt: skip
    """A one-time sign-in token for this person, who is added if nobody has that e-mail yet.

    Who has signed in before gets a new link only when it is asked for `again`: whoever holds it
    chooses their password. The links made before it end. Raises PersonError otherwise.
    """
    permissions.check(by, Permission.MANAGE_PEOPLE)
    user = User.objects.select_for_update().with_email(email).first()
    if user is None:
        name = name or name_of(email)
        user = add(email=email, name=name, role=role, team=team, by=by, at=at)
    elif user.role != role:
        raise PersonError(f"{email} is already here as {Role(user.role).label}.", "role")
    elif not user.is_active:
        said = f"{user.name} is inactive and cannot sign in; make them active first."
        raise PersonError(said, "email")
    elif user.has_usable_password() and not again:
        said = f"{user.name} is here already; make them a new link on their own page."
        raise PersonError(said, "email")
    end_invitations(user, at=at)
    token = secrets.token_urlsafe(32)
    expires = at + INVITATION_LASTS
    Invitation.objects.create(user=user, token_hash=_hash(token), expires_at=expires)
    trail.record(
        "person.invited", subject=user, by=by, at=at, after={"until": expires, "again": again}
    )
    return token


def name_of(email: str) -> str:
    """What somebody is called of whom only the e-mail is known."""
    return email.strip().partition("@")[0].replace(".", " ").title()[:NAME_LENGTH]


def check_email(email: str) -> None:
    """Raise PersonError unless this can be somebody's e-mail here."""
    if len(email.strip()) > EMAIL_LENGTH:
        raise PersonError(f"An e-mail has at most {EMAIL_LENGTH} characters.", "email")
    try:
        validate_email(email.strip())
    except ValidationError:
        raise PersonError(f"{email!r} is not an e-mail address.", "email") from None


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
    # Of two links at the same moment the second finds itself ended.
    user = User.objects.select_for_update().get(pk=found.user_id) if found else None
    if found is None or user is None or not _use(found, at):
        raise PersonError(
            "This invitation was used already or is over; ask an admin for a new one."
        )
    end_invitations(user, at=at)
    user.set_password(password)
    user.save(update_fields=["password"])
    trail.record("person.joined", subject=user, by=user, at=at)
    return user


def end_sittings(user: User) -> None:
    """Sign a person out everywhere, at once."""
    for session in Session.objects.all().iterator():
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()


def end_invitations(user: User, *, at: datetime) -> None:
    """Whoever holds a link to this account holds nothing any more."""
    user.invitations.filter(used_at=None, expires_at__gt=at).update(expires_at=at)


def facts(user: User) -> dict:
    """A person for who looks whether they are still as they saw them."""
    return {
        "name": user.name,
        "role": user.role,
        "team": user.team.slug if user.team else None,
        "zone": user.zone,
        "active": user.is_active,
        "approves model": user.approves_model,
    }


def _use(invitation: Invitation, at: datetime) -> bool:
    unused = Invitation.objects.filter(pk=invitation.pk, used_at=None, expires_at__gt=at)
    return unused.update(used_at=at) == 1


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _role(value: str) -> str:
    try:
        return Role(value).value
    except ValueError:
        known = ", ".join(role.value for role in Role)
        raise PersonError(f"There is no role {value!r}; the roles are {known}.", "role") from None


def _told(user: User) -> dict:
    """The same for the trail, where the name is sealed."""
    return {**facts(user), "name": Personal(f"person:{user.pk}", user.name)}


def _personal(user: User) -> dict:
    person = f"person:{user.pk}"
    return {"name": Personal(person, user.name), "email": Personal(person, user.email)}


def _refuse_own_role(user: User, role: str, is_active: bool, by: Someone) -> None:
    if isinstance(by, User) and by.pk == user.pk and (role != user.role or not is_active):
        raise NotAllowed("Nobody changes their own role or deactivates themselves.")


def _held(user_id: int) -> User:
    """A person, held with everybody of whom one stays: who removes another one waits, and of two
    who do it at the same moment none waits for the other in a ring."""
    needed = User.objects.active().filter(role__in=_NEEDED)
    held = (needed | User.objects.filter(pk=user_id)).select_for_update().order_by("pk")
    try:
        return next(one for one in held if one.pk == user_id)
    except StopIteration:
        raise User.DoesNotExist from None


def _keep_one(needed: Role, user: User, role: str, is_active: bool) -> None:
    stays = role == needed and is_active
    if user.role != needed or not user.is_active or stays:
        return
    others = User.objects.active().in_role(needed).exclude(pk=user.pk)
    if not others.exists():
        what = _NEEDED[needed]
        raise PersonError(
            f"This is the last active {what}; make somebody else {what} first.", "role"
        )
