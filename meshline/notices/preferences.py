"""How a person wants to be told: their choices, and what stands where they made none."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings

from meshline.notices import kinds, quiet
from meshline.notices.kinds import CHANNELS, EMAIL, KINDS, NO_DIGEST, SLACK
from meshline.notices.models import Notice, Preferences
from meshline.notices.quiet import Quiet
from meshline.people.models import User
from meshline.policy import roles

# The part that the place where people talk plays; contracts speak of it, too.
CHAT = "chat"


def of(user: User) -> Preferences:
    """A person's preferences; as if nothing was chosen where nothing was."""
    return Preferences.objects.filter(user=user).first() or Preferences(user=user)


def wanted(own: Preferences | None, kind: str, role: str) -> frozenset[str]:
    """The channels outside over which somebody in this role hears of `kind`."""
    about = KINDS.get(kind, KINDS[kinds.RECORD])
    chosen = own.channels.get(kind) if own else None
    return about.channels(role) if chosen is None else frozenset(chosen) & CHANNELS.keys()


def offered_channels() -> dict[str, str]:
    """The channels outside that lead anywhere, each with why not: empty where it does."""
    mail = "" if settings.EMAIL_GOES_OUT else "E-mail is not set up: an admin sets EMAIL_URL."
    chat = "" if roles.connection_for(CHAT) else "No chat is connected yet."
    return {EMAIL: mail, SLACK: chat}


def digest_time(own: Preferences | None, role: str) -> str:
    """When this person's digest comes, such as "08:00"; empty: never."""
    asked = (own.digest_at if own else "") or kinds.DIGEST_AT.get(role, NO_DIGEST)
    return "" if asked == NO_DIGEST else asked


def quiet_until(own: Preferences | None, user: User, at: datetime) -> datetime | None:
    """When the person's quiet hours that reign at that moment end; None when none reign."""
    if own is None or not own.quiet:
        return None
    spans = tuple((day, starts, ends) for day, starts, ends in own.quiet)
    return quiet.until(at, Quiet(zone_of(user).key, spans))


def held_until(own: Preferences | None, notice: Notice, at: datetime) -> datetime | None:
    """Until when this notice waits; None when it may go out at once."""
    if notice.is_critical and own is not None and own.critical_breaks_through:
        return None
    return quiet_until(own, notice.user, at)


def zone_of(user: User) -> ZoneInfo:
    """The person's zone; UTC where theirs is none."""
    try:
        return ZoneInfo(user.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
