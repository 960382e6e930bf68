"""Who can be given work right now."""

from datetime import datetime

from meshline.people.models import OnCallShift, Team, User


def is_available(user: User | None, *, at: datetime) -> bool:
    """Active, and not away at that moment."""
    return user is not None and User.objects.present(at).filter(pk=user.pk).exists()


def on_call(team: Team, *, at: datetime) -> User | None:
    """Who of the team is on shift at that moment and present."""
    shifts = OnCallShift.objects.filter(team=team, starts_at__lte=at, ends_at__gt=at)
    present = User.objects.present(at)
    shift = shifts.filter(user__in=present).select_related("user").order_by("starts_at").first()
    return shift.user if shift else None


def someone_in(team: Team, *, at: datetime) -> User | None:
    """The team's person for now: on call, or its lead, or its longest-standing member present."""
    if user := on_call(team, at=at):
        return user
    if is_available(team.lead, at=at):
        return team.lead
    return User.objects.present(at).filter(team=team).order_by("pk").first()


def stand_in_for(user: User, *, at: datetime) -> User | None:
    """Who has this person's work at that moment: themselves, or a chain of stand-ins."""
    seen: set[int] = set()
    current: User | None = user
    while current is not None and current.pk not in seen:
        if is_available(current, at=at):
            return current
        seen.add(current.pk)
        absence = current.absences.filter(starts_at__lte=at, ends_at__gt=at).first()
        current = absence.stand_in if absence else None
    return None
